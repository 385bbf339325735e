"""Who of several processes on this machine that name the same component writes its status: the first that lives.

A claim is a file under a POSIX lock, which the kernel frees when its process dies and which forked children don't
inherit.
"""

from __future__ import annotations

import os
from pathlib import Path
from uuid import UUID

__all__ = ["Claims"]


class Claims:
    """The claims of this process. A file is opened once and kept: closing any descriptor would free the lock."""

    def __init__(self, journals: Path) -> None:
        self._folder = journals / "claims"
        self._open: dict[str, tuple[int, int]] = {}

    def take(self, component: UUID, rank: int) -> bool:
        """Whether this process may speak for the component's rank; False while another process (or run) does.

        Where the directory has no locks, everyone may.
        """
        try:
            import fcntl
        except ImportError:
            return True
        name = f"{component}.{rank}.lock"
        if name in self._open and self._open[name][1] == os.getpid():
            return False
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            fd = os.open(self._folder / name, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        except OSError:
            return True
        try:
            fcntl.lockf(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(fd)
            return False
        except OSError:
            os.close(fd)
            return True
        self._open[name] = fd, os.getpid()
        return True

    def give_back(self, component: UUID, rank: int) -> None:
        """Lets the next one speak for the component's rank."""
        fd, owner = self._open.pop(f"{component}.{rank}.lock", (-1, 0))
        if fd >= 0 and owner == os.getpid():
            os.close(fd)
