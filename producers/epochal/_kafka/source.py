"""One journal as a source of messages, from where Kafka has it; read again from there when something didn't land."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Final
from uuid import UUID

from epochal._journal.layout import EVENTS_FILE
from epochal._journal.reader import Damage, EventsReader, MetricsReader, Record
from epochal._shipped import Cursor, Refused

from .channel import Channel, Failed, Landed
from .owner import Writer, learned
from .wire import Outgoing, encode_event, encode_points

POINTS_A_MESSAGE: Final = 20_000
EVENTS_A_TURN: Final = 500
_SMALLEST: Final = 1


class Source:
    """A journal, its place in Kafka, and what is on the way there. For one thread.

    Guarantees: the cursor says nothing to be in Kafka that Kafka hasn't acknowledged.
    """

    def __init__(self, directory: Path, cursor: Cursor, monotonic: Callable[[], float] = time.monotonic) -> None:
        self.directory = directory
        self.id = UUID(directory.name)
        self.writer = Writer()
        self.final = False
        """Whether nothing more is to be expected: the writer closed it, or its process is gone."""
        self.failure = ""
        """Why it couldn't be read in the last turn."""
        self.quiet_since = monotonic()
        self.read_to_end = False
        """Whether the present turn found nothing behind what is on its way."""
        self._monotonic = monotonic
        self._points_a_message = POINTS_A_MESSAGE
        self._told = (0, 0)
        self.cursor = cursor
        # whose it is has to be known before anything is sent, and also of a journal of which nothing will be
        self.writer = learned(self.writer, EventsReader(directory).read(1))
        self._start()

    def restart(self, cursor: Cursor) -> None:
        """Forget what was read, and begin where this cursor is."""
        self.cursor = cursor
        self._start()

    @property
    def counts(self) -> tuple[int, int]:
        """The numbers reached by reading: events, points. What was shipped before counts, also when it is gone."""
        return (
            max(self._events.next_seq, self.cursor.lifecycle),
            max(self._points.next_seq, self.cursor.metrics),
        )

    @property
    def idle(self) -> bool:
        """Whether nothing is on its way."""
        return self._lifecycle.idle and self._metrics.idle

    @property
    def at_rest(self) -> bool:
        """Whether it came to its end and is wholly in Kafka, and nothing was written to it since."""
        return self.cursor.ended and self.events_bytes == self.cursor.events_bytes

    @property
    def events_bytes(self) -> int:
        """The size of its file of events: it grows while the writer lives, by heartbeats at least."""
        try:
            return (self.directory / EVENTS_FILE).stat().st_size
        except OSError:
            return 0

    @property
    def damage(self) -> list[Damage]:
        """What was found damaged."""
        return [*self._events.damage, *self._points.damage]

    @property
    def lost(self) -> int:
        """How many events and points were found damaged."""
        return sum(damage.count for damage in self.damage)

    @property
    def lacking(self) -> str:
        """What the writer said it wrote and isn't here, in words; empty where everything is, or was told as damage."""
        said = self.writer.closed_at
        if (
            said is None
            or not self.read_to_end
            or all(count >= wanted for count, wanted in zip(self.counts, said, strict=True))
        ):
            return ""
        return (
            f"{self.directory} holds {self.counts[0]} events and {self.counts[1]} points, but its writer closed it "
            f"after {said[0]} and {said[1]}: put the missing files back into it, and ship it again"
        )

    @property
    def done(self) -> bool:
        """Whether all there will ever be was read, and nothing of it is on its way."""
        return self.final and self.read_to_end and self.idle and not self.failure and not self.lacking

    def read(self) -> list[Outgoing]:
        """The next messages, of both channels; none when there is nothing (yet).

        Raises:
            OSError, FormatError: what the readers raise.
        """
        self.failure = ""
        records = self._events.read(EVENTS_A_TURN, final=self.final)
        self.writer = learned(self.writer, records)
        self.final = self.final or self.writer.closed_at is not None
        messages = [self._event(record) for record in records if record.seq >= self.cursor.lifecycle]
        taken = 0
        if self.writer.known or self.final:
            for piece in self._points.read(self._points_a_message, final=self.final):
                messages.append(encode_points(self.writer.owner, piece))
                taken += len(piece.rows)
        self.read_to_end = len(records) < EVENTS_A_TURN and taken < self._points_a_message
        if records or taken:
            self.quiet_since = self._monotonic()
        return messages

    def channel(self, message: Outgoing) -> Channel:
        """The stream that a message is of."""
        return self._lifecycle if message.channel == "lifecycle" else self._metrics

    def settle(self, now: float) -> tuple[list[Landed], int, Failed | None]:
        """Take in the answers that are there, and move the cursor; ``now`` is in seconds since 1970.

        What landed, how many bytes of it, and the first failure.
        """
        events, event_bytes, failed = self._lifecycle.settle()
        points, point_bytes, failed_too = self._metrics.settle()
        if events or points:
            self._move(now)
        return events + points, event_bytes + point_bytes, failed or failed_too

    def refuse(self, message: Outgoing, now: float) -> int:
        """Kafka won't take this message as large as it is: cut it smaller, or, where that can't be, go on without it.

        How many bytes were on their way.
        """
        forgotten = self._lifecycle.forget() + self._metrics.forget()
        if message.channel == "metrics" and message.count > _SMALLEST:
            self._points_a_message = max(_SMALLEST, message.count // 2)
        else:
            refused: Refused = (message.channel, message.first_seq, message.count)
            self.channel(message).skip(message)
            self.cursor = replace(self.cursor, refused=(*self.cursor.refused, refused))
            self._move(now)
        self._start()
        return forgotten

    def rewind(self) -> int:
        """Read again from the cursor on; how many bytes were on their way."""
        forgotten = self._lifecycle.forget() + self._metrics.forget()
        self._start()
        return forgotten

    def new_damage(self) -> list[Damage]:
        """Damage found since the last call."""
        events, points = self._events.damage[self._told[0] :], self._points.damage[self._told[1] :]
        self._told = (len(self._events.damage), len(self._points.damage))
        return [*events, *points]

    def _start(self) -> None:
        # lifecycle events are read from the first on, as they tell who the writer is
        self._events = EventsReader(self.directory, start_seq=self.cursor.lifecycle if self.writer.known else 0)
        self._points = MetricsReader(self.directory, start_seq=self.cursor.metrics)
        self._lifecycle = Channel(self.cursor.lifecycle)
        self._metrics = Channel(self.cursor.metrics)
        self._told = (0, 0)
        self.read_to_end = False

    def _event(self, record: Record) -> Outgoing:
        return encode_event(self.id, self.writer.owner.project, record)

    def _move(self, now: float) -> None:
        self.cursor = replace(
            self.cursor, lifecycle=self._lifecycle.acknowledged, metrics=self._metrics.acknowledged, moved_at=now
        )
