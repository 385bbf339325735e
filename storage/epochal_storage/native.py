"""ClickHouse's Native format, as far as an answer without rows needs it."""

from __future__ import annotations

from collections.abc import Sequence


def empty_block(columns: Sequence[tuple[str, str]]) -> bytes:
    """A block with the names and types of columns and no rows.

    chDB sends nothing at all for an empty Native answer; a server sends this, and clients take the
    columns of an empty frame from it.
    """
    out = bytearray(_varint(len(columns)) + _varint(0))
    for name, kind in columns:
        out += _text(name) + _text(kind)
    return bytes(out)


def _text(text: str) -> bytes:
    data = text.encode()
    return _varint(len(data)) + data


def _varint(number: int) -> bytes:
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)
