"""When ``log()`` has returned, SIGKILL loses nothing: real processes, real kills, every value compared."""

from __future__ import annotations

import random
import sys
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from uuid import UUID

import pytest
from journal.journals import Point, read_events, read_points
from journal.kill_harness import Outcome, Victim
from journal.logging_child import Call, calls

CHILD = Path(__file__).with_name("logging_child.py")


def start(journals: Path, seed: int, *, mode: str = "mapped", max_segment_bytes: int = 16 << 20) -> Victim:
    command = [sys.executable, str(CHILD), str(journals), str(UUID(int=seed)), str(seed), mode, str(max_segment_bytes)]
    return Victim(command, {"PYTHONPATH": str(CHILD.parents[1])})


def points_of(series: list[Call]) -> list[Point]:
    points: list[Point] = []
    for call in series:
        points += [
            Point.of(len(points) + i, name, call.step, value, call.time_ms)
            for i, (name, value) in enumerate(call.metrics.items())
        ]
    return points


def check(journals: Path, seed: int, outcome: Outcome) -> None:
    """All of every call that had returned is there, value for value; of the next call at most a beginning."""
    context = f"seed {seed}, {outcome}"
    assert outcome.was_killed, context
    done = list(islice(calls(seed), outcome.last_returned + 1))
    # the kill may have come after a call returned and before it was acknowledged, and in the middle of one more
    begun = list(islice(calls(seed), outcome.last_returned + 3))
    expected, possible = points_of(done), points_of(begun)
    points, damage = read_points(journals / str(UUID(int=seed)))
    assert damage == [], context
    assert points[: len(expected)] == expected, context
    assert points == possible[: len(points)], context
    events, damage = read_events(journals / str(UUID(int=seed)))
    certain = [call.event for call in done if call.event is not None]
    thinkable = [call.event for call in begun if call.event is not None]
    assert damage == [], context
    assert len(events) >= len(certain), context
    assert events == list(enumerate(thinkable))[: len(events)], context


def delays(seed: int) -> Callable[[], float]:
    rng = random.Random(seed)
    return lambda: rng.choice([rng.uniform(0, 0.01), rng.uniform(0, 0.1), rng.uniform(0, 0.4)])


@pytest.mark.long
@pytest.mark.parametrize("mode", ["mapped", "written"])
def test_a_kill_loses_nothing_that_had_returned(tmp_path: Path, mode: str) -> None:
    """Twenty kills: half inside the first 10 ms, all with segments so small that rotation is hit."""
    rng = random.Random(7)
    for seed in range(1, 11):
        delay = rng.uniform(0, 0.01 if seed % 2 else 0.15)
        victim = start(tmp_path, seed, mode=mode, max_segment_bytes=4096)
        victim.wait_until_ready()
        check(tmp_path, seed, victim.kill_after(delay))


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["mapped", "written"])
@pytest.mark.parametrize("max_segment_bytes", [4096, 16 << 20])
def test_many_kills_of_one_process(tmp_path: Path, mode: str, max_segment_bytes: int) -> None:
    """Fifty kills each way: small segments (rotation all the time) and full-size ones."""
    delay = delays(max_segment_bytes)
    for seed in range(1, 51):
        print(f"seed {seed}")
        victim = start(tmp_path, seed, mode=mode, max_segment_bytes=max_segment_bytes)
        victim.wait_until_ready()
        check(tmp_path, seed, victim.kill_after(delay()))


@pytest.mark.slow
def test_kills_inside_the_first_ten_milliseconds(tmp_path: Path) -> None:
    rng = random.Random(11)
    for seed in range(1, 41):
        print(f"seed {seed}")
        victim = start(tmp_path, seed)
        victim.wait_until_ready()
        check(tmp_path, seed, victim.kill_after(rng.uniform(0, 0.01)))


@pytest.mark.slow
def test_kills_of_eight_processes_at_once(tmp_path: Path) -> None:
    """Eight writers share the disk and the directory; each is killed at its own moment."""
    delay = delays(8)
    for turn in range(6):
        victims = {seed: start(tmp_path, seed) for seed in range(100 * turn + 1, 100 * turn + 9)}
        for victim in victims.values():
            victim.wait_until_ready()
        outcomes = {seed: victim.kill_after(delay()) for seed, victim in victims.items()}
        for seed, outcome in outcomes.items():
            print(f"seed {seed}")
            check(tmp_path, seed, outcome)
