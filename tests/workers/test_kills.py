"""Workers killed, stopped and replaced at random moments under load: every row of every table is as it must be."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator

import pytest
from injecting import TIMES, Chaos
from kafka_field import Field
from tcp_proxy import Proxy
from worker_process import WorkerProcess, until
from workers.worlds import World, check

pytestmark = pytest.mark.kafka
SESSION_S = 3.0
SESSION = {"EPOCHAL_WORKER_SESSION": str(SESSION_S)}


@pytest.fixture
def slowly(field: Field) -> Iterator[dict[str, str]]:
    """Settings of workers that insert slowly, table by table: what is killed or stopped is in the middle of it."""
    with Proxy(field.store_port()) as proxy:
        proxy.delay_s = 0.03
        yield {**field.store_behind(proxy.port), "EPOCHAL_WORKER_SESSION": str(SESSION_S)}


def one_at_work(workers: list[WorkerProcess], chaos: Chaos) -> WorkerProcess:
    """Any one that has stored something, once there is one."""
    until(lambda: any(worker.stored() for worker in workers), "somebody is at it")
    return chaos.dice.choice([worker for worker in workers if worker.stored()])


@pytest.mark.chaos("SIGKILL of a worker in the middle of a batch")
def test_a_worker_killed_at_random_moments_loses_and_doubles_nothing(
    field: Field, chaos: Chaos, slowly: dict[str, str]
) -> None:
    """One of three, while messages wait to be stored; another takes its place."""
    world = World(chaos.dice, jobs=4 + chaos.times // 4)
    pieces = world.pieces(2 * chaos.times)
    workers = [field.worker(**slowly) for _ in range(3)]
    field.send(pieces.pop())
    while chaos.lacking():
        victim = one_at_work(workers, chaos)
        field.send(pieces.pop() if pieces else world.some())
        chaos.pause(1.0)
        if field.behind():
            victim.kill()
            chaos.note()
            workers[workers.index(victim)] = field.worker(**slowly)
    for piece in pieces:
        field.send(piece)
    check(field, world)
    assert len(field.workers) == 3 + chaos.times
    assert [worker.stop() for worker in workers] == [0, 0, 0]


@pytest.mark.chaos("SIGKILL of every worker at once")
def test_all_workers_killed_at_once_lose_and_double_nothing(field: Field, chaos: Chaos, slowly: dict[str, str]) -> None:
    """Both at the same moment, while messages wait to be stored, and two new ones."""
    world = World(chaos.dice, jobs=4 + chaos.times // 4)
    pieces = world.pieces(2 * chaos.times)
    workers = [field.worker(**slowly) for _ in range(2)]
    field.send(pieces.pop())
    while chaos.lacking():
        one_at_work(workers, chaos)
        field.send(pieces.pop() if pieces else world.some())
        chaos.pause(1.0)
        if field.behind():
            for worker in workers:
                worker.process.kill()
            for worker in workers:
                worker.kill()
            chaos.note()
            workers = [field.worker(**slowly) for _ in range(2)]
    for piece in pieces:
        field.send(piece)
    check(field, world)


@pytest.mark.chaos("SIGSTOP of a worker beyond its session")
def test_a_zombie_does_no_harm(field: Field, chaos: Chaos, slowly: dict[str, str]) -> None:
    """Stopped in the middle of a batch, until another has done its work: then the stopped one goes on with what it had
    in hand, comes back into the group, and is there when the other is stopped in its turn.
    """
    world = World(chaos.dice, jobs=4 + chaos.times // 4)
    pieces = world.pieces(3 * chaos.times)
    zombie = field.worker(**slowly)
    field.send(pieces.pop())
    until(lambda: zombie.stored() > 0, "it is at it")
    other = field.worker(**slowly)
    while chaos.lacking():
        until(lambda one=zombie: one.process.poll() is None and one.is_ready(), "it is in the group")  # type: ignore[misc]
        field.send(pieces.pop())
        chaos.pause(1.0)
        zombie.signal(signal.SIGSTOP)
        stopped = time.monotonic()
        field.send(pieces.pop())
        until(lambda: not field.behind(), "the other took over")
        until(lambda since=stopped: time.monotonic() - since > SESSION_S, "its session is over")  # type: ignore[misc]
        zombie.signal(signal.SIGCONT)
        chaos.note()
        zombie, other = other, zombie
    for piece in pieces:
        field.send(piece)
    check(field, world)
    assert zombie.stop() == 0
    again = World(chaos.dice, jobs=1)
    field.send(again.messages)  # which only the one that came back can take in
    field.wait()
    assert other.stop() == 0


@pytest.mark.chaos("a worker joins or leaves", times=max(24, TIMES))
def test_workers_that_come_and_go_move_every_partition(field: Field, chaos: Chaos) -> None:
    """Every few seconds for some minutes, under load: every partition is read to its end, again and again."""
    world = World(chaos.dice, jobs=10)
    pieces = world.pieces(chaos.times)
    workers = [field.worker(**SESSION)]
    while chaos.lacking():
        if len(workers) == 1 or (len(workers) < 4 and chaos.dice.random() < 0.5):
            workers.append(field.worker(**SESSION))
        else:
            # one that hasn't begun yet ends as any program does
            leaving = workers.pop(chaos.dice.randrange(len(workers)))
            assert leaving.stop() in (0, -signal.SIGTERM)
        chaos.note()
        field.send(pieces.pop())
        chaos.pause(5.0, 2.0)
        if chaos.injected.total() % 6 == 0:
            field.send(world.some(200))
            until(lambda: not field.behind(), "every partition is read to its end")
    check(field, world)
    assert set(field.committed()) >= set(field.sent)
