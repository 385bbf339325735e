"""One writer: a journal of its own, who it is, its signs of life, and its proper end."""

from __future__ import annotations

import contextlib
import importlib
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict
from uuid import UUID

from ._events import Event, writer_closed, writer_heartbeat
from ._ids import uuid7
from ._numbers import to_float
from ._sink import EventSink

if TYPE_CHECKING:
    from ._journal.writer import JournalWriter

__all__ = ["Identity", "Writer", "open_journal"]


@dataclass(frozen=True)
class Identity:
    """Whose events and points these are."""

    project: str
    component: UUID | None = None
    rank: int = 0
    attempt: str = ""


class _Who(TypedDict):
    component: str | None
    rank: int
    attempt: str


def open_journal(
    journals: Path,
    writer: UUID,
    *,
    now_us: Callable[[], int],
    report: Callable[[str, str], None],
    sync_interval_s: float,
    admit: Callable[[int], None] = lambda size: None,
) -> JournalWriter:
    """The writer's journal; what it can't keep is counted and reported, never raised.

    ``admit`` is asked for so many bytes of disk before they are used for points, and raises OSError to refuse.
    """
    from ._journal.writer import JournalWriter

    with contextlib.suppress(ImportError):
        # The journal wants it at the first points. A process that forks while another of its threads is importing
        # leaves the child with a half-made module and a lock that nobody will ever let go of.
        importlib.import_module("ctypes")

    return JournalWriter(
        journals,
        writer,
        now_us=now_us,
        convert=to_float,
        report=report,
        sync_interval_s=sync_interval_s,
        admit=admit,
    )


class Writer:
    """A journal and the identity under which it is written."""

    def __init__(
        self,
        identity: Identity,
        opening: Event,
        journal: Callable[[UUID], JournalWriter],
        report: Callable[[str, str], None],
    ) -> None:
        self.id = uuid7()
        self.identity = identity
        self.journal = journal(self.id)
        self.refused: Counter[str] = Counter()
        """Calls and points that were refused before they came to the journal, by reason."""
        self.closed = False
        self._sink = EventSink(self.journal.append_event, self.journal.now_us, identity.project, report)
        self._ending = threading.Lock()
        self.emit(opening)

    def emit(self, event: Event, time_us: int | None = None) -> None:
        """Appends an event; a loss is counted and reported, never raised."""
        self._sink.emit(lambda: event, time_us)

    def lost(self) -> dict[str, int]:
        """Points, events and calls that are not in the journal, by reason; who says so looks first."""
        self.journal.check()
        return dict(self.refused + Counter(self.journal.lost))

    def heartbeat(self) -> None:
        """Says that the writer lives, and what it reached."""
        if not self.closed:
            self._sink.emit(self._beat)

    def close(self) -> None:
        """Says the final counts, seals the journal, and has it on the disk. Idempotent."""
        with self._ending:
            if self.closed:
                return
            self.closed = True
        self._sink.emit(self._end)
        self.journal.close()

    def _beat(self) -> Event:
        lifecycle, metrics = self.journal.counts
        return writer_heartbeat(**self._who(), lifecycle=lifecycle, metrics=metrics, lost=self.lost())

    def _end(self) -> Event:
        lifecycle, metrics = self.journal.counts
        return writer_closed(**self._who(), lifecycle=lifecycle + 1, metrics=metrics, lost=self.lost())

    def _who(self) -> _Who:
        component = self.identity.component
        return {
            "component": None if component is None else str(component),
            "rank": self.identity.rank,
            "attempt": self.identity.attempt,
        }
