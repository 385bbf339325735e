"""What is left of points in bytes that were cut or refused."""

from __future__ import annotations

import os
from collections.abc import Iterator

from .layout import FIRST_RESERVED, NAME_DEFINITION, ROW, SEGMENT_HEADER_BYTES, SLOT_BYTES, slot_is_valid
from .segments import Segment


def points_in(slots: bytes | bytearray) -> tuple[int, frozenset[int]]:
    """How many points slots hold, and the indexes of the names that they define."""
    rows = [ROW.unpack_from(slots, offset + 4) for offset in range(0, len(slots) - SLOT_BYTES + 1, SLOT_BYTES)]
    points = sum(row[0] < FIRST_RESERVED for row in rows)
    return points, frozenset(row[1] for row in rows if row[0] == NAME_DEFINITION)


def surviving_points(segment: Segment, seed: int) -> int:
    """How many points the file of a segment still holds, from its first on."""
    try:
        fd = os.open(segment.path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return 0
    try:
        status = os.fstat(fd)
        if status.st_ino != segment.inode or not _has_header(fd, seed):
            return 0
        return next(_points_backwards(fd, status.st_size, seed), 0)
    except OSError:
        return 0
    finally:
        os.close(fd)


def _has_header(fd: int, seed: int) -> bool:
    return os.pread(fd, SEGMENT_HEADER_BYTES, 0)[-4:] == seed.to_bytes(4, "little")


def _points_backwards(fd: int, size: int, seed: int) -> Iterator[int]:
    for offset in range(size - size % SLOT_BYTES - SLOT_BYTES, SEGMENT_HEADER_BYTES - 1, -SLOT_BYTES):
        slot = os.pread(fd, SLOT_BYTES, offset)
        name, rel = ROW.unpack(slot[4:])[:2] if len(slot) == SLOT_BYTES else (FIRST_RESERVED, 0)
        if name < FIRST_RESERVED and slot_is_valid(slot, seed):
            yield rel + 1
