"""The life of a worker: it begins, stops when told, is looked at, and ends loudly when something is wrong."""

from __future__ import annotations

import os
import random
import signal
import threading
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from injecting import Chaos
from kafka import KafkaConsumer
from kafka.coordinator.assignors.abstract import ConsumerProtocolAssignment
from kafka.coordinator.assignors.roundrobin import RoundRobinPartitionAssignor
from kafka_field import PARTITIONS, Field
from worker_process import PATIENCE_S, until
from workers.test_replay import said
from workers.worlds import World, check

from epochal._ids import uuid7
from epochal._journal.reader import Record
from epochal._kafka.wire import encode_event
from epochal_query.errors import WaitTimeoutError
from epochal_query.opening import open_store
from epochal_storage.locate import find_host

pytestmark = pytest.mark.kafka


def test_a_worker_that_is_told_to_stop_leaves_nothing_to_be_done_again(field: Field) -> None:
    """SIGTERM in the middle of the work: status 0, and no message is stored by two workers in a row."""
    world = World(random.Random(1))
    first = field.worker().ready()

    def stop(number: int) -> None:
        if number == 20:
            until(lambda: first.metric("epochal_worker_messages_total") > 0, "it has begun")
            first.signal(signal.SIGTERM)

    world.send(field, 60, stop)
    sent = sum(offset + 1 for offset in field.sent.values())
    assert first.wait() == 0
    done = sum(field.committed().values())
    assert 0 < done < sent
    second = field.worker()
    check(field, world)
    assert done + second.metric("epochal_worker_messages_total") == sent
    assert second.stop() == 0
    assert field.committed() == {where: offset + 1 for where, offset in field.sent.items()}


def test_what_a_worker_says_of_itself(field: Field) -> None:
    """Counters, lag, delays and insert times in Prometheus's format; health and readiness."""
    world = World(random.Random(2), jobs=2)
    worker = field.worker()
    world.send(field, 1)
    check(field, world)
    messages = sum(offset + 1 for offset in field.sent.values())
    assert worker.metric("epochal_worker_messages_total") == messages
    assert worker.metric("epochal_worker_visible_delay_seconds_count") == messages
    assert worker.metric("epochal_worker_points_total") >= 18_000
    assert worker.metric("epochal_worker_dead_letters_total", '{reason="invalid json"}') >= 6
    assert worker.metric("epochal_worker_insert_seconds_count", '{table="metrics"}') > 0
    assert worker.metric("epochal_worker_rows_total", '{table="ledger"}') == messages
    assert worker.metric("epochal_worker_store_away") == 0
    lag = f'epochal_worker_lag{{partition="0",topic="{field.prefix}events"}} 0.0'
    until(lambda: lag in worker.get("/metrics")[1], "it has seen that it isn't behind")
    assert worker.get("/healthz") == (200, "ok\n")
    assert worker.get("/readyz") == (200, "ok\n")
    assert worker.get("/nothing")[0] == 404


@pytest.mark.chaos("SIGKILL of the store's host in the middle of an insert")
def test_a_worker_waits_for_a_store_that_goes_away_and_catches_up(field: Field, chaos: Chaos) -> None:
    """The host is killed while messages wait to be stored, again and again: the worker stays, and all of it arrives."""
    world = World(chaos.dice, jobs=4 + chaos.times // 4)
    pieces = world.pieces(2 * chaos.times)
    worker = field.worker()
    while chaos.lacking():
        until(lambda: not field.behind(), "it goes on")
        field.send(pieces.pop() if pieces else world.some())
        chaos.pause(0.3)
        host = find_host(field.store)
        if host is not None and field.behind():
            os.kill(host.pid, signal.SIGKILL)
            chaos.note()
    for piece in pieces:
        field.send(piece)
    check(field, world)
    assert worker.metric("epochal_worker_retries_total") > 0
    assert worker.metric("epochal_worker_store_away") == 0
    assert worker.stop() == 0


def test_a_reader_waits_for_a_watermark_and_for_a_component(field: Field) -> None:
    """What was sent can be waited for by its places in the logs, and an end by its component."""
    writer = uuid7()
    about = {"role": "main", "heartbeat_s": 10.0, "host": "h", "pid": 1, "process": str(writer), "version": "0"}
    events = [
        said("writer.opened", attempt="a", **about),
        said("component.created", key="k", name="training", kind="training"),
        said("run.started", attempt="a", world_size=1),
        said("run.finished", attempt="a", status="completed"),
    ]
    messages = [encode_event(writer, "p", Record(seq, bytes(16), event)) for seq, event in enumerate(events)]
    store = open_store(field.store, project="p")
    field.send(messages[:3])
    with pytest.raises(WaitTimeoutError):
        store.wait(field.watermark, timeout=0.1)
    worker = field.worker()
    store.wait(field.watermark, timeout=PATIENCE_S)
    assert store.components()["status"].tolist() == ["running"]
    ending = threading.Timer(0.5, field.send, [messages[3:]])
    ending.start()
    store.wait("training", timeout=PATIENCE_S)
    assert store.components()["status"].tolist() == ["completed"]
    ending.join()
    store.close()
    assert worker.stop() == 0


def test_partitions_added_under_workers_are_taken_in(field: Field) -> None:
    """Nobody is started again: the group looks at what there is every few seconds."""
    world = World(random.Random(5), jobs=24, points=500)  # a writer's partition is by chance; of 24 one gets a new one
    pieces = world.pieces(2)
    workers = [field.worker().ready() for _ in range(2)]
    field.send(pieces[0])
    field.wait()
    field.grow(PARTITIONS + 3, "events", "metrics")
    field.send(pieces[1])
    assert max(partition for _, partition in field.sent) >= PARTITIONS
    check(field, world)
    assert [worker.stop() for worker in workers] == [0, 0]


def gives_nothing() -> Any:
    """Assigns partitions as a leader does that just then sees none."""

    def assign(cluster: object, members: Iterable[Any]) -> dict[str, ConsumerProtocolAssignment]:
        del cluster
        return {member.member_id: ConsumerProtocolAssignment(0, [], b"") for member in members}

    return type("GivesNothing", (RoundRobinPartitionAssignor,), {"assign": staticmethod(assign)})


def test_a_worker_that_is_given_nothing_ends_when_nobody_else_is_at_it(field: Field) -> None:
    """It has no messages of its own that wait; those of the group do. Status 75, for its supervisor to try again."""
    world = World(random.Random(6), jobs=1)
    ended = threading.Event()
    leader = KafkaConsumer(
        *(f"{field.prefix}{name}" for name in ("events", "metrics")),
        bootstrap_servers=field.servers,
        group_id=f"{field.prefix}workers",
        partition_assignment_strategy=[gives_nothing()],
        enable_auto_commit=False,
    )

    def lead() -> None:
        while not ended.is_set():
            leader.poll(timeout_ms=200)
        leader.close()

    leading = threading.Thread(target=lead)
    leading.start()
    try:
        worker = field.worker(EPOCHAL_WORKER_STALL="4")
        until(lambda: worker.says("taking"), "it has joined")
        world.send(field, 1)
        assert worker.wait() == 75
        assert worker.says("of partitions that others have or nobody, and none was stored for")
    finally:
        ended.set()
        leading.join()
    field.worker()
    check(field, world)


CRASH = """
import asyncio
import faust

start = faust.App.start

async def start_and_crash(self):
    await start(self)
    crash = lambda: asyncio.ensure_future(self.crash(RuntimeError("a bug of Faust")))
    asyncio.get_running_loop().call_later(1.0, crash)

faust.App.start = start_and_crash
"""


def test_a_crash_of_faust_ends_the_worker(field: Field, tmp_path: Path) -> None:
    """Faust itself says nothing to whoever started it. Status 70 and the reason; the next worker does it all."""
    (tmp_path / "sitecustomize.py").write_text(CRASH)
    world = World(random.Random(7), jobs=1)
    worker = field.worker(PYTHONPATH=str(tmp_path)).ready()
    assert worker.wait() == 70
    assert worker.says("the worker ends, nothing more is acknowledged: a bug of Faust")
    field.worker()
    world.send(field, 1)
    check(field, world)


def test_a_topic_that_keeps_the_times_of_producers_stops_the_worker(field: Field) -> None:
    """Nothing is known of when such a log took its messages: status 70, the topic and the setting named."""
    topic = field.drop_topic("metrics")
    field.make_topics("metrics", times="CreateTime")
    worker = field.worker()
    World(random.Random(4), jobs=1).send(field, 1)
    assert worker.wait() == 70
    assert worker.says("set its message.timestamp.type to LogAppendTime")
    assert not [where for where in field.committed() if where[0] == topic]
