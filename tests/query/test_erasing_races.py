"""Workers that insert while others erase: whichever comes last, nothing that was erased is there."""

from __future__ import annotations

import json
import random
import threading
from collections.abc import Iterator, Sequence
from itertools import count
from typing import Any
from uuid import UUID

import pyarrow as pa
import pytest
from cutting import cut_into
from query.conftest import Bare
from workers.worlds import Job, make_job

from epochal._ids import uuid7
from epochal._journal.reader import Record
from epochal._kafka.wire import Outgoing, encode_event
from epochal_processors.erasing import Eraser
from epochal_processors.inlet import Inlet
from epochal_processors.messages import Message
from epochal_processors.worker_history import SqlWorkerHistory

OFFSETS = count()


class Gate:
    """A worker's inserts, kept back until they are let through."""

    def __init__(self, bare: Bare) -> None:
        self._store = bare.writer
        self.open = threading.Event()
        self.open.set()

    def insert(self, table: str, rows: pa.Table) -> None:
        """As `TableWriter.insert`."""
        self.open.wait()
        self._store.insert(table, rows)


class Worker:
    """One worker, as far as it inserts and erases."""

    def __init__(self, bare: Bare) -> None:
        self.gate = Gate(bare)
        history = SqlWorkerHistory(bare.writer)
        self.inlet = Inlet("races", self.gate, history, eraser=Eraser(bare.writer))
        self.letters: list[Any] = []

    def take(self, outgoing: Sequence[Outgoing]) -> None:
        """Hand messages over."""
        made = [
            Message(one.channel, 0, next(OFFSETS), 1_800_000_000_000, one.key, one.value, tuple(one.headers))
            for one in outgoing
        ]
        self.inlet.hand_over(self.inlet.place(made), self.letters.extend)


@pytest.fixture
def workers(bare: Bare) -> Iterator[list[Worker]]:
    """Two of them."""
    found = [Worker(bare), Worker(bare)]
    yield found
    for one in found:
        one.gate.open.set()
        one.inlet.close()


def told(job: Job) -> list[Outgoing]:
    """All that a job said, as messages."""
    return list(cut_into([job.events, job.points], random.Random(4)))


def tombstone(job: Job, first: int = 0, points: int = 10) -> Outgoing:
    """It says that three events and so many points of a job are erased. By default these are what was known of all of
    it: not all of it.
    """
    writer = str(job.events.writer)
    data = {"kind": "component", "entity": str(job.component), "reason": "r", "lifecycle": [[writer, first, 3]]}
    said = {"type": "epochal.entity.erased", "v": 1, "project": "p", "at": 1_800_000_000_000_000}
    payload = json.dumps({**said, "data": {**data, "metrics": [[writer, 0, points]] if points else []}}).encode()
    return encode_event(uuid7(), "p", Record(0, bytes(16), payload))


def there(bare: Bare, writer: UUID) -> tuple[int, int, int, int, int]:
    """Events of a writer, those with a payload, facts, points and dead letters."""
    asked = """SELECT (SELECT count() FROM events FINAL WHERE writer = {writer:UUID}) AS events,
        (SELECT uniqExact(seq) FROM events WHERE writer = {writer:UUID} AND payload != '') AS payloads,
        (SELECT count() FROM facts WHERE writer = {writer:UUID}) AS facts,
        (SELECT count() FROM metrics WHERE writer = {writer:UUID}) AS points,
        (SELECT count() FROM dead_letters WHERE writer = {writer:UUID}) AS letters"""
    (row,) = bare.writer.query_arrow(asked, {"writer": writer}).to_pylist()
    return tuple(row.values())


@pytest.mark.long
@pytest.mark.parametrize("broken", [False, True])
def test_who_inserts_what_was_erased_meanwhile_erases_it(bare: Bare, workers: list[Worker], broken: bool) -> None:
    """It had made its rows when it knew of no tombstone; it says that it is done when they are gone again."""
    one, other = workers
    job = make_job(1, 3_000, broken=broken)
    for messages in (told(job), told(make_job(2, 100))):
        one.take(messages)
    one.inlet.settle()
    kept = 18 if broken else 21
    assert there(bare, job.events.writer)[:2] == (kept, kept)

    other.gate.open.clear()
    other.take(told(job))
    one.take([tombstone(job)])
    one.inlet.settle()
    assert there(bare, job.events.writer) == (kept, 0, 0, 0, 0)
    one.letters.clear()
    other.gate.open.set()
    other.inlet.settle()
    assert there(bare, job.events.writer) == (kept, 0, 0, 0, 0)
    assert other.letters == []

    one.take(told(job))
    one.inlet.settle()
    assert there(bare, job.events.writer) == (kept, 0, 0, 0, 0)
    assert one.letters == []


def test_a_tombstone_may_come_before_what_it_is_about(bare: Bare, workers: list[Worker]) -> None:
    """As in a store that is made anew of what Kafka keeps: events have their digests, and nothing else is stored."""
    one, other = workers
    job = make_job(3, 3_000, broken=False)
    one.take([tombstone(job)])
    one.inlet.settle()
    other.take(told(job))
    other.inlet.settle()
    assert there(bare, job.events.writer) == (21, 0, 0, 0, 0)
    empty = "SELECT count() AS n FROM events WHERE writer = {writer:UUID} AND digest = unhex(repeat('00', 32))"
    assert bare.writer.query_arrow(empty, {"writer": job.events.writer})["n"][0].as_py() == 0


def test_an_event_that_lies_in_a_dead_letter_goes_from_there_as_well(bare: Bare, workers: list[Worker]) -> None:
    """Where it was taken in and kept, as by a clock that is far ahead; the letters of others about it stay."""
    one, other = workers
    job = make_job(4, 100, at_us=2_100_000_000_000_000, broken=False)
    one.take(told(job))
    one.inlet.settle()
    assert there(bare, job.events.writer)[:2] == (21, 21)
    other.gate.open.clear()
    other.take(told(job))
    one.take([tombstone(job, first=5, points=0)])
    one.inlet.settle()
    other.gate.open.set()
    other.inlet.settle()
    told_of = {letter.source.rpartition(":")[2] for letter in other.letters}
    assert told_of == {str(seq) for seq in range(21) if seq not in (5, 6, 7)}  # in their topic nothing else is to be
    one.take(told(job))
    one.inlet.settle()
    left = bare.writer.query_arrow(
        "SELECT source FROM dead_letters FINAL WHERE writer = {writer:UUID}", {"writer": job.events.writer}
    )
    assert there(bare, job.events.writer)[:2] == (21, 18)
    assert sorted(left["source"].to_pylist()) == sorted(
        f"{job.events.writer}/lifecycle:{seq}" for seq in range(21) if seq not in (5, 6, 7)
    )
