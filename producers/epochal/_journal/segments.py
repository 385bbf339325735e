"""Segments as files: real blocks before anything is mapped, and two ways to write the same rows.

*Mapped*: rows are packed straight into the map of a file whose blocks exist. *Written*: rows are packed into a
small buffer, and each call ends with one ``pwrite``; for file systems that can't promise blocks (network, FUSE,
copy-on-write, unknown). Both leave the same file.
"""

from __future__ import annotations

import contextlib
import errno
import mmap
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from .guard import can_guard, process_guard
from .layout import FIRST_SEGMENT_BYTES

Mode = Literal["mapped", "written"]

_IN_PLACE: Final = frozenset({"ext2", "ext3", "ext4", "xfs", "tmpfs"})
"""File systems of Linux on which an allocated block stays where it is when it is written."""
_BUFFER_BYTES: Final = 64 * 1024
CUT: Final = "the file is shorter than what was written to it"


@dataclass(slots=True)
class Segment:
    """An open or idle segment of the metrics channel, owned by one writer and guarded by its lock.

    ``buffer`` is where rows are packed: the map, or what the next ``pwrite`` takes. Position 0 of the buffer is
    byte ``origin`` of the file. An idle segment (``buffer`` is None) holds no descriptor.
    """

    path: Path
    number: int
    size: int
    mode: Mode
    inode: int
    buffer: mmap.mmap | bytearray | None = None
    fd: int = -1
    origin: int = 0
    guarded: int = 0

    def open(self, on_cut: Callable[[], None]) -> None:
        """Map or open the file again; ``on_cut`` is called when a store finds the map's file cut.

        Raises:
            OSError: it is gone, has become shorter, or is another file now.
        """
        fd = os.open(self.path, os.O_RDWR | os.O_CLOEXEC)
        try:
            status = os.fstat(fd)
            if status.st_ino != self.inode:
                raise OSError(errno.ESTALE, "another file has taken its place", str(self.path))
            if self.mode == "mapped":
                if status.st_size < self.size:
                    raise OSError(errno.EIO, f"it was cut to {status.st_size} of {self.size} bytes", str(self.path))
                # the map keeps a descriptor of its own
                self.buffer = mmap.mmap(fd, self.size)
                self.guarded = process_guard().watch(self.buffer, self.path, on_cut) if can_guard() else 0
            else:
                self.buffer = bytearray(_BUFFER_BYTES)
                self.fd, fd = fd, -1
        finally:
            if fd >= 0:
                os.close(fd)

    def release(self) -> None:
        """Let map and descriptor go; the file stays as it is."""
        # forgotten first: an interruption in between must not lead to a second close, of what is others' by then
        buffer, self.buffer = self.buffer, None
        guarded, self.guarded = self.guarded, 0
        fd, self.fd = self.fd, -1
        if guarded:
            process_guard().forget(guarded)
        if isinstance(buffer, mmap.mmap):
            buffer.close()
        if fd >= 0:
            os.close(fd)

    def trouble(self, header: bytes) -> str:
        """What is wrong with the file, if something is: deleted, replaced, shorter than what was written."""
        try:
            fd = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            return f"the live segment {self.path} was deleted"
        except OSError:
            return ""  # can't be looked at now (descriptors, permissions): says nothing about it
        try:
            status = os.fstat(fd)
            whole = self.size if self.mode == "mapped" else self.origin
            if status.st_ino != self.inode:
                return f"the live segment {self.path} was replaced by another file"
            if status.st_size < whole or (whole and os.pread(fd, len(header), 0) != header):
                return f"the live segment {self.path} was cut by someone (it has {status.st_size:,} bytes)"
            if self.mode == "written" and self.origin and os.lseek(fd, 0, os.SEEK_HOLE) < self.origin:
                # cut in the very moment of a write, which made it grow again
                return f"the live segment {self.path} was cut by someone (zeros lie where points were)"
        finally:
            os.close(fd)
        return ""

    def write_out(self, end: int) -> tuple[int, OSError | None]:
        """In written mode: write the first ``end`` bytes of the buffer to the file.

        Returns how many bytes lie in the file now, and the refusal if these are not all. A file that was cut is
        a refusal (EIO): writing behind its end would hide that.
        """
        assert isinstance(self.buffer, bytearray)
        size = os.lseek(self.fd, 0, os.SEEK_END)
        if size < self.origin:
            return 0, OSError(errno.EIO, CUT, str(self.path))
        done = 0
        # released at once: an interruption must not leave a view that forbids the buffer to grow
        with memoryview(self.buffer) as view:
            try:
                while done < end:
                    with view[done:end] as rest:
                        done += os.pwrite(self.fd, rest, self.origin + done)
            except OSError as error:
                return done, error
        return done, None


def probe_mode(directory: Path) -> Mode:
    """How segments below this directory can be written: mapped only where allocated blocks stay in place."""
    return "mapped" if can_guard() and _file_system(directory) in _IN_PLACE else "written"


def allocate(path: Path, number: int, size: int, mode: Mode) -> Segment:
    """A new segment; in mapped mode all its blocks exist when this returns. No descriptor is held.

    Raises:
        OSError: no space, no permission, no directory; nothing is left behind.
    """
    fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644)
    try:
        if mode == "mapped":
            os.posix_fallocate(fd, 0, size)
        inode = os.fstat(fd).st_ino
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(path)
        raise
    finally:
        os.close(fd)
    return Segment(path, number, size, mode, inode)


def allocate_what_fits(
    path: Path, number: int, size: int, mode: Mode, least: int, admit: Callable[[int], None]
) -> Segment:
    """A new segment of ``size`` bytes, or of a half, a quarter ... while there is no room, down to ``least``.

    ``admit`` is asked for the bytes first.

    Raises:
        OSError: not even the smallest was granted, by ``admit`` or by the disk.
    """
    while True:
        try:
            admit(size)
            return allocate(path, number, size, mode)
        except OSError as error:
            half = size // 2
            if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG) or half < max(least, FIRST_SEGMENT_BYTES):
                raise
            size = half


def _file_system(directory: Path) -> str:
    """Type of the file system that holds a directory, or '' when it can't be told."""
    try:
        device = os.stat(directory).st_dev
        wanted = f"{os.major(device)}:{os.minor(device)}"
        with open("/proc/self/mountinfo", encoding="utf-8", errors="replace") as mounts:
            for line in mounts:
                fields = line.split()
                if fields[2] == wanted:
                    return fields[fields.index("-") + 1]
    except (OSError, ValueError, IndexError):
        pass
    return ""
