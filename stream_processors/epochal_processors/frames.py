"""What comes in: contiguous pieces of one stream, and the place in the log that each was given."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID

if TYPE_CHECKING:
    from epochal._journal.reader import Points, Record

LIFECYCLE = "lifecycle"
METRICS = "metrics"


@dataclass(frozen=True, slots=True)
class Position:
    """One place in one log: the log's name, the offset in it, and since when (microseconds, UTC) the log holds it."""

    log: str
    offset: int
    recorded_at_us: int


@dataclass(frozen=True, slots=True)
class EventFrame:
    """A piece of a writer's lifecycle channel: the records ``first_seq``, ``first_seq + 1``, … as they came."""

    writer: UUID
    project: str
    first_seq: int
    records: tuple[Record, ...]

    @property
    def count(self) -> int:
        """How many sequence numbers the frame covers."""
        return len(self.records)


@dataclass(frozen=True, slots=True)
class PointFrame:
    """A piece of a writer's metrics channel, with what its series belong to; None where nobody can tell."""

    project: str
    component: UUID | None
    rank: int
    writer: UUID
    points: Points

    @property
    def first_seq(self) -> int:
        """The sequence number of the first point."""
        return int(self.points.first_seq)

    @property
    def count(self) -> int:
        """How many points the frame holds."""
        return len(self.points.rows)


NOBODY = UUID(int=0)
"""The writer of what has none."""


def nothing(writer: UUID | None) -> EventFrame:
    """What a message brings of which nothing can be read, but whose it is, perhaps: its place in the ledger says that
    it holds nothing.
    """
    return EventFrame(writer or NOBODY, "", 0, ())


Frame = EventFrame | PointFrame
Positioned = tuple[Position, Frame]


def channel_of(frame: Frame) -> str:
    """The channel a frame was cut from: ``lifecycle`` or ``metrics``."""
    return LIFECYCLE if isinstance(frame, EventFrame) else METRICS
