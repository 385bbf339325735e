"""The one background thread of a process: signs of life, system metrics, and starting the host."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from ._contents import Contents
from ._imports import import_in_background
from ._settings import Settings
from ._warnings import Warner
from ._watching import Watching
from ._writer import Writer

__all__ = ["Background", "Clients"]


class Clients(Protocol):
    """What the thread serves: the session."""

    settings: Settings
    warn: Warner
    store: Path | None
    watching: Watching
    contents: Contents

    def writers(self) -> list[Writer]:
        """The writers open now."""
        ...


@dataclass
class _Task:
    seconds: float
    work: Callable[[], None]
    due: float


class Background:
    """A daemon thread that starts with the first writer and ends with the session."""

    def __init__(self, clients: Clients) -> None:
        self._clients = clients
        self._wake = threading.Event()
        self._thread: threading.Thread | None = None
        self._stopped = False
        self._tasks: list[_Task] = []
        self.every(clients.settings.heartbeat_s, self._heartbeats)

    def start(self) -> None:
        """Starts the thread if it does not run."""
        if self._thread is None and not self._stopped:
            self._thread = threading.Thread(target=self._run, name="epochal-background", daemon=True)
            self._thread.start()

    def stop(self, timeout_s: float = 5.0) -> None:
        """Ends the thread, waiting for what it is at."""
        self._stopped = True
        self._wake.set()
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join(timeout_s)

    def every(self, seconds: float, work: Callable[[], None]) -> None:
        """Has ``work`` called every so many seconds; the first time after as many."""
        self._tasks.append(_Task(seconds, work, time.monotonic() + seconds))
        self._wake.set()

    def _run(self) -> None:
        for work in (self._start_host, self._clients.watching.prime, self._clients.contents.clean_up):
            self._guarded(work)
        while not self._stopped:
            self._wake.wait(max(0.0, min(task.due for task in self._tasks) - time.monotonic()))
            self._wake.clear()
            for task in list(self._tasks):
                if not self._stopped and time.monotonic() >= task.due:
                    self._guarded(task.work)
                    task.due = time.monotonic() + task.seconds

    def _guarded(self, task: Callable[[], None]) -> None:
        try:
            task()
        except Exception as error:  # noqa: BLE001  the thread's border: one task that fails must not end the others
            self._clients.warn.report("background", f"in the background: {type(error).__name__}: {error}")

    def _heartbeats(self) -> None:
        for writer in self._clients.writers():
            writer.heartbeat()

    def _start_host(self) -> None:
        settings, store = self._clients.settings, self._clients.store
        if store is None or settings.mode != "on" or settings.host != "auto":
            return
        import_in_background("epochal._host")
        from . import _host  # brings subprocess, 10 ms that an import of the SDK need not pay

        if _host.installed() and _host.read_address(store) is None:
            _host.spawn(store)
