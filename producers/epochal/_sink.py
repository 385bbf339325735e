"""Where a writer's events go in: one at a time, in the order of their times, from threads and signal handlers alike."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable

from ._events import Event, encode

__all__ = ["EventSink"]


class EventSink:
    """Encodes events and appends them.

    Guarantees: events are appended in the order of their times (``now_us`` never runs backwards). When :meth:`emit`
    has returned, the event is appended, except inside a signal handler that interrupted :meth:`emit` on the same
    thread: then it is appended before that call returns.
    """

    def __init__(self, append: Callable[[bytes], object], now_us: Callable[[], int], project: str) -> None:
        self._append = append
        self._now_us = now_us
        self._project = project
        self._pending: deque[tuple[Callable[[], Event], int | None]] = deque()
        self._lock = threading.RLock()
        self._busy = False

    def emit(self, event: Callable[[], Event], time_us: int | None = None) -> None:
        """Appends one event that occurred at ``time_us`` (microseconds, UTC), or now; made when its turn comes."""
        self._pending.append((event, time_us))
        while self._pending:
            with self._lock:
                if self._busy:  # this thread is in here already: a signal handler's event waits for the outer call
                    return
                self._busy = True
                try:
                    while self._pending:
                        self._write(*self._pending.popleft())
                finally:
                    self._busy = False

    def _write(self, event: Callable[[], Event], time_us: int | None) -> None:
        self._append(encode(event(), self._project, self._now_us(), time_us))
