"""Holding a file's content still: clones, and the signs by which a change is noticed."""

from __future__ import annotations

import contextlib
import os
import stat
import sys
from dataclasses import dataclass
from pathlib import Path

_FICLONE = 0x40049409
TICK_NS = 20_000_000
"""File times advance in steps of at most this many nanoseconds on Linux and macOS (10 ms at HZ=100, doubled)."""
COARSE_TICK_NS = 2_000_000_000
"""The same where times are whole seconds (old network file systems, FAT)."""


@dataclass(frozen=True, slots=True)
class Signs:
    """What a file looked like: if any of it differs later, its content may differ."""

    device: int
    inode: int
    size: int
    mtime_ns: int
    ctime_ns: int
    links: int
    mode: int
    owner: tuple[int, int]


def signs_of(status: os.stat_result) -> Signs:
    """The signs in a stat result."""
    return Signs(
        device=status.st_dev,
        inode=status.st_ino,
        size=status.st_size,
        mtime_ns=status.st_mtime_ns,
        ctime_ns=status.st_ctime_ns,
        links=status.st_nlink,
        mode=status.st_mode,
        owner=(status.st_uid, status.st_gid),
    )


def content_changed(before: Signs, after: Signs, *, moved: bool) -> str | None:
    """Why the content may have changed between two looks at a file, or None when it can't have.

    A changed inode time alone is explained by another name for the file (``links``), by other permissions or owner,
    or by its removal or renaming (``moved``). Unexplained, it is what remains of a write whose modification time was
    put back.
    """
    if (before.device, before.inode) != (after.device, after.inode):
        return "it was replaced by another file"
    if before.size != after.size:
        return f"its size went from {before.size:,} to {after.size:,} bytes"
    if before.mtime_ns != after.mtime_ns:
        return "it was modified"
    explained = moved or before.links != after.links or before.mode != after.mode or before.owner != after.owner
    if before.ctime_ns != after.ctime_ns and not explained:
        return "it was touched, and its modification time put back"
    return None


def settling_ns(signs: Signs, now_ns: int) -> int:
    """Nanoseconds to wait until a further write must show in the modification time (0 mostly).

    A write in the same tick of the file system's clock as the last one leaves the time as it is.
    """
    tick = COARSE_TICK_NS if signs.mtime_ns % 1_000_000_000 == 0 else TICK_NS
    age = now_ns - signs.mtime_ns
    return tick - age if 0 <= age < tick else 0


def open_regular(path: Path) -> int:
    """A read-only descriptor of a regular file; never waits (as opening a FIFO would).

    Raises:
        OSError: it cannot be opened. IsADirectoryError stands for everything that is no regular file.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | getattr(os, "O_NOCTTY", 0))
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise IsADirectoryError(f"not a regular file: {path}")
    return descriptor


def open_for_writing_elsewhere(descriptor: int) -> bool | None:
    """Whether some process has this file open (or mapped) for writing; None where that can't be known.

    A mapping that was written to before changes the content later with no trace in the file's times.
    """
    if sys.platform != "linux":
        return None
    import fcntl

    try:
        # The kernel refuses a read lease while anyone may write; it is given back at once, so nobody ever waits for it.
        fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_RDLCK)
    except BlockingIOError:
        return True
    except OSError:
        return None
    with contextlib.suppress(OSError):
        fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_UNLCK)
    return False


def clone(descriptor: int, source: Path, target: Path) -> bool:
    """Make ``target`` share the content of an open file, copy-on-write; False where that is not possible.

    Guarantees: no partial target is left; later writes to either don't show in the other.
    """
    if sys.platform == "darwin":
        return _clone_apfs(source, target)
    if sys.platform != "linux":
        return False
    import fcntl

    try:
        new = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    except OSError:
        return False
    try:
        fcntl.ioctl(new, _FICLONE, descriptor)
    except OSError:
        with contextlib.suppress(OSError):
            os.unlink(target)
        return False
    finally:
        os.close(new)
    return True


def _clone_apfs(source: Path, target: Path) -> bool:
    import ctypes

    try:
        library = ctypes.CDLL(None, use_errno=True)
        return bool(library.clonefile(os.fsencode(source), os.fsencode(target), 0) == 0)
    except (OSError, AttributeError):
        return False
