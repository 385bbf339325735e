"""Frames survive the way over Kafka, and messages are those that docs/wire-format.md defines."""

from __future__ import annotations

import base64
import json
import struct
from pathlib import Path
from typing import Any
from uuid import UUID

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from wire.messages import OWNERS, ROWS, TEXTS, Row, points_of, rows_of

from epochal._journal.reader import Record
from epochal._kafka.wire import Outgoing, Owner, encode_event, encode_points
from epochal_processors.frames import EventFrame, PointFrame
from epochal_processors.wire import decode

DOCUMENT = (Path(__file__).parents[2] / "docs" / "wire-format.md").read_text(encoding="utf-8")
VECTORS = json.loads(DOCUMENT.split("## Messages on Kafka")[1].split("```json")[1].split("```")[0])


def row_of(point: dict[str, Any]) -> Row:
    return point["metric"], point["step"], int(point["v"], 16), point["logged"], point["occurred"]


def value_of(vector: dict[str, Any]) -> bytes:
    return vector["text"].encode() if "text" in vector else base64.b64decode(vector["base64"])


def headers_of(vector: dict[str, Any]) -> list[tuple[str, bytes | None]]:
    return [(name, text.encode()) for name, text in vector["headers"].items()]


def encoded(vector: dict[str, Any]) -> Outgoing:
    """The message that this implementation makes of the vector's frame."""
    said = vector["frame"]
    if "points" not in said:
        record = Record(said["seq"], bytes.fromhex(said["salt"]), value_of(vector))
        return encode_event(UUID(said["writer"]), said["project"], record)
    component = None if said["component"] is None else UUID(said["component"])
    points = points_of([row_of(point) for point in said["points"]], said["first_seq"], names=("never used",))
    return encode_points(Owner(said["project"], component, said["rank"]), points)


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["what"])
def test_the_documented_messages_are_read(vector: dict[str, Any]) -> None:
    """The messages of the document, byte for byte, are the frames beside them."""
    said = vector["frame"]
    frame = decode(headers_of(vector), vector["key"].encode(), value_of(vector))
    assert (str(frame.writer), frame.project) == (said["writer"], said["project"])
    if isinstance(frame, EventFrame):
        assert frame.records == (Record(said["seq"], bytes.fromhex(said["salt"]), value_of(vector)),)
        assert frame.first_seq == said["seq"]
    else:
        component = None if frame.component is None else str(frame.component)
        assert (component, frame.rank, frame.first_seq) == (said["component"], said["rank"], said["first_seq"])
        assert rows_of(frame.points) == [row_of(point) for point in said["points"]]


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["what"])
def test_the_documented_messages_are_what_is_sent(vector: dict[str, Any]) -> None:
    """What this implementation sends has the documented key and headers, and a value that reads the same."""
    sent = encoded(vector)
    assert sent.key.decode() == vector["key"]
    assert {name: value.decode() for name, value in sent.headers} == vector["headers"]
    assert (sent.channel == "lifecycle") == ("text" in vector)
    if "text" in vector:
        assert sent.value == value_of(vector)
    else:
        frame = decode([*sent.headers], sent.key, sent.value)
        assert isinstance(frame, PointFrame)
        assert rows_of(frame.points) == [row_of(point) for point in vector["frame"]["points"]]


@given(OWNERS, st.lists(ROWS, min_size=1, max_size=50), st.integers(0, 2**62), TEXTS)
def test_points_come_back_bit_for_bit(owner: Owner, rows: list[Row], first_seq: int, unused: str) -> None:
    """Every name, float, time and number that a journal can hold."""
    sent = encode_points(owner, points_of(rows, first_seq, names=(unused,)))
    frame = decode([*sent.headers, ("traceparent", b"\xff")], sent.key, sent.value)
    assert isinstance(frame, PointFrame)
    assert (frame.project, frame.component, frame.rank) == (owner.project, owner.component, owner.rank)
    assert (frame.first_seq, frame.count) == (sent.first_seq, sent.count) == (first_seq, len(rows))
    assert frame.points.rows["seq"].tolist() == list(range(first_seq, first_seq + len(rows)))
    assert list(map(bits, rows_of(frame.points))) == list(map(bits, rows))


@given(st.uuids(), TEXTS, st.integers(0, 2**63 - 1), st.binary(min_size=16, max_size=16), st.binary(max_size=200))
def test_events_come_back_byte_for_byte(writer: UUID, project: str, seq: int, salt: bytes, payload: bytes) -> None:
    """Any payload travels, readable or not: what is wrong with it is for the decoder of events to say."""
    sent = encode_event(writer, project, Record(seq, salt, payload))
    frame = decode([*sent.headers], sent.key, sent.value)
    assert frame == EventFrame(writer, project, seq, (Record(seq, salt, payload),))


@pytest.mark.parametrize("at", [10**30, -(10**30), 253_402_300_800_000_000])
def test_a_time_that_rfc_3339_cannot_write_is_left_out(at: int) -> None:
    """Such an event still travels."""
    payload = json.dumps({"type": "epochal.note.written", "v": 1, "project": "p", "at": at, "data": {}}).encode()
    sent = encode_event(UUID(int=1), "p", Record(0, bytes(16), payload))
    assert "ce_time" not in dict(sent.headers)
    assert decode([*sent.headers], sent.key, sent.value).count == 1


def test_many_points_take_little_room() -> None:
    """Ten metrics a step with noisy values: Arrow and zstd need less than 12 bytes a point, all headers included."""
    count = 20_000
    noise = np.random.default_rng(1).normal(size=count).view(np.uint64).tolist()
    rows: list[Row] = [
        (f"metric/{i % 10}", float(i // 10), noise[i], 1_700_000_000_000 + i, 1_700_000_000_000 + i)
        for i in range(count)
    ]
    sent = encode_points(Owner("p", UUID(int=1), 0), points_of(rows))
    assert sent.size / count < 12


def bits(row: Row) -> tuple[str, bytes, int, int, int]:
    """A row with its step as bytes: 0.0 and -0.0 are equal as numbers."""
    return row[0], struct.pack("<d", row[1]), row[2], row[3], row[4]
