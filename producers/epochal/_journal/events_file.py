"""The lifecycle channel: records appended to ``events.bin``, each with one ``write``.

Events are rare, so the file is opened for each of them: no descriptor is held, and a file that was deleted or
cut meanwhile is noticed before the next record is written.
"""

from __future__ import annotations

import errno
import os
from pathlib import Path
from uuid import UUID

from .folder import make_again
from .layout import EVENTS_FILE, EVENTS_HEADER_BYTES, MAX_PAYLOAD_BYTES, RECORD, SALT_BYTES, events_header, pack_record


class EventsFile:
    """The writing side of one lifecycle channel; not thread-safe, guarded by the writer's lock."""

    def __init__(self, directory: Path, writer: UUID) -> None:
        self._path = directory / EVENTS_FILE
        self._writer = writer
        self._size = 0
        self.seq = 0
        """Next sequence number."""
        self.cut = 0
        """Events that were in the file and are no more: somebody shortened or deleted it."""
        self._synced = 0

    def append(self, payload: bytes) -> int:
        """Write one event and return its sequence number.

        Guarantees: when it returns, the event survives SIGKILL. When it raises, the number is not used up.

        Raises:
            OSError: it could not be written.
            ValueError: the payload is larger than a record may be.
        """
        if len(payload) > MAX_PAYLOAD_BYTES:
            raise ValueError(f"an event of {len(payload)} bytes is larger than {MAX_PAYLOAD_BYTES}")
        record = pack_record(self.seq, os.urandom(SALT_BYTES), payload)
        fd = self._open()
        try:
            self._write(fd, record)
        finally:
            os.close(fd)
        self.seq += 1
        return self.seq - 1

    def sync(self) -> bool:
        """Put what was written on the disk; say whether that is done."""
        if self._synced == self.seq:
            return True
        reached = self.seq
        try:
            fd = os.open(self._path, os.O_RDONLY | os.O_CLOEXEC)
        except OSError:
            return False
        try:
            getattr(os, "fdatasync", os.fsync)(fd)
        except OSError:
            return False
        finally:
            os.close(fd)
        self._synced = reached
        return True

    def _open(self) -> int:
        flags = os.O_RDWR | os.O_APPEND | os.O_CLOEXEC
        if self._size == 0:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            flags |= os.O_CREAT
        try:
            fd = os.open(self._path, flags, 0o644)
        except FileNotFoundError:
            make_again(self._path.parent)
            fd = os.open(self._path, flags | os.O_CREAT, 0o644)
        try:
            if os.fstat(fd).st_size < max(self._size, EVENTS_HEADER_BYTES):
                self._begin_again(fd)
        except BaseException:
            os.close(fd)
            raise
        return fd

    def _begin_again(self, fd: int) -> None:
        """Make a file that is new, or was cut, end with its last whole record."""
        kept, end = _whole_records(fd)
        self.cut += self.seq - kept if self.seq > kept else 0
        os.ftruncate(fd, end)
        self._size = end
        if end == 0:
            self._write(fd, events_header(self._writer))

    def _write(self, fd: int, data: bytes) -> None:
        written = 0
        try:
            while written < len(data):
                count = os.write(fd, data[written:] if written else data)
                if count == 0:
                    raise OSError(errno.EIO, "nothing was written", str(self._path))
                written += count
        except BaseException:
            # a torn record in the middle would read as damage
            if written:
                os.ftruncate(fd, self._size)
            raise
        self._size += len(data)


def _whole_records(fd: int) -> tuple[int, int]:
    """How many events a file holds (by their numbers), and where the last whole record ends."""
    size = os.fstat(fd).st_size
    if size < EVENTS_HEADER_BYTES:
        return 0, 0
    kept, end = 0, EVENTS_HEADER_BYTES
    while len(head := os.pread(fd, RECORD.size, end)) == RECORD.size:
        length, _, seq, _ = RECORD.unpack(head)
        if length > MAX_PAYLOAD_BYTES or end + RECORD.size + length > size:
            break
        kept, end = seq + 1, end + RECORD.size + length
    return kept, end
