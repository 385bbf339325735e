"""The values that readers of journals return, and their patience with what is not there yet."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal
from uuid import UUID

import numpy.typing as npt

_PATIENCE_S: Final = 1.0
_WINDOW_BYTES: Final = 256 * 1024


@dataclass(frozen=True, eq=False)
class Points:
    """Points with consecutive sequence numbers; ``rows`` has dtype ``POINT``, its ``name`` indexes ``names``."""

    writer: UUID
    first_seq: int
    names: tuple[str, ...]
    rows: npt.NDArray[Any]


@dataclass(frozen=True)
class Record:
    """A lifecycle event: its number, the salt of its digest, and its JSON."""

    seq: int
    salt: bytes
    payload: bytes


@dataclass(frozen=True)
class Damage:
    """Something that can't be read any more: ``count`` numbers from ``first_seq`` on are lost.

    A count of 0 means that no number is missing; ``detail`` says what may be wrong all the same.
    """

    channel: Literal["lifecycle", "metrics"]
    place: str
    first_seq: int
    count: int
    detail: str


class Patience:
    """Decides when something that is not readable yet is damage: when it has not changed for a second."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._what: object = None
        self._since = 0.0

    def is_over(self, what: object, *, final: bool) -> bool:
        """Whether ``what`` (a place and what is seen there) is the same as a second ago, or nothing can change."""
        if final:
            return True
        now = self._monotonic()
        if what != self._what:
            self._what, self._since = what, now
        return now - self._since >= _PATIENCE_S


class Window:
    """A file read forward in large pieces, and asked for small ones. Shows each byte as it first was."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._start = 0
        self._data = b""

    def get(self, offset: int, size: int) -> bytes:
        """Up to ``size`` bytes from ``offset`` on."""
        at = offset - self._start
        if at < 0 or at + size > len(self._data):
            self._start, at = offset, 0
            self._data = read_at(self._path, offset, max(size, _WINDOW_BYTES))
        return self._data[at : at + size]


def read_at(path: Path, offset: int, size: int) -> bytes:
    """Up to ``size`` bytes from ``offset`` on; nothing when the file is gone."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return b""
    try:
        parts = []
        while size > 0 and (part := os.pread(fd, size, offset)):
            parts.append(part)
            offset += len(part)
            size -= len(part)
        return b"".join(parts)
    finally:
        os.close(fd)
