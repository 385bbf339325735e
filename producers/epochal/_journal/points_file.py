"""The metrics channel: the path that every ``log()`` takes.

Guarantees: when :meth:`PointsFile.append` returns, its points are in the page cache and survive SIGKILL, or are
counted as lost. Nothing is raised but what the caller's own ``lose`` raises, and what a signal handler raises.
A signal handler that logs while its own thread is logging is put aside and written when the outer call is done.

An exception from a signal handler (KeyboardInterrupt) can arrive after any call. What makes a slot visible and
what moves the position behind it is therefore either free of calls in between, or mended: a slot that a reader
may have seen is never written again.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from itertools import islice
from mmap import mmap
from struct import error as StructError  # noqa: N812  # it is a class
from typing import Final
from uuid import UUID
from zlib import crc32

from .chain import SegmentChain
from .layout import ROW, SLOT, SLOT_BYTES, name_slots, pack_name, pack_time, slot_is_valid
from .live_segment import LiveSegment
from .naming import plain_name, refused_name, shown, utf8_name
from .pool import OpenFiles
from .refusals import Lose, NoRoomError

_pack_row: Final = ROW.pack
_pack_slot_into: Final = SLOT.pack_into
_PART: Final = 512
"""Points that are written in one go; a call with more is cut into parts."""
_TIMED_SLOTS: Final = 16_384
_HUGE: Final = 1e300


class PointsFile:
    """The writing side of one metrics channel. Threads share it.

    Times are milliseconds since the epoch, UTC; steps and values float64.
    """

    def __init__(
        self,
        chain: SegmentChain,
        writer: UUID,
        pool: OpenFiles,
        *,
        now_us: Callable[[], int],
        convert: Callable[[object], float],
        lose: Lose,
        ask_for_next: Callable[[], None],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.next_step: float = 0
        """What a call without a step uses: one more than the greatest step so far."""
        self.last_ms = 0
        self._set_lock()
        self.live = LiveSegment(chain, writer, pool, self, lose=lose, ask_for_next=ask_for_next, monotonic=monotonic)
        self._busy = False
        self._aside: list[tuple[Mapping[str, object], float | None, int | None]] = []
        self._now_us = now_us
        self._convert = convert
        self._lose = lose

    @property
    def seq(self) -> int:
        """Next sequence number."""
        return self.live.first + self.live.rel

    def activity(self) -> int:
        """Changes whenever something was written."""
        return self.seq

    def try_idle(self) -> bool:
        """Let the descriptor go unless a call is under way; say whether it is gone."""
        if not self.lock.acquire(blocking=False):
            return False
        try:
            if not self._busy:
                self.live.idle()
            return not self._busy
        finally:
            self.lock.release()

    def check(self) -> None:
        """Notice when the live segment was deleted, replaced or cut."""
        with self.lock:
            if not self._busy:
                self.live.check()

    def close(self) -> None:
        """Write what was put aside, then no more."""
        self.catch_up()
        with self.lock:
            self.live.close()

    def drop(self) -> None:
        """In a forked child: forget everything and touch no file."""
        self._set_lock()
        self._busy = False
        self._aside = []
        self.live.drop()

    def append(self, metrics: Mapping[str, object], step: float | None, time_ms: int | None) -> None:
        """Write one point per metric, all with the same step and the same logged_at."""
        nested = True
        try:
            # inside the try: an exception from a signal handler may come as soon as the lock is held
            self._acquire()
            nested = self._busy
            if nested:
                self._aside.append((dict(metrics), step, time_ms))
                return
            self._busy = True
            now = self._now_us() // 1000
            if now < self.last_ms:
                now = self.last_ms
            else:
                self.last_ms = now
            if step is None:
                step = self.next_step
            elif type(step) is not float and type(step) is not int:
                step = _plain_step(step)
            if time_ms is None and len(metrics) <= _PART:
                self._write(metrics, step, now)
            else:
                self._write_parts(metrics, step, now, time_ms)
            if self.next_step <= step < _HUGE:
                self.next_step = step + 1
        finally:
            if not nested:
                self._busy = False
            try:  # noqa: SIM105  # suppress() would cost as much as a row
                self._release()
            except RuntimeError:  # interrupted while waiting for the lock: it was never held
                pass
        if self._aside:
            self.catch_up()

    def _set_lock(self) -> None:
        self.lock = threading.RLock()
        self._acquire, self._release = self.lock.acquire, self.lock.release

    def catch_up(self) -> None:
        """Write the calls that signal handlers made in the middle of other calls."""
        while self._aside:
            try:
                call = self._aside.pop(0)
            except IndexError:  # another thread took it
                return
            self.append(*call)

    def _write(self, metrics: Mapping[str, object], step: float, now: int) -> None:
        live = self.live
        pos = live.pos
        if pos + len(metrics) * SLOT_BYTES > live.limit or now > live.until_ms:
            if not self._make_room(len(metrics), now):
                return
            pos = live.pos
        buffer, names, seed, base = live.current
        logged = now - base
        rel = live.rel
        try:
            for name, value in metrics.items():
                try:
                    index = names[name]
                except KeyError:
                    live.pos, live.rel, pos = pos, rel, -1
                    new_index = self._define(name, len(metrics), now)
                    buffer, names, seed, base = live.current
                    pos, rel, logged = live.pos, live.rel, now - base
                    if new_index is None:
                        continue
                    index = new_index
                kind = type(value)
                if kind is not float and kind is not int:
                    value = self._number(name, value)
                    if value is None:
                        continue
                try:
                    row = _pack_row(index, rel, logged, step, value)
                except (OverflowError, StructError):
                    self._too_large(name, step, value)
                    continue
                _pack_slot_into(buffer, pos, crc32(row, seed), row)
                pos += SLOT_BYTES
                rel += 1
        except BaseException:
            # interrupted right after a slot became visible in the map: it stays, and what follows goes behind it
            if pos >= 0 and isinstance(buffer, mmap) and slot_is_valid(buffer[pos : pos + SLOT_BYTES], seed):
                pos += SLOT_BYTES
                rel += 1
            raise
        finally:
            if pos >= 0:
                live.pos, live.rel = pos, rel
            if live.after is not None:
                live.after()

    def _write_parts(self, metrics: Mapping[str, object], step: float, now: int, time_ms: int | None) -> None:
        """A call that is large, or whose points occurred at another time than they are logged."""
        items = iter(metrics.items())
        while part := dict(islice(items, _PART)):
            if time_ms is None:
                self._write(part, step, now)
            else:
                self._write_timed(part, step, now, time_ms)

    def _write_timed(self, part: dict[str, object], step: float, now: int, time_ms: int) -> None:
        numbers: dict[str, object] = {}
        slots = 2
        for name, value in part.items():
            number, utf8 = self._number(name, value), self._name_bytes(name)
            if number is not None and utf8 is not None:
                numbers[name] = number
                slots += name_slots(len(utf8)) + 1
        if slots > _TIMED_SLOTS and len(numbers) > 1:
            # names of 64 KB each: not more of them than a segment can take
            items = iter(numbers.items())
            for size in (len(numbers) // 2, len(numbers)):
                self._write_timed(dict(islice(items, size)), step, now, time_ms)
            return
        # room for all, and names first: nothing may come between the time and the points it is for
        if not numbers or not self._make_room(slots, now, lost=len(numbers)):
            return
        live = self.live
        for name in numbers:
            if name not in live.names:
                self._define(name, 0, now)
        before = self.seq
        try:
            live.put(pack_time(live.rel, len(numbers), time_ms, live.seed))
            self._write(numbers, step, now)
        finally:
            if self.seq - before != len(numbers) and live.pos + SLOT_BYTES <= live.limit:
                # a value too large, or an interruption: the time must not fall to points of other calls
                live.put(pack_time(0, 0, 0, live.seed))

    def _name_bytes(self, name: object) -> bytes | None:
        text = plain_name(name)
        utf8 = None if text is None else utf8_name(text)
        if utf8 is None:
            self._lose("name", 1, refused_name(name))
        return utf8

    def _define(self, name: object, points: int, now: int) -> int | None:
        """Give a name its index in this segment, with room behind it for ``points`` points; None if refused."""
        utf8 = self._name_bytes(name)
        if utf8 is None:
            return None
        if not self._make_room(name_slots(len(utf8)) + points, now, lost=1):
            return None
        live = self.live
        text = utf8.decode()  # a plain str, whose hashing runs no code of the caller's
        index = live.names.get(text)  # a str of a class of its own may look up differently
        if index is None:
            index = len(live.names)
            live.define(text, pack_name(index, utf8, live.seed))
        return index

    def _make_room(self, slots: int, now: int, lost: int | None = None) -> bool:
        try:
            self.live.make_room(slots, now)
        except NoRoomError as refusal:
            self._lose(refusal.kind, slots if lost is None else lost, str(refusal))
            return False
        return True

    def _number(self, name: str, value: object) -> float | None:
        kind = type(value)
        if kind is float or kind is int:
            return value  # type: ignore[return-value]  # checked by its exact type
        try:
            return self._convert(value)
        except (TypeError, ValueError, OverflowError) as error:
            self._lose("value", 1, f"the value {shown(value)} of metric {name!r} was not logged: {error}")
            return None

    def _too_large(self, name: str, step: float, value: object) -> None:
        what = f"the step {shown(step)}" if _overflows(step) else f"the value {shown(value)}"
        self._lose("value", 1, f"{what} of metric {name!r} does not fit a 64-bit float: the point was not logged")


def _plain_step(step: object) -> float:
    try:
        return float(step)  # type: ignore[arg-type]  # what has no __float__ raises
    except (TypeError, ValueError, OverflowError):
        # the caller checks steps; a point with a step that is no number is better than none
        return float("nan")


def _overflows(number: object) -> bool:
    try:
        float(number)  # type: ignore[arg-type]  # int or float
    except OverflowError:
        return True
    return False
