"""One writer's journal: the lifecycle channel and the metrics channel in a directory of their own.

The promise: when a call has returned, ``kill -9`` loses nothing of it. This module and what it imports load
neither NumPy nor pydantic.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Literal
from uuid import UUID

from .chain import SegmentChain
from .events_file import EventsFile
from .keeper import Keeper, process_keeper
from .layout import MAX_SEGMENT_BYTES
from .points_file import PointsFile
from .refusals import event_refusal_text


class JournalWriter:
    """Writes ``<journals>/<writer>/``. Threads and signal handlers may share it; processes may not.

    Guarantees: ``append_event`` and ``append_points`` never raise. What they can't keep is counted in ``lost``
    and told to ``report(kind, text)`` every time. Kinds: ``disk`` (refused by the file system), ``truncated``
    (somebody cut or deleted the live files), ``value``, ``name``, ``closed``, and ``events`` for lifecycle events;
    events that the file system refused are counted as ``events`` and told as ``disk``.
    """

    def __init__(
        self,
        journals: Path,
        writer: UUID,
        *,
        now_us: Callable[[], int],
        convert: Callable[[object], float],
        report: Callable[[str, str], None],
        mode: Literal["auto", "mapped", "written"] = "auto",
        max_segment_bytes: int = MAX_SEGMENT_BYTES,
        sync_interval_s: float = 1.0,
        keeper: Keeper | None = None,
        monotonic: Callable[[], float] = time.monotonic,
        admit: Callable[[int], None] = lambda size: None,
    ) -> None:
        """Nothing is created before the first call that writes.

        ``convert`` makes a float of a value that is neither float nor int, or raises TypeError or ValueError.
        ``sync_interval_s``: seconds between syncs to the disk in the background; 0 or less means never.
        ``admit`` is asked for so many bytes of disk before they are used for points, and raises OSError to refuse.
        """
        self.directory = journals / str(writer)
        self._report = report
        self._lost: dict[str, int] = {}
        self._lost_lock = threading.RLock()
        self._keeper = keeper or process_keeper()
        self._chain = SegmentChain(self.directory, None if mode == "auto" else mode, max_segment_bytes, admit)
        self._points = PointsFile(
            self._chain,
            writer,
            self._keeper.pool,
            now_us=now_us,
            convert=convert,
            lose=self._lose,
            ask_for_next=self._ask_for_next,
            monotonic=monotonic,
        )
        self._events = EventsFile(self.directory, writer)
        self._events_lock = threading.RLock()
        self._events_busy = False
        self._events_aside: list[bytes] = []
        self._now_us = now_us
        self._last_us = 0
        self._sync_interval_s = sync_interval_s
        self._monotonic = monotonic
        self._synced_at = monotonic()
        self._synced_counts = (0, 0)
        self._wants_next = False
        self._closed = False
        self.append_points: Callable[[Mapping[str, object], float | None, int | None], None] = self._points.append
        """``append_points(metrics, step, time_ms)``: one point per metric; see :meth:`PointsFile.append`."""
        self._keeper.watch(self)

    @property
    def counts(self) -> tuple[int, int]:
        """The next sequence numbers: lifecycle, metrics."""
        return self._events.seq, self._points.seq

    @property
    def lost(self) -> dict[str, int]:
        """How many points (kind ``events``: events) were lost, by kind."""
        with self._lost_lock:
            return dict(self._lost)

    @property
    def next_step(self) -> float:
        """The step of the next points logged without one."""
        return self._points.next_step

    @next_step.setter
    def next_step(self, step: float) -> None:
        self._points.next_step = step

    def now_us(self) -> int:
        """The writer's clock, in microseconds since the epoch, UTC: never behind anything it was used for."""
        with self._points.lock:
            now = max(self._now_us(), self._last_us, self._points.last_ms * 1000)
            self._last_us = now
            self._points.last_ms = max(self._points.last_ms, now // 1000)
            return now

    def append_event(self, payload: bytes) -> int | None:
        """Write one lifecycle event; its sequence number, or None if it was lost.

        From a signal handler that interrupts another ``append_event`` of its thread, it is written when that one
        is done; the number returned is the one it will have.
        """
        with self._events_lock:
            if self._events_busy:
                self._events_aside.append(payload)
                return self._events.seq + len(self._events_aside)
            self._events_busy = True
            try:
                seq = self._append_event(payload)
                while self._events_aside:
                    self._append_event(self._events_aside.pop(0))
            finally:
                self._events_busy = False
        return seq

    def check(self) -> None:
        """Notice now, rather than at the next sync, when the live points were deleted or cut: ``lost`` counts them."""
        self._points.check()

    def sync(self) -> bool:
        """Put everything written so far on the disk (power loss); say whether that is done."""
        counts = self.counts
        self._points.check()
        done = self._chain.sync()
        with self._events_lock:
            done = self._events.sync() and done
        if done:
            self._synced_counts = counts
        self._synced_at = self._monotonic()
        return done

    def tend(self) -> None:
        """What the keeper calls: prepare the next segment when it is wanted, sync when it is due."""
        if self._closed:
            return
        if self._wants_next:
            self._wants_next = False
            self._chain.prepare()
            if self._closed:
                self._chain.discard_prepared()
        due = 0 < self._sync_interval_s <= self._monotonic() - self._synced_at
        if due and self.counts != self._synced_counts:
            self.sync()

    def close(self) -> None:
        """Seal both channels: a reader sees a clean end. Calls after this one are lost, and counted."""
        if self._closed:
            return
        self._points.close()
        self._closed = True
        self._keeper.forget(self)
        if self._sync_interval_s > 0:
            self.sync()

    def after_fork_in_child(self) -> None:
        """In a forked child: let map, descriptors and locks go; the files stay the parent's."""
        self._closed = True
        self._events_lock = threading.RLock()
        self._lost_lock = threading.RLock()
        self._points.drop()

    def _append_event(self, payload: bytes) -> int | None:
        try:
            if self._closed:
                raise ValueError("the journal is closed")
            before = self._events.cut
            seq = self._events.append(payload)
        except ValueError as error:
            self._lose("events", 1, f"an event can't be kept: {error} ({self.directory})")
            return None
        except OSError as error:
            # what refuses events refuses points as well: one trouble, told as one
            self._lose("events", 1, event_refusal_text(error, self.directory), told_as="disk")
            return None
        cut = self._events.cut - before
        if cut:
            text = f"{self.directory} was cut or deleted by someone: {cut:,} events that lay there are gone"
            self._lose("truncated", cut, f"{text}, unless they were read before")
        return seq

    def _ask_for_next(self) -> None:
        self._wants_next = True
        self._keeper.call(self)

    def _lose(self, kind: str, count: int, text: str, *, told_as: str = "") -> None:
        with self._lost_lock:
            self._lost[kind] = self._lost.get(kind, 0) + count
        self._report(told_as or kind, text)
