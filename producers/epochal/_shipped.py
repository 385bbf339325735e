"""How far a journal is in Kafka: a file beside it, written by whoever ships it, read by whoever waits for it."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

__all__ = ["FILE", "Cursor", "Refused", "read_cursor", "write_cursor"]

FILE: Final = "shipped.json"
_FORMAT: Final = 1

Refused = tuple[str, int, int]
"""Channel, first number, count: what Kafka will not take as its topics are."""


@dataclass(frozen=True)
class Cursor:
    """What Kafka has acknowledged of one journal.

    ``log`` names the topics it is in, ``lifecycle`` and ``metrics`` are the first numbers that aren't acknowledged,
    ``offsets`` the greatest offset by the name of the log, ``moved_at`` when that last changed (seconds since 1970).
    ``ended``: the writer will say no more and all of it is acknowledged, as long as its file of events has
    ``events_bytes`` bytes. ``vanished``: that it is gone was said.
    """

    log: str = ""
    lifecycle: int = 0
    metrics: int = 0
    refused: tuple[Refused, ...] = ()
    offsets: Mapping[str, int] = field(default_factory=dict)
    moved_at: float = 0.0
    ended: bool = False
    events_bytes: int = 0
    vanished: bool = False

    def covers(self, counts: tuple[int, int]) -> bool:
        """Whether so many events and points are acknowledged, none of them refused."""
        return self.lifecycle >= counts[0] and self.metrics >= counts[1] and not self.refused


def read_cursor(journal: Path) -> Cursor:
    """The journal's cursor; that of a journal of which nothing was shipped where there is none that can be read."""
    try:
        said = json.loads((journal / FILE).read_bytes())
        return _cursor(said) if said["format"] <= _FORMAT else Cursor()
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return Cursor()


def write_cursor(journal: Path, cursor: Cursor) -> None:
    """Put the cursor in its place, whole or not at all. It may be older after a loss of power, never newer.

    Raises:
        OSError: it can't be written.
    """
    said = {
        "format": _FORMAT,
        "log": cursor.log,
        "lifecycle": cursor.lifecycle,
        "metrics": cursor.metrics,
        "refused": cursor.refused,
        "offsets": dict(cursor.offsets),
        "moved_at": cursor.moved_at,
        "ended": cursor.ended,
        "events_bytes": cursor.events_bytes,
        "vanished": cursor.vanished,
    }
    draft = journal / f"{FILE}.{os.getpid()}"
    draft.write_text(json.dumps(said), "utf-8")
    draft.replace(journal / FILE)


def _cursor(said: Mapping[str, Any]) -> Cursor:
    return Cursor(
        log=str(said["log"]),
        lifecycle=int(said["lifecycle"]),
        metrics=int(said["metrics"]),
        refused=tuple((str(channel), int(first), int(count)) for channel, first, count in said["refused"]),
        offsets={str(log): int(offset) for log, offset in said["offsets"].items()},
        moved_at=float(said["moved_at"]),
        ended=bool(said["ended"]),
        events_bytes=int(said["events_bytes"]),
        vanished=bool(said["vanished"]),
    )
