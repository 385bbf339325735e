"""Carrying batches into a store that goes away, fills up, or is wrong."""

from __future__ import annotations

import random
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial

import pyarrow as pa
import pytest
from processors.memory_store import MemoryStore
from processors.points import WRITER
from processors.test_materialize import everything, random_pieces
from processors.test_workers import STREAMS, WHOLE
from processors.workers import CLUSTER, Log

from epochal_processors.courier import Courier, LettersRefusedError
from epochal_processors.decode import DeadLetter
from epochal_processors.inlet import Inlet, Placed
from epochal_processors.messages import Message
from epochal_processors.sealing import Sealer
from epochal_storage.errors import EngineError, HostUnavailableError, StoreError

FULL = EngineError("too many parts", 252, "TOO_MANY_PARTS")
GONE = HostUnavailableError("nobody answers")
WRONG = EngineError("no such column", 16, "NO_SUCH_COLUMN_IN_TABLE")


@dataclass
class Unsteady:
    """A store that refuses inserts when the dice say so."""

    store: MemoryStore
    dice: random.Random
    refusals: list[StoreError] = field(default_factory=list)
    often: float = 0.0

    def insert(self, table: str, rows: pa.Table) -> None:
        """As `TableWriter.insert`."""
        if self.refusals and self.dice.random() < self.often:
            raise self.dice.choice(self.refusals)
        self.store.insert(table, rows)


@dataclass
class Counting:
    """What happened, as `courier.Gauge`."""

    messages: int = 0
    letters: list[DeadLetter] = field(default_factory=list)
    failures: list[tuple[str, int]] = field(default_factory=list)
    recoveries: int = 0

    def stored(self, placed: Placed, messages: Sequence[Message]) -> None:
        """As `Gauge.stored`."""
        self.messages += len(messages)

    def parked(self, letters: Sequence[DeadLetter]) -> None:
        """As `Gauge.parked`."""
        self.letters += letters

    def failed(self, error: BaseException, attempt: int) -> None:
        """As `Gauge.failed`."""
        self.failures.append((str(error), attempt))

    def recovered(self) -> None:
        """As `Gauge.recovered`."""
        self.recoveries += 1


class Bench:
    """A courier over an unsteady store, and what became of its batches."""

    def __init__(self, seed: int) -> None:
        self.dice = random.Random(seed)
        self.log = Log(self.dice)
        self.unsteady = Unsteady(MemoryStore(), self.dice)
        self.count = Counting()
        self.acknowledged: list[int] = []
        self.sent: list[DeadLetter] = []
        self.bugs: list[BaseException] = []
        self.topic_refuses = 0
        inlet = Inlet(CLUSTER, self.unsteady, self.unsteady.store, self.log.decode)
        sealer = Sealer(inlet, self.unsteady.store, lambda: 0.0)
        self.courier = Courier(inlet, sealer, self._send, self.count, self.bugs.append, first_pause_s=1e-4)

    def fill(self) -> list[list[Message]]:
        """Put the streams into the log, with some garbage; its messages in batches."""
        queues = [random_pieces(self.dice, stream) for stream in STREAMS]
        while left := [one for one in queues if one]:
            self.log.append(self.dice.choice(left).pop(0))
            if self.dice.random() < 0.2:
                self.log.append(b"garbage %f" % self.dice.random(), WRITER)
        batches = []
        for messages in self.log.messages.values():
            for first in range(0, len(messages), 3):
                batches.append(messages[first : first + 3])
        return batches

    def put(self, batches: Sequence[list[Message]]) -> None:
        """Hand batches over; each acknowledges with its number, and only when its last message is in the ledger."""
        for number, batch in enumerate(batches):
            self.courier.put(batch, partial(self._acknowledge, number, batch))

    def _acknowledge(self, number: int, batch: list[Message]) -> None:
        ledger = {(row["log"], row["offset"]) for row in self.unsteady.store.rows["ledger"]}
        assert all((f"kafka:{CLUSTER}/{m.topic}/{m.partition}", m.offset) in ledger for m in batch)
        self.acknowledged.append(number)

    def _send(self, letters: Sequence[DeadLetter]) -> None:
        if self.topic_refuses:
            self.topic_refuses -= 1
            raise LettersRefusedError("no leader")
        self.sent += letters


@contextmanager
def carrying(bench: Bench) -> Iterator[Courier]:
    """The courier at work, until the end of the test."""
    bench.courier.start()
    try:
        yield bench.courier
    finally:
        bench.courier.stop()


@pytest.mark.long
@pytest.mark.parametrize("seed", range(3))
def test_everything_arrives_once_through_a_store_that_comes_and_goes(seed: int) -> None:
    """Every batch is acknowledged once, in order, when it is stored; rows are as if nothing had failed."""
    bench = Bench(seed)
    batches = bench.fill()
    bench.unsteady.refusals, bench.unsteady.often = [FULL, GONE], 0.1
    bench.topic_refuses = 3
    with carrying(bench):
        for cut in range(0, len(batches), 7):
            if cut:
                bench.courier.reassigned()
            bench.put(batches[cut : cut + 7])
        wait_until_stored(bench, len(batches))
    assert bench.acknowledged == [n % 7 for n in range(len(batches))]
    assert bench.count.messages == sum(len(batch) for batch in batches)
    garbage = [message.value for batch in batches for message in batch if not (message.value or b"").isdigit()]
    assert sorted(letter.detail for letter in bench.sent if letter.reason == "not a frame") == sorted(
        map(repr, garbage)
    )
    assert {letter.id for letter in bench.sent} == {letter.id for letter in bench.count.letters}
    assert bench.count.failures
    assert bench.count.recoveries
    assert not bench.bugs
    bench.unsteady.often = 0
    seal_what_is_left(bench)
    found = everything(bench.unsteady.store)
    letters = [letter for letter in found.pop("dead_letters") if letter[1] != "not a frame"]
    assert {**found, "dead_letters": letters} == WHOLE


def wait_until_stored(bench: Bench, batches: int) -> None:
    """Wait, through failures, until that many batches were acknowledged."""
    while len(bench.acknowledged) < batches and not bench.bugs:
        bench.courier.drain(0.05)


def seal_what_is_left(bench: Bench) -> None:
    """What the next worker would do."""
    store = bench.unsteady.store
    Sealer(Inlet(CLUSTER, store, store, bench.log.decode), store, lambda: 0.0).step()


def test_what_never_heals_stops_everything_and_acknowledges_nothing_more() -> None:
    """A refused statement is told once; what was put before and after stays undone."""
    bench = Bench(1)
    batches = bench.fill()
    bench.unsteady.refusals, bench.unsteady.often = [WRONG], 1.0
    with carrying(bench):
        bench.put(batches)
        while not bench.bugs:
            bench.courier.drain(1)
        assert not bench.courier.drain(0.01)
    assert bench.bugs == [WRONG]
    assert not bench.acknowledged
    assert not bench.count.failures


def test_letters_are_in_their_topic_before_anything_is_acknowledged() -> None:
    """As long as the topic refuses letters their batch isn't done, though its rows are stored."""
    bench = Bench(2)
    bench.log.append(b"garbage", WRITER)
    bench.topic_refuses = 1_000_000
    (messages,) = bench.log.messages.values()
    with carrying(bench):
        bench.put([messages])
        while len(bench.count.failures) < 3:
            assert not bench.courier.drain(0.01)
        assert bench.courier.away
        assert bench.unsteady.store.rows["dead_letters"]
        assert not bench.acknowledged
        bench.topic_refuses = 0
        while not bench.courier.drain(0.1):
            """It may still wait for its next attempt."""
    assert [letter.reason for letter in bench.sent] == ["not a frame"]
    assert bench.acknowledged == [0]


def test_stopping_while_the_store_is_away_leaves_everything_undone() -> None:
    """It ends at once, and nothing is acknowledged."""
    bench = Bench(3)
    batches = bench.fill()
    bench.unsteady.refusals, bench.unsteady.often = [GONE], 1.0
    with carrying(bench):
        bench.put(batches)
        while not bench.courier.away:
            threading.Event().wait(0.001)
        assert not bench.courier.drain(60)
    assert not bench.acknowledged
    assert not bench.bugs
