"""Bytes handed on as they come, where a library wants to write to a file."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any


class Pieces(io.RawIOBase):
    """A file that gives each piece written to it to a function."""

    def __init__(self, take: Callable[[bytes], None]) -> None:
        super().__init__()
        self._take = take

    def writable(self) -> bool:
        """It is for writing only."""
        return True

    def write(self, piece: Any) -> int:
        """Hand a piece on, whole; raises what the function raises."""
        data = bytes(piece)
        self._take(data)
        return len(data)
