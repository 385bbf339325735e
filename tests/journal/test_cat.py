"""``cat`` shows everything that is in a journal, and how it ends."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from journal.journals import open_writer

from epochal._journal.cat import cat


def make(tmp_path: Path) -> Path:
    writer = open_writer(tmp_path, now_us=lambda: 1_700_000_000_000_000)
    writer.append_event(b'{"type":"epochal.note.written","v":1,"data":{"text":"hello"}}')
    writer.append_points({"loss": 0.5, "nan": float("nan")}, 3, None)
    writer.append_points({"loss": 1}, 4, 0)
    writer.close()
    return writer.directory


def test_text_for_people(tmp_path: Path) -> None:
    lines = list(cat(make(tmp_path)))
    assert lines == [
        'event 0  epochal.note.written  {"text": "hello"}',
        "point 0  loss = 0.5  step 3.0  logged_at 2023-11-14T22:13:20.000Z",
        "point 1  nan = nan  step 3.0  logged_at 2023-11-14T22:13:20.000Z",
        "point 2  loss = 1.0  step 4.0  logged_at 2023-11-14T22:13:20.000Z  occurred_at 1970-01-01T00:00:00.000Z",
        "end  events 1  points 3  ending clean",
    ]


def test_json_for_machines(tmp_path: Path) -> None:
    directory = make(tmp_path)
    segment = next(directory.glob("*.seg"))
    data = bytearray(segment.read_bytes())
    data[128 + 2 * 32 + 20] ^= 1  # in the definition of the name "nan"
    segment.write_bytes(data)
    lines = [json.loads(line) for line in cat(directory, as_json=True)]
    assert [next(iter(line)) for line in lines] == ["event", "point", "point", "damage", "end"]
    assert [line["point"]["seq"] for line in lines[1:3]] == [0, 2]
    assert lines[2]["point"]["occurred_at"] == "1970-01-01T00:00:00.000Z"
    assert (lines[3]["damage"]["first_seq"], lines[3]["damage"]["count"]) == (1, 1)
    assert lines[4]["end"] == {"events": 1, "points": 3, "ending": "clean"}


def test_a_directory_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(NotADirectoryError, match="named after its writer"):
        list(cat(tmp_path / "nothing"))
