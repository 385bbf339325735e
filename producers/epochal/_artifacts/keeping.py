"""How each file of a snapshot is kept: copied, cloned, held or placed."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
import time
from pathlib import Path

from epochal._artifacts import freeze
from epochal._artifacts.member import CHUNK_BYTES, Member, changed

COPY_FILE_BYTES = 16 * 1024 * 1024
"""Files up to this size are copied at once."""
COPY_TOTAL_BYTES = 256 * 1024 * 1024
"""Copies of one snapshot end at this size, so that a directory of a million files does not stop the training."""


class Keeper:
    """Keeps the files of one snapshot; ends with ``settled`` or ``abandon``."""

    def __init__(self, into: Path | None) -> None:
        self._into = into
        self.staging: Path | None = None
        self._pack = -1
        self._packed = 0
        self._clones = 0
        self._descriptors: set[int] = set()

    def keep(self, source: Path, name: str) -> Member:
        """Keep one file, in the first way that is possible.

        Raises:
            ChangedWhileReading: it is being written to right now.
            OSError: it can't be read, or (IsADirectoryError) is no regular file.
        """
        descriptor = freeze.open_regular(source)
        self._descriptors.add(descriptor)
        signs = freeze.signs_of(os.fstat(descriptor))
        if not signs.size and os.pread(descriptor, 1, 0):
            raise changed(
                source,
                "it has content, though its size is 0: it is being written to, or made as it is read, "
                "as files in /proc are (copy it with cat, and log the copy)",
            )
        member = self._staged(descriptor, source, name, signs) or self._in_place(descriptor, source, name, signs)
        if member.descriptor is None:
            self._release(descriptor)
        return member

    def settled(self, members: list[Member]) -> tuple[Member, ...]:
        """The members, once any further write to those that aren't frozen must show in their signs.

        Raises:
            ChangedWhileReading: one was written to since.
        """
        self._close_pack()
        loose = [member for member in members if member.staged is None]
        wait = max((freeze.settling_ns(member.signs, time.time_ns()) for member in loose), default=0)
        if wait:
            time.sleep(wait / 1e9)
        for member in loose:
            member.check()
        return tuple(members)

    def abandon(self) -> None:
        """Give everything back; never fails."""
        for descriptor in self._descriptors:
            with contextlib.suppress(OSError):
                os.close(descriptor)
        self._descriptors.clear()
        self._close_pack()
        if self.staging is not None:
            shutil.rmtree(self.staging, ignore_errors=True)

    def _staged(self, descriptor: int, source: Path, name: str, signs: freeze.Signs) -> Member | None:
        """The member, copied or cloned; None when it must stay where it is."""
        staging = self._prepared()
        if staging is None:
            return None
        if signs.size <= COPY_FILE_BYTES and self._packed + signs.size <= COPY_TOTAL_BYTES:
            return self._copied(descriptor, source, name, signs, staging)
        target = staging / f"clone-{self._clones}"
        if freeze.clone(descriptor, source, target):
            self._clones += 1
            if os.stat(target).st_size != signs.size:
                raise changed(source, "it was being written to while it was cloned")
            return Member(name, source, "cloned", signs, staged=target)
        if freeze.open_for_writing_elsewhere(descriptor):
            return self._copied(descriptor, source, name, signs, staging)
        return None

    def _copied(self, descriptor: int, source: Path, name: str, signs: freeze.Signs, staging: Path) -> Member | None:
        offset = self._packed
        try:
            copied = _copy(descriptor, self._pack, offset, signs.size)
        except OSError:
            # The staging disk is full, or worse: the file is good where it is, and changes are noticed.
            with contextlib.suppress(OSError):
                os.ftruncate(self._pack, offset)
            return None
        reason = self._changed_meanwhile(descriptor, signs, offset, copied)
        if reason is not None:
            raise changed(source, reason)
        self._packed += copied
        return Member(name, source, "copied", signs, staged=staging / "pack", offset=offset)

    def _changed_meanwhile(self, descriptor: int, signs: freeze.Signs, offset: int, copied: int) -> str | None:
        """Why the copy may be torn, or None."""
        reason = freeze.content_changed(signs, freeze.signs_of(os.fstat(descriptor)), moved=True)
        if reason is None and copied != signs.size:
            return f"it ended after {copied:,} of {signs.size:,} bytes"
        # a write within the same tick of the clock as the one before shows in nothing but the content
        recent = freeze.settling_ns(signs, time.time_ns()) > 0
        if reason is None and recent and not _same(descriptor, self._pack, offset, copied):
            return "it was modified"
        return reason

    def _in_place(self, descriptor: int, source: Path, name: str, signs: freeze.Signs) -> Member:
        # Descriptors are numbered from the lowest free one: a high number says that many are open.
        if descriptor < _descriptor_limit() // 4:
            return Member(name, source, "held", signs, descriptor=descriptor)
        return Member(name, source, "placed", signs)

    def _release(self, descriptor: int) -> None:
        self._descriptors.remove(descriptor)
        os.close(descriptor)

    def _prepared(self) -> Path | None:
        """A staging directory of our own, or None where there can be none."""
        if self._into is None or self.staging is not None:
            return self.staging
        try:
            self._into.mkdir(parents=True, exist_ok=True)
            staging = Path(tempfile.mkdtemp(prefix="snapshot-", dir=self._into))
            self._pack = os.open(staging / "pack", os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        except OSError:
            self._into = None
            return None
        self.staging = staging
        return staging

    def _close_pack(self) -> None:
        if self._pack >= 0:
            os.close(self._pack)
            self._pack = -1


def _copy(source: int, target: int, offset: int, size: int) -> int:
    """Bytes copied from the beginning of one descriptor to a place in another."""
    done = 0
    while done < size:
        piece = os.pread(source, min(CHUNK_BYTES, size - done), done)
        if not piece:
            break
        written = 0
        while written < len(piece):
            written += os.pwrite(target, piece[written:], offset + done + written)
        done += len(piece)
    return done


def _same(source: int, target: int, offset: int, size: int) -> bool:
    """Whether a copy equals its source, byte by byte."""
    for done in range(0, size, CHUNK_BYTES):
        length = min(CHUNK_BYTES, size - done)
        if os.pread(source, length, done) != os.pread(target, length, offset + done):
            return False
    return True


def _descriptor_limit() -> int:
    import resource

    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return 4096 if limit == resource.RLIM_INFINITY else limit
