"""A gate that many may pass at once, and that somebody shuts for a moment to be alone."""

from __future__ import annotations

import threading
from collections.abc import Generator
from contextlib import contextmanager


class Gate:
    """Guarantees: nobody is inside while it is shut, and whoever shuts it waits for those inside, not for new ones."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._inside = 0
        self._shut = False

    @property
    def is_shut(self) -> bool:
        """Whether somebody is alone, or about to be."""
        return self._shut

    @contextmanager
    def passed(self) -> Generator[None, None, None]:
        """Be inside, once it is open."""
        with self._changed:
            self._changed.wait_for(lambda: not self._shut)
            self._inside += 1
        try:
            yield
        finally:
            with self._changed:
                self._inside -= 1
                self._changed.notify_all()

    @contextmanager
    def shut(self) -> Generator[None, None, None]:
        """Keep it shut, with nobody inside. For one thread at a time."""
        with self._changed:
            self._changed.wait_for(lambda: not self._shut)
            self._shut = True
            self._changed.wait_for(lambda: not self._inside)
        try:
            yield
        finally:
            with self._changed:
                self._shut = False
                self._changed.notify_all()
