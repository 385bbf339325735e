"""The one background thread of a process: signs of life, system metrics, and starting the host or the shipper."""

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
from ._shipping import Shipping
from ._warnings import Warner
from ._watching import Watching
from ._writer import Writer

__all__ = ["Background", "Clients"]

LOOK_S = 60.0
"""Seconds between looks after the process that takes journals to a server."""
SPOOL_LOOK_S = 5.0
"""Seconds between looks after whoever ships the spool, and at the room it has."""
STARTING_S = 30.0
"""Seconds that a host may take to say where it is, before another is started."""


class Clients(Protocol):
    """What the thread serves: the session."""

    settings: Settings
    warn: Warner
    home: Path
    server: str | None
    watching: Watching
    contents: Contents
    shipping: Shipping | None

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
        self._patient_until = 0.0
        self.every(clients.settings.heartbeat_s, self._heartbeats)
        if clients.server is not None:
            # nobody who reads on another machine can start it here
            self.every(LOOK_S, self._start_host)
        if clients.shipping is not None:
            self.every(SPOOL_LOOK_S, clients.shipping.ensure)

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
            if self._clients.server is not None:
                self._guarded(self._start_host)  # the last words must get there, too

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
        settings, home, server = self._clients.settings, self._clients.home, self._clients.server
        if self._clients.shipping is not None:
            self._clients.shipping.ensure()
            return
        if settings.mode != "on" or settings.host != "auto":
            return
        import_in_background("epochal._host")
        from . import _host  # brings subprocess, 10 ms that an import of the SDK need not pay

        if not _host.installed(server=server is not None):
            if server is not None:
                self._clients.warn.report("outpost", _nobody(home, "what does so is not installed here"))
        elif _host.read_address(home) is None and time.monotonic() > self._patient_until:
            if server is not None and self._patient_until:
                self._clients.warn.report("outpost", _nobody(home, f"see the end of {home / 'host.log'}"))
            self._patient_until = time.monotonic() + STARTING_S
            _host.spawn(home, server)


def _nobody(home: Path, why: str) -> str:
    return (
        f"nothing takes what is logged to the server that EPOCHAL_STORE names ({why}): it is kept in "
        f"{home / 'journals'} until a process that has `pip install 'epochal[store]'` and the same EPOCHAL_STORE logs "
        "or reads on this machine"
    )
