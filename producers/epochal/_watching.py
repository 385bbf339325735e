"""What is taken down while runs are open: console output and system metrics, at a low rate.

Both go to the run that was opened last of those still open.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ._about import About
from ._entity_events import console_captured
from ._errors import EpochalError
from ._events import Event
from ._imports import import_in_background
from ._writer import Identity, Writer

if TYPE_CHECKING:
    from ._capture.console import ConsoleCapture
    from ._capture.system import SystemSampler

__all__ = ["Watching"]


@dataclass
class _Watched:
    about: About
    say: Callable[[Event], None]
    since: float
    system: Writer | None = None


class Watching:
    """Console and system metrics of one process.

    System metrics have a writer of their own: their steps are seconds since the run began, and must not move the
    count of steps of the run's own points.
    """

    def __init__(
        self,
        wanted: frozenset[str],
        open_writer: Callable[[Identity], Writer],
        close_writer: Callable[[Writer], None],
    ) -> None:
        self._wanted = wanted
        self._open_writer = open_writer
        self._close_writer = close_writer
        self._lock = threading.RLock()
        self._runs: list[_Watched] = []
        self._console: ConsoleCapture | None = None
        self._sampler: SystemSampler | None = None

    def begin(self, about: About, say: Callable[[Event], None]) -> None:
        """Console output and system metrics are this run's from now on."""
        if "console" in self._wanted and self._console is None:
            from ._capture.console import ConsoleCapture

            self._console = ConsoleCapture(self._printed)
        self.flush()
        with self._lock:
            self._runs.append(_Watched(about, say, time.monotonic()))
        if self._console is not None:
            self._console.start()

    def end(self, about: About) -> None:
        """They are this run's no more: what was printed until now still is."""
        with self._lock:
            last = all(watched.about == about for watched in self._runs)
        if last and self._console is not None:
            self._console.stop()  # while the run is there to take the rest: a last line without an end is given now
        else:
            self.flush()
        with self._lock:
            ended = [watched for watched in self._runs if watched.about == about]
            self._runs = [watched for watched in self._runs if watched.about != about]
        for watched in ended:
            if watched.system is not None:
                self._close_writer(watched.system)

    def printed(self, stream: str, text: str) -> None:
        """Takes down what a child process printed."""
        if self._console is not None and self._runs:
            self._console.take("stderr" if stream == "stderr" else "stdout", text)

    def flush(self) -> None:
        """Takes down what was printed so far."""
        if self._console is not None and self._runs:
            self._console.flush()

    def prime(self) -> None:
        """Begins the rates among the system metrics: in the background, as it imports psutil."""
        if "system" in self._wanted:
            import_in_background("psutil", "pynvml", "epochal._capture.system")
            from ._capture.system import SystemSampler

            self._sampler = SystemSampler(os.environ.get("CUDA_VISIBLE_DEVICES"))
            self._sampler.sample()

    def sample(self) -> None:
        """Takes down the system metrics of this moment."""
        if self._sampler is None or not self._runs:
            return
        taken = self._sampler.sample()
        with self._lock:  # under which a run ends: nothing is written to one that ended while the sample was taken
            watched = self._runs[-1] if self._runs else None
            if watched is None:
                return
            if watched.system is None:
                watched.system = self._open_writer(watched.about.identity)
            watched.system.journal.append_points(taken, round(time.monotonic() - watched.since, 3), None)

    def after_fork_in_child(self) -> None:
        """A forked child's console and machine are its parent's: nothing is taken down twice."""
        self._lock = threading.RLock()
        self._runs.clear()
        self._console = None
        self._sampler = None

    def _printed(self, stream: str, text: str) -> None:
        with self._lock:
            watched = self._runs[-1] if self._runs else None
        if watched is not None:
            about = watched.about
            try:
                watched.say(console_captured(component=str(about.component), rank=about.rank, stream=stream, text=text))
            except EpochalError:
                return  # printed in the very moment in which the run was finished
