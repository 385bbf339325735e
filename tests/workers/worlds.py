"""What jobs logged, as messages; and what must be in a store when all of them are taken in."""

from __future__ import annotations

import json
import random
import struct
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID

import numpy as np
from cutting import cut_into, uncut
from kafka_field import Field
from processors.memory_store import MemoryStore
from processors.test_materialize import everything, long_stream
from worker_process import until

from epochal._ids import uuid7
from epochal._journal.reader import Record
from epochal._kafka.wire import Outgoing
from epochal_processors.coverage import Coverage
from epochal_processors.frames import EventFrame, Frame, PointFrame, Position
from epochal_processors.materialize import Ending, Materializer
from epochal_query.opening import open_store
from epochal_storage.schemas import SCHEMAS

TABLES = ("events", "metrics", "facts", "partials", "blocks", "dead_letters")
BROKEN = b"{broken"
PARAMS = 16
RECORDED_US = 1_750_000_000_000_000
"""When it is recorded what is expected: after what clocks say that aren't ahead."""


@dataclass(frozen=True)
class Job:
    """One component, its one writer, and all that it said; some of its events can't be read."""

    component: UUID
    events: EventFrame
    points: PointFrame

    @property
    def ending(self) -> Ending:
        """How it ended."""
        return Ending("p", self.component, 0, self.events.writer, self.events.count, self.points.count)

    @property
    def main_line(self) -> dict[tuple[str, float], bytes]:
        """The value, bit for bit, of every metric and step: where a step came again, the later one."""
        points = self.points.points
        names = [points.names[i] for i in points.rows["name"].tolist()]
        bits = [value.tobytes() for value in points.rows["value"]]
        return dict(zip(zip(names, points.rows["step"].tolist(), strict=True), bits, strict=True))


def make_job(
    number: int, points: int, *, component: UUID | None = None, at_us: int = 1_700_000_000_000_000, broken: bool = True
) -> Job:
    """A job of one process that ends well, by its clock at this time; every fifth of its events may be broken.

    Its parameters are p0 to p15, with the values 1000 * number + 0 to 15.
    """
    writer, component = uuid7(), component or uuid7()
    about = {"heartbeat_s": 10.0, "host": "h", "pid": 1, "process": str(uuid7()), "version": "0", "role": "main"}
    key, attempt = str(component), f"attempt {number}"
    params: list[dict[str, object]] = [{"cells": [[[f"p{i}"], 1000 * number + i]]} for i in range(PARAMS)]
    said: list[tuple[str, dict[str, object]]] = [
        ("writer.opened", {"attempt": attempt, **about}),
        ("component.created", {"key": key, "name": "job", "kind": "training"}),
        ("run.started", {"attempt": attempt, "world_size": 1}),
        *[("params.logged", cells) for cells in params],
        ("run.finished", {"attempt": attempt, "status": "completed"}),
        ("writer.closed", {"lifecycle": PARAMS + 5, "metrics": points}),
    ]
    records = []
    for seq, (kind, data) in enumerate(said):
        event = {"type": f"epochal.{kind}", "v": 1, "project": "p", "at": at_us + seq}
        payload = json.dumps({**event, "data": {"component": key, **data}}).encode()
        unread = broken and kind == "params.logged" and seq % 5 == 4
        records.append(Record(seq, struct.pack("<QQ", seq, 7), BROKEN if unread else payload))
    stream = replace(long_stream(writer, points, number), component=component)
    for name in ("logged_ms", "occurred_ms"):
        stream.points.rows[name] += at_us // 1000 - 1_700_000_000_000
    return Job(component, EventFrame(writer, "p", 0, tuple(records)), stream)


@dataclass
class World:
    """Jobs, cut into messages, in no order.

    ``others`` are jobs whose points stay in one message: those of a clock that is ahead count as logged when they were
    recorded, so their order is that of their messages.
    """

    dice: random.Random
    jobs: int = 6
    points: int = 9_000
    others: Sequence[Job] = ()
    told: list[Job] = field(default_factory=list)
    messages: list[Outgoing] = field(default_factory=list)
    expected: dict[str, list[tuple[Any, ...]]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        jobs = [make_job(number, self.points) for number in range(self.jobs)]
        self.messages = [*cut_into(_frames(jobs), self.dice), *uncut(_frames(self.others))]
        self.told = [*jobs, *self.others]
        frames = _frames(self.told)
        reference = MemoryStore()
        materializer = Materializer(reference, reference, Coverage())
        materializer.apply([(Position("reference", i, RECORDED_US + i), frame) for i, frame in enumerate(frames)])
        materializer.finish([job.ending for job in self.told])
        self.expected = everything(reference)
        self.dice.shuffle(self.messages)

    def pieces(self, count: int) -> list[list[Outgoing]]:
        """Everything in so many pieces."""
        return [self.messages[number::count] for number in range(count)]

    def some(self, count: int = 40) -> list[Outgoing]:
        """Some of it, to be sent again."""
        return self.dice.sample(self.messages, min(count, len(self.messages)))

    def send(self, to: Field, pieces: int, between: Callable[[int], None] = lambda number: None) -> None:
        """Send everything in so many pieces, doing something before each."""
        for number, piece in enumerate(self.pieces(pieces)):
            between(number)
            to.send(piece)


def _frames(jobs: Iterable[Job]) -> list[Frame]:
    return [frame for job in jobs for frame in (job.events, job.points)]


def check(field: Field, world: World, garbage: int = 0) -> None:
    """Wait until all is stored and sealed; compare every row of every table, and what is read, with what must be there.

    ``garbage``: how many dead letters there are besides.
    """
    field.wait()
    until(lambda: len(stored(field, "blocks")) == len(world.expected["blocks"]), "every stream is sealed")
    found = MemoryStore()
    for table in TABLES:
        found.rows[table] = stored(field, table)
        assert len(found.final(table)) == len(found.rows[table]), f"the same row is in {table} twice"
    rows = everything(found)
    letters = [
        letter for letter in rows.pop("dead_letters") if letter[0] in {one[0] for one in world.expected["dead_letters"]}
    ]
    assert len(found.rows["dead_letters"]) - len(letters) == garbage
    for table, held in {**rows, "dead_letters": letters}.items():
        assert held == world.expected[table], table
    out_of_it = [row for row in found.rows["dead_letters"] if row["reason"] != "clock ahead"]
    check_reads(field, world, Counter(row["writer"] for row in out_of_it))


def check_reads(field: Field, world: World, letters: Counter[Any]) -> None:
    """Every job's certificate counts all of it, the dead letters of its writer apart, and its points are those it
    logged.
    """
    store = open_store(field.store, project="p")
    for job in world.told:
        certificate = store.certificate(str(job.component))
        broken = letters[job.events.writer.bytes]
        assert certificate["state"] == ("parked" if broken else "closed")
        counted = {one["channel"]: (one["received"], one["gaps"], one["parked"]) for one in certificate["writers"]}
        assert counted == {"lifecycle": (job.events.count, [], broken), "metrics": (job.points.count, [], 0)}
        frame = store.metrics(component=str(job.component))
        bits = [value.tobytes() for value in frame["value"].to_numpy(np.float64)]
        found = list(zip(zip(frame["metric"], frame["step"], strict=True), bits, strict=True))
        assert len(found) == len(dict(found))
        assert dict(found) == job.main_line
    store.close()


def stored(field: Field, table: str) -> list[dict[str, Any]]:
    """The rows of a table that readers see, as the store in memory keeps them."""
    columns = ", ".join(f"`{name}`" for name in SCHEMAS[table].names)
    found = MemoryStore()
    found.insert(table, field.client.query_arrow(f"SELECT {columns} FROM {table} FINAL").cast(SCHEMAS[table]))
    return found.rows[table]


def writer_of(message: Outgoing) -> UUID:
    """Whose message it is."""
    return UUID(message.key.decode())
