"""A directory as the place of objects: clones and renames where the file system can, synced, read-only."""

from __future__ import annotations

import contextlib
import errno
import os
import time
import uuid
from pathlib import Path
from typing import BinaryIO

from epochal._artifacts import freeze
from epochal._artifacts.member import Member

_STALE_S = 24 * 3600.0


class LocalObjects:
    """Objects as files below a directory.

    Guarantees: an object is visible whole or not at all, whenever the process is killed; objects are
    read-only and share their content with no file that somebody can modify.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._swept = False
        self._unsynced = False

    def place(self, key: str) -> str:
        """Where the object lies, for messages."""
        return str(self._root / key)

    def size(self, key: str) -> int | None:
        """Bytes of the object, or None when there is none."""
        try:
            return os.stat(self._root / key).st_size
        except (FileNotFoundError, NotADirectoryError):
            return None

    def open(self, key: str) -> BinaryIO:
        """The object for reading.

        Raises:
            FileNotFoundError: there is none.
        """
        return open(self._root / key, "rb")

    def remove(self, key: str) -> None:
        """Remove the object, if there is one. Raises OSError: the directory can't be written."""
        (self._root / key).unlink(missing_ok=True)

    def put(self, key: str, content: Member | bytes, *, sync: bool = True) -> None:
        """Make the object visible, replacing one of the same key.

        Without ``sync`` it is safe from power loss only after ``sync()``.

        Raises:
            ChangedWhileReading: the source changed; nothing became visible.
            OSError: the directory can't be written (full, read-only, …); nothing became visible.
        """
        temporary = self._temporary()
        try:
            if isinstance(content, bytes):
                temporary.write_bytes(content)
            elif not self._move_or_clone(content, temporary):
                with open(temporary, "xb", buffering=0) as file:
                    _copy(content, file.fileno())
            if not isinstance(content, bytes):
                content.check()
            self._publish(temporary, self._root / key, sync=sync)
        finally:
            with contextlib.suppress(OSError):
                os.unlink(temporary)

    def _move_or_clone(self, content: Member, temporary: Path) -> bool:
        if content.kept == "cloned" and content.staged is not None:
            try:
                os.rename(content.staged, temporary)
            except OSError as error:
                if error.errno not in (errno.EXDEV, errno.ENOENT):
                    raise
            else:
                return True
        if content.offset or content.kept == "copied":
            return False
        with content.reading() as descriptor:
            return freeze.clone(descriptor, content.staged or content.source, temporary)

    def sync(self) -> None:
        """Make what was put safe from power loss: once for all, as a sync of each takes milliseconds."""
        if not self._unsynced:
            return
        self._unsynced = False
        try:
            descriptor = os.open(self._root, os.O_RDONLY | os.O_CLOEXEC)
        except OSError:
            return
        try:
            if not _sync_file_system(descriptor):
                os.sync()
        finally:
            os.close(descriptor)

    def _temporary(self) -> Path:
        folder = self._root / "tmp"
        if not self._swept:
            self._swept = True
            folder.mkdir(parents=True, exist_ok=True)
            _sweep(folder, time.time() - _STALE_S)
        return folder / str(uuid.uuid4())

    def _publish(self, temporary: Path, target: Path, *, sync: bool) -> None:
        os.chmod(temporary, 0o444)
        if sync:
            _sync(temporary)
        else:
            self._unsynced = True
        try:
            os.rename(temporary, target)
        except FileNotFoundError:
            target.parent.mkdir(parents=True, exist_ok=True)
            os.rename(temporary, target)
        if sync:
            # Some file systems can't sync a directory; the object is there, only power loss may take it.
            with contextlib.suppress(OSError):
                _sync(target.parent)


def _copy(content: Member, target: int) -> None:
    for piece in content.chunks():
        written = 0
        while written < len(piece):
            written += os.write(target, piece[written:])


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _sync_file_system(descriptor: int) -> bool:
    """Sync the one file system that a descriptor lies on; False where that can't be asked for."""
    import ctypes

    try:
        return bool(ctypes.CDLL(None, use_errno=True).syncfs(descriptor) == 0)
    except (OSError, AttributeError):
        return False


def _sweep(folder: Path, before: float) -> None:
    """Remove what killed processes left: nobody has written to it for a day."""
    with os.scandir(folder) as entries:
        for entry in entries:
            with contextlib.suppress(OSError):
                if entry.stat(follow_symlinks=False).st_mtime < before:
                    os.unlink(entry.path)
