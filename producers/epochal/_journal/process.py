"""Whether a process that writes journals still lives: a lock that the kernel frees when it dies.

POSIX record locks belong to the process: a forked child does not inherit them, and the kernel drops them on
SIGKILL. They are also dropped when the process closes *any* descriptor of the file, so a holder never opens
its own lock file a second time; it knows its own ids.
"""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from typing import Final
from uuid import UUID, uuid4

_FOLDER: Final = "processes"
_own: Final[dict[tuple[str, UUID], int]] = {}
"""Locks that this process holds, with its pid: locks are a property of the process, so their registry is too."""


class ProcessLock:
    """A lock file held for the life of this process."""

    def __init__(self, path: Path, process: UUID, fd: int) -> None:
        """Take over a descriptor on which the lock is already held; use :meth:`hold`."""
        self.id = process
        """Names this process in ``writer.opened`` events."""
        self._path = path
        self._fd = fd
        self._pid = os.getpid()

    @classmethod
    def hold(cls, journals: Path) -> ProcessLock:
        """Take a new lock below ``journals``.

        Raises:
            OSError: the directory can't be written, or its file system has no POSIX locks.
        """
        process = uuid4()
        path = _lock_path(journals, process)
        path.parent.mkdir(parents=True, exist_ok=True)
        fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644)
        try:
            fcntl.lockf(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(fd)
            path.unlink(missing_ok=True)
            raise
        _own[_key(journals, process)] = os.getpid()
        return cls(path, process, fd)

    def release(self) -> None:
        """Say that this process writes no more, and remove the file. Does nothing in a forked child."""
        if self._fd < 0 or self._pid != os.getpid():
            return
        _own.pop(_key(self._path.parent.parent, self.id), None)
        self._path.unlink(missing_ok=True)
        os.close(self._fd)
        self._fd = -1


def is_alive(journals: Path, process: UUID) -> bool:
    """Whether the process that took this lock still holds it; a missing lock file counts as dead.

    Raises:
        OSError: the lock file is there and can't be asked (permissions, no POSIX locks).
    """
    if _own.get(_key(journals, process)) == os.getpid():
        return True
    try:
        fd = os.open(_lock_path(journals, process), os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        # shared, so that two who ask at the same time don't take each other for the holder
        fcntl.lockf(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):  # EAGAIN or EACCES, as the system likes
        return True
    finally:
        os.close(fd)
    return False


def lock_exists(journals: Path, process: UUID) -> bool:
    """Whether there is a lock file of this process; whoever found it dead may have removed it."""
    return _lock_path(journals, process).exists()


def forget(journals: Path, process: UUID) -> None:
    """Remove the lock file of a process that is dead."""
    _lock_path(journals, process).unlink(missing_ok=True)


def _lock_path(journals: Path, process: UUID) -> Path:
    return journals / _FOLDER / f"{process}.lock"


def _key(journals: Path, process: UUID) -> tuple[str, UUID]:
    return os.path.realpath(journals), process
