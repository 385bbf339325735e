"""A bound on how many segments of this process are open at once, whatever the number of writers.

A map keeps a descriptor, so a thousand open runs would exhaust ``ulimit -n 1024``. Idle segments are let go and
opened again at their writer's next call. Victims are only ever asked, never waited for, so there is nothing to
deadlock on.
"""

from __future__ import annotations

import threading
from typing import Protocol


class Idler(Protocol):
    """Something that holds one descriptor and can let it go while nobody uses it."""

    def activity(self) -> int:
        """A number that changes whenever the descriptor was used."""
        ...

    def try_idle(self) -> bool:
        """Let the descriptor go unless it is in use at this very moment; say whether it is gone."""
        ...


class OpenFiles:
    """The open segments of one process.

    Guarantees: at most ``limit`` are open, unless all others are in the middle of a call.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._open: dict[Idler, int] = {}
        self._lock = threading.RLock()
        self._busy = False

    def opened(self, owner: Idler) -> None:
        """Count a descriptor that ``owner`` has just opened; may let another one go."""
        with self._lock:
            self._open[owner] = -1
            if len(self._open) > self._limit:
                self._let_go(owner)

    def closed(self, owner: Idler) -> None:
        """Forget the descriptor of ``owner``."""
        with self._lock:
            self._open.pop(owner, None)

    def relieve(self, owner: Idler) -> bool:
        """Let one descriptor go because the system has none left for ``owner``; say whether one was found."""
        with self._lock:
            return self._let_go(owner)

    def _let_go(self, newest: Idler) -> bool:
        if self._busy:
            # a signal handler inside this very method, on the same thread: one over the limit does no harm
            return False
        self._busy = True
        try:
            return self._first_idle(newest, spare_active=True) or self._first_idle(newest, spare_active=False)
        finally:
            self._busy = False

    def _first_idle(self, newest: Idler, *, spare_active: bool) -> bool:
        for owner, seen in list(self._open.items()):
            if owner is newest:
                continue
            now = owner.activity()
            if spare_active and now != seen:
                # used since it was last looked at: behind the others it goes
                self._open.pop(owner)
                self._open[owner] = now
            elif owner.try_idle():
                self._open.pop(owner, None)
                return True
        return False
