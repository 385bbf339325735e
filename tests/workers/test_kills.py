"""Workers killed, stopped and replaced at random moments under load: every row of every table is as it must be.

Each test prints its seed; EPOCHAL_TEST_SEED repeats one, EPOCHAL_TEST_KILLS does it so many times.
"""

from __future__ import annotations

import os
import random
import signal
import time

import pytest
from kafka_field import Field, WorkerProcess, until
from workers.worlds import World, check

pytestmark = pytest.mark.kafka
KILLS = int(os.environ.get("EPOCHAL_TEST_KILLS", "3"))
SESSION = {"EPOCHAL_WORKER_SESSION": "3"}


@pytest.fixture
def dice() -> random.Random:
    """Dice whose seed is printed."""
    seed = int(os.environ.get("EPOCHAL_TEST_SEED", random.SystemRandom().randrange(2**32)))
    print(f"EPOCHAL_TEST_SEED={seed}")
    return random.Random(seed)


def random_moment(dice: random.Random) -> None:
    """Let some time pass: what happens next comes at any moment of a worker's work."""
    time.sleep(dice.random() * 0.6)


def begun(worker: WorkerProcess) -> bool:
    """Whether a worker has stored anything."""
    return worker.metric("epochal_worker_messages_total") > 0


def test_a_worker_killed_at_random_moments_loses_and_doubles_nothing(field: Field, dice: random.Random) -> None:
    """SIGKILL for one of two workers in the middle of its batches; another takes its place."""
    world = World(dice, jobs=4 + 2 * KILLS)
    workers = [field.worker(**SESSION).ready() for _ in range(2)]

    def kill(number: int) -> None:
        if number % 8 == 4:
            random_moment(dice)
            workers.pop(dice.randrange(2)).kill()
            workers.append(field.worker(**SESSION).ready())

    world.send(field, 8 * KILLS, kill)
    check(field, world)
    assert len(field.workers) == 2 + KILLS
    assert [worker.stop() for worker in workers] == [0, 0]


def test_all_workers_killed_at_once_lose_and_double_nothing(field: Field, dice: random.Random) -> None:
    """SIGKILL for every worker at the same moment, and as many new ones."""
    world = World(dice)
    workers = [field.worker(**SESSION).ready() for _ in range(2)]

    def kill(number: int) -> None:
        if number in (3, 6):
            until(lambda: any(begun(worker) for worker in workers), "they are at it")
            random_moment(dice)
            for worker in workers:
                worker.kill()
            workers[:] = [field.worker(**SESSION) for _ in range(2)]

    world.send(field, 9, kill)
    check(field, world)


@pytest.mark.parametrize("turn", range(KILLS))
def test_a_zombie_does_no_harm(field: Field, dice: random.Random, turn: int) -> None:
    """SIGSTOP in the middle of a batch, for longer than the session: another worker does its work and goes on. Then
    the stopped one goes on with what it had in hand, and comes back into the group.
    """
    world = World(dice, jobs=4)
    zombie = field.worker(**SESSION).ready()

    def stop(number: int) -> None:
        if number == 2:
            until(lambda: begun(zombie), f"in turn {turn} it is at it")
            random_moment(dice)
            zombie.signal(signal.SIGSTOP)
        if number == 4:
            other = field.worker(**SESSION)
            until(lambda: begun(other), "the other took over")
            zombie.signal(signal.SIGCONT)

    world.send(field, 6, stop)
    check(field, world)
    assert field.workers[-1].stop() == 0
    again = World(dice, jobs=1)
    field.send(again.messages)  # which only the one that came back can take in
    field.wait()
    assert zombie.stop() == 0


def test_workers_that_come_and_go_move_every_partition(field: Field, dice: random.Random) -> None:
    """Under load somebody joins or leaves every second or so: every partition is read to its end, all the time."""
    world = World(dice, jobs=10)
    workers = [field.worker(**SESSION)]

    def change(number: int) -> None:
        if number % 3 == 0 and len(workers) < 3:
            workers.append(field.worker(**SESSION))
        elif number % 3 == 2 and len(workers) > 1:
            # one that hasn't begun yet ends as any program does
            assert workers.pop(0).stop() in (0, -signal.SIGTERM)
        random_moment(dice)

    world.send(field, 18, change)
    check(field, world)
    assert set(field.committed()) >= set(field.sent)
