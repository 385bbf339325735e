"""What a shipper has to say of others: that a writer's process is gone. It has a journal of its own for that."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final
from uuid import UUID

from epochal._clock import now_us
from epochal._elsewhere import host_name
from epochal._events import writer_opened, writer_vanished
from epochal._journal.process import ProcessLock
from epochal._version import __version__
from epochal._writer import Identity, Writer, open_journal

from .source import Source

_HEARTBEAT_S: Final = 3600.0
"""Said in the opening event; nothing depends on a shipper's heartbeats, so it sends none."""
_PROJECT: Final = "default"


class Voice:
    """Opens a journal in the spool at the first word; it is shipped like all others. Silent shippers leave no trace."""

    def __init__(self, spool: Path, report: Callable[[str], None]) -> None:
        self._spool = spool
        self._report = report
        self._lock: ProcessLock | None = None
        self._writers: dict[str, Writer] = {}
        self.writers: frozenset[UUID] = frozenset()
        """The writers it opened, closed ones too."""

    def vanished(self, source: Source) -> None:
        """Say that a writer's process is gone and that its journal was read to the end.

        Raises:
            OSError: it couldn't be written.
        """
        said, (lifecycle, metrics) = source.writer, source.counts
        component = said.owner.component
        event = writer_vanished(
            writer=str(source.id),
            component=None if component is None else str(component),
            rank=said.owner.rank,
            attempt=said.attempt,
            lifecycle=lifecycle,
            metrics=metrics,
            lost={"damaged": source.lost} if source.lost else {},
        )
        writer = self._writer(said.owner.project)
        writer.emit(event)
        if writer.lost():
            raise OSError(f"the shipper can't write its own journal in {self._spool}")

    def close(self) -> None:
        """End its journals, if there are any."""
        for writer in self._writers.values():
            writer.close()
        self._writers.clear()
        if self._lock is not None:
            self._lock.release()
            self._lock = None

    def _writer(self, project: str) -> Writer:
        if project not in self._writers:
            self._lock = self._lock or ProcessLock.hold(self._spool)
            opening = writer_opened(
                component=None,
                rank=0,
                attempt="",
                role="host",
                world_size=1,
                heartbeat_s=_HEARTBEAT_S,
                host=host_name(),
                pid=os.getpid(),
                process=str(self._lock.id),
                user="",
                command=list(sys.argv),
                python=".".join(map(str, sys.version_info[:3])),
                version=__version__,
                launcher={},
            )
            self._writers[project] = Writer(
                Identity(project),
                opening,
                lambda writer: open_journal(
                    self._spool,
                    writer,
                    now_us=now_us,
                    report=lambda kind, text: self._report(f"own journal: {kind}: {text}"),
                    sync_interval_s=1.0,
                ),
                lambda kind, text: self._report(f"own journal: {kind}: {text}"),
            )
            self.writers |= {self._writers[project].id}
        return self._writers[project]
