"""The intake of an embedded store: which range of which stream got which number, and when.

An append-only file, synced before anything is inserted. The chain of its records makes it evident when one of them
was altered. The bytes are defined in docs/wire-format.md ("Intake").
"""

from __future__ import annotations

import hashlib
import os
import struct
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import numpy as np
import numpy.typing as npt

from epochal_processors.frames import LIFECYCLE, METRICS, Position
from epochal_storage.errors import StoreError

MAGIC = b"EPOCHINT"
VERSION = 1
_HEADER = struct.Struct("<8sII16s28xI")
_RECORD = struct.Struct("<Q16sII QQq 32s4xI")
RECORD_SIZE = _RECORD.size
HEADER_SIZE = _HEADER.size
_CHAINED = 56
"""The bytes of a record that its chain value covers, after the chain value before it."""
CHANNELS = (LIFECYCLE, METRICS)


class IntakeError(StoreError):
    """The intake file can't be used: damaged, of another store, or written by a newer version."""


@dataclass(frozen=True, slots=True)
class Range:
    """A range of one stream that is to be taken in."""

    writer: UUID
    channel: str
    first_seq: int
    count: int


@dataclass(frozen=True, slots=True)
class Taken:
    """A range with the number it got, and when (microseconds, UTC)."""

    number: int
    range: Range
    recorded_at_us: int


def store_of(path: Path) -> UUID | None:
    """The store that an intake file belongs to; None where there is none, or it can't be read."""
    try:
        header = path.read_bytes()[:HEADER_SIZE]
    except OSError:
        return None
    if len(header) < HEADER_SIZE or zlib.crc32(header[:-4]) != int.from_bytes(header[-4:], "little"):
        return None
    return UUID(bytes=_HEADER.unpack(header)[3])


TAKEN = np.dtype(
    [
        ("number", "<u8"),
        ("writer", "V16"),
        ("channel", "<u4"),
        ("place", "<u4"),
        ("first_seq", "<u8"),
        ("count", "<u8"),
        ("recorded_at", "<i8"),
        ("chain", "V32"),
        ("zero", "<u4"),
        ("check", "<u4"),
    ]
)
"""A record of an intake file."""


def all_taken(path: Path, store: UUID) -> npt.NDArray[np.void]:
    """The whole records of a store's intake file, which another process may be writing, after a look at their chain.

    Raises:
        IntakeError: damaged, altered, another store's or newer.
        OSError: it can't be read.
    """
    data = path.read_bytes()
    header = _header_of(store)
    _check_header(path, data[:HEADER_SIZE], header)
    count, _, _ = _scan(path, data, hashlib.sha256(header).digest())
    return np.frombuffer(data, TAKEN, count, HEADER_SIZE)


class Intake:
    """The one writer of a store's intake file.

    Numbers count up by one from 0; ``recorded_at`` strictly increases, whatever the clock does. When :meth:`take`
    returns, its records are on the disk.
    """

    def __init__(self, path: Path, store: UUID, now_us: Callable[[], int], acted_on: int = 0) -> None:
        """Open or create the file; a torn last batch is cut off.

        Args:
            path: the file.
            store: the store it must belong to.
            now_us: the clock.
            acted_on: how many numbers are known to have been used; the file must hold at least these.

        Raises:
            IntakeError: damaged, another store's, newer, or gone.
        """
        if acted_on and not path.exists():
            raise IntakeError(
                f"{path} is gone, and the ledger has {acted_on} of its numbers: bring it back from a backup "
                "(epochal import); nothing was changed"
            )
        self.log = f"intake:{store}"
        self._now_us = now_us
        self._path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        self._count, self._chain, self._instant = self._open(store, acted_on)

    @property
    def count(self) -> int:
        """How many numbers have been given; the next one."""
        return self._count

    def take(self, ranges: Sequence[Range]) -> list[Taken]:
        """Give every range a number and an instant, durably.

        Raises:
            OSError: the file can't be written; no number was given.
        """
        taken, data = [], bytearray()
        chain, instant = self._chain, self._instant
        for number, one in enumerate(ranges, self._count):
            instant = max(self._now_us(), instant + 1)
            taken.append(Taken(number, one, instant))
            record, chain = _pack(taken[-1], number - self._count, chain)
            data += record
        end = HEADER_SIZE + self._count * RECORD_SIZE
        try:
            _write_all(self._file, bytes(data), end)
            os.fdatasync(self._file)
        except OSError:
            os.ftruncate(self._file, end)
            raise
        self._count += len(taken)
        self._chain, self._instant = chain, instant
        return taken

    def position(self, taken: Taken) -> Position:
        """The position that a range has through its number."""
        return Position(self.log, taken.number, taken.recorded_at_us)

    def records(self, first: int = 0) -> Iterator[Taken]:
        """What was taken, from a number on, in order."""
        for number in range(first, self._count):
            data = os.pread(self._file, RECORD_SIZE, HEADER_SIZE + number * RECORD_SIZE)
            yield _unpack(data)

    def close(self) -> None:
        """Close the file."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    def _open(self, store: UUID, acted_on: int) -> tuple[int, bytes, int]:
        data = _read_all(self._file)
        header = _header_of(store)
        if len(data) < HEADER_SIZE and acted_on == 0:
            _write_all(self._file, header, 0)
            os.ftruncate(self._file, HEADER_SIZE)
            os.fsync(self._file)
            _sync_directory(self._path.parent)
            data = header
        _check_header(self._path, data[:HEADER_SIZE], header)
        found = _scan(self._path, data, hashlib.sha256(header).digest())
        if found[0] < acted_on:
            raise IntakeError(
                f"{self._path} is damaged: it begins with {found[0]} whole records, the ledger has {acted_on}; "
                "restore the file from a backup (epochal import), nothing was changed"
            )
        if len(data) > (end := HEADER_SIZE + found[0] * RECORD_SIZE):
            os.ftruncate(self._file, end)
            os.fsync(self._file)
        return found


def _header_of(store: UUID) -> bytes:
    header = _HEADER.pack(MAGIC, VERSION, RECORD_SIZE, store.bytes, 0)[:-4]
    return header + struct.pack("<I", zlib.crc32(header))


def _pack(taken: Taken, place: int, previous: bytes) -> tuple[bytes, bytes]:
    """The bytes of a record at its place in its batch, and its chain value."""
    one = taken.range
    channel = CHANNELS.index(one.channel)
    fields = (taken.number, one.writer.bytes, channel, place, one.first_seq, one.count, taken.recorded_at_us)
    covered = _RECORD.pack(*fields, b"", 0)[:_CHAINED]
    chain = hashlib.sha256(previous + covered).digest()
    checked = covered + chain + bytes(4)
    return checked + struct.pack("<I", zlib.crc32(checked)), chain


def _unpack(data: bytes) -> Taken:
    number, writer, channel, _, first_seq, count, recorded_at, _, _ = _RECORD.unpack(data)
    return Taken(number, Range(UUID(bytes=writer), CHANNELS[channel], first_seq, count), recorded_at)


def _scan(path: Path, data: bytes, chain: bytes) -> tuple[int, bytes, int]:
    """How many whole records there are, the chain value and the instant of the last one.

    Raises:
        IntakeError: whole records of a later batch follow one that isn't whole. (After a loss of power the last batch
            may have holes; it was never acted upon.)
    """
    count, instant = 0, 0
    records = memoryview(data)[HEADER_SIZE:]
    for number in range(len(records) // RECORD_SIZE):
        record = bytes(records[number * RECORD_SIZE : (number + 1) * RECORD_SIZE])
        if not _whole(record, number):
            break
        chain = _linked(path, record, chain, number)
        count, instant = number + 1, _unpack(record).recorded_at_us
    for number in range(count + 1, len(records) // RECORD_SIZE):
        record = bytes(records[number * RECORD_SIZE : (number + 1) * RECORD_SIZE])
        if _whole(record, number) and number - _RECORD.unpack(record)[3] > count:
            raise IntakeError(
                f"{path} is damaged: record {count} can't be read, record {number} after it can; "
                "restore the file from a backup (epochal import), nothing was changed"
            )
    return count, chain, instant


def _whole(record: bytes, number: int) -> bool:
    (checksum,) = struct.unpack("<I", record[-4:])
    return checksum == zlib.crc32(record[:-4]) and int.from_bytes(record[:8], "little") == number


def _linked(path: Path, record: bytes, previous: bytes, number: int) -> bytes:
    chain = hashlib.sha256(previous + record[:_CHAINED]).digest()
    if record[_CHAINED : _CHAINED + 32] != chain:
        raise IntakeError(
            f"{path} was altered: record {number} doesn't continue the chain of the records before it; "
            "restore the file from a backup (epochal import), nothing was changed"
        )
    return chain


def _check_header(path: Path, found: bytes, expected: bytes) -> None:
    if found == expected:
        return
    if len(found) < HEADER_SIZE or found[:8] != MAGIC or zlib.crc32(found[:-4]) != int.from_bytes(found[-4:], "little"):
        raise IntakeError(f"{path} is damaged: it doesn't begin as an intake file does; restore it from a backup")
    _, version, _, store, _ = _HEADER.unpack(found)
    if version > VERSION:
        raise IntakeError(f"{path} has format {version}, this version reads up to {VERSION}: upgrade epochal")
    raise IntakeError(f"{path} belongs to the store {UUID(bytes=store)}, not to this one")


def _read_all(file: int) -> bytes:
    size = os.fstat(file).st_size
    pieces, at = [], 0
    while at < size and (piece := os.pread(file, min(size - at, 1 << 24), at)):
        pieces.append(piece)
        at += len(piece)
    return b"".join(pieces)


def _write_all(file: int, data: bytes, at: int) -> None:
    written = 0
    while written < len(data):
        written += os.pwrite(file, data[written:], at + written)


def _sync_directory(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
