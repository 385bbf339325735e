"""Stores and brokers that are away, silent or wrong: a worker waits, catches up, or ends loudly."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from breakable import WORKERS, Breakable
from injecting import Chaos
from kafka_field import Field
from tcp_proxy import Proxy
from worker_process import WorkerProcess, until
from workers.worlds import World, check

pytestmark = pytest.mark.kafka


def test_a_server_that_is_away_for_a_while_is_waited_for(field: Field) -> None:
    """Connections are cut in the middle of inserts and refused for a while; the worker keeps its place in the group,
    says that it isn't ready, and catches up by itself.
    """
    world = World(random.Random(7))
    with Proxy(field.store_port()) as proxy:
        worker = field.worker(**field.store_behind(proxy.port)).ready()

        def trouble(number: int) -> None:
            if number in (2, 4):
                until(lambda: worker.metric("epochal_worker_messages_total") > 3 * number, "it goes on")
                proxy.cut()
            if number == 6:
                proxy.refuse = True
                proxy.cut()

        world.send(field, 8, trouble)
        until(lambda: worker.says("the store is away, attempt 3"), "it tries again and again")
        assert worker.metric("epochal_worker_store_away") == 1
        assert worker.get("/readyz") == (503, "the store is away\n")
        assert worker.get("/healthz") == (200, "ok\n")
        assert field.behind()
        proxy.refuse = False
        check(field, world)
        until(lambda: worker.get("/readyz")[0] == 200, "it is ready again")
        assert worker.stop() == 0
        assert field.committed() == {where: offset + 1 for where, offset in field.sent.items()}


STORE_FAULTS = ("connections cut, worker to store", "black hole, worker to store", "slow network, worker to store")


@pytest.mark.chaos(*STORE_FAULTS)
def test_the_network_to_the_store_may_fail(field: Field, chaos: Chaos) -> None:
    """Connections are cut in the middle of inserts, swallow them for a while, or are slow; every row is there."""
    world = World(chaos.dice, jobs=3 + chaos.times // 4)
    pieces = world.pieces(3 * chaos.times + 1)
    plan = [fault for fault in STORE_FAULTS for _ in range(chaos.times)]
    chaos.dice.shuffle(plan)
    with Proxy(field.store_port()) as proxy:
        worker = field.worker(**field.store_behind(proxy.port)).ready()
        for fault in plan:
            field.send(pieces.pop())
            chaos.pause(0.3)
            proxy.swallow = fault.startswith("black")
            proxy.delay_s = 0.2 if fault.startswith("slow") else 0.0
            if proxy.swallow or proxy.delay_s:
                chaos.pause(3.0)
            proxy.mend()
            if not fault.startswith("slow"):
                proxy.cut()
            chaos.note(fault)
        field.send(pieces.pop())
        check(field, world)
        assert worker.stop() == 0


def test_a_worker_stopped_while_the_store_is_away_leaves_everything_to_the_next(field: Field) -> None:
    """SIGTERM ends it with status 0 at once; nothing it had in hand was acknowledged."""
    world = World(random.Random(8), jobs=2)
    with Proxy(field.store_port()) as proxy:
        worker = field.worker(**field.store_behind(proxy.port)).ready()
        proxy.refuse = True
        proxy.cut()
        world.send(field, 1)
        until(lambda: worker.metric("epochal_worker_store_away") == 1, "it says that the store is away")
        assert worker.stop() == 0
    assert not any(field.committed().values())
    field.worker()
    check(field, world)


def test_a_worker_that_stores_nothing_though_something_waits_ends_to_be_started_again(field: Field) -> None:
    """The store takes requests and never answers: no error, no progress. Status 75 after the time that was set; the
    next worker does it all.
    """
    world = World(random.Random(9), jobs=2)
    with Proxy(field.store_port()) as proxy:
        worker = field.worker(**field.store_behind(proxy.port), EPOCHAL_WORKER_STALL="4").ready()
        proxy.swallow = True
        world.send(field, 1)
        assert worker.wait() == 75
        assert worker.says("messages wait, and none was stored for")
    assert not any(field.committed().values())
    field.worker()
    check(field, world)


def test_a_wrong_password_ends_the_worker_at_once(field: Field) -> None:
    """No waiting mends it: status 70, and the password is in no log."""
    port = field.store_port()
    worker = field.worker(**field.store_behind(port, token="guessed-password"))
    assert worker.wait() == 70
    assert worker.says("the token is missing or wrong")
    assert not worker.says("guessed-password")


def test_a_worker_waits_for_a_broker_that_is_not_there_yet(field: Field) -> None:
    """It says so, and begins when there is one."""
    world = World(random.Random(10), jobs=1)
    broker = int(field.servers.rpartition(":")[2])
    with Proxy(broker) as proxy:
        proxy.refuse = True
        worker = field.worker(EPOCHAL_KAFKA=f"127.0.0.1:{proxy.port}")
        until(lambda: worker.says("Kafka isn't there yet"), "it says that it waits")
        proxy.refuse = False
        world.send(field, 1)
        check(field, world)
        assert worker.stop() == 0


def begin_in_trouble(worker: WorkerProcess, proxy: Proxy, chaos: Chaos) -> None:
    """Wait until a proxy begins to refuse and a little longer, mend it, and wait until the worker is ready or ends."""
    until(lambda: proxy.refuse or worker.is_ready(), "it has asked so often")
    chaos.pause(1.0)
    proxy.mend()
    until(lambda: worker.is_ready() or worker.process.poll() is not None, "it waits or ends")


@pytest.mark.chaos("broker away from the n-th connection of a worker on")
def test_a_broker_may_go_away_while_a_worker_begins(
    breakable: Breakable, topic_prefix: str, tmp_path: Path, chaos: Chaos
) -> None:
    """Whatever it was just about to ask: it waits, or ends with the status that has a supervisor start it again."""
    world = World(chaos.dice, jobs=1)
    field = Field(breakable.cluster.bootstrap, topic_prefix, tmp_path / "field", supervised=True)
    proxy = breakable.proxies[WORKERS]
    try:
        while chaos.lacking():
            proxy.refuse_soon(chaos.dice.randrange(16))
            worker = field.worker(EPOCHAL_KAFKA=breakable.servers(WORKERS))
            begin_in_trouble(worker, proxy, chaos)
            assert worker.process.poll() in (None, 75), worker.log.read_text()
            worker.kill()
            chaos.note()
        field.worker()
        world.send(field, 1)
        check(field, world)
    finally:
        field.close()


@pytest.mark.chaos("SIGKILL of the broker under workers")
def test_a_broker_killed_under_a_worker_costs_nothing(
    breakable: Breakable, topic_prefix: str, tmp_path: Path, chaos: Chaos
) -> None:
    """SIGKILL of the only broker in the middle of the work, and the same one again after a while. The worker goes on,
    or ends with a status that tells its supervisor to start it again; in the end every row is there.
    """
    world = World(chaos.dice, jobs=3 + chaos.times // 4)
    pieces = world.pieces(2 * chaos.times)
    field = Field(breakable.cluster.bootstrap, topic_prefix, tmp_path / "field", supervised=True)
    try:
        field.worker()
        while chaos.lacking():
            field.send(pieces.pop())
            until(lambda: any(worker.stored() for worker in field.workers), "it is at it")
            chaos.pause(0.3)
            breakable.cluster.kill(0)
            chaos.note()
            chaos.pause(2.0)
            breakable.cluster.start(0)
            field.wait()
        for piece in pieces:
            field.send(piece)
        check(field, world)
    finally:
        field.close()


def test_what_a_store_lacks_is_read_again_though_it_was_acknowledged(field: Field) -> None:
    """Another store for the same topics, as after a disk was lost: all of it is in there, too. As long as a worker of
    the same group is at work for the old store the new one says so, and waits.
    """
    world = World(random.Random(13), jobs=2)
    first = field.worker()
    world.send(field, 2)
    check(field, world)
    lost = field.another_store()
    assert field.behind()
    second = field.worker()
    until(lambda: second.says("stop all of them for a moment"), "it says that others are at work")
    assert first.stop() == 0
    check(field, world)
    assert second.says("the store lacks what was committed; it is read again from")
    assert lost.exists()
    assert second.stop() == 0


def test_a_topic_made_anew_under_a_store_is_refused(field: Field) -> None:
    """The places of old messages are taken: status 70, and the way out is named."""
    world = World(random.Random(14), jobs=1)
    first = field.worker()
    world.send(field, 1)
    check(field, world)
    assert first.stop() == 0
    field.drop_topic("events")
    waiting = field.worker()
    until(lambda: waiting.says("`epochal migrate` makes them"), "it waits for its topics")
    field.make_topics("events")
    assert waiting.wait() == 70
    assert waiting.says("was deleted and made anew")
    assert waiting.says("EPOCHAL_KAFKA_TOPIC_PREFIX")
