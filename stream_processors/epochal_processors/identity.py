"""Who a writer is and how it ended, from what its own lifecycle channel says."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING
from uuid import UUID

from epochal.contract import WriterClosed, WriterHeartbeat, WriterOpened, WriterVanished
from epochal_processors.decode import Event, decode

if TYPE_CHECKING:
    from epochal._journal.reader import Record

_ABOUT_WRITERS = b'"epochal.writer.'


@dataclass(frozen=True, slots=True)
class Identity:
    """What a journal says about its writer; ``None`` and empty where it hasn't said so yet.

    ``closed_at`` are the final counts of a writer that ended properly: lifecycle, metrics.
    ``vanished`` are other writers that this one (a host) found gone.
    """

    writer: UUID
    project: str = ""
    component: UUID | None = None
    rank: int = 0
    attempt: str = ""
    role: str = ""
    process: UUID | None = None
    known: bool = False
    closed_at: tuple[int, int] | None = None
    vanished: frozenset[UUID] = frozenset()

    @property
    def closed(self) -> bool:
        """Whether the writer ended properly."""
        return self.closed_at is not None


def learned(identity: Identity, records: Iterable[Record]) -> Identity:
    """The identity with what these records add to it.

    A writer whose opening event can't be read is known by its heartbeats.
    """
    for record in records:
        if says_of_writers(record):
            event = decode(identity.writer, record)
            if isinstance(event, Event):
                identity = _with(identity, event)
    return identity


def says_of_writers(record: Record) -> bool:
    """Whether an event may be about writers; most are about something else and needn't be parsed to know."""
    return _ABOUT_WRITERS in record.payload


def _with(identity: Identity, event: Event) -> Identity:
    match event.data:
        case WriterVanished() as said:
            return replace(identity, vanished=identity.vanished | {said.writer})
        case WriterOpened() as said if not identity.role:
            identity = replace(identity, role=said.role, process=said.process)
        case WriterHeartbeat() | WriterClosed() as said:
            pass
        case _:
            return identity
    if not identity.known:
        identity = replace(
            identity,
            project=event.project,
            component=said.component,
            rank=said.rank,
            attempt=said.attempt,
            known=True,
        )
    if isinstance(said, WriterClosed):
        return replace(identity, closed_at=(said.lifecycle, said.metrics))
    return identity
