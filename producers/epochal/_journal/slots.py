"""Slots as NumPy columns: the check of many at once, and what points they make. Pure; used by readers only.

CRC-32 is linear: the check of a row is a constant of the seed, XOR one table look-up for each two bytes of the row.
"""

from __future__ import annotations

import functools
import zlib
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from .layout import ROW, SLOT_BYTES, TIME

SLOT: Final = np.dtype(
    [("check", "<u4"), ("name", "<u4"), ("seq", "<u4"), ("logged", "<u4"), ("step", "<f8"), ("value", "<f8")]
)
POINT: Final = np.dtype(
    [("seq", "<u8"), ("name", "<u4"), ("step", "<f8"), ("value", "<f8"), ("logged_ms", "<i8"), ("occurred_ms", "<i8")]
)
"""A point as readers get it: ``name`` indexes the names beside it, times are milliseconds since the epoch, UTC."""

Array = npt.NDArray[Any]
_ROW_BYTES: Final = ROW.size


def valid_slots(raw: bytes, seed: int) -> npt.NDArray[np.bool_]:
    """Which of the slots in ``raw`` (a whole number of them) pass the check of their segment."""
    words = np.frombuffer(raw, dtype="<u2").reshape(-1, SLOT_BYTES // 2)
    checks = np.frombuffer(raw, dtype="<u4")[:: SLOT_BYTES // 4]
    tables = _tables()
    crc = np.full(len(words), zlib.crc32(bytes(_ROW_BYTES), seed), dtype=np.uint32)
    for column, table in enumerate(tables, start=2):
        crc ^= table[words[:, column]]
    return np.asarray(crc == checks, dtype=np.bool_)


@dataclass(frozen=True)
class GivenTime:
    """What the last time slot said: points ``first`` to ``first + count`` of the segment occurred at ``ms``."""

    first: int = 0
    count: int = 0
    ms: int = 0


def occurred(
    slots: Array, is_point: npt.NDArray[np.bool_], logged_ms: Array, given: GivenTime
) -> tuple[Array, GivenTime]:
    """The occurred_at of each point in a run of slots, and the time that goes on to hold behind it.

    ``given`` holds at the beginning of the run.
    """
    times = np.flatnonzero(slots["name"] == TIME)
    firsts = np.concatenate(([given.first], slots["logged"][times].astype(np.int64)))
    counts = np.concatenate(([given.count], slots["seq"][times].astype(np.int64)))
    millis = np.concatenate(([given.ms], slots["step"][times].view("<i8")))
    which = np.searchsorted(times, np.flatnonzero(is_point))
    place = slots["seq"][is_point] - firsts[which]
    timed = (place >= 0) & (place < counts[which])
    return np.where(timed, millis[which], logged_ms), GivenTime(int(firsts[-1]), int(counts[-1]), int(millis[-1]))


@functools.cache
def _tables() -> tuple[npt.NDArray[np.uint32], ...]:
    """For each of the 14 pairs of bytes of a row: what each value of the pair changes in the check of zeros."""
    bytewise = [[zlib.crc32(_row_with(i, b)) for b in range(256)] for i in range(_ROW_BYTES)]
    single = np.array(bytewise, dtype=np.uint32) ^ np.uint32(zlib.crc32(bytes(_ROW_BYTES)))
    # the low byte of a little-endian pair comes first
    return tuple((single[i + 1][:, None] ^ single[i][None, :]).reshape(-1) for i in range(0, _ROW_BYTES, 2))


def _row_with(position: int, byte: int) -> bytes:
    return bytes(position) + bytes([byte]) + bytes(_ROW_BYTES - position - 1)
