"""The bytes of a journal: constants, and pure functions that pack and unpack (docs/architecture.md, "Journal").

Everything is little endian. Nothing here touches a file or a clock.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from struct import Struct
from typing import Final
from uuid import UUID

FORMAT: Final = 1
"""Newest version of the format that this code writes and reads."""

EVENTS_FILE: Final = "events.bin"
EVENTS_MAGIC: Final = b"EPOCHEVT"
EVENTS_HEADER_BYTES: Final = 64
RECORD: Final = Struct("<IIQ16s")
"""Length of the payload, check, sequence number, salt; the payload follows."""
RECORD_TAIL: Final = Struct("<Q16s")
SALT_BYTES: Final = 16
MAX_PAYLOAD_BYTES: Final = 1 << 30
"""A lifecycle event is refused above this size, so that a reader may take a longer length for damage."""

SEGMENT_MAGIC: Final = b"EPOCHSEG"
SEGMENT_HEADER_BYTES: Final = 128
SLOT_BYTES: Final = 32
FIRST_SEGMENT_BYTES: Final = 64 * 1024
MAX_SEGMENT_BYTES: Final = 16 * 1024 * 1024

ROW: Final = Struct("<IIIdd")
"""A slot without its check: name, seq, logged, step, value."""
SLOT: Final = Struct("<I28s")
"""A slot: its check, and the 28 bytes that the check covers."""

NAME_DEFINITION: Final = 0xFFFFFFFF
NAME_CONTINUATION: Final = 0xFFFFFFFE
TIME: Final = 0xFFFFFFFD
FIRST_RESERVED: Final = 0xFFFFFF00
"""Name fields from here on are not indexes of names."""
U32_MAX: Final = 0xFFFFFFFF
MAX_NAME_BYTES: Final = 0xFFFF

_EVENTS_HEADER: Final = Struct("<8sI16s32xI")
_SEGMENT_HEADER: Final = Struct("<8sII16sQq76xI")
_DEFINITION: Final = Struct("<IIHH16s")
_CONTINUATION: Final = Struct("<I24s")
_TIME: Final = Struct("<IIIq8x")
_NAME_HEAD_BYTES: Final = 16
_NAME_PART_BYTES: Final = 24


class FormatError(Exception):
    """Bytes that are not a journal's: damaged, or of another kind of file."""


class NewerFormatError(FormatError):
    """A journal written by a newer version; it is left alone."""

    def __init__(self, version: int) -> None:
        """Say which version is needed."""
        super().__init__(
            f"the journal has format {version}, this version of epochal reads formats up to {FORMAT}: "
            "upgrade epochal to read it (nothing was changed)"
        )
        self.version = version


@dataclass(frozen=True, slots=True)
class SegmentHeader:
    """What the first 128 bytes of a segment say; ``base_ms`` in milliseconds since the epoch, UTC."""

    number: int
    writer: UUID
    first_seq: int
    base_ms: int
    seed: int


def segment_file(number: int) -> str:
    """File name of a segment."""
    return f"points-{number:06d}.seg"


def segment_number(name: str) -> int | None:
    """Number of the segment that a file name stands for, or None when it names no segment."""
    digits = name.removeprefix("points-").removesuffix(".seg")
    return int(digits) if name == f"points-{digits}.seg" and digits.isdecimal() and len(digits) >= 6 else None


def events_header(writer: UUID) -> bytes:
    """The first 64 bytes of ``events.bin``."""
    return _sealed(_EVENTS_HEADER.pack(EVENTS_MAGIC, FORMAT, writer.bytes, 0))


def parse_events_header(data: bytes) -> UUID:
    """The writer of ``events.bin``.

    Raises:
        NewerFormatError: the file needs a newer version.
        FormatError: too short, damaged, or something else.
    """
    _check_header(data, EVENTS_MAGIC, EVENTS_HEADER_BYTES)
    return UUID(bytes=_EVENTS_HEADER.unpack(data[:EVENTS_HEADER_BYTES])[2])


def segment_header(number: int, writer: UUID, first_seq: int, base_ms: int) -> bytes:
    """The first 128 bytes of a segment; the last four of them seed all its checks."""
    return _sealed(_SEGMENT_HEADER.pack(SEGMENT_MAGIC, FORMAT, number, writer.bytes, first_seq, base_ms, 0))


def parse_segment_header(data: bytes) -> SegmentHeader:
    """What a segment's header says.

    Raises:
        NewerFormatError: the segment needs a newer version.
        FormatError: too short, damaged, or something else.
    """
    _check_header(data, SEGMENT_MAGIC, SEGMENT_HEADER_BYTES)
    _, _, number, writer, first_seq, base_ms, seed = _SEGMENT_HEADER.unpack(data[:SEGMENT_HEADER_BYTES])
    return SegmentHeader(number, UUID(bytes=writer), first_seq, base_ms, seed)


def pack_record(seq: int, salt: bytes, payload: bytes) -> bytes:
    """One lifecycle event as it lies in ``events.bin``."""
    return RECORD.pack(len(payload), record_check(seq, salt, payload), seq, salt) + payload


def record_check(seq: int, salt: bytes, payload: bytes) -> int:
    """The check of a lifecycle event."""
    return zlib.crc32(payload, zlib.crc32(RECORD_TAIL.pack(seq, salt)))


def pack_slot(row: bytes, seed: int) -> bytes:
    """The 32 bytes of a slot from the 28 that its check covers."""
    return SLOT.pack(zlib.crc32(row, seed), row)


def slot_is_valid(slot: bytes, seed: int) -> bool:
    """Whether 32 bytes pass the check of their segment."""
    return len(slot) == SLOT_BYTES and SLOT.unpack(slot)[0] == zlib.crc32(slot[4:], seed)


def name_slots(utf8_bytes: int) -> int:
    """How many slots the definition of a name of so many bytes takes."""
    return 1 + -(-max(0, utf8_bytes - _NAME_HEAD_BYTES) // _NAME_PART_BYTES)


def pack_name(index: int, utf8: bytes, seed: int) -> bytes:
    """The slots that define a name: its first 16 bytes, then 24 in each continuation."""
    head = _DEFINITION.pack(NAME_DEFINITION, index, 0, len(utf8), utf8[:_NAME_HEAD_BYTES])
    parts = range(_NAME_HEAD_BYTES, len(utf8), _NAME_PART_BYTES)
    rows = [head, *(_CONTINUATION.pack(NAME_CONTINUATION, utf8[i : i + _NAME_PART_BYTES]) for i in parts)]
    return b"".join(pack_slot(row, seed) for row in rows)


def parse_definition(slot: bytes) -> tuple[int, int, bytes]:
    """Index, length in bytes and first bytes of the name that a definition slot defines."""
    _, index, _, length, head = _DEFINITION.unpack(slot[4:])
    return index, length, head[:length]


def join_name(head: bytes, length: int, parts: bytes) -> bytes:
    """The UTF-8 name from a definition's first bytes and the continuation slots that follow it."""
    rest = b"".join(parts[i + 8 : i + SLOT_BYTES] for i in range(0, len(parts), SLOT_BYTES))
    return (head + rest)[:length]


def pack_time(first: int, points: int, occurred_ms: int, seed: int) -> bytes:
    """The slot that gives ``points`` points from seq ``first`` of this segment on their time.

    It replaces an earlier one, also when that was for more points than came.
    """
    return pack_slot(_TIME.pack(TIME, points, first, occurred_ms), seed)


def _sealed(header: bytes) -> bytes:
    return header[:-4] + zlib.crc32(header[:-4]).to_bytes(4, "little")


def _check_header(data: bytes, magic: bytes, size: int) -> None:
    if len(data) < size:
        raise FormatError(f"the header has {len(data)} of {size} bytes")
    if data[:8] != magic:
        raise FormatError(f"the file begins with {data[:8]!r}, expected {magic!r}")
    version = int.from_bytes(data[8:12], "little")
    sound = zlib.crc32(data[: size - 4]) == int.from_bytes(data[size - 4 : size], "little")
    if not sound:
        raise FormatError("the header does not pass its check")
    if version > FORMAT:
        raise NewerFormatError(version)
