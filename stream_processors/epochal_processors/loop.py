"""Cycles of the follower in a thread of their own, and the readers that wait for one."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass

from epochal_processors.follower import Follower, Progress
from epochal_storage.errors import HostEndingError, StoreError

LEAST_PAUSE_S = 0.2
MOST_PAUSE_S = 5.0
PAUSE_PER_JOURNAL_S = 0.01
"""A cycle costs a number, a ledger row and a look a journal; with many of them cycles are fewer."""


@dataclass(frozen=True, slots=True)
class Beat:
    """How the loop is doing: seconds by the monotonic clock, totals since it began."""

    cycles: int
    events: int
    points: int
    last: Progress | None
    last_began: float
    failure: str


class FollowerLoop:
    """Runs cycles until stopped.

    What heals (the engine or the disk refuses) is reported and tried again, ever more rarely. What doesn't ends the
    loop, and ``on_end`` is told: a bug, or that the store is at its place no more.
    """

    def __init__(
        self,
        follower: Follower,
        report: Callable[[str], None],
        on_end: Callable[[BaseException], None],
        least_pause_s: float = LEAST_PAUSE_S,
    ) -> None:
        self._follower = follower
        self._report = report
        self._on_end = on_end
        self._least_pause_s = least_pause_s
        self._changed = threading.Condition()
        self._turn = threading.Lock()
        self._began = self._ended = 0
        self._wanted = 0
        self._stopping = self._dead = False
        self._beat = Beat(0, 0, 0, None, time.monotonic(), "")
        self._failures = 0
        self._thread = threading.Thread(target=self._run, name="follower", daemon=True)

    @property
    def beat(self) -> Beat:
        """How it is doing."""
        return self._beat

    def start(self) -> None:
        """Begin with the first cycle."""
        self._thread.start()

    def stop(self) -> None:
        """End after the cycle that runs now."""
        with self._changed:
            self._stopping = True
            self._changed.notify_all()
        if self._thread.is_alive():
            self._thread.join()

    def catch_up(self) -> dict[str, int]:
        """Wait for a cycle that begins after this call; callers at the same time share one. Returns the watermark.

        Raises:
            StoreError: that cycle failed, or the loop has ended; says why.
        """
        with self._changed:
            cycle = self._began + 1
            self._wanted = max(self._wanted, cycle)
            self._changed.notify_all()
            self._changed.wait_for(lambda: self._ended >= cycle or self._dead)
            if self._ended < cycle:
                raise HostEndingError("the host is ending; ask again, the next one will be started")
            if self._beat.failure:
                raise StoreError(self._not_taken())
        return self._follower.watermark()

    @contextmanager
    def hold(self) -> Generator[dict[str, int], None, None]:
        """Keep the loop between two cycles while it is entered, when all that was taken is in every table.

        Gives the watermark reached.

        Raises:
            StoreError: the last cycle failed, so that not all that was taken is in every table.
        """
        with self._turn:
            if self._beat.failure:
                raise StoreError(self._not_taken())
            yield self._follower.watermark()

    def _not_taken(self) -> str:
        return (
            f"the journals couldn't be taken in: {self._beat.failure}. Nothing is lost: they are kept, and this is "
            "tried again by itself; what it takes (such as room on the disk) is yours to give"
        )

    def _run(self) -> None:
        try:
            while not self._stopping:
                self._cycle()
                self._pause()
        # the border of the thread: what ends it must end the host and not leave it mute
        except BaseException as error:  # noqa: BLE001
            self._on_end(error)
        finally:
            with self._changed:
                self._dead = True
                self._changed.notify_all()

    def _cycle(self) -> None:
        with self._changed:
            self._began += 1
            began = time.monotonic()
        progress, failure = self._beat.last, ""
        try:
            with self._turn:
                progress = self._follower.run_once()
            self._failures = 0
        except HostEndingError:
            raise
        except (OSError, StoreError) as error:
            failure = str(error) or type(error).__name__
            self._failures += 1
            self._report(f"cycle failed, attempt {self._failures}: {failure}")
        events, points = (progress.events, progress.points) if progress and not failure else (0, 0)
        with self._changed:
            beat = self._beat
            self._beat = Beat(beat.cycles + 1, beat.events + events, beat.points + points, progress, began, failure)
            self._ended = self._began
            self._changed.notify_all()

    def _pause(self) -> None:
        journals = self._beat.last.live if self._beat.last else 0
        busy = time.monotonic() - self._beat.last_began
        retry = 0.5 * 2 ** min(self._failures, 10) if self._failures else 0.0
        pause = max(self._least_pause_s, busy, journals * PAUSE_PER_JOURNAL_S, retry)
        with self._changed:
            self._changed.wait_for(lambda: self._stopping or self._wanted > self._began, min(pause, MOST_PAUSE_S))
