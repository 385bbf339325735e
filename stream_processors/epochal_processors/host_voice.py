"""The host's own stream of events: what it has to say about other writers."""

from __future__ import annotations

import getpass
import os
import platform
import socket
import sys
from collections.abc import Callable
from pathlib import Path

from pydantic import BaseModel

from epochal import contract
from epochal._events import Event
from epochal._ids import uuid7
from epochal._journal.process import ProcessLock
from epochal._journal.writer import JournalWriter
from epochal_processors.cells import json_text

HEARTBEAT_S = 3600.0
"""Said in the opening event; nothing depends on the host's heartbeats, so it sends none."""
PROJECT = "default"
"""The project of what the host says about itself."""


class HostVoice:
    """Opens a journal of its own at the first word; silent hosts leave no trace."""

    def __init__(self, journals: Path, version: str, now_us: Callable[[], int], report: Callable[[str], None]) -> None:
        self._journals = journals
        self._version = version
        self._now_us = now_us
        self._report = report
        self._lock: ProcessLock | None = None
        self._writer: JournalWriter | None = None

    def vanished(self, project: str, data: contract.WriterVanished) -> None:
        """Say that a writer's process is gone and its journal was read to the end.

        Raises:
            OSError: it couldn't be written.
        """
        self._say("epochal.writer.vanished", project, data)

    def erased(self, project: str, event: Event, time_us: int) -> bool:
        """Say that what came in of something after it was erased, at that time, is erased as well. Returns True.

        Raises:
            OSError: it couldn't be written.
        """
        self._say(event[0], project, contract.EntityErased(**event[1]), time_us)
        return True

    def close(self) -> None:
        """Close the journal, if there is one."""
        if self._writer is None or self._lock is None:
            return
        lifecycle, metrics = self._writer.counts
        said = contract.WriterClosed(component=None, lifecycle=lifecycle + 1, metrics=metrics)
        self._say("epochal.writer.closed", PROJECT, said)
        self._writer.close()
        self._lock.release()
        self._writer = self._lock = None

    def _say(self, event_type: str, project: str, data: BaseModel, time_us: int | None = None) -> None:
        writer = self._writer or self._open()
        if writer.append_event(self._envelope(writer, event_type, project, data, time_us)) is None:
            raise OSError(f"the host can't write its journal in {self._journals}")

    def _open(self) -> JournalWriter:
        self._lock = ProcessLock.hold(self._journals)
        writer = JournalWriter(
            self._journals,
            uuid7(),
            now_us=self._now_us,
            convert=_no_points,
            report=lambda kind, text: self._report(f"own journal: {kind}: {text}"),
        )
        said = contract.WriterOpened(
            component=None,
            role="host",
            heartbeat_s=HEARTBEAT_S,
            host=socket.gethostname(),
            pid=os.getpid(),
            process=self._lock.id,
            user=_user(),
            command=list(sys.argv),
            python=platform.python_version(),
            version=self._version,
        )
        if writer.append_event(self._envelope(writer, "epochal.writer.opened", PROJECT, said)) is None:
            raise OSError(f"the host can't write its journal in {self._journals}")
        self._writer = writer
        return writer

    def _envelope(
        self, writer: JournalWriter, event_type: str, project: str, data: BaseModel, time_us: int | None = None
    ) -> bytes:
        version = contract.SCHEMA_VERSION[event_type]
        envelope = {"type": event_type, "v": version, "project": project, "at": writer.now_us()}
        if time_us is not None:
            envelope["time"] = time_us
        return json_text({**envelope, "data": data.model_dump(mode="json")}).encode()


def _no_points(value: object) -> float:
    raise TypeError(f"the host logs no points, and not {value!r}")


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # an id without a name, as in many containers
        return str(os.getuid())
