"""Events to rows of ``events`` and ``facts``. Pure: no I/O, no clock."""

from __future__ import annotations

import hashlib

from epochal_processors.decode import Event
from epochal_processors.frames import Position
from epochal_processors.rows import EventRow, FactRow
from epochal_processors.statements import statements


def event_digest(salt: bytes, payload: bytes) -> bytes:
    """SHA-256 of a lifecycle event's salt and payload: what stays of it when it is erased."""
    return hashlib.sha256(salt + payload).digest()


def project_event(event: Event, position: Position) -> tuple[EventRow, list[FactRow]]:
    """The rows of one event at one position: its row of ``events`` and what it states, in order."""
    row = EventRow(
        event.project,
        event.writer,
        event.seq,
        event.type,
        event.version,
        event.payload,
        event.salt,
        event_digest(event.salt, event.payload),
        event.logged_at_us,
        event.occurred_at_us,
        position.recorded_at_us,
        position.log,
        position.offset,
    )
    rank = getattr(event.data, "rank", None) or 0
    facts = [
        FactRow(
            event.project,
            said.kind,
            said.field,
            said.entity,
            said.key,
            said.removed,
            *said.cell,
            rank,
            event.logged_at_us,
            event.occurred_at_us,
            position.recorded_at_us,
            position.log,
            position.offset,
            event.writer,
            event.seq,
            ord_,
        )
        for ord_, said in enumerate(statements(event))
    ]
    return row, facts
