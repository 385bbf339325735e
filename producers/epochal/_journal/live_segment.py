"""The segment that is being written: where the next slot goes, which names it knows, and what follows it.

Only ``points_file`` uses it, under the writer's lock. Its fields are read directly there: a property would cost
as much as packing a row.
"""

from __future__ import annotations

import contextlib
import errno
import mmap
import os
import time
from collections.abc import Callable
from typing import Final
from uuid import UUID

from .chain import SegmentChain
from .layout import SEGMENT_HEADER_BYTES, SLOT_BYTES, U32_MAX, pack_time, segment_header
from .pool import Idler, OpenFiles
from .refusals import GONE, Lose, NoRoomError, refusal_text
from .segments import CUT, Segment
from .surviving import surviving_points, take_back

Buffer = mmap.mmap | bytearray
_RETRY_S: Final = 1.0
_FOR_EVER: Final = 1 << 63


class LiveSegment:
    """State of the metrics channel between calls.

    ``pos`` is the next free byte of the buffer, ``limit`` where it ends for now, ``rel`` the next sequence number
    minus ``first``, that of the segment; ``current`` is what a call needs to know: buffer, look-up of names, seed
    of the checks, base time. ``after`` is to be called at the end of a call, if it is there.
    """

    def __init__(
        self,
        chain: SegmentChain,
        writer: UUID,
        pool: OpenFiles,
        owner: Idler,
        *,
        lose: Lose,
        ask_for_next: Callable[[], None],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.pos = 0
        self.limit = 0
        self.rel = 0
        self.first = 0
        self.until_ms = _FOR_EVER
        self.names: dict[str, int] = {}
        self.current: tuple[Buffer, dict[str, int], int, int] = (bytearray(), self.names, 0, 0)
        self.after: Callable[[], None] | None = None
        self._chain = chain
        self._writer = writer
        self._pool = pool
        self._owner = owner
        self._lose = lose
        self._ask_for_next = ask_for_next
        self._monotonic = monotonic
        self._segment: Segment | None = None
        self._header = b""
        self._retired: Segment | None = None
        self._refusal = ""
        self._retry_at = 0.0
        self._closed = False

    @property
    def seed(self) -> int:
        """Seed of the checks of this segment."""
        return self.current[2]

    def make_room(self, slots: int, now_ms: int) -> None:
        """See to it that so many slots fit behind ``pos`` and that ``now_ms`` can be written in them.

        May begin another segment: every field may be another one afterwards.

        Raises:
            NoRoomError: closed, or refused by the file system.
        """
        if self._closed:
            raise NoRoomError("closed", "the points were logged after the journal was closed: they are not kept")
        need = slots * SLOT_BYTES
        if self._segment is not None and self._segment.buffer is None:
            self._reopen(self._segment)
        segment = self._segment
        if segment is not None and segment.buffer is not None:
            if segment.buffer is not self.current[0]:
                self.limit, self.current = self.pos, (segment.buffer, *self.current[1:])
            if now_ms <= self.until_ms and self._grant(segment, need):
                return
        self._follow(need, now_ms)

    def define(self, name: str, slots: bytes) -> None:
        """Write the definition of a name, for which room was made, and know it from now on."""
        index = len(self.names)
        end = self.pos + len(slots)
        # no call from here on: an exception from a signal handler can't leave the name half defined
        self.current[0][self.pos : end] = slots
        self.names[name] = index
        self.pos = end

    def put(self, slot: bytes) -> None:
        """Write a slot that is no point, for which room was made."""
        end = self.pos + SLOT_BYTES
        self.current[0][self.pos : end] = slot
        self.pos = end

    def idle(self) -> None:
        """Hold no descriptor until the next call."""
        self.limit = -1
        if self._segment is not None:
            self._segment.release()

    def check(self) -> None:
        """Notice when the live segment was deleted, replaced or cut; what it held is then counted as lost."""
        segment = self._segment
        if segment is None:
            return
        trouble = segment.trouble(self._header)
        if trouble:
            self.abandon(trouble)

    def abandon(self, trouble: str) -> None:
        """Give up a segment whose file is not what was written, and count what is missing from it."""
        self.limit = -1
        segment, self._segment = self._segment, None
        if segment is None:
            return
        self._let_go(segment)
        lost = max(0, self.rel - surviving_points(segment, self.seed))
        self.first += self.rel
        self.rel, self.pos, self.after = 0, 0, None
        if lost:
            text = f"{trouble}: {lost:,} points that lay there are gone, unless they were read before"
            self._lose("truncated", lost, text)

    def close(self) -> None:
        """Write no more: the file ends with its last slot."""
        if self._closed:
            return
        self.check()
        if self.after is not None and self._segment is not None and self._segment.buffer is not None:
            self.after()
        self._closed = True
        self.limit = -1
        self._release_retired()
        segment, self._segment = self._segment, None
        if segment is not None:
            self._let_go(segment)
            if segment.mode == "mapped":
                with contextlib.suppress(OSError):
                    os.truncate(segment.path, self.pos)
        self._chain.discard_prepared()

    def drop(self) -> None:
        """In a forked child: let the map go and touch nothing else."""
        self._closed = True
        self.limit = -1
        self._release_retired()
        segment, self._segment = self._segment, None
        if segment is not None:
            segment.release()

    def _grant(self, segment: Segment, need: int) -> bool:
        if isinstance(segment.buffer, bytearray):
            self._write_out()
            if segment.origin + self.pos + need > segment.size:
                return False
            if self.pos + need > len(segment.buffer):
                segment.buffer.extend(bytes(self.pos + need - len(segment.buffer)))
            self.limit = min(len(segment.buffer), segment.size - segment.origin)
            return True
        if self.pos + need > segment.size:
            return False
        if self.limit < segment.size and self.pos + need > segment.size // 2:
            self._ask_for_next()
        self.limit = segment.size
        return True

    def _reopen(self, segment: Segment) -> None:
        try:
            self._open(segment)
        except OSError as error:
            if error.errno not in GONE:
                raise self._refused(error) from None
            self.abandon(f"the live segment {segment.path} is not what was written: {error.strerror}")
            return

    def _follow(self, need: int, now_ms: int) -> None:
        if self._monotonic() < self._retry_at:
            raise NoRoomError("disk", self._refusal)
        self.check()
        self._release_retired()
        segment = self._take(need)
        assert segment.buffer is not None
        if self._segment is not None and isinstance(self._segment.buffer, bytearray):
            self._write_out()
        first = self.first + self.rel
        header = segment_header(segment.number, self._writer, first, now_ms)
        names: dict[str, int] = {}
        current = (segment.buffer, names, int.from_bytes(header[-4:], "little"), now_ms)
        after = self._write_out if segment.mode == "written" else None
        # stores only: once a reader can see the new header, nothing may go to the old segment
        segment.buffer[:SEGMENT_HEADER_BYTES] = header
        self._retired, self._segment = self._segment, segment
        self._header, self.names, self.current, self.after = header, names, current, after
        self.first, self.rel, self.pos, self.until_ms = first, 0, SEGMENT_HEADER_BYTES, now_ms + U32_MAX
        self.limit = SEGMENT_HEADER_BYTES
        self._release_retired()
        self._grant(segment, need)
        if segment.mode == "mapped":
            self.limit = max(segment.size // 2, self.pos + need)

    def _take(self, need: int) -> Segment:
        try:
            return self._take_open(need)
        except OSError as error:
            if error.errno not in GONE:
                raise self._refused(error) from None
        # it was prepared in advance, and has been cut or deleted since; or the directory is gone
        try:
            return self._take_open(need)
        except OSError as error:
            raise self._refused(error) from None

    def _take_open(self, need: int) -> Segment:
        segment = self._chain.take(need)
        try:
            self._open(segment)
        except OSError:
            with contextlib.suppress(OSError):
                segment.path.unlink()
            raise
        return segment

    def _open(self, segment: Segment) -> None:
        try:
            segment.open(self._on_cut)
        except OSError as error:
            if error.errno not in (errno.EMFILE, errno.ENFILE) or not self._pool.relieve(self._owner):
                raise
            segment.open(self._on_cut)
        self._pool.opened(self._owner)

    def _on_cut(self) -> None:
        """Called in a signal handler: only the order to look at it after the call."""
        self.after = self.check

    def _let_go(self, segment: Segment) -> None:
        segment.release()
        self._pool.closed(self._owner)

    def _refused(self, error: OSError) -> NoRoomError:
        self._retry_at = self._monotonic() + _RETRY_S
        self._refusal = refusal_text(error, self._chain.directory)
        return NoRoomError("disk", self._refusal)

    def _write_out(self) -> None:
        """In written mode: give the buffer to the file, and take back what the file system refused."""
        segment = self._segment
        if segment is None or not self.pos:
            return
        end = self.pos
        done, refusal = segment.write_out(end)
        if refusal is not None and refusal.strerror == CUT:
            self.abandon(segment.trouble(self._header) or f"the live segment {segment.path} was cut by someone")
            return
        if refusal is None:
            segment.origin += end
            self.pos = 0
            self.limit = min(self.limit, segment.size - segment.origin)
            return
        head = SEGMENT_HEADER_BYTES if segment.origin == 0 else 0
        kept = done - done % SLOT_BYTES
        assert isinstance(segment.buffer, bytearray)
        lost = take_back(segment.buffer[max(kept, head) : end], self.names)
        self.rel -= lost
        if kept < head:
            self.pos = head
        else:
            segment.origin += kept
            self.pos = 0
        # ends a time whose points were refused
        segment.buffer[self.pos : self.pos + SLOT_BYTES] = pack_time(0, 0, 0, self.seed)
        self.pos += SLOT_BYTES
        if lost:
            self._lose("disk", lost, refusal_text(refusal, segment.path))

    def _release_retired(self) -> None:
        """Let the segment before this one go, also when an interruption came between its end and this."""
        if self._retired is not None:
            self._retired.release()
            self._retired = None
