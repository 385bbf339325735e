"""Rows as plain values, one class a table, columns in the order of the migrations; times in microseconds, UTC."""

from __future__ import annotations

from typing import NamedTuple
from uuid import UUID


class EventRow(NamedTuple):
    """A row of ``events``."""

    project: str
    writer: UUID
    seq: int
    type: str
    schema_version: int
    payload: bytes
    salt: bytes
    digest: bytes
    logged_at: int
    occurred_at: int
    recorded_at: int
    log: str
    offset: int

    def emptied(self) -> EventRow:
        """What stays of it when it is erased."""
        return self._replace(payload=b"", salt=bytes(16))


class FactRow(NamedTuple):
    """A row of ``facts``."""

    project: str
    kind: str
    field: str
    entity: UUID
    key: str
    removed: bool
    value: str
    type: str
    number: float | None
    text: str
    rank: int
    logged_at: int
    occurred_at: int
    recorded_at: int
    log: str
    offset: int
    writer: UUID
    seq: int
    ord: int
