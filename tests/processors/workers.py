"""Workers over a log and a store in memory: a group that shares partitions, and may lose them at any moment."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import count
from uuid import UUID

import pyarrow as pa
from processors.memory_store import MemoryStore

from epochal_processors.decode import DeadLetter
from epochal_processors.frames import Frame, channel_of
from epochal_processors.inlet import Inlet
from epochal_processors.messages import Headers, Message
from epochal_processors.sealing import Sealer
from epochal_processors.wire import WireError

CLUSTER = "c"
Partition = tuple[str, int]


@dataclass
class Log:
    """A broker's partitions, keyed by writer; append times stand still now and then, and run backwards."""

    dice: random.Random
    partitions: int = 2
    frames: list[Frame] = field(default_factory=list)
    messages: dict[Partition, list[Message]] = field(default_factory=dict)
    now_ms: int = 1_900_000_000_000

    def append(self, frame: Frame | bytes, writer: UUID | None = None) -> None:
        """Append a frame, or bytes that are none."""
        self.now_ms += self.dice.choice([0, 0, 0, 1, 1, 5, -3])
        key = writer or (UUID(int=0) if isinstance(frame, bytes) else frame.writer)
        topic = "metrics" if isinstance(frame, bytes) else channel_of(frame)
        where = (topic, key.int % self.partitions)
        held = self.messages.setdefault(where, [])
        value = frame if isinstance(frame, bytes) else str(len(self.frames)).encode()
        if not isinstance(frame, bytes):
            self.frames.append(frame)
        # offsets may be left out, as a broker's control records take some
        offset = held[-1].offset + self.dice.choice([1, 1, 1, 2]) if held else 0
        held.append(Message(*where, offset, self.now_ms, str(key).encode(), value))

    def decode(self, headers: Headers, key: bytes | None, value: bytes | None) -> Frame:
        """As `inlet.Decode`."""
        if value is None or not value.isdigit():
            raise WireError("not a frame", repr(value), None)
        return self.frames[int(value)]


class Gate:
    """A store's tables, as one worker reaches them: a worker that is stopped keeps its inserts until it goes on."""

    def __init__(self, store: MemoryStore) -> None:
        self._store = store
        self.stopped_in: int | None = None
        """How many inserts are still made before the worker stops."""
        self.kept: list[tuple[str, pa.Table]] = []

    def insert(self, table: str, rows: pa.Table) -> None:
        """As `TableWriter.insert`."""
        if self.stopped_in is not None:
            self.stopped_in -= 1
        if self.stopped_in is not None and self.stopped_in < 0:
            self.kept.append((table, rows))
        else:
            self._store.insert(table, rows)


class Worker:
    """One worker; `take` is what the courier does with a batch."""

    def __init__(self, store: MemoryStore, log: Log, clock: Callable[[], float]) -> None:
        self.gate = Gate(store)
        self.inlet = Inlet(CLUSTER, self.gate, store, log.decode)
        self.sealer = Sealer(self.inlet, store, clock)
        self.letters: list[DeadLetter] = []

    def assigned(self) -> None:
        """Partitions were given anew."""
        self.inlet.settle()
        self.inlet.forget()
        self.sealer.look_again()

    def take(self, messages: Sequence[Message]) -> None:
        """Take a batch in. Raises what the store raises."""
        placed = self.inlet.place(messages)
        self.sealer.note(placed.frames)
        self.inlet.hand_over(placed, self.letters.extend)
        self.inlet.settle()

    def seal(self) -> None:
        """Seal what is to be sealed."""
        self.sealer.step()


@dataclass
class Group:
    """Workers that share the partitions of a log; what each committed is where the next begins."""

    store: MemoryStore
    log: Log
    dice: random.Random
    committed: dict[Partition, int] = field(default_factory=dict)
    workers: list[Worker] = field(default_factory=list)
    zombies: list[Worker] = field(default_factory=list)
    owner: dict[Partition, Worker] = field(default_factory=dict)

    def __post_init__(self) -> None:
        ticks = count()
        self._clock = lambda: float(next(ticks)) * 1000
        self.join()

    def join(self) -> None:
        """A worker more."""
        self.workers.append(Worker(self.store, self.log, self._clock))
        self.rebalance()

    def leave(self) -> None:
        """A worker less: killed, whatever it was at."""
        self._drop(self.dice.choice(self.workers))

    def rebalance(self) -> None:
        """Give every partition to somebody."""
        for worker in self.workers:
            worker.assigned()
        self.owner = {where: self.dice.choice(self.workers) for where in sorted(self.log.messages)}

    def step(self) -> bool:
        """One worker takes a batch, and something may go wrong with it; False when everything is committed."""
        waiting = [where for where in self.owner if self.committed.get(where, 0) < len(self.log.messages[where])]
        if not waiting:
            return False
        worker = self.owner[self.dice.choice(waiting)]
        mine = [where for where in waiting if self.owner[where] is worker]
        batch: list[Message] = []
        ends: dict[Partition, int] = {}
        for where in self.dice.sample(mine, self.dice.randint(1, len(mine))):
            first = self.committed.get(where, 0)
            ends[where] = min(first + self.dice.randint(1, 6), len(self.log.messages[where]))
            batch += self.log.messages[where][first : ends[where]]
            if self.dice.random() < 0.2:  # what was fetched before partitions changed hands, and then again
                batch = [*self.log.messages[where][self.dice.randint(0, first) : ends[where]], *batch]
        fate = self.dice.choices(["done", "killed", "stopped", "unacknowledged"], [6, 1, 1, 1])[0]
        if fate in ("killed", "stopped"):
            worker.gate.stopped_in = self.dice.randrange(8)
        worker.take(batch)
        if fate == "done":
            self.committed |= ends
        if fate == "unacknowledged":  # the commit was lost with the assignment
            self.rebalance()
        if fate in ("killed", "stopped"):
            self._drop(worker)
            if fate == "stopped":
                self.zombies.append(worker)
        return True

    def wake(self) -> None:
        """Zombies go on with what they were at, insert by insert, in among each other."""
        while self.zombies:
            zombie = self.dice.choice(self.zombies)
            if zombie.gate.kept:
                self.store.insert(*zombie.gate.kept.pop(0))
            else:
                self.zombies.remove(zombie)

    def _drop(self, worker: Worker) -> None:
        self.workers.remove(worker)
        if not self.workers:
            self.workers.append(Worker(self.store, self.log, self._clock))
        self.rebalance()
