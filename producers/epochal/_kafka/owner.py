"""Whose a journal is, from what its own lifecycle channel says. Plain JSON: training images have no pydantic."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any, Final
from uuid import UUID

from epochal._journal.reader import Record

from .wire import Owner

_ABOUT_WRITERS: Final = b'"epochal.writer.'
_KINDS: Final = {f"epochal.writer.{kind}" for kind in ("opened", "heartbeat", "closed")}


@dataclass(frozen=True, slots=True)
class Writer:
    """What a journal says of its writer so far.

    ``process`` names the lock that its process holds, ``host`` the machine; ``closed_at`` are the final counts of
    a writer that ended properly: events, points.
    """

    owner: Owner = field(default=Owner("", None, 0))
    attempt: str = ""
    role: str = ""
    host: str = ""
    process: UUID | None = None
    known: bool = False
    closed_at: tuple[int, int] | None = None


def learned(writer: Writer, records: Iterable[Record]) -> Writer:
    """The writer with what these records add. One whose opening event is lost is known by its heartbeats."""
    for record in records:
        # most events are about something else and needn't be parsed for this
        if _ABOUT_WRITERS in record.payload[:64]:
            writer = _with(writer, record.payload)
    return writer


def _with(writer: Writer, payload: bytes) -> Writer:
    """What an event adds; one that doesn't keep to the contract adds nothing, and is somebody else's to judge."""
    try:
        envelope = json.loads(payload)
        kind, project, data = envelope["type"], envelope["project"], envelope["data"]
        if kind not in _KINDS or not isinstance(project, str):
            return writer
        if kind.endswith("opened") and not writer.role:
            writer = replace(writer, role=str(data["role"]), host=str(data["host"]), process=UUID(data["process"]))
        if not writer.known:
            writer = replace(writer, owner=_owner(project, data), attempt=str(data.get("attempt", "")), known=True)
        if kind.endswith("closed"):
            writer = replace(writer, closed_at=(int(data["lifecycle"]), int(data["metrics"])))
    except (ValueError, KeyError, TypeError, AttributeError):
        return writer
    return writer


def _owner(project: str, data: dict[str, Any]) -> Owner:
    component = data["component"]
    return Owner(project, None if component is None else UUID(component), int(data.get("rank", 0)))
