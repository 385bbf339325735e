"""One file of a snapshot: where it was, where its bytes can be read now, and whether they are still the same."""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from epochal._artifacts import freeze
from epochal._artifacts.errors import ChangedWhileReading

Kept = Literal["copied", "cloned", "held", "placed"]
"""How the content is kept, see ``epochal._artifacts.snapshot``."""

CHUNK_BYTES = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Member:
    """One regular file of a snapshot."""

    path: str
    """Relative to the directory, ``/`` between names; empty for a snapshot of a single file."""
    source: Path
    kept: Kept
    signs: freeze.Signs
    staged: Path | None = None
    """The file in the staging directory that holds the bytes (copied and cloned)."""
    offset: int = 0
    """Where in ``staged`` they begin."""
    descriptor: int | None = None

    @property
    def size(self) -> int:
        """Bytes."""
        return self.signs.size

    @property
    def executable(self) -> bool:
        """Whether the owner may execute it."""
        return bool(self.signs.mode & stat.S_IXUSR)

    def check(self) -> None:
        """See that the content is still that of the moment of the snapshot.

        Raises:
            ChangedWhileReading: it is not, or that can no longer be known.
        """
        if self.staged is not None:
            return
        try:
            now = freeze.signs_of(os.stat(self.source) if self.descriptor is None else os.fstat(self.descriptor))
        except OSError as error:
            raise self._gone(error) from error
        reason = freeze.content_changed(self.signs, now, moved=self._moved())
        if reason is not None:
            raise changed(self.source, reason)

    @contextlib.contextmanager
    def reading(self) -> Generator[int]:
        """A descriptor from which the content can be read with ``os.pread`` at ``offset``.

        Raises:
            ChangedWhileReading: the file is gone.
        """
        if self.descriptor is not None:
            yield self.descriptor
            return
        try:
            descriptor = freeze.open_regular(self.staged or self.source)
        except OSError as error:
            raise self._gone(error) from error
        try:
            yield descriptor
        finally:
            os.close(descriptor)

    def chunks(self) -> Iterator[memoryview]:
        """The content, piece by piece; a piece is valid until the next one is asked for.

        Raises:
            ChangedWhileReading: fewer bytes than expected, or the file changed (known at the end at the latest).
        """
        buffer = memoryview(bytearray(min(CHUNK_BYTES, max(1, self.size))))
        done = 0
        with self.reading() as descriptor:
            while done < self.size:
                got = os.preadv(descriptor, [buffer[: self.size - done]], self.offset + done)
                if not got:
                    raise changed(self.source, f"it ended after {done:,} of {self.size:,} bytes")
                done += got
                yield buffer[:got]
        self.check()

    def _moved(self) -> bool:
        """Whether the path leads somewhere else by now: a removal or renaming touches the file itself, too."""
        try:
            status = os.stat(self.source)
        except OSError:
            return True
        return (status.st_dev, status.st_ino) != (self.signs.device, self.signs.inode)

    def _gone(self, error: OSError) -> ChangedWhileReading:
        return changed(self.source, f"it can no longer be read ({error.strerror})")


def changed(path: Path, reason: str) -> ChangedWhileReading:
    """The error for a file that changed."""
    return ChangedWhileReading(
        f"{str(path)!r} changed while it was being recorded: {reason}. No digest was taken. Log a file when it is "
        "complete, and write its next version under another name (or to a temporary one, then rename)."
    )
