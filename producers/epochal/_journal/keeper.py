"""The one helper thread of a process: it syncs journals about once a second and prepares their next segments.

Threads and descriptors belong to the process, not to a writer, so there is one keeper and one pool per process;
a forked child begins with new ones.
"""

from __future__ import annotations

import contextlib
import os
import queue
import threading
import time
import weakref
from typing import Protocol

from .pool import OpenFiles


class Tended(Protocol):
    """A writer that wants to be looked after."""

    def tend(self) -> None:
        """Do what is due; quick when nothing is. Never raises."""
        ...


class Keeper:
    """Calls :meth:`Tended.tend` of every writer at intervals and whenever one asks for it."""

    def __init__(self, pool: OpenFiles, *, interval_s: float = 0.25) -> None:
        self.pool = pool
        self._interval_s = interval_s
        self._writers: weakref.WeakSet[Tended] = weakref.WeakSet()
        # SimpleQueue.put may be called from a signal handler that interrupts another put; Event.set may not
        self._calls: queue.SimpleQueue[Tended | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def watch(self, writer: Tended) -> None:
        """Tend this writer from now on; it is not kept alive by this."""
        with self._lock:
            self._writers.add(writer)
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._run, name="epochal-journal", daemon=True)
                # no threads at interpreter shutdown, or none left: journals work without, only less smoothly
                with contextlib.suppress(RuntimeError):
                    self._thread.start()

    def forget(self, writer: Tended) -> None:
        """Tend this writer no more."""
        with self._lock:
            self._writers.discard(writer)
        self._calls.put(None)

    def call(self, writer: Tended) -> None:
        """Tend this writer as soon as possible. Returns at once; safe in signal handlers."""
        self._calls.put(writer)

    def _run(self) -> None:
        due = time.monotonic() + self._interval_s
        while True:
            with contextlib.suppress(queue.Empty):
                asked = self._calls.get(timeout=max(0.0, due - time.monotonic()))
                if asked is not None:
                    asked.tend()
                del asked
            with self._lock:
                writers = list(self._writers)
                if not writers:
                    self._thread = None
                    return
            if time.monotonic() >= due:
                for writer in writers:
                    writer.tend()
                due = time.monotonic() + self._interval_s
            del writers


_process_keeper: list[Keeper] = []


def process_keeper() -> Keeper:
    """The keeper of this process, made at the first call (and again in a forked child)."""
    if not _process_keeper:
        _process_keeper.append(Keeper(OpenFiles(_open_files_limit())))
        os.register_at_fork(after_in_child=_process_keeper.clear)
    return _process_keeper[0]


def _open_files_limit() -> int:
    """A quarter of what the process may open: the rest belongs to the training."""
    import resource

    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return 4096 if soft == resource.RLIM_INFINITY else max(8, min(4096, soft // 4))
