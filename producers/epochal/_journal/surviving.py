"""What is left of points in bytes that were cut or refused."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Final

from .layout import FIRST_RESERVED, NAME_DEFINITION, ROW, SEGMENT_HEADER_BYTES, SLOT_BYTES, slot_is_valid
from .segments import Segment

_CHUNK_BYTES: Final = 64 * 1024


def take_back(slots: bytes | bytearray, names: dict[str, int]) -> int:
    """Forget the names that refused slots define, and say how many points they hold."""
    rows = [ROW.unpack_from(slots, offset + 4) for offset in range(0, len(slots) - SLOT_BYTES + 1, SLOT_BYTES)]
    defined = {row[1] for row in rows if row[0] == NAME_DEFINITION}
    for name in [name for name, index in names.items() if index in defined]:
        del names[name]
    return sum(row[0] < FIRST_RESERVED for row in rows)


def surviving_points(segment: Segment, seed: int) -> int:
    """How many points a reader still finds in the file of a segment."""
    try:
        fd = os.open(segment.path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return 0
    try:
        same = os.fstat(fd).st_ino == segment.inode
        sound = same and os.pread(fd, SEGMENT_HEADER_BYTES, 0)[-4:] == seed.to_bytes(4, "little")
        return sum(_valid_points(fd, seed)) if sound else 0
    except OSError:
        return 0
    finally:
        os.close(fd)


def _valid_points(fd: int, seed: int) -> Iterator[bool]:
    offset = SEGMENT_HEADER_BYTES
    while slots := os.pread(fd, _CHUNK_BYTES, offset):
        for at in range(0, len(slots) - SLOT_BYTES + 1, SLOT_BYTES):
            slot = slots[at : at + SLOT_BYTES]
            yield slot_is_valid(slot, seed) and ROW.unpack_from(slot, 4)[0] < FIRST_RESERVED
        offset += _CHUNK_BYTES
