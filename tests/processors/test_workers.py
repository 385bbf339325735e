"""Workers that come and go, stop and go on, over the same log: the rows are those of one that took everything once."""

from __future__ import annotations

import itertools
import json
import random
from dataclasses import replace
from itertools import pairwise
from typing import Any
from uuid import UUID

import numpy as np
import pytest
from processors.memory_store import MemoryStore, Row
from processors.points import COMPONENT, WRITER
from processors.test_materialize import OTHER, events_of, everything, long_stream, piece, random_pieces
from processors.workers import CLUSTER, Group, Log, Worker

from epochal._journal.reader import Record
from epochal._sent import kafka_log
from epochal_processors.columns import ELSEWHERE
from epochal_processors.coverage import Coverage
from epochal_processors.frames import EventFrame, Frame, PointFrame, Position
from epochal_processors.materialize import Ending, Materializer

THIRD = UUID(int=WRITER.int + 2)


def closing(writer: UUID, events: EventFrame, metrics: int) -> EventFrame:
    """The events, and behind them the one that closes the writer."""
    data = {"component": str(COMPONENT), "lifecycle": events.count + 1, "metrics": metrics}
    said = {"data": data, "type": "epochal.writer.closed", "v": 1, "project": "p", "at": 1_700_000_000_000_000}
    record = Record(events.count, bytes(16), json.dumps(said).encode())
    return replace(events, records=(*events.records, record))


STREAMS: list[Frame] = [
    long_stream(WRITER, 9_000, 1),
    long_stream(OTHER, 4_096, 2),
    long_stream(THIRD, 500, 3),
    closing(WRITER, events_of(WRITER, 300), 9_000),
    closing(OTHER, events_of(OTHER, 4_200), 4_096),
    closing(THIRD, events_of(THIRD, 3), 500),
]
ENDS = [
    Ending("p", COMPONENT, 0, WRITER, 301, 9_000),
    Ending("p", COMPONENT, 0, OTHER, 4_201, 4_096),
    Ending("p", COMPONENT, 0, THIRD, 4, 500),
]


def taken_whole() -> dict[str, list[tuple[Any, ...]]]:
    """What the streams give when each is taken in one frame."""
    store = MemoryStore()
    materializer = Materializer(store, store, Coverage())
    materializer.apply([(Position("whole", i, 1_800_000_000_000_000 + i), stream) for i, stream in enumerate(STREAMS)])
    materializer.finish(ENDS)
    return everything(store)


WHOLE = taken_whole()


@pytest.mark.long
@pytest.mark.parametrize("seed", range(8))
def test_a_group_of_workers_gives_what_one_gives(seed: int) -> None:
    """See :func:`check`."""
    check(seed)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(100, 220))
def test_a_group_of_workers_gives_what_one_gives_in_many_cases(seed: int) -> None:
    """See :func:`check`."""
    check(seed)


def check(seed: int) -> None:
    """Streams in pieces, some twice, out of order, among garbage; workers join, are killed between any two inserts,
    lose what they committed, or stop between any two inserts and go on when others have long done their work.

    All tables are as if one worker had taken everything once. Every row has the position of its first copy in the log,
    and partial sums say so of the rows that they sum.
    """
    dice = random.Random(seed)
    log = filled(dice)
    store = MemoryStore()
    group = Group(store, log, dice)
    while group.step():
        if dice.random() < 0.1:
            group.join()
        if dice.random() < 0.1:
            group.wake()
        if dice.random() < 0.2:
            dice.choice(group.workers).seal()
    group.wake()
    group.rebalance()
    for worker in group.workers:
        worker.seal()
    found = everything(store)
    letters = [letter for letter in found.pop("dead_letters") if letter[1] != "not a frame"]
    assert {**found, "dead_letters": letters} == WHOLE
    check_positions(store, log)
    check_ledger(store, log)


def filled(dice: random.Random) -> Log:
    """A log with the streams cut, doubled, shuffled a little, and garbage in between."""
    log = Log(dice)
    queues = [random_pieces(dice, stream) for stream in STREAMS]
    for queue in queues:
        if dice.random() < 0.5:
            dice.shuffle(queue)
    while left := [one for one in queues if one]:
        log.append(dice.choice(left).pop(0))
        if dice.random() < 0.1:
            log.append(b"garbage %f" % dice.random(), dice.choice([WRITER, OTHER]))
    return log


def check_positions(store: MemoryStore, log: Log) -> None:
    """Rows are at their first copy's place; partial sums are bounded by the places of their rows."""
    first: dict[tuple[bytes, str, int], int] = {}
    for messages in log.messages.values():
        for message in messages:
            if (message.value or b"").isdigit():
                frame = log.decode((), None, message.value)
                kind = "metrics" if isinstance(frame, PointFrame) else "events"
                for seq in range(frame.first_seq, frame.first_seq + frame.count):
                    first.setdefault((frame.writer.bytes, kind, seq), message.offset)
    for kind in ("metrics", "events"):
        for row in store.final(kind):
            assert row["offset"] == first[row["writer"], kind, row["seq"]], (kind, row)
    rows: dict[tuple[Any, ...], list[Row]] = {}
    for row in store.final("metrics"):
        rows.setdefault((row["writer"], row["metric"], row["seq"] >> 12), []).append(row)
    for part in store.final("partials"):
        mine = rows[part["writer"], part["metric"], part["block"]]
        offsets, instants = [row["offset"] for row in mine], [row["recorded_at"] for row in mine]
        assert (part["offset_from"], part["offset_until"]) == (min(offsets), max(offsets))
        assert (part["recorded_from"], part["recorded_until"]) == (min(instants), max(instants))


def check_ledger(store: MemoryStore, log: Log) -> None:
    """Each message has its row, garbage too; along a log instants strictly increase."""
    held: dict[str, list[tuple[int, int]]] = {}
    for row in store.final("ledger"):
        held.setdefault(row["log"], []).append((row["offset"], row["recorded_at"]))
    for where, messages in log.messages.items():
        rows = held[kafka_log(CLUSTER, *where)]
        assert [offset for offset, _ in rows] == [message.offset for message in messages]
        instants = [at for _, at in rows]
        assert all(a < b for a, b in pairwise(instants))


@pytest.mark.parametrize("stopped", [False, True])
def test_a_stream_that_came_through_two_logs_is_summed_from_all_of_it(stopped: bool) -> None:
    """Half of a stream lies in one partition, half in another, as after partitions were added; or the worker of the
    first half stores it when that of the second has asked already what there is. Sealed, the sums count all points,
    and no watermark of one log vouches for them.
    """
    log, store = Log(random.Random(1), partitions=1), MemoryStore()
    group = Group(store, log, random.Random(1))
    group.join()
    for first, end in ((0, 200), (200, 500)):
        log.append(piece(STREAMS[2], first, end))
    log.append(STREAMS[5])
    here, there = log.messages["metrics", 0]
    first_worker, second_worker = group.workers
    first_worker.gate.stopped_in = 0 if stopped else None
    first_worker.take([here])
    second_worker.take([replace(there, partition=1, offset=0)])
    group.zombies.append(first_worker)
    group.wake()
    second_worker.take(log.messages["lifecycle", 0])
    second_worker.seal()
    parts = store.final("partials")
    assert sum(part["n"] for part in parts) == 500
    assert {(part["offset_from"], part["offset_until"]) for part in parts} == {(0, ELSEWHERE)}


def test_what_somebody_says_of_a_stream_costs_no_more_than_what_comes_of_it() -> None:
    """A frame with a number beyond all reason, and points that belong to nobody in among the others: the stream ends,
    is sealed with what it has, and sealed again when more comes.
    """
    log, store = Log(random.Random(1), partitions=1), MemoryStore()
    worker = Worker(store, log, itertools.count(0, 1000).__next__)
    stream = STREAMS[2]
    assert isinstance(stream, PointFrame)
    rows = stream.points.rows[:3].copy()
    rows["seq"] = np.arange(3) + 2**60
    log.append(replace(stream, points=replace(stream.points, first_seq=2**60, rows=rows)))
    log.append(stream)
    nobodys = piece(long_stream(THIRD, 9_000, 1), 8_192, 9_000)
    assert isinstance(nobodys, PointFrame)
    log.append(replace(nobodys, component=None))
    log.append(STREAMS[5])
    for messages in log.messages.values():
        worker.take(messages)
    worker.seal()
    sealed = {(row["channel"], row["block"]): row["count"] for row in store.final("blocks")}
    assert sealed == {("metrics", 0): 500, ("metrics", 2**48): 3, ("lifecycle", 0): 4}
    log.messages.clear()
    log.append(piece(long_stream(THIRD, 600, 3), 500, 600))
    log.append(STREAMS[5])
    for messages in log.messages.values():
        worker.take([replace(message, offset=message.offset + 100) for message in messages])
    worker.seal()
    assert {row["block"]: row["count"] for row in store.final("blocks") if row["channel"] == "metrics"} == {
        0: 600,
        2**48: 3,
    }
