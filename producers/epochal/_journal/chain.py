"""The succession of a writer's segments: sizes, the one prepared in advance, what is still to be synced."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Callable
from pathlib import Path

from .folder import make_again
from .layout import FIRST_SEGMENT_BYTES, SEGMENT_HEADER_BYTES, segment_file
from .segments import Mode, Segment, allocate_what_fits, probe_mode


class SegmentChain:
    """Gives out segments in order, doubling in size from 64 KB to the greatest allowed.

    ``prepare`` may run in another thread than ``take``; both may be interrupted.
    """

    def __init__(
        self,
        directory: Path,
        mode: Mode | None,
        max_segment_bytes: int,
        admit: Callable[[int], None] = lambda size: None,
    ) -> None:
        """``admit`` is asked before a segment of so many bytes is made, and raises OSError where it may not be."""
        self.directory = directory
        self._mode: Mode | None = mode
        self._max = max_segment_bytes
        self._admit = admit
        self._size = min(FIRST_SEGMENT_BYTES, max_segment_bytes)
        self._number = 0
        self._next: Segment | None = None
        self._lock = threading.Lock()
        self._unsynced: list[Path] = []

    def take(self, need_bytes: int) -> Segment:
        """The next segment, with room for ``need_bytes`` of slots. No descriptor is held yet.

        Raises:
            OSError: the file system refused it.
        """
        with self._lock:
            ready, self._next = self._next, None
            if ready is not None and ready.size >= need_bytes + SEGMENT_HEADER_BYTES:
                segment = ready
            else:
                if ready is not None:
                    _remove(ready.path)
                segment = self._allocate(need_bytes)
            self._unsynced.append(segment.path)
            return segment

    def prepare(self) -> None:
        """Allocate the next segment in advance; a refusal is left for :meth:`take` to meet."""
        with self._lock:
            if self._next is None:
                with contextlib.suppress(OSError):
                    self._next = self._allocate(0)

    def discard_prepared(self) -> None:
        """Remove the segment that was prepared and never used."""
        with self._lock:
            ready, self._next = self._next, None
            if ready is not None:
                _remove(ready.path)

    def sync(self) -> bool:
        """Put every segment written since the last call on the disk; say whether that is done.

        A segment that is gone was taken in and removed by its reader; whether the *live* one is gone is the
        writer's to find out.
        """
        paths = list(self._unsynced)
        failed = [path for path in paths if not _sync_path(path)]
        done = not failed
        if done and paths:
            done = _sync_path(self.directory)
            # the last one goes on being written
            del self._unsynced[: len(paths) - 1]
        return done

    def _allocate(self, need_bytes: int) -> Segment:
        if self._mode is None:
            self.directory.mkdir(parents=True, exist_ok=True)
            self._mode = probe_mode(self.directory)
        elif self._number == 0:
            self.directory.mkdir(parents=True, exist_ok=True)
        elif not self.directory.exists():
            make_again(self.directory)
        least = _round_up(need_bytes + SEGMENT_HEADER_BYTES)
        wanted = max(self._size, least)
        while True:
            number, self._number = self._number, self._number + 1
            path = self.directory / segment_file(number)
            try:
                segment = allocate_what_fits(path, number, wanted, self._mode, least, self._admit)
            except FileExistsError:
                continue
            except OSError:
                self._number = number
                raise
            self._size = min(max(self._size, segment.size) * 2, max(self._max, self._size))
            return segment


def _round_up(size: int) -> int:
    return -(-size // 4096) * 4096


def _remove(path: Path) -> None:
    with contextlib.suppress(OSError):
        path.unlink()


def _sync_path(path: Path) -> bool:
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return True
    except OSError:
        return False
    try:
        if path.suffix:
            getattr(os, "fdatasync", os.fsync)(fd)
        else:
            os.fsync(fd)
    except OSError:
        return False
    finally:
        os.close(fd)
    return True
