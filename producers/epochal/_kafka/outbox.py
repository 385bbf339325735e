"""A journal as messages for Kafka, from a cursor on."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Final
from uuid import UUID

from epochal._journal.layout import EVENTS_FILE
from epochal._journal.process import is_alive
from epochal._journal.reader import Damage, EventsReader, MetricsReader, Points, Record

from .cursor import Cursor
from .wire import Outgoing, Owner, encode_event, encode_points

POINTS_PER_MESSAGE: Final = 20_000
MESSAGE_BYTES: Final = 8 << 20
"""Points are cut into smaller messages above this: half of what topics.toml lets a message have."""
_EVENTS_AT_ONCE: Final = 4_096
_POINTS_AT_ONCE: Final = 200_000
_NAMELESS_S: Final = 600.0
_ABOUT_WRITERS: Final = b'"epochal.writer.'


class Outbox:
    """Reads a journal to the end that it has while it is read. Lifecycle events are read from the first on, as they
    tell whose points these are.
    """

    def __init__(self, directory: Path, cursor: Cursor) -> None:
        self.writer = UUID(directory.name)
        self.closed = False
        """Whether the writer said that nothing more comes."""
        self.final = False
        """Whether nothing more is to be expected: the writer closed the journal, or is dead."""
        self._directory = directory
        self._cursor = cursor
        self._owner = Owner("", None, 0)
        self._known = False
        self._process: UUID | None = None
        self._events = EventsReader(directory)
        self._points = MetricsReader(directory, start_seq=cursor.metrics)
        self._learn(EventsReader(directory).read(1))
        self.final = self._is_left()  # asked before reading, so that nothing can come after

    @property
    def damage(self) -> list[Damage]:
        """What was found damaged, and can't be shipped."""
        return [*self._events.damage, *self._points.damage]

    def read(self) -> Iterator[Outgoing]:
        """All messages, in the order of their sequence numbers within a channel.

        Raises:
            NewerFormatError: the journal needs a newer version.
            OSError: it can't be read.
        """
        more = True
        while more:
            records = self._events.read(_EVENTS_AT_ONCE, final=self.final)
            self._learn(records)
            for record in records:
                if record.seq >= self._cursor.lifecycle:
                    yield encode_event(self.writer, self._owner.project, record)
            pieces: list[Points] = []
            if self._known or self.final:
                pieces = self._points.read(_POINTS_AT_ONCE, final=self.final)
            for piece in pieces:
                yield from _messages(self._owner, piece)
            # a live job may write as fast as this reads: less than asked for is the end
            points = sum(len(piece.rows) for piece in pieces)
            more = len(records) == _EVENTS_AT_ONCE or points >= _POINTS_AT_ONCE

    def _learn(self, records: Iterable[Record]) -> None:
        for record in records:
            if _ABOUT_WRITERS not in record.payload[:64]:
                continue
            try:
                envelope = json.loads(record.payload)
                kind, project, data = envelope["type"], envelope["project"], envelope["data"]
                component = data["component"]
                owner = Owner(str(project), None if component is None else UUID(component), int(data["rank"]))
                process = UUID(data["process"]) if kind == "epochal.writer.opened" else None
            except (ValueError, KeyError, TypeError, AttributeError):
                continue  # not about this writer, or not readable: it is shipped as it is
            if not self._known:
                self._owner, self._known = owner, True
            self._process = self._process or process
            self.closed = self.closed or kind == "epochal.writer.closed"
            self.final = self.final or self.closed

    def _is_left(self) -> bool:
        if self._process is not None:
            try:
                return not is_alive(self._directory.parent, self._process)
            except OSError:  # nobody can tell: what isn't sound yet may become so
                return False
        try:
            return time.time() - (self._directory / EVENTS_FILE).stat().st_mtime > _NAMELESS_S
        except FileNotFoundError:
            return True


def _messages(owner: Owner, points: Points) -> Iterator[Outgoing]:
    for start in range(0, len(points.rows), POINTS_PER_MESSAGE):
        rows = points.rows[start : start + POINTS_PER_MESSAGE]
        yield from _small_enough(owner, replace(points, first_seq=points.first_seq + start, rows=rows))


def _small_enough(owner: Owner, points: Points) -> Iterator[Outgoing]:
    message, half = encode_points(owner, points), len(points.rows) // 2
    if message.size <= MESSAGE_BYTES or not half:
        yield message
        return
    yield from _small_enough(owner, replace(points, rows=points.rows[:half]))
    yield from _small_enough(owner, replace(points, first_seq=points.first_seq + half, rows=points.rows[half:]))
