"""The body of an HTTP request, piece by piece, whether its length is announced or it comes in chunks."""

from __future__ import annotations

from collections.abc import Iterator
from email.message import Message
from typing import BinaryIO

from epochal_storage.errors import EngineError

_PIECE = 1 << 20
# what of an unread body is read and forgotten so that the connection can be used again
_FORGET = 8 << 20


class BodyReader:
    """Reads one body, once."""

    def __init__(self, stream: BinaryIO, headers: Message) -> None:
        self._stream = stream
        self._chunked = "chunked" in (headers.get("Transfer-Encoding") or "").lower()
        self._left = 0 if self._chunked else _length(headers.get("Content-Length"))
        self._ended = not self._chunked and self._left == 0

    def pieces(self) -> Iterator[bytes]:
        """What is left of the body. Raises: EngineError where it ends before its announced end."""
        while not self._ended:
            if self._left == 0:
                self._next_chunk()
                continue
            piece = self._stream.read(min(self._left, _PIECE))
            if not piece:
                raise EngineError("the body ended before its announced end", 0, "INCOMPLETE_BODY")
            self._left -= len(piece)
            if self._left == 0:
                self._end_of_piece()
            yield piece

    def drained(self) -> bool:
        """Read and forget what is left, if that is little; whether the connection can be used again."""
        forgotten = 0
        try:
            for piece in self.pieces():
                forgotten += len(piece)
                if forgotten > _FORGET:
                    return False
        except (EngineError, OSError):
            return False
        return True

    def _next_chunk(self) -> None:
        line = self._stream.readline(256)
        try:
            self._left = int(line.split(b";")[0], 16)
        except ValueError:
            self._ended = True
            raise EngineError(f"no length of a chunk: {line[:40]!r}", 0, "INCOMPLETE_BODY") from None
        if self._left == 0:
            while self._stream.readline(1 << 16).strip():
                """Trailers say nothing that is needed."""
            self._ended = True

    def _end_of_piece(self) -> None:
        if self._chunked:
            self._stream.readline(4)
        else:
            self._ended = True


def _length(text: str | None) -> int:
    if text is None:
        return 0
    if not text.isdigit():
        raise EngineError(f"Content-Length is {text!r}; a number is expected", 0, "BAD_REQUEST")
    return int(text)
