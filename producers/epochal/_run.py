"""The live handle through which a process writes one component."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping
from datetime import datetime
from time import monotonic
from types import TracebackType
from typing import TYPE_CHECKING

from ._about import About
from ._closing import Closing
from ._current import enter, leave
from ._ending import STATUSES, STOPPED, Ending, ending_of, given_ending
from ._errors import MisuseError
from ._events import Event
from ._guard import guarded
from ._numbers import LARGEST_EXACT, is_duration
from ._numbers import to_step as _finite_step
from ._points import Append, first_call, nothing, over, understood
from ._position import Position
from ._repairs import Repairs
from ._rewinding import Before
from ._rich import Rich
from ._surroundings import Surroundings
from ._writer import Writer

if TYPE_CHECKING:
    from ._session import Session

__all__ = ["Run"]


class Run(Rich, Repairs):
    """Writes one component: its metric points, parameters, artifacts, and how it ended.

    Made by :func:`epochal.init`, :func:`epochal.component`, :meth:`epochal.Trial.run` and :func:`epochal.current`.
    Any thread may use it. It survives a fork and being pickled: another process writes as a helper, which never
    decides the status.

    Guarantees: when a call has returned, what it recorded survives ``kill -9``. No call raises into training, unless
    EPOCHAL_STRICT is set: what is refused is said once and counted on the component.
    """

    def __init__(self, session: Session, about: About, writer: Writer | None, *, main: bool, disabled: bool = False):
        self._session = session
        self._about = about
        self._contents = session.contents
        self._inputs = {}
        self._main = main
        self.disabled = disabled
        self.in_block = False
        """Whether a ``with`` block ends it."""
        self._writer = writer
        self._before = Before(session, about)
        self._next_step = 0.0
        self._ending: Ending | None = None
        self._end_lock = threading.RLock()
        self._opening = threading.RLock()
        self._surroundings: Surroundings | None = None
        self._closing = Closing(session, about, writer) if writer is not None and main else None
        self._careful = session.settings.strict
        self._append: Append = first_call(self._open_helper) if writer is None else writer.journal.append_points
        if disabled:
            self._append = nothing

    # what is logged again and again -----------------------------------------------------------------------------

    def log(
        self, metrics: Mapping[str, object], step: float | None = None, *, time: datetime | float | None = None
    ) -> None:
        """Records metric points: one a name, all at the same step.

        Nested mappings become ``a/b``. Values: ints, floats, bools, NumPy, torch, TensorFlow and JAX scalars, exactly
        as wide as they are; a scalar on a device is read at once, which waits for the device. NaN and infinities are
        data. Steps are any finite numbers in any order; without one: one more than the greatest that this handle
        has logged, from 0. ``time`` says when it happened: a datetime (without a zone: UTC) or seconds since 1970.
        """
        if (
            time is None
            and type(metrics) is dict
            and not self._careful
            and (
                step is None
                or (type(step) is float and step - step == 0.0)
                or (type(step) is int and -LARGEST_EXACT <= step <= LARGEST_EXACT)
            )
        ):
            for value in metrics.values():
                kind = type(value)
                if kind is not float and kind is not int:
                    break
            else:
                try:
                    self._append(metrics, step, None)
                except Exception as error:  # noqa: BLE001  the border: no fault of ours may end a training
                    self._refuse("log", error)
                return
        if not self.disabled:
            self._log_carefully(metrics, step, time)

    def _log_carefully(self, metrics: object, step: object, time: object) -> None:
        """The way of everything that isn't plain numbers at a plain step."""
        warn = self._session.warn
        try:
            asked = understood(metrics, step, time)
            for (kind, about), (count, text) in asked.refused.items():
                self._count_refused(kind, count, f"log(): {text}", about)
            if not warn.strict or not asked.refused:
                asked.append_to(self._append)
        except Exception as error:  # noqa: BLE001  the border: no fault of ours or of an argument may end a training
            self._refuse("log", error)
        warn.raise_first()

    @guarded
    def rewind(self, to_step: float) -> None:
        """This rank restarts from a checkpoint: its earlier points at steps after ``to_step`` leave the main line.

        They stay readable: they are the branch that was left. What earlier attempts logged is asked of the store.
        Points that other processes log for this rank now (helpers) are not known here, and stay. A step beyond all
        that was logged is refused: nothing lies after it.
        """
        if not self._main:
            raise MisuseError("only the process that opened the run can rewind it: this handle is a helper's")
        step, writer = _finite_step(to_step), self._open_writer()
        self._say(self._before.rewound(step, writer))
        writer.journal.next_step = min(writer.journal.next_step, step + 1)

    # how it ends --------------------------------------------------------------------------------------------------

    def flush(self, timeout: float | None = None) -> Position:
        """Waits until artifacts given so far are recorded (at most ``timeout`` seconds) and forces the journal to disk;
        with Kafka, then waits for its acknowledgement (until the same time, or EPOCHAL_KAFKA_WAIT seconds).

        Returns how far this handle's record has come.
        """
        if timeout is not None and not is_duration(timeout):
            self._refuse("flush", ValueError(f"timeout={timeout!r}, taken as 0: seconds from 0 on are accepted"))
            timeout = 0
        until = None if timeout is None else monotonic() + timeout
        if not self.disabled and self._ending is None:
            done = self._contents.flush(timeout)
            if not done:
                self._session.warn.notice(f"flush: artifacts are still being stored after {timeout} s")
            self._open_writer().journal.sync()
        return self._position(None if until is None else max(0.0, until - monotonic()))

    def finish(self, status: str | None = None) -> Position:
        """Ends the run: completed, or the status given (completed, failed, stopped). Finishing again does nothing.

        Returns how far its record has come: all of it is in the journal. With Kafka, waits for its acknowledgement.
        """
        ending = given_ending(status)
        if ending is None:
            self._refuse("finish", ValueError(f"status={status!r}, taken as failed: accepted are {STATUSES}"))
        self.end(ending or Ending("failed"))
        return self._position(None)

    def end(self, ending: Ending) -> None:
        """Finishes with this ending, if nobody did: for the session and for ``with``."""
        with self._end_lock:
            first = self._ending is None
            if first:
                self._ending = ending
        if first:
            leave(self._session, self)
            if not self.disabled:
                self._write_end(ending)
            self._session.ended(self)
        elif ending is STOPPED and self._closing is not None:
            self._closing.say(ending)  # the process dies while another thread waits for the end of what belongs to it

    def _write_end(self, ending: Ending) -> None:
        writer = self._writer
        self._append = over(lambda points: self._count_refused("misuse", points, self._finished_text(), self.id))
        if writer is None:
            return
        try:
            if self._main and self._closing is not None:
                self._closing.wait_and_say(ending, self._surroundings)
        except BaseException as error:
            self._ending = ending_of(error)
            raise
        finally:
            if lost := writer.lost():
                counted = ", ".join(f"{count:,} for reason {reason!r}" for reason, count in lost.items())
                self._session.warn.notice(f"{self!r}: not all of it is recorded: {counted}")
            self._session.close_writer(writer)

    def __enter__(self) -> Run:
        self.in_block = True
        enter(self._session, self)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        stopped = self._session.exits.ending is STOPPED  # by a signal, which may have come before this exception
        self.end(STOPPED if stopped else ending_of(error))

    # what it is ---------------------------------------------------------------------------------------------------

    @property
    def about(self) -> About:
        """What a helper in another process needs to know."""
        return self._about

    @property
    def is_main(self) -> bool:
        """Whether this handle decides the status; a helper's does not."""
        return self._main

    @property
    def status(self) -> str:
        """running, or how this handle was finished."""
        return "running" if self._ending is None else self._ending.status

    def __repr__(self) -> str:
        state = "disabled" if self.disabled else self.status
        return f"<Run {self.name!r} ({self.kind}) {self.id} {state}>"

    def _repr_html_(self) -> str:
        from ._html import card

        fields = {"id": self.id, "kind": self.kind, "project": self.project}
        ranks = f"{self.rank} of {self.world_size}" if self.world_size > 1 else None
        return card(
            f"run {self.name}", {**fields, "rank": ranks, "status": "disabled" if self.disabled else self.status}
        )

    def __reduce__(self) -> tuple[object, ...]:
        from ._joining import join

        return join, (self._about, self.disabled)

    # inside -------------------------------------------------------------------------------------------------------

    def become_helper(self) -> None:
        """In a forked child: the next call opens a writer of its own."""
        if self._writer is not None:
            self._next_step = self._writer.journal.next_step
        self._writer = None
        self._main = False
        self._closing = self._surroundings = None
        self._opening = threading.RLock()
        self._end_lock = threading.RLock()
        if self._ending is None and not self.disabled:
            self._append = first_call(self._open_helper)

    def continue_from(self, next_step: float, writers: Iterable[tuple[str, int]], *, known: bool) -> None:
        """Takes up the count of steps, and the earlier writers that a rewind must name; ``known``: they are all."""
        self._before.take_up(self._open_writer(), next_step, writers, known=known)

    def surround(self) -> None:
        """Begins to record what surrounds the run: in the background, done when the run is finished."""
        here = self._session
        here.watching.begin(self._about, self._say)
        if here.settings.capture - {"console", "system"}:
            self._surroundings = Surroundings(self._about, self._say, self._contents, here.outlook)
            self._surroundings.start()

    def _open_helper(self) -> Append:
        return self._open_writer().journal.append_points

    def _open_writer(self) -> Writer:
        """The writer of this process; the first call in a helper opens it."""
        if self._writer is None:
            with self._opening:
                if self._writer is None:
                    writer = self._session.open_writer(
                        self._about.identity, "helper", world_size=self._about.world_size
                    )
                    writer.journal.next_step = max(writer.journal.next_step, self._next_step)
                    self._writer = writer
                    self._append = writer.journal.append_points
        return self._writer

    def _logged(self) -> list[tuple[str, int]]:
        return self._before.logged(self._open_writer())

    def _say(self, event: Event, time_us: int | None = None) -> None:
        writer = self._writer or (self._open_writer() if self._ending is None else None)
        if writer is None or writer.closed:
            raise MisuseError(self._finished_text())
        writer.emit(event, time_us)
        if self._session.warn.strict:
            self._session.warn.raise_first()

    def _finished_text(self) -> str:
        return (
            f"run {self.name!r} was finished ({self.status}): this call is not recorded. "
            "Open a new run with epochal.init(...) or trial.run(...), or continue this one with init(resume=run.id)"
        )

    def _position(self, wait_s: float | None) -> Position:
        writer, shipping = self._writer, self._session.shipping
        if writer is None:
            return Position(self.id, "", 0, 0)
        here = Position(self.id, str(writer.id), *writer.journal.counts, sum(writer.lost().values()))
        return here if shipping is None else shipping.arrived(here, writer.journal.directory, wait_s)
