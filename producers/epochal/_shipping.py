"""A job's side of the way to Kafka: it starts what ships its spool, and waits for what it wrote to be acknowledged."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ._imports import import_in_background
from ._position import Position
from ._sent import SENT, Positions
from ._settings import Settings
from ._shipped import Cursor, read_cursor
from ._spool import Room, hurry, is_shipped, read_problem
from ._warnings import Warner

if TYPE_CHECKING:
    from ._kafka.shipper import Shipper
    from ._writer import Writer

__all__ = ["HURRIED_S", "Goal", "Shipping"]

_LOOK_S: Final = 0.02
_HURRY_S: Final = 1.0
SENT_S: Final = 10.0
"""How long a read waits for Kafka to acknowledge what its process wrote."""
HURRIED_S: Final = 5.0
"""How long is waited for Kafka when somebody wants the process to end."""
_NEEDED: Final = ("kafka", "crc32c", "numpy", "pyarrow")
LOG_FILE: Final = "shipper.log"


@dataclass(frozen=True)
class Goal:
    """A journal, and how many events and points of it are to be acknowledged."""

    journal: Path
    counts: tuple[int, int]

    def cursor(self) -> Cursor | None:
        """How far it is in Kafka; None where there is no journal: it had its day there, or was taken away."""
        return read_cursor(self.journal) if self.journal.is_dir() else None


class Shipping:
    """Sees to it that somebody ships the spool, and knows how far this process's journals are.

    Guarantees: no call blocks for longer than it is told to, and none raises because Kafka is away.
    """

    @classmethod
    def of(
        cls, settings: Settings, spool: Path, warn: Warner, writers: Callable[[], Iterable[Writer]]
    ) -> Shipping | None:
        """For the settings of a session; None where nothing goes to Kafka. ``writers`` are those that are open.

        Reads of this process wait for what it sent from now on.
        """
        if settings.kafka is None:
            return None
        made = cls(spool, settings, warn, writers)
        SENT.register(made.sent)
        return made

    def __init__(self, spool: Path, settings: Settings, warn: Warner, writers: Callable[[], Iterable[Writer]]) -> None:
        self._spool = spool
        self._settings = settings
        self._warn = warn
        self._writers = writers
        self._thread: threading.Thread | None = None
        self._shipper: Shipper | None = None
        self._stopping = False
        self._failed = False
        self._told = ""
        self._starts = 0
        self._next_start = 0.0
        self._wrote: list[Goal] = []
        self._sent: dict[str, int] = {}
        self.on = settings.mode == "on"
        """Whether it starts anything and waits for anything; not in a job that is offline."""
        self.room = Room(spool, settings.spool_limit_bytes)

    def ensure(self) -> None:
        """Measure the spool, and start what ships it unless somebody does. For a background thread: it may be slow."""
        self.room.measure()
        if not self.on:
            return
        problem = read_problem(self._spool)
        if problem and problem != self._told:
            self._warn.notice(f"{problem} What is logged stays in {self._spool} until Kafka takes it.")
        self._told = problem
        if self._settings.shipper == "none":
            return
        if is_shipped(self._spool):
            self._starts = 0
        elif self._settings.shipper == "thread":
            self._start_thread()
        elif time.monotonic() >= self._next_start:
            self._next_start = time.monotonic() + min(300.0, 5.0 * 2**self._starts)
            self._starts += 1
            self._start_process()

    def wait(self, goals: Iterable[Goal], seconds: float) -> list[Goal]:
        """Wait until all of this is acknowledged; what isn't after so many seconds."""
        in_vain = self._settings.shipper == "none" and not is_shipped(self._spool)
        until = time.monotonic() + (0.0 if in_vain else seconds)
        hurried = 0.0
        left = list(goals)
        while True:
            seen = [(goal, goal.cursor()) for goal in left]
            open_goals = [(goal, cursor) for goal, cursor in seen if cursor and not cursor.covers(goal.counts)]
            left = [goal for goal, _ in open_goals]
            now = time.monotonic()
            if now >= until or self._failed or all(cursor.refused for _, cursor in open_goals):
                return left
            if now - hurried >= _HURRY_S:
                hurried = now
                hurry(self._spool)
            time.sleep(min(_LOOK_S, until - now))

    def sent(self) -> Positions:
        """By log the greatest offset of what this process wrote until now, once that is acknowledged; what isn't after
        :data:`SENT_S` seconds is left out.
        """
        if not self.on:
            return {}
        opened = [Goal(writer.journal.directory, writer.journal.counts) for writer in self._writers()]
        closed, self._wrote = self._wrote, []
        self._wrote = [goal for goal in self.wait(closed + opened, SENT_S) if goal in closed] + self._wrote
        for log, offset in self.positions(closed + opened).items():
            self._sent[log] = max(offset, self._sent.get(log, -1))
        return dict(self._sent)

    def wrote(self, journal: Path, counts: tuple[int, int]) -> None:
        """Take note of a journal that is closed."""
        self._wrote.append(Goal(journal, counts))

    def arrived(self, position: Position, journal: Path, seconds: float | None) -> Position:
        """The position, when all of it is acknowledged, or after so many seconds (None: EPOCHAL_KAFKA_WAIT) as it is;
        then with a notice that says why.
        """
        if not self.on:
            return position
        goal = Goal(journal, (position.events, position.points))
        left = self.wait([goal], self._settings.kafka_wait_s if seconds is None else seconds)
        if left and seconds != 0:
            self._warn.notice(self.why_not(left))
        return replace(position, acknowledged=not left, watermark=self.positions([goal]))

    def wait_for_all(self, seconds: float | None) -> None:
        """Wait for what was written by writers that are closed, as in :meth:`arrived`: at the end of the process."""
        if not self.on or not self._wrote:
            return
        self.ensure()
        self._wrote = self.wait(self._wrote, self._settings.kafka_wait_s if seconds is None else seconds)
        if self._wrote:
            self._warn.notice(self.why_not(self._wrote))

    def why_not(self, left: Iterable[Goal]) -> str:
        """In a sentence, why something isn't acknowledged, and what becomes of it."""
        refused = [goal.journal for goal in left if (cursor := goal.cursor()) is not None and cursor.refused]
        if refused:
            return (
                f"Kafka does not take messages as large as some in {refused[0]} (see {self._spool / LOG_FILE}): "
                "raise the topic's max.message.bytes, then run `epochal ship`"
            )
        problem = read_problem(self._spool) or "Kafka has not acknowledged everything yet."
        return f"{problem} It lies in {self._spool}, and is shipped by the next job, or by `epochal ship`"

    def positions(self, goals: Iterable[Goal]) -> Positions:
        """By log the greatest offset that these journals have there."""
        found: dict[str, int] = {}
        for goal in goals:
            cursor = goal.cursor()
            offsets: Mapping[str, int] = {} if cursor is None else cursor.offsets
            for log, offset in offsets.items():
                found[log] = max(offset, found.get(log, -1))
        return found

    def close(self) -> None:
        """End the thread, if there is one; a process of its own goes on."""
        self.forget()
        self._stopping = True
        if self._shipper is not None:
            self._shipper.stop()
        if self._thread is not None and self._thread.is_alive():
            self._thread.join(5.0)

    def forget(self) -> None:
        """Reads of this process no longer ask what it sent."""
        with contextlib.suppress(ValueError):  # it did before
            SENT.unregister(self.sent)

    def _start_thread(self) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._ship, name="epochal-shipper", daemon=True)
            self._thread.start()

    def _start_process(self) -> None:
        import_in_background("importlib.util", "epochal._detached")
        from importlib.util import find_spec

        from ._detached import start_detached  # brings subprocess, 10 ms that an import of the SDK need not pay

        missing = [name for name in _NEEDED if find_spec(name) is None]
        if missing:
            self._warn.notice(
                f"EPOCHAL_KAFKA is set, but {', '.join(missing)} can't be imported: pip install 'epochal[kafka]'. "
                f"What is logged stays in {self._spool}"
            )
        elif not start_detached("epochal._kafka.shipping", [str(self._spool)], self._spool / LOG_FILE):
            self._warn.notice(
                "no process can be started to ship to Kafka: set EPOCHAL_SHIPPER=thread, or run `epochal ship`. "
                f"What is logged stays in {self._spool}"
            )

    def _ship(self) -> None:
        """The thread: ships as soon as nobody else does."""
        import_in_background("crc32c", "numpy", "pyarrow", "kafka", "epochal._kafka.shipping")
        try:
            from ._kafka.shipping import SpoolTakenError, shipper_of
            from ._kafka.tending import Policy

            while not self._stopping:
                try:
                    ours = shipper_of(self._spool, self._settings, Policy(remove=True), self._warn.notice)
                    with ours as (shipper, _):
                        self._shipper = shipper
                        shipper.run(lambda standing: self._stopping)
                except SpoolTakenError:
                    time.sleep(1.0)
        except Exception as error:  # noqa: BLE001  the thread's border: training goes on without it
            self._failed = True
            self._warn.notice(f"the thread that ships to Kafka ended: {type(error).__name__}: {error}")
