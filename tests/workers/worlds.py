"""What jobs logged, as messages; and what must be in a store when all of them are taken in."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from kafka_field import Field, cut_into, until
from processors.memory_store import MemoryStore
from processors.points import COMPONENT
from processors.test_materialize import events_of, everything, long_stream
from processors.test_workers import closing

from epochal._ids import uuid7
from epochal._kafka.wire import Outgoing
from epochal_processors.coverage import Coverage
from epochal_processors.frames import Frame, Position
from epochal_processors.materialize import Ending, Materializer
from epochal_storage.schemas import SCHEMAS

TABLES = ("events", "metrics", "facts", "partials", "blocks", "dead_letters")


@dataclass
class World:
    """Writers with both their streams, cut into messages; some events can't be read."""

    dice: random.Random
    jobs: int = 6
    points: int = 9_000
    messages: list[Outgoing] = field(default_factory=list)
    expected: dict[str, list[tuple[Any, ...]]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        frames: list[Frame] = []
        endings = []
        for number in range(self.jobs):
            writer = uuid7()
            events = closing(writer, events_of(writer, 20), self.points)
            frames += [events, long_stream(writer, self.points, number)]
            endings.append(Ending("p", COMPONENT, 0, writer, events.count, self.points))
        self.messages = cut_into(frames, self.dice)
        reference = MemoryStore()
        materializer = Materializer(reference, reference, Coverage())
        materializer.apply([(Position("reference", i, i + 1), frame) for i, frame in enumerate(frames)])
        materializer.finish(endings)
        self.expected = everything(reference)
        self.dice.shuffle(self.messages)

    def send(self, to: Field, pieces: int, between: Callable[[int], None] = lambda number: None) -> None:
        """Send everything in so many pieces, doing something before each."""
        size = -(-len(self.messages) // pieces)
        for number in range(pieces):
            between(number)
            to.send(self.messages[number * size : (number + 1) * size])


def check(field: Field, world: World, garbage: int = 0) -> None:
    """Wait until all is stored and sealed, and compare every row of every table with what must be there.

    ``garbage``: how many dead letters there are besides.
    """
    field.wait()
    until(lambda: len(stored(field, "blocks")) == len(world.expected["blocks"]), "every stream is sealed")
    found = MemoryStore()
    for table in TABLES:
        found.rows[table] = stored(field, table)
    rows = everything(found)
    letters = [
        letter for letter in rows.pop("dead_letters") if letter[0] in {one[0] for one in world.expected["dead_letters"]}
    ]
    assert len(found.rows["dead_letters"]) - len(letters) == garbage
    for table, held in {**rows, "dead_letters": letters}.items():
        assert held == world.expected[table], table


def stored(field: Field, table: str) -> list[dict[str, Any]]:
    """The rows of a table that readers see, as the store in memory keeps them."""
    columns = ", ".join(f"`{name}`" for name in SCHEMAS[table].names)
    found = MemoryStore()
    found.insert(table, field.client.query_arrow(f"SELECT {columns} FROM {table} FINAL").cast(SCHEMAS[table]))
    return found.rows[table]


def writer_of(message: Outgoing) -> UUID:
    """Whose message it is."""
    return UUID(message.key.decode())
