from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from journal.journals import Point, flat, open_writer, read_events, read_points

from epochal._journal import layout
from epochal._journal.reader import Damage, EventsReader, MetricsReader

LONG_NAME = "a name that needs continuation slots: " + "x" * 40


@pytest.fixture
def points_journal(tmp_path: Path) -> tuple[Path, bytes, list[Point]]:
    """A small journal of one segment: the segment, its bytes, what is in it."""
    writer = open_writer(tmp_path)
    for i in range(6):
        writer.append_points({"loss": i / 3, LONG_NAME: -i}, None, None)
        writer.append_points({"loss": 0.5, "late": float(i)}, None, 1_000_000 + i)
    writer.append_points({"loss": 1.0}, None, None)
    writer.close()
    points, damage = read_points(writer.directory)
    assert (len(points), damage) == (25, [])
    segment = next(writer.directory.glob("*.seg"))
    return segment, segment.read_bytes(), points


@pytest.fixture
def events_journal(tmp_path: Path) -> tuple[Path, bytes, list[tuple[int, bytes]]]:
    """A small lifecycle channel: the file, its bytes, what is in it."""
    writer = open_writer(tmp_path)
    events = [(i, b'{"type":"t","n":%d}' % i + b" " * i) for i in range(8)]
    for _, payload in events:
        writer.append_event(payload)
    writer.close()
    path = writer.directory / layout.EVENTS_FILE
    return path, path.read_bytes(), events


@contextlib.contextmanager
def flipped(path: Path, place: int, bits: int) -> Iterator[None]:
    """The file with some bits of one byte flipped."""
    with path.open("r+b", buffering=0) as file:
        byte = os.pread(file.fileno(), 1, place)[0]
        os.pwrite(file.fileno(), bytes([byte ^ bits]), place)
        yield
        os.pwrite(file.fileno(), bytes([byte]), place)


def slot_kinds(data: bytes) -> list[int]:
    return [int(kind) for kind in np.frombuffer(data[128:], "<u4")[1::8]]


def lost_numbers(damage: list[Damage]) -> list[int]:
    return [seq for one in damage for seq in range(one.first_seq, one.first_seq + one.count)]


def without_times(points: list[Point]) -> list[tuple[int, str, bytes, bytes]]:
    return [(point.seq, point.name, point.step, point.value) for point in points]


def test_a_segment_cut_anywhere_keeps_what_precedes_the_cut(
    points_journal: tuple[Path, bytes, list[Point]],
) -> None:
    """Every length: the points whose slots are whole are there, the rest ended, and nothing is called damaged."""
    segment, data, points = points_journal
    kinds = slot_kinds(data)
    for length in range(len(data), -1, -1):
        os.truncate(segment, length)
        whole = kinds[: max(0, length - 128) // 32]
        kept = sum(kind < layout.FIRST_RESERVED for kind in whole)
        found, damage = read_points(segment.parent)
        assert without_times(found) == without_times(points[:kept]), length
        assert [one for one in damage if one.count or length >= 128] == []


def test_a_torn_tail_is_told_from_a_clean_end(points_journal: tuple[Path, bytes, list[Point]]) -> None:
    segment, data, points = points_journal
    for tail, ending in ((b"", "clean"), (bytes(200), "clean"), (b"\x07" * 33, "torn"), (b"\x07" + bytes(500), "torn")):
        segment.write_bytes(data + tail)
        reader = MetricsReader(segment.parent)
        assert flat(reader.read(1000, final=True)) == points
        assert (reader.ending(), reader.damage) == (ending, [])


@pytest.mark.parametrize("flip", [0x01, 0x80, 0xFF])
def test_every_flipped_byte_is_found_and_costs_only_its_slot(
    points_journal: tuple[Path, bytes, list[Point]], flip: int
) -> None:
    """A flipped byte in a point loses that point; in a name, the points of that name; in a time, no point."""
    segment, data, points = points_journal
    kinds = slot_kinds(data)
    seqs = iter(range(len(points)))
    owner = [next(seqs) if kind < layout.FIRST_RESERVED else None for kind in kinds]
    names = iter(["loss", *[LONG_NAME] * 4, "late"])
    named = [next(names) if kind in (layout.NAME_DEFINITION, layout.NAME_CONTINUATION) else None for kind in kinds]
    last = len(kinds) - 1
    for place in range(128, len(data)):
        slot = (place - 128) // 32
        with flipped(segment, place, flip):
            found, damage = read_points(segment.parent)
        gone = [p.seq for p in points if p.seq == owner[slot] or (named[slot] is not None and p.name == named[slot])]
        expected = [point for point in points if point.seq not in gone]
        assert without_times(found) == without_times(expected), place
        if slot == last:
            # the last call of a journal that ends there can't be told from one that never returned
            assert damage == []
            continue
        assert lost_numbers(damage) == gone, place
        assert damage, place
        if kinds[slot] != layout.TIME:
            assert found == expected
        else:
            assert "their own time" in damage[0].detail


def test_a_flipped_byte_in_a_segment_header_loses_nothing(points_journal: tuple[Path, bytes, list[Point]]) -> None:
    """The check in the header seeds the checks of all slots, so that either half restores the other."""
    segment, _, points = points_journal
    for place in range(0, 128, 3):
        with flipped(segment, place, 0x10):
            found, damage = read_points(segment.parent)
        assert found == points, place
        assert [(one.count, "recovered" in one.detail) for one in damage] == [(0, True)]


def test_a_zeroed_page_loses_its_points_only(tmp_path: Path) -> None:
    """What a power loss may leave: a page of zeros between sound ones; the numbers tell how many points it held."""
    writer = open_writer(tmp_path)
    for i in range(1000):
        writer.append_points({"a": float(i)}, None, None)
    writer.close()
    points, _ = read_points(writer.directory)
    segment = next(writer.directory.glob("*.seg"))
    data = bytearray(segment.read_bytes())
    data[8192:12288] = bytes(4096)
    segment.write_bytes(data)
    found, damage = read_points(writer.directory)
    first = (8192 - 128) // 32 - 1
    assert found == points[:first] + points[first + 128 :]
    assert [(one.first_seq, one.count) for one in damage] == [(first, 128)]
    assert "4096 bytes at byte 8192" in damage[0].detail
    assert read_points(writer.directory, start_seq=first + 200) == (points[first + 200 :], [])


def test_a_missing_segment_is_damage_with_the_exact_number(tmp_path: Path) -> None:
    writer = open_writer(tmp_path, max_segment_bytes=4096)
    for i in range(500):
        writer.append_points({"a": float(i)}, None, None)
    writer.close()
    points, _ = read_points(writer.directory)
    segments = sorted(writer.directory.glob("*.seg"))
    headers = [layout.parse_segment_header(path.read_bytes()[:128]) for path in segments]
    segments[1].unlink()
    os.truncate(segments[2], 128 + 32 * 10)
    found, damage = read_points(writer.directory)
    first, kept, following = headers[1].first_seq, headers[2].first_seq + 9, headers[3].first_seq
    assert found == points[:first] + points[headers[2].first_seq : kept] + points[following:]
    assert lost_numbers(damage) == [*range(first, headers[2].first_seq), *range(kept, following)]


def test_a_hole_in_a_live_journal_is_damage_only_after_a_second(
    points_journal: tuple[Path, bytes, list[Point]],
) -> None:
    """Stores may be seen out of order: a hole is waited for, and read when it fills."""
    segment, data, points = points_journal
    kinds = slot_kinds(data)
    hole = 128 + 32 * (len(kinds) - 3)
    holed = data[:hole] + bytes(32) + data[hole + 32 :]
    clock = [100.0]
    for healed in (True, False):
        segment.write_bytes(holed)
        reader = MetricsReader(segment.parent, monotonic=lambda: clock[0])
        before = flat(reader.read(1000))
        assert before == points[: len(before)]
        clock[0] += 0.9
        assert (reader.read(1000), reader.damage) == ([], [])
        if healed:
            segment.write_bytes(data)
        clock[0] += 0.2
        after = flat(reader.read(1000))
        assert len(before) + len(after) == len(points) - (0 if healed else 1)
        assert [one.count for one in reader.damage] == ([] if healed else [1])


def test_a_large_hole_in_a_live_journal_is_passed_once_its_segment_is_done(tmp_path: Path) -> None:
    """A live segment is searched only a little ahead; what lies behind a larger hole comes with its successor."""
    writer = open_writer(tmp_path)
    for i in range(12_000):
        writer.append_points({"a": i}, i, None)
    segment = sorted(writer.directory.glob("*.seg"))[2]
    first = layout.parse_segment_header(segment.read_bytes()[:128]).first_seq
    with segment.open("r+b") as file:
        file.seek(128 + 32 * 100)
        file.write(bytes(32 * 5000))
    clock = [0.0]
    reader = MetricsReader(writer.directory, monotonic=lambda: clock[0])
    before = flat(reader.read(100_000))
    for _ in range(3):
        clock[0] += 2
        assert (reader.read(100_000), reader.damage) == ([], [])
    assert [point.seq for point in before] == list(range(first + 99))
    for i in range(12_000, 20_000):
        writer.append_points({"a": i}, i, None)
    writer.close()
    assert reader.read(100_000) == []
    clock[0] += 2
    after = flat(reader.read(100_000))
    assert [point.seq for point in after] == list(range(first + 99 + 5000, 20_000))
    assert [(one.first_seq, one.count) for one in reader.damage] == [(first + 99, 5000)]


def test_an_event_file_cut_anywhere_keeps_what_precedes_the_cut(
    events_journal: tuple[Path, bytes, list[tuple[int, bytes]]],
) -> None:
    path, data, events = events_journal
    ends = [64]
    for _, payload in events:
        ends.append(ends[-1] + 32 + len(payload))
    for length in range(len(data), -1, -1):
        os.truncate(path, length)
        whole = max(0, sum(end <= length for end in ends) - 1)
        assert read_events(path.parent) == (events[:whole], [])


@pytest.mark.parametrize("flip", [0x01, 0x80])
def test_every_flipped_byte_of_an_event_is_found_and_costs_only_its_record(
    events_journal: tuple[Path, bytes, list[tuple[int, bytes]]], flip: int
) -> None:
    """Also a flipped length: reading goes on at the next sound record."""
    path, _, events = events_journal
    start = 64
    for victim, (_, payload) in enumerate(events):
        end = start + 32 + len(payload)
        for place in range(start, end):
            with flipped(path, place, flip):
                found, damage = read_events(path.parent)
            assert found == events[:victim] + events[victim + 1 :], place
            assert lost_numbers(damage) == ([victim] if victim < len(events) - 1 else []), place
        start = end


def test_a_flipped_byte_in_the_event_header_loses_nothing(
    events_journal: tuple[Path, bytes, list[tuple[int, bytes]]],
) -> None:
    path, _, events = events_journal
    for place in range(64):
        with flipped(path, place, 0x40):
            found, damage = read_events(path.parent)
        assert found == events, place
        assert [one.count for one in damage] == [0]


def test_a_live_event_file_waits_for_a_record_that_is_not_whole_yet(
    events_journal: tuple[Path, bytes, list[tuple[int, bytes]]],
) -> None:
    path, data, events = events_journal
    path.write_bytes(data[:-5])
    reader = EventsReader(path.parent)
    assert [record.seq for record in reader.read(100)] == list(range(7))
    assert reader.read(100) == []
    path.write_bytes(data)
    assert [(record.seq, record.payload) for record in reader.read(100)] == events[7:]
    assert reader.damage == []


@pytest.mark.parametrize("taken", ["deleted", "cut"])
@pytest.mark.parametrize("later", [1, 20])
def test_an_event_file_made_again_is_read_from_its_beginning(tmp_path: Path, taken: str, later: int) -> None:
    """A reader that was further than the new file reaches, or in the middle of it, misses nothing of what it holds."""
    writer = open_writer(tmp_path)
    for _ in range(6):
        writer.append_event(b"x" * 50)
    reader = EventsReader(writer.directory)
    assert [record.seq for record in reader.read(100)] == list(range(6))
    writer.append_event(b"never read")
    if taken == "deleted":
        shutil.rmtree(writer.directory)
    else:
        os.truncate(writer.directory / layout.EVENTS_FILE, 200)
    kept = [writer.append_event(b"later" * 7) for _ in range(later)]
    assert [record.seq for record in reader.read(100)] == kept
    assert lost_numbers(reader.damage) == [6]
    kept.append(writer.append_event(b"at last"))
    writer.close()
    assert [record.seq for record in reader.read(100)] == kept[later:]
    assert lost_numbers(reader.damage) == [6]


def test_journals_of_a_newer_version_are_left_alone(points_journal: tuple[Path, bytes, list[Point]]) -> None:
    """The error names the version that is needed; the files are not touched."""
    segment, data, _ = points_journal
    body = data[:8] + (9).to_bytes(4, "little") + data[12:124]
    newer = layout._sealed(body + bytes(4)) + data[128:]
    segment.write_bytes(newer)
    with pytest.raises(layout.NewerFormatError, match="format 9"):
        MetricsReader(segment.parent).read(10)
    assert segment.read_bytes() == newer


def test_a_directory_that_is_gone_reads_as_empty(points_journal: tuple[Path, bytes, list[Point]]) -> None:
    segment, _, points = points_journal
    reader = MetricsReader(segment.parent)
    assert flat(reader.read(5)) == points[:5]
    shutil.rmtree(segment.parent)
    assert (reader.read(5), reader.damage) == ([], [])
    assert EventsReader(segment.parent).read(5, final=True) == []
