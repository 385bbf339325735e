"""One writer's journal as a source of frames."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from itertools import groupby
from pathlib import Path
from uuid import UUID

import numpy as np

from epochal._journal.reader import Damage, EventsReader, MetricsReader, Points, Record
from epochal_processors.coverage import Coverage
from epochal_processors.decode import DeadLetter, dead_letter, source_of
from epochal_processors.frames import LIFECYCLE, METRICS, EventFrame, Frame, PointFrame
from epochal_processors.identity import Identity, learned

SHARE = 262_144
"""Points, and a sixteenth of it events, read of one journal before the next has its turn."""
_SLOT_BYTES = 32


class JournalSource:
    """Reads one journal from where the log ends; skips what the log holds already.

    Lifecycle events are read from the first on, as they tell who the writer is.
    """

    def __init__(self, directory: Path, coverage: Coverage, monotonic: Callable[[], float]) -> None:
        writer = UUID(directory.name)
        self.directory = directory
        self.identity = Identity(writer)
        self.final = False
        """Whether nothing more is to be expected: the writer closed it, or is gone."""
        self.finished = False
        """Whether its streams were sealed, and nothing was found since."""
        self.erased = False
        """Whether something that it holds was erased: it must not stay."""
        self.failure = ""
        """Why it couldn't be read in the last cycle."""
        self._monotonic = monotonic
        self.quiet_since = monotonic()
        self._held = {channel: coverage.of(writer, channel) for channel in (LIFECYCLE, METRICS)}
        self._events = EventsReader(directory)
        self._points = MetricsReader(directory, start_seq=self._held[METRICS].contiguous)
        self._told = {LIFECYCLE: 0, METRICS: 0}
        self._points_left: int | None = None
        self._done = False

    @property
    def writer(self) -> UUID:
        """Whose journal it is."""
        return self.identity.writer

    @property
    def counts(self) -> tuple[int, int]:
        """The sequence numbers reached: lifecycle, metrics."""
        return self._events.next_seq, self._points.next_seq

    @property
    def lost(self) -> int:
        """How many events and points were found damaged."""
        return sum(damage.count for damage in (*self._events.damage, *self._points.damage))

    @property
    def lacking(self) -> str:
        """What isn't there though the writer said, when it closed, that it wrote it; empty where nothing lacks."""
        (events, points), said = self.counts, self.identity.closed_at
        if said is None or (events >= said[0] and points >= said[1]):
            return ""
        return (
            f"{self.directory} holds {events} events and {points} points, but its writer closed it after {said[0]} "
            f"and {said[1]}: what is there was taken in, and the journal is kept; put the missing files back into it"
        )

    @property
    def caught_up(self) -> bool:
        """Whether everything that was there at the beginning of the cycle was read."""
        return self._done and not self.failure

    def begin_cycle(self, *, dead: bool) -> None:
        """Start a cycle: what the writer adds from now on may wait for the next."""
        self.final = dead or self.identity.closed
        self.failure = ""
        self._points_left = None
        self._done = False

    def read(self) -> list[Frame]:
        """The next frames, of both channels; none when the cycle has all there was.

        Raises:
            OSError, NewerFormatError: what the readers raise.
        """
        frames: list[Frame] = []
        records = self._events.read(SHARE // 16, final=self.final)
        self.identity = learned(self.identity, records)
        self.final = self.final or self.identity.closed
        frames += self._event_frames(records)
        points: list[Points] = []
        if self.identity.known or self.final:
            points = self._points.read(SHARE, final=self.final)
            frames += self._point_frames(points)
        self._done = len(records) < SHARE // 16 and not self._more_points(sum(len(piece.rows) for piece in points))
        if frames:
            self.finished = False
            self.quiet_since = self._monotonic()
        return frames

    def new_damage(self) -> list[DeadLetter]:
        """Damage found since the last call, but for what the log holds all the same, as of a file that was made again:
        nothing of it is left, so the letters are empty.
        """
        letters: list[DeadLetter] = []
        for channel, found in ((LIFECYCLE, self._events.damage), (METRICS, self._points.damage)):
            held = self._held[channel]
            letters += [
                _damaged(self.writer, channel, damage)
                for damage in found[self._told[channel] :]
                if not damage.count or held.within(damage.first_seq, damage.count) < damage.count
            ]
            self._told[channel] = len(found)
        return letters

    def taken_segments(self) -> list[Path]:
        """Segments that the log holds whole and that the writer has left behind."""
        return self._points.fully_read_segments()

    def _more_points(self, taken: int) -> bool:
        """Whether there may be points left: all of them where the writer has ended, else those that were there when
        this cycle came to this journal.
        """
        if taken < SHARE or self.final:
            return taken >= SHARE
        if self._points_left is None:
            self._points_left = _room(self.directory)
        self._points_left -= taken
        return self._points_left > 0

    def _event_frames(self, records: Iterable[Record]) -> Iterator[EventFrame]:
        for run in _runs(records):
            for first, count in self._held[LIFECYCLE].missing(run[0].seq, len(run)):
                start = first - run[0].seq
                yield EventFrame(self.writer, self.identity.project, first, tuple(run[start : start + count]))

    def _point_frames(self, pieces: Iterable[Points]) -> Iterator[PointFrame]:
        who = self.identity
        for piece in pieces:
            for first, count in self._held[METRICS].missing(piece.first_seq, len(piece.rows)):
                start = first - piece.first_seq
                part = replace(piece, first_seq=first, rows=piece.rows[start : start + count])
                yield PointFrame(who.project, who.component, who.rank, who.writer, part)


def reread(directory: Path, identity: Identity, channel: str, first: int, count: int) -> Frame | None:
    """A range of a journal once more, or as much of its beginning as is left; None where nothing is.

    Raises:
        OSError, NewerFormatError: what the readers raise.
    """
    if channel == LIFECYCLE:
        records = EventsReader(directory, start_seq=first).read(count, final=True)
        run = next(_runs(records), [])
        if not run or run[0].seq != first:
            return None
        return EventFrame(identity.writer, identity.project, first, tuple(run))
    points = _joined(MetricsReader(directory, start_seq=first).read(count, final=True), first)
    if points is None:
        return None
    return PointFrame(identity.project, identity.component, identity.rank, identity.writer, points)


def _joined(pieces: Iterable[Points], first: int) -> Points | None:
    """Pieces that follow each other from ``first`` on, as one."""
    rows = []
    names: dict[str, int] = {}
    writer = None
    at = first
    for piece in pieces:
        if piece.first_seq != at:
            break
        renamed = np.array([names.setdefault(name, len(names)) for name in piece.names], np.uint32)
        part = piece.rows.copy()
        part["name"] = renamed[part["name"]]
        rows.append(part)
        writer, at = piece.writer, at + len(part)
    return None if writer is None else Points(writer, first, tuple(names), np.concatenate(rows))


def _runs(records: Iterable[Record]) -> Iterator[list[Record]]:
    """Records cut where their numbers don't follow each other."""
    for _, run in groupby(enumerate(records), lambda pair: pair[1].seq - pair[0]):
        yield [record for _, record in run]


def _damaged(writer: UUID, channel: str, damage: Damage) -> DeadLetter:
    detail = f"{damage.place}: {damage.detail} ({damage.count} from {damage.first_seq} on are lost)"
    return dead_letter("damaged journal", detail, source_of(writer, channel, damage.first_seq), writer, b"")


def _room(directory: Path) -> int:
    """An upper bound for the points that lie in a journal."""
    return sum(path.stat().st_size for path in directory.glob("points-*.seg")) // _SLOT_BYTES
