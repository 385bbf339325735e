"""Finding the segments of a writer, and reading headers, damaged ones included."""

from __future__ import annotations

import os
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from .layout import (
    SEGMENT_HEADER_BYTES,
    SLOT_BYTES,
    FormatError,
    NewerFormatError,
    SegmentHeader,
    parse_segment_header,
    segment_number,
    slot_is_valid,
)
from .reading import read_at


@dataclass(frozen=True)
class SegmentFile:
    """A segment as found in the directory."""

    number: int
    path: Path


def find_segments(directory: Path) -> list[SegmentFile]:
    """The segments of a writer in order; none when the directory is gone."""
    try:
        names = os.listdir(directory)
    except FileNotFoundError:
        return []
    numbered = ((segment_number(name), name) for name in names)
    return sorted(
        (SegmentFile(number, directory / name) for number, name in numbered if number is not None),
        key=lambda segment: segment.number,
    )


def is_begun(segment: SegmentFile) -> bool:
    """Whether anything was written to a segment; one that is prepared in advance holds zeros only."""
    return any(read_at(segment.path, 0, SEGMENT_HEADER_BYTES))


def sound_header(segment: SegmentFile) -> SegmentHeader | None:
    """The header of a segment, or None when it is damaged.

    Raises:
        NewerFormatError: the segment needs a newer version.
    """
    try:
        return parse_segment_header(read_at(segment.path, 0, SEGMENT_HEADER_BYTES))
    except NewerFormatError:
        raise
    except FormatError:
        return None


def repaired_header(segment: SegmentFile) -> SegmentHeader | None:
    """The header as it was before one byte of it changed, or None when that can't be told.

    The stored check also seeds the checks of all slots, so that a sound slot tells which half is damaged.
    """
    head = read_at(segment.path, 0, SEGMENT_HEADER_BYTES)
    slots = read_at(segment.path, SEGMENT_HEADER_BYTES, 64 * SLOT_BYTES)
    if len(head) < SEGMENT_HEADER_BYTES:
        return None
    body, stored = head[:-4], head[-4:]
    if _seeds(slots, zlib.crc32(body)):
        return _parsed(body + zlib.crc32(body).to_bytes(4, "little"))
    seed = int.from_bytes(stored, "little")
    if not _seeds(slots, seed):
        return None
    fixed = _with_one_byte_changed(body, lambda candidate: zlib.crc32(candidate) == seed)
    return None if fixed is None else _parsed(fixed + stored)


def _seeds(slots: bytes, seed: int) -> bool:
    return any(slot_is_valid(slots[i : i + SLOT_BYTES], seed) for i in range(0, len(slots), SLOT_BYTES))


def _with_one_byte_changed(body: bytes, is_right: Callable[[bytes], bool]) -> bytes | None:
    for place in range(len(body)):
        for value in range(256):
            candidate = body[:place] + bytes([value]) + body[place + 1 :]
            if is_right(candidate):
                return candidate
    return None


def _parsed(head: bytes) -> SegmentHeader | None:
    try:
        return parse_segment_header(head)
    except FormatError:
        return None
