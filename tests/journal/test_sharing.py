"""Threads, signal handlers and forks that share a writer."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import sys
import threading
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest
from journal.journals import MODES, Mode, Point, open_writer, read_events, read_points

from epochal._journal.writer import JournalWriter


@pytest.mark.parametrize("mode", MODES)
def test_eight_threads_lose_nothing_and_keep_their_order(tmp_path: Path, mode: Mode) -> None:
    writer = open_writer(tmp_path, mode=mode, max_segment_bytes=8192)

    def work(thread: int) -> None:
        for i in range(500):
            writer.append_points({f"t{thread}": i, "shared": thread}, i, None)
            if i % 50 == 0:
                writer.append_event(b"%d %d" % (thread, i))

    threads = [threading.Thread(target=work, args=(t,)) for t in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    writer.close()
    points, damage = read_points(writer.directory)
    assert damage == []
    assert len(points) == 8000
    for t in range(8):
        mine = [point for point in points if point.name == f"t{t}"]
        assert [(p.step, p.value) for p in mine] == [
            (x.step, x.value) for x in (Point.of(0, "", i, i) for i in range(500))
        ]
    events, _ = read_events(writer.directory)
    for t in range(8):
        assert [int(payload.split()[1]) for _, payload in events if payload.startswith(b"%d " % t)] == list(
            range(0, 500, 50)
        )


@contextlib.contextmanager
def alarm(handler: object, interval_s: float) -> Iterator[None]:
    before = signal.signal(signal.SIGALRM, handler)  # type: ignore[arg-type]  # a handler
    signal.setitimer(signal.ITIMER_REAL, interval_s, interval_s)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


@pytest.mark.usefixtures("untraced")
@pytest.mark.parametrize("mode", MODES)
def test_a_signal_handler_that_logs_neither_deadlocks_nor_loses(tmp_path: Path, mode: Mode) -> None:
    """The handler interrupts ``log`` on its own thread all the time; all its calls are there, whole."""
    writer = open_writer(tmp_path, mode=mode, max_segment_bytes=8192)
    handled: list[int] = []
    numbers = count()

    def handler(*_: object) -> None:
        mine = next(numbers)  # a handler may interrupt another one
        writer.append_points({"handler": mine, "second": -mine}, mine, None)
        assert writer.append_event(b"event %d" % mine) is not None
        handled.append(mine)

    sent = 0
    with alarm(handler, 0.0002):
        while len(handled) < 300:
            writer.append_points({"main": sent, "b": 1.0, "c": 2.0}, sent, None)
            sent += 1
    writer.close()
    points, damage = read_points(writer.directory)
    assert damage == []
    by_name = {name: [p.value for p in points if p.name == name] for name in ("main", "handler", "second")}
    assert by_name["main"] == [Point.of(0, "", 0, i).value for i in range(sent)]
    assert sorted(by_name["handler"]) == sorted(Point.of(0, "", 0, i).value for i in handled)
    assert sorted(by_name["second"]) == sorted(Point.of(0, "", 0, -i).value for i in handled)
    events = [payload for _, payload in read_events(writer.directory)[0]]
    assert sorted(events) == sorted(b"event %d" % i for i in handled)
    assert writer.lost == {}


class InterruptedByTestError(Exception):
    pass


@pytest.mark.usefixtures("untraced")
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("timed", [False, True])
def test_an_exception_from_a_signal_handler_leaves_a_sound_journal(tmp_path: Path, mode: Mode, timed: bool) -> None:
    """Like Ctrl-C in the middle of ``log``: a call may be kept in part, but nothing written is written over."""
    writer = open_writer(tmp_path, mode=mode, max_segment_bytes=8192)
    rng = random.Random(3)
    interrupted = 0

    def handler(*_: object) -> None:
        raise InterruptedByTestError

    returned: list[int] = []
    before = signal.signal(signal.SIGALRM, handler)
    try:
        number = 0
        while interrupted < 300:
            number += 1
            try:
                signal.setitimer(signal.ITIMER_REAL, rng.uniform(1e-6, 3e-4))
                for _ in range(1000):
                    number += 1
                    metrics = {f"m{i}": number for i in range(5)} | {f"n{number % 97}": number}
                    writer.append_points(metrics, number, number if timed else None)
                    returned.append(number)
            except InterruptedByTestError:
                interrupted += 1
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    writer.close()
    points, damage = read_points(writer.directory)
    assert [one for one in damage if one.count] == []
    assert [point.seq for point in points] == list(range(writer.counts[1]))
    whole: dict[bytes, int] = {}
    for point in points:
        assert point.step == point.value
        assert point.occurred_ms == (int(number_of(point)) if timed else None)
        whole[point.step] = whole.get(point.step, 0) + 1
    assert {number for number in returned if whole.get(Point.of(0, "", number, 0).step) != 6} == set()


def number_of(point: Point) -> float:
    import struct

    return float(struct.unpack("<d", point.step)[0])


@pytest.mark.usefixtures("untraced")
def test_a_forked_child_leaves_its_parents_journal_alone(tmp_path: Path) -> None:
    """The child drops the writer and opens its own; the parent goes on; both journals are whole."""
    writer = open_writer(tmp_path, max_segment_bytes=8192)
    for i in range(200):
        writer.append_points({"parent": i}, i, None)
    child = os.fork()
    if child == 0:
        code = 1
        try:
            code = _log_in_child(writer, tmp_path)
        finally:
            os._exit(code)
    for i in range(200, 400):
        writer.append_points({"parent": i}, i, None)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    writer.close()
    points, damage = read_points(writer.directory)
    assert (points, damage) == ([Point.of(i, "parent", i, i) for i in range(400)], [])
    (other,) = [path for path in tmp_path.iterdir() if path != writer.directory]
    assert read_points(other) == ([Point.of(i, "child", i, i) for i in range(300)], [])


def _log_in_child(inherited: JournalWriter, journals: Path) -> int:
    inherited.after_fork_in_child()
    inherited.append_points({"never": 1.0}, 0, None)
    inherited.close()
    own = open_writer(journals, max_segment_bytes=8192)
    for i in range(300):
        own.append_points({"child": i}, i, None)
    own.close()
    return 0 if inherited.lost == {"closed": 1} else 2


@pytest.mark.long
@pytest.mark.usefixtures("untraced")
def test_a_fork_while_other_threads_log_never_hangs(tmp_path: Path) -> None:
    """Locks that other threads hold at the moment of the fork are not waited for in the child."""
    writer = open_writer(tmp_path, max_segment_bytes=8192)
    stop = threading.Event()

    def work() -> None:
        while not stop.is_set():
            writer.append_points({f"m{i}": 1.0 for i in range(20)}, None, None)
            writer.append_event(b"{}")

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    try:
        for _ in range(8):
            child = os.fork()
            if child == 0:
                signal.alarm(30)  # a hang ends as a signal, which the parent sees
                writer.after_fork_in_child()
                own = open_writer(tmp_path)
                own.append_points({"child": 1.0}, 0, None)
                own.append_event(b"{}")
                own.close()
                os._exit(0)
            assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    writer.close()
    assert read_points(writer.directory)[1] == []


def test_writing_needs_no_numpy_and_no_pydantic() -> None:
    """The SDK stays light: the writing side loads neither."""
    code = (
        "import sys, epochal._journal.writer, epochal._journal.process;"
        "bad = {'numpy', 'pydantic', 'pyarrow', 'ctypes'} & set(sys.modules); sys.exit(repr(bad) if bad else 0)"
    )
    assert os.spawnv(os.P_WAIT, sys.executable, [sys.executable, "-c", code]) == 0
