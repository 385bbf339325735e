from __future__ import annotations

import math
import struct
import sys
from pathlib import Path

import numpy as np
import pytest
from journal.journals import MODES, Mode, Point, Reports, flat, open_writer, read_events, read_points

from epochal._journal.reader import MetricsReader


@pytest.mark.parametrize("mode", MODES)
def test_every_float_comes_back_bit_for_bit(tmp_path: Path, mode: Mode) -> None:
    """NaN payloads, infinities, -0.0, huge and tiny values are data; so are odd steps."""
    payload_nan = struct.unpack("<d", bytes.fromhex("efbeadde0000f87f"))[0]
    odd = [payload_nan, -math.nan, math.inf, -math.inf, -0.0, 5e-324, sys.float_info.max, -1e-300, 2.0**53, 0.1]
    writer = open_writer(tmp_path, mode=mode)
    for step in odd:
        writer.append_points({"v": step, "w": 1.5}, step, None)
    writer.close()
    expected = [
        Point.of(2 * i + j, name, x, v) for i, x in enumerate(odd) for j, (name, v) in enumerate([("v", x), ("w", 1.5)])
    ]
    assert read_points(writer.directory) == (expected, [])


@pytest.mark.parametrize("mode", MODES)
def test_integers_and_bools_become_floats(tmp_path: Path, mode: Mode) -> None:
    writer = open_writer(tmp_path, mode=mode)
    writer.append_points({"int": 2**60, "bool": True, "numpy": np.float32(0.5)}, np.int64(7), None)  # type: ignore[arg-type]
    writer.close()
    points, _ = read_points(writer.directory)
    assert points == [Point.of(0, "int", 7, 2.0**60), Point.of(1, "bool", 7, 1.0), Point.of(2, "numpy", 7, 0.5)]


@pytest.mark.parametrize("mode", MODES)
def test_rotation_keeps_every_point_in_order(tmp_path: Path, mode: Mode) -> None:
    """Small segments force many rotations; names are defined again in each."""
    writer = open_writer(tmp_path, mode=mode, max_segment_bytes=4096)
    names = ["short", "exactly sixteen.", "a name of more than sixteen bytes", "ünïcode/größe/指标/🙂" * 9]
    for i in range(700):
        writer.append_points({name: i + j / 8 for j, name in enumerate(names)}, None, None)
    writer.close()
    expected = [Point.of(4 * i + j, name, i, i + j / 8) for i in range(700) for j, name in enumerate(names)]
    points, damage = read_points(writer.directory, at_once=1000)
    assert (points, damage) == (expected, [])
    assert len(list(writer.directory.glob("*.seg"))) > 20
    assert writer.counts == (0, 2800)


def test_segments_double_up_to_the_limit(tmp_path: Path) -> None:
    writer = open_writer(tmp_path, mode="mapped", max_segment_bytes=256 * 1024)
    for _ in range(30_000):
        writer.append_points({"a": 1.0}, None, None)
    sizes = [path.stat().st_size for path in sorted(writer.directory.glob("*.seg"))]
    assert sizes[:4] == [65536, 131072, 262144, 262144]
    writer.close()


@pytest.mark.parametrize("mode", MODES)
def test_given_times_come_back_for_their_points_only(tmp_path: Path, mode: Mode) -> None:
    """``time=`` for every call, for some, and for large calls; also across rotations."""
    writer = open_writer(tmp_path, mode=mode, max_segment_bytes=4096)
    expected: list[Point] = []
    for i in range(300):
        when = None if i % 3 == 0 else -5000 + i
        metrics = {f"m{j}": float(j) for j in range(i % 7)} | (
            {f"many{j}": 1.0 for j in range(1500)} if i == 100 else {}
        )
        writer.append_points(metrics, i, when)
        expected += [Point.of(len(expected) + k, n, i, v, when) for k, (n, v) in enumerate(metrics.items())]
    writer.close()
    assert read_points(writer.directory, at_once=77) == (expected, [])


def test_a_bad_value_in_a_timed_call_does_not_shift_times(tmp_path: Path) -> None:
    reports = Reports()
    writer = open_writer(tmp_path, reports=reports)
    writer.append_points({"a": 1.0, "b": "text", "": 2.0, "c": 3, "d": 10**400}, 0, 123)
    writer.append_points({"a": 4.0}, 1, None)
    writer.close()
    points, damage = read_points(writer.directory)
    assert points == [Point.of(0, "a", 0, 1, 123), Point.of(1, "c", 0, 3, 123), Point.of(2, "a", 1, 4)]
    assert damage == []
    assert writer.lost == {"value": 2, "name": 1}
    assert sorted(reports.kinds()) == ["name", "value", "value"]


def test_bad_items_are_counted_and_the_others_kept(tmp_path: Path) -> None:
    """Wrong values and names are told with the value and what is accepted; nothing is raised."""
    reports = Reports()
    writer = open_writer(tmp_path, reports=reports)
    bad = {"text": "high", "none": None, "": 1.0, 5: 2.0, "\ud800": 3.0, "n" * 70_000: 4.0, "huge": 10**400}
    writer.append_points({"before": 1.0, **bad, "after": 2.0}, 3, None)  # type: ignore[dict-item]
    writer.close()
    assert read_points(writer.directory)[0] == [Point.of(0, "before", 3, 1), Point.of(1, "after", 3, 2)]
    assert writer.lost == {"value": 3, "name": 4}
    texts = " ".join(text for _, text in reports.told)
    assert "'high'" in texts
    assert "65,535 bytes" in texts
    assert "5 was refused" in texts


def test_the_longest_name_is_kept(tmp_path: Path) -> None:
    name = "ä" * 32_767 + "x"
    writer = open_writer(tmp_path, max_segment_bytes=4096)
    writer.append_points({name: 1.0, "b": 2.0}, 0, None)
    writer.close()
    assert read_points(writer.directory) == ([Point.of(0, name, 0, 1), Point.of(1, "b", 0, 2)], [])


@pytest.mark.long
def test_a_hundred_thousand_names(tmp_path: Path) -> None:
    metrics = {f"layer{i}/grad": float(i) for i in range(100_000)}
    writer = open_writer(tmp_path)
    writer.append_points(metrics, 0, None)
    for name in list(metrics)[::100]:
        writer.append_points({name: -1.0}, 1, None)
    writer.close()
    points, damage = read_points(writer.directory, at_once=30_000)
    first = [Point.of(i, name, 0, value) for i, (name, value) in enumerate(metrics.items())]
    second = [Point.of(100_000 + i, name, 1, -1) for i, name in enumerate(list(metrics)[::100])]
    assert damage == []
    assert points == first + second


def test_steps_count_up_from_the_greatest(tmp_path: Path) -> None:
    writer = open_writer(tmp_path)
    writer.append_points({"a": 0.0}, None, None)
    writer.append_points({"a": 0.0}, 10.5, None)
    writer.append_points({"a": 0.0}, 3, None)
    writer.append_points({"a": 0.0}, math.nan, None)
    writer.append_points({"a": 0.0}, math.inf, None)
    writer.append_points({"a": 0.0}, None, None)
    assert writer.next_step == 12.5
    writer.next_step = 100
    writer.append_points({"a": 0.0}, None, None)
    writer.close()
    steps = [point.step for point in read_points(writer.directory)[0]]
    assert steps == [struct.pack("<d", x) for x in (0, 10.5, 3, math.nan, math.inf, 11.5, 100)]


def test_time_never_runs_backwards_within_a_writer(tmp_path: Path) -> None:
    """Whatever the clock does; a leap of fifty days forward needs another segment."""
    times = iter([5_000_000, 4_000_000, 6_000_000, 1_000, 50 * 86_400_000_000, 7_000_000])
    writer = open_writer(tmp_path, now_us=lambda: next(times))
    for _ in range(4):
        writer.append_points({"a": 1.0}, None, None)
    assert writer.now_us() == 50 * 86_400_000_000
    writer.append_points({"a": 1.0}, None, None)
    writer.close()
    logged = [ms for piece in MetricsReader(writer.directory).read(100) for ms in piece.rows["logged_ms"].tolist()]
    assert logged == [5_000, 5_000, 6_000, 6_000, 50 * 86_400_000]


def test_a_reader_follows_a_live_writer_and_resumes_anywhere(tmp_path: Path) -> None:
    writer = open_writer(tmp_path, max_segment_bytes=4096)
    reader = MetricsReader(writer.directory)
    seen: list[Point] = []
    assert reader.read(10) == []
    for i in range(1000):
        writer.append_points({"a": i, "b": -i}, None, None)
        if i % 13 == 0:
            seen += flat(reader.read(17))
    while pieces := reader.read(17):
        seen += flat(pieces)
    assert [point.seq for point in seen] == list(range(2000))
    assert reader.damage == []
    assert reader.next_seq == 2000
    done = reader.fully_read_segments()
    assert done == sorted(writer.directory.glob("*.seg"))[: len(done)]
    assert len(done) >= 10
    for path in done:
        path.unlink()
    for start in (1990, 1999, 2000):
        assert read_points(writer.directory, start_seq=start) == (seen[start:], [])
    writer.close()


@pytest.mark.parametrize("mode", MODES)
def test_events_come_back_in_order_with_their_numbers(tmp_path: Path, mode: Mode) -> None:
    writer = open_writer(tmp_path, mode=mode)
    payloads = [b'{"n": %d}' % i * (1 + i % 50) for i in range(300)]
    assert [writer.append_event(payload) for payload in payloads] == list(range(300))
    writer.close()
    assert read_events(writer.directory) == (list(enumerate(payloads)), [])


def test_a_writer_that_logs_nothing_leaves_nothing(tmp_path: Path) -> None:
    writer = open_writer(tmp_path)
    writer.append_points({}, None, None)
    writer.close()
    writer.close()
    assert list(tmp_path.iterdir()) == []


def test_what_is_logged_after_close_is_counted(tmp_path: Path) -> None:
    reports = Reports()
    writer = open_writer(tmp_path, reports=reports)
    writer.append_points({"a": 1.0}, None, None)
    writer.close()
    writer.append_points({"a": 1.0, "b": 2.0}, None, None)
    assert writer.append_event(b"{}") is None
    assert writer.lost == {"closed": 2, "events": 1}
    assert reports.kinds() == ["closed", "events"]


def test_syncing_says_whether_it_is_done(tmp_path: Path) -> None:
    writer = open_writer(tmp_path)
    writer.append_points({"a": 1.0}, None, None)
    writer.append_event(b"{}")
    assert writer.sync()
    writer.close()
    assert read_points(writer.directory)[0] == [Point.of(0, "a", 0, 1)]
