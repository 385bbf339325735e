"""Content-Encoding, both ways: gzip, zstd, lz4 and br, with the codecs that pyarrow brings."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator

import pyarrow as pa

from epochal_storage.errors import EngineError

# pyarrow's name by HTTP's, in the order of preference: cheapest for the processor first
_CODECS = {"lz4": "lz4", "zstd": "zstd", "gzip": "gzip", "br": "brotli"}

_PIECE = 1 << 20


def chosen(accept_encoding: str) -> str | None:
    """The encoding of an answer, of those the client accepts; None for none."""
    accepted = {part.split(";")[0].strip().lower() for part in accept_encoding.split(",") if "q=0" not in part}
    return next((name for name in _CODECS if name in accepted), None)


def compressed(pieces: Iterable[bytes], encoding: str) -> Iterator[bytes]:
    """The pieces in an encoding that `chosen` gave."""
    sink = _Sink()
    stream = pa.CompressedOutputStream(pa.PythonFile(sink, "w"), _CODECS[encoding])
    for piece in pieces:
        stream.write(piece)
        if out := sink.taken():
            yield out
    stream.close()
    if out := sink.taken():
        yield out


def decompressed(pieces: Iterator[bytes], encoding: str | None) -> Iterator[bytes]:
    """The pieces out of their encoding.

    Raises: EngineError for an encoding that isn't spoken, or data that isn't in it.
    """
    if not encoding or encoding == "identity":
        yield from pieces
        return
    if encoding not in _CODECS:
        raise EngineError(
            f"Content-Encoding {encoding!r} isn't spoken here; {', '.join(_CODECS)} are", 48, "NOT_IMPLEMENTED"
        )
    try:
        stream = pa.CompressedInputStream(
            pa.PythonFile(io.BufferedReader(_Source(pieces), _PIECE), "r"), _CODECS[encoding]
        )
        while out := stream.read(_PIECE):
            yield bytes(out)
    except OSError as error:
        raise EngineError(f"the body is not {encoding}: {error}", 271, "CANNOT_DECOMPRESS") from error


class _Sink(io.RawIOBase):
    """Keeps what is written until it is taken."""

    def __init__(self) -> None:
        self._kept: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, data: object, /) -> int:
        self._kept.append(bytes(data))  # type: ignore[call-overload]
        return len(self._kept[-1])

    def taken(self) -> bytes:
        kept, self._kept = self._kept, []
        return b"".join(kept)

    def close(self) -> None:
        """Stay open: what the closing stream wrote is still to be taken."""


class _Source(io.RawIOBase):
    """Pieces as a file."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces
        self._rest = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview, /) -> int:  # type: ignore[override]
        while not self._rest:
            piece = next(self._pieces, None)
            if piece is None:
                return 0
            self._rest = memoryview(piece)
        count = min(len(buffer), len(self._rest))
        buffer[:count] = self._rest[:count]
        self._rest = self._rest[count:]
        return count
