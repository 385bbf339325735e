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

    def __init__(
        self,
        append: Callable[[bytes], object],
        now_us: Callable[[], int],
        project: str,
        report: Callable[[str, str], None],
    ) -> None:
        self._report = report
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
        made, now = event(), self._now_us()
        try:
            payload = encode(made, self._project, now, time_us)
        except UnicodeEncodeError as error:
            payload = encode(made, self._project, now, time_us, lenient=True)
            self._report(
                "text",
                f"{made[0]}: a lone surrogate ({error.object[error.start]!r}) is no text that UTF-8 can carry: U+FFFD "
                "stands in its place. Decode file names with errors='replace' to avoid it",
            )
        self._append(payload)
