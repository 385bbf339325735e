"""The spool: a directory of journals on their way to Kafka. Who ships it, what is wrong, and how to hurry it.

Light enough for every job: nothing of Kafka is imported here.
"""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final
from uuid import UUID

__all__ = [
    "Room",
    "SpoolLock",
    "hurried_ns",
    "hurry",
    "is_shipped",
    "journals_in",
    "read_problem",
    "shipper_pid",
    "write_problem",
]

_LOCK_FILE: Final = "shipper.lock"
_STATE_FILE: Final = "shipper.json"
_HURRY_FILE: Final = "shipper.hurry"
_held: Final[dict[str, int]] = {}
"""Spools that this process ships, with its pid: POSIX locks keep nobody out of his own process."""


class SpoolLock:
    """Makes this process the one that ships a spool, for as long as it lives or until it lets go.

    The kernel frees the lock when the process dies, and forked children don't inherit it.
    """

    def __init__(self, spool: Path) -> None:
        self._spool = spool
        self._key = os.path.realpath(spool)
        self._fd = -1

    def take(self) -> bool:
        """Whether this process ships the spool from now on; False while somebody else does.

        Raises:
            OSError: the directory can't be written, or its file system has no POSIX locks.
        """
        import fcntl

        if _held.get(self._key) == os.getpid():
            return False
        fd = os.open(self._spool / _LOCK_FILE, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.lockf(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except (BlockingIOError, PermissionError):  # EAGAIN or EACCES, as the system likes
            os.close(fd)
            return False
        except OSError:
            os.close(fd)
            raise
        _held[self._key] = os.getpid()
        self._fd = fd
        return True

    def release(self) -> None:
        """Let others ship."""
        if self._fd >= 0 and _held.get(self._key) == os.getpid():
            del _held[self._key]
            os.close(self._fd)
        self._fd = -1


def is_shipped(spool: Path) -> bool:
    """Whether somebody ships the spool right now."""
    import fcntl

    # a look at the file by the holder himself would free the lock
    if _held.get(os.path.realpath(spool)) == os.getpid():
        return True
    try:
        fd = os.open(spool / _LOCK_FILE, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.lockf(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(fd)
    return False


def journals_in(spool: Path) -> Iterator[Path]:
    """The journals of a directory, one a writer, in the order of their names, which is that of their opening."""
    try:
        names = sorted(entry.name for entry in spool.iterdir())
    except OSError:
        return
    for name in names:
        try:
            if str(UUID(name)) == name:
                yield spool / name
        except ValueError:
            continue


def hurry(spool: Path) -> None:
    """Have the shipper look at once instead of at its next turn."""
    try:
        (spool / _HURRY_FILE).touch()
    except OSError:
        return  # then it looks a second later


def hurried_ns(spool: Path) -> int:
    """When somebody last was in a hurry: a number that grows."""
    try:
        return (spool / _HURRY_FILE).stat().st_mtime_ns
    except OSError:
        return 0


def write_problem(spool: Path, problem: str) -> None:
    """Say what keeps the spool from being shipped; an empty text: nothing.

    Raises:
        OSError: it can't be written.
    """
    draft = spool / f"{_STATE_FILE}.{os.getpid()}"
    draft.write_text(json.dumps({"pid": os.getpid(), "problem": problem}), "utf-8")
    draft.replace(spool / _STATE_FILE)


def read_problem(spool: Path) -> str:
    """What keeps the spool from being shipped, as its last shipper said; empty where nothing does."""
    return str(_state(spool).get("problem", ""))


def shipper_pid(spool: Path) -> int | None:
    """The process that ships the spool; None where nobody does."""
    pid = _state(spool).get("pid")
    return pid if isinstance(pid, int) and is_shipped(spool) else None


def _state(spool: Path) -> dict[str, object]:
    try:
        said = json.loads((spool / _STATE_FILE).read_bytes())
        return said if isinstance(said, dict) else {}
    except (OSError, ValueError):
        return {}


class Room:
    """Keeps a spool within its limit: asked before a file grows. Threads may share it."""

    def __init__(self, spool: Path, limit_bytes: int) -> None:
        self._spool = spool
        self._limit = limit_bytes
        self._used = 0

    def measure(self) -> None:
        """Look again at what the spool takes, other processes' journals included; takes a while."""
        self._used = _bytes_of(self._spool)

    def admit(self, size: int) -> None:
        """Grant so many bytes more.

        Raises:
            OSError: EDQUOT, the limit would be passed; its text says which.
        """
        if self._used + size > self._limit:
            raise OSError(
                errno.EDQUOT,
                f"the spool {self._spool} takes {self._used:,} bytes, and EPOCHAL_SPOOL_LIMIT is {self._limit:,}",
            )
        self._used += size


def _bytes_of(spool: Path) -> int:
    """The disk that all journals of a spool take."""
    total = 0
    for journal in journals_in(spool):
        try:
            with os.scandir(journal) as entries:
                total += sum(entry.stat().st_blocks * 512 for entry in entries)
        except OSError:
            continue  # removed meanwhile
    return total
