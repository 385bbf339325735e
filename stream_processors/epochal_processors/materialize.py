"""Frames at their positions into rows of every table, in an order in which nothing can be lost or doubled."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol, TypeVar
from uuid import UUID

import pyarrow as pa

from epochal_processors.blocks import Block, digest_blocks
from epochal_processors.chains import START, BlockRow, Chains, Head
from epochal_processors.columns import BLOCK_SIZE, Part, Stream, assemble, part_of
from epochal_processors.coverage import Coverage
from epochal_processors.decode import DeadLetter, dead_letter, decode, far_ahead, source_of
from epochal_processors.event_blocks import DigestLoader, EventBlocks
from epochal_processors.frames import (
    LIFECYCLE,
    METRICS,
    EventFrame,
    Frame,
    PointFrame,
    Position,
    Positioned,
    channel_of,
)
from epochal_processors.open_blocks import OpenBlocks, PointLoader
from epochal_processors.partials import partials_rows, partials_table
from epochal_processors.points import metrics_rows
from epochal_processors.project import event_digest, project_event
from epochal_processors.rows import EventRow, FactRow
from epochal_processors.tables import rows_table
from epochal_processors.tombstones import NONE, Erasures
from epochal_storage.writing import TableWriter

T = TypeVar("T")
Received = tuple[DeadLetter, int]
"""A dead letter, and when it was received (microseconds, UTC)."""
MAX_POINTS = 524_288
MAX_BYTES = 64 << 20


class History(PointLoader, DigestLoader, Protocol):
    """What the store already holds."""

    def head(self, writer: UUID, channel: str) -> Head:
        """How far the chain of a stream goes."""
        ...

    def sealed(self, writer: UUID, channel: str) -> list[tuple[Block, bytes]]:
        """The blocks of a stream that are in the chain, in order, with their links."""
        ...


@dataclass(frozen=True, slots=True)
class Ending:
    """The end of a writer's two streams: how many sequence numbers each had."""

    project: str
    component: UUID | None
    rank: int
    writer: UUID
    lifecycle: int
    metrics: int


@dataclass
class _Rows:
    """Rows gathered from one batch, those of ``metrics`` and ``partials`` as Arrow already."""

    events: list[EventRow] = field(default_factory=list)
    facts: list[FactRow] = field(default_factory=list)
    blocks: list[BlockRow] = field(default_factory=list)
    letters: list[Received] = field(default_factory=list)
    metrics: pa.Table | None = None
    partials: pa.Table | None = None


class Materializer:
    """Turns batches of frames into rows and inserts them, the ledger last.

    The same batch may be applied again at any time, as a whole or in other cuts: rows collapse by identity. After an
    error what was kept of unfinished blocks is forgotten and read back from the store.
    """

    def __init__(
        self,
        writer: TableWriter,
        history: History,
        coverage: Coverage,
        erased: Callable[[], Erasures] = Erasures,
    ) -> None:
        """``coverage`` says what the log holds; it is extended as batches are applied. Of what is ``erased`` there is
        an event's digest and a place in the ledger, whenever it comes.
        """
        self._writer = writer
        self._history = history
        self._coverage = coverage
        self._erased = erased
        self.forget()

    def apply(self, batch: Sequence[Positioned], letters: Iterable[Received] = ()) -> list[Received]:
        """Insert the rows of a batch, with further dead letters that belong to it; all dead letters of the batch.

        When it returns, the writer has all of it, the ledger's rows last. Raises what the writer raises; nothing of
        the batch is in the ledger then.
        """
        keys = {(frame.writer, channel_of(frame)) for _, frame in batch}
        self._begun |= {key for key in keys if not self._coverage.of(*key).end}
        try:
            rows = _Rows(letters=list(letters))
            self._points(batch, rows)
            self._events(batch, rows)
            self._insert(rows)
            self._writer.insert("ledger", rows_table("ledger", [_ledger_row(*one) for one in batch]))
        except BaseException:
            self.forget()
            raise
        for _, frame in batch:
            self._coverage.of(frame.writer, channel_of(frame)).add(frame.first_seq, frame.count)
        return rows.letters

    def skip(self, position: Position, writer: UUID, channel: str, first_seq: int) -> None:
        """A number whose range can't be taken in any more: the ledger says that it holds nothing."""
        row = ("", writer, channel, first_seq, 0, position.log, position.offset, position.recorded_at_us)
        self._writer.insert("ledger", rows_table("ledger", [row]))

    def finish(self, endings: Iterable[Ending]) -> None:
        """Streams have ended and are all taken in: seal what is left of them."""
        rows: list[BlockRow] = []
        try:
            for ending in endings:
                rows += self._finished(ending)
            if rows:
                self._writer.insert("blocks", rows_table("blocks", rows))
        except BaseException:
            self.forget()
            raise

    def sum_again(self, parts: Sequence[Part]) -> None:
        """Insert the partial sums of whole blocks anew, from all rows that the store has of them."""
        self._writer.insert("partials", partials_table(assemble([replace(part, fresh=True) for part in parts])))

    def forget(self) -> None:
        """Forget what is kept of unfinished blocks and chains; it is read back from the store where needed."""
        self._chains = Chains(self._head, self._history.sealed)
        self._open = OpenBlocks(self._history, self._coverage)
        self._event_blocks = EventBlocks(self._history, self._coverage)
        self._begun: set[tuple[UUID, str]] = set()

    def _finished(self, ending: Ending) -> list[BlockRow]:
        rows = self._event_blocks.finish(ending.project, ending.writer, self._chains)
        if ending.component is not None:
            stream = Stream(ending.project, ending.component, ending.rank, ending.writer, "")
            rows += self._open.finish(stream, self._chains)
        self._begun -= {(ending.writer, LIFECYCLE), (ending.writer, METRICS)}
        return rows

    def _points(self, batch: Sequence[Positioned], rows: _Rows) -> None:
        parts: list[Part] = []
        whole = self._erased().whole
        for position, frame in batch:
            if frame.writer in whole:
                continue
            if isinstance(frame, PointFrame) and frame.component is None:
                rows.letters.append((_parked(frame), position.recorded_at_us))
            elif isinstance(frame, PointFrame) and frame.count:
                parts.append(part_of(position, frame))
        if not parts:
            return
        done = self._open.complete(parts)
        full = [run for run in done.runs if run[1] - run[0] == BLOCK_SIZE]
        rows.metrics = metrics_rows(done.given)
        rows.partials = partials_rows(done.series)
        projects = {stream.writer: stream.project for stream in done.known.streams}
        for block in digest_blocks(done.known, full, done.order):
            rows.blocks += self._chains.add(projects[block.writer], block)
        self._open.keep(done)

    def _events(self, batch: Sequence[Positioned], rows: _Rows) -> None:
        for position, frame in batch:
            if isinstance(frame, EventFrame):
                digests = ((record.seq, event_digest(record.salt, record.payload)) for record in frame.records)
                for block in self._event_blocks.add(frame.writer, digests):
                    rows.blocks += self._chains.add(frame.project, block)
                self._project(position, frame, rows)

    def _project(self, position: Position, frame: EventFrame, rows: _Rows) -> None:
        erased = self._erased().lifecycle.get(frame.writer, NONE)
        for record in frame.records:
            event, gone = decode(frame.writer, record), erased.within(record.seq, 1)
            letter = event if isinstance(event, DeadLetter) else far_ahead(event, position.recorded_at_us)
            if letter is not None and not gone:
                rows.letters.append((letter, position.recorded_at_us))
            if not isinstance(event, DeadLetter):
                row, facts = project_event(event, position)
                rows.events.append(row.emptied() if gone else row)
                rows.facts += [] if gone else facts

    def _insert(self, rows: _Rows) -> None:
        tables = {
            "metrics": rows.metrics,
            "events": rows_table("events", rows.events),
            "facts": rows_table("facts", rows.facts),
            "partials": rows.partials,
            "blocks": rows_table("blocks", rows.blocks),
            "dead_letters": rows_table("dead_letters", [_letter_row(*one) for one in rows.letters]),
        }
        for name, table in tables.items():
            if table is not None and table.num_rows:
                self._writer.insert(name, table)

    def _head(self, writer: UUID, channel: str) -> Head:
        # a chain whose stream was taken from its start here needs no asking
        begun = (writer, channel) in self._begun or not self._coverage.of(writer, channel).end
        return START if begun else self._history.head(writer, channel)


def bounded(items: Iterable[T], frame_of: Callable[[T], Frame]) -> Iterator[list[T]]:
    """Batches of at most half a million points and 64 MB each, in order; a larger frame is a batch of its own."""
    batch: list[T] = []
    points = size = 0
    for item in items:
        more_points, more_bytes = _weight(frame_of(item))
        if batch and (points + more_points > MAX_POINTS or size + more_bytes > MAX_BYTES):
            yield batch
            batch, points, size = [], 0, 0
        batch.append(item)
        points += more_points
        size += more_bytes
    if batch:
        yield batch


def _weight(frame: Frame) -> tuple[int, int]:
    if isinstance(frame, EventFrame):
        return 0, sum(len(record.payload) for record in frame.records)
    return frame.count, frame.points.rows.nbytes


def _parked(frame: PointFrame) -> DeadLetter:
    """Points of which nobody knows the component: kept whole, as JSON names and the rows' bytes."""
    names = json.dumps(frame.points.names).encode()
    content = len(names).to_bytes(4, "little") + names + frame.points.rows.tobytes()
    detail = f"{frame.count} points from {frame.first_seq} on belong to a writer that named no component"
    source = source_of(frame.writer, METRICS, frame.first_seq)
    return dead_letter("no component", detail, source, frame.writer, content)


def _ledger_row(position: Position, frame: Frame) -> tuple[object, ...]:
    return (
        frame.project,
        frame.writer,
        channel_of(frame),
        frame.first_seq,
        frame.count,
        position.log,
        position.offset,
        position.recorded_at_us,
    )


def _letter_row(letter: DeadLetter, received_at_us: int) -> tuple[object, ...]:
    return (
        letter.id,
        received_at_us,
        letter.source,
        letter.reason,
        letter.detail,
        letter.writer,
        letter.frame,
    )
