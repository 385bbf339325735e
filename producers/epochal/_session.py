"""The process's composition root: settings, clock, journals, open runs, and what happens at its end.

There is one session a process, made at the first call that needs it and never at import. A forked child gets a
session of its own, in which the handles it inherited open writers of their own.
"""

from __future__ import annotations

import json
import os
import sys
import threading
from collections.abc import Mapping
from typing import TYPE_CHECKING, Protocol
from uuid import UUID, uuid4

from ._background import Background
from ._claims import Claims
from ._clock import now_us
from ._contents import Contents
from ._elsewhere import announce
from ._ending import COMPLETED, STOPPED, Ending
from ._events import Event
from ._exits import Exits
from ._introduction import introduction
from ._places import artifact_url, home, journal_place, store_directory
from ._ranks import Launch, find_launch
from ._settings import Settings, from_env, unknown_variables
from ._shipping import HURRIED_S, Shipping
from ._surroundings import Outlook
from ._values import JSON
from ._warnings import Warner
from ._watching import Watching
from ._writer import Identity, Writer, open_journal

if TYPE_CHECKING:
    from ._journal.writer import JournalWriter
    from ._run import Run

__all__ = ["OpenRun", "Session", "say_again", "session"]


class OpenRun(Protocol):
    """What the session does to the runs that are open in it."""

    def end(self, ending: Ending) -> None:
        """Finishes the run, if nobody did."""
        ...

    def become_helper(self) -> None:
        """In a forked child: the next call opens a writer of its own."""
        ...


class Session:
    """Everything that the handles of one process share."""

    def __init__(self, settings: Settings, environ: Mapping[str, str] = os.environ) -> None:
        self.settings = settings
        self.warn = Warner(strict=settings.strict)
        self.home = home(settings, environ)
        by_kafka = settings.kafka is not None
        self.server = None if by_kafka or store_directory(settings.store, environ) is not None else settings.store
        self.place = journal_place(settings, environ)
        self.launch: Launch = find_launch(environ)
        self.artifact_url = artifact_url(settings)
        self.exits = Exits(self.close)
        self.claims = Claims(self.place.directory)
        self.shipping = Shipping.of(settings, self.place.directory, self.warn, self.writers)
        self.background = self._new_background()
        self.contents = Contents(self.artifact_url, self.place.directory, self._hold_process, self.warn)
        self.outlook = Outlook(settings.capture)
        self.watching = Watching(
            settings.capture, lambda identity: self.open_writer(identity, "helper"), self.close_writer
        )
        self.runs: list[OpenRun] = []
        self.entered: list[Run] = []
        """Runs that are current somewhere in this process, the newest last."""
        self.kinds: dict[tuple[str, str, str], str] = {}
        self.launches: dict[str, int] = {}
        self.said: set[str] = set()
        self.types: dict[str, str] = {}
        """By id the types that this process gave to actions and contexts."""
        self.forked = False
        """Whether this process inherited the session: it then writes only as a helper of the runs it inherited."""
        self._lock = threading.RLock()
        self._process: UUID | None = None
        self._writers: list[Writer] = []
        self._speakers: dict[str, Writer] = {}
        for sentence in unknown_variables(environ):
            self.warn.report("setting", sentence, sentence)

    def open_writer(
        self, identity: Identity, role: str, *, world_size: int = 1, launcher: Mapping[str, JSON] | None = None
    ) -> Writer:
        """A new writer with a journal of its own; where no journal can be kept, its losses are counted."""
        process = self._hold_process()
        opening = introduction(
            identity, role, process, self.settings.heartbeat_s, world_size=world_size, launcher=launcher
        )
        writer = Writer(identity, opening, self._open_journal, self.warn.report)
        with self._lock:
            self._writers.append(writer)
        self.exits.install()
        self.background.start()
        return writer

    def speaker(self, project: str) -> Writer:
        """The writer for what is said of experiments, trials and attachments rather than by a run."""
        with self._lock:
            if project not in self._speakers:
                self._speakers[project] = self.open_writer(Identity(project), "session")
            return self._speakers[project]

    def speak(self, project: str, event: Event, time_us: int | None = None, *, once: bool = False) -> None:
        """Records what is said of anything but by a run; with ``once`` not the same again."""
        if once:
            said = f"{project}:{event[0]}:{json.dumps(event[1], sort_keys=True)}"
            with self._lock:
                if said in self.said:
                    return
                self.said.add(said)
        self.speaker(project).emit(event, time_us)
        self.warn.raise_first()

    def forget_said(self) -> None:
        """The next time, what was said once is said again."""
        with self._lock:
            self.said.clear()
            self.types.clear()

    def close_writer(self, writer: Writer) -> None:
        """Ends a writer properly."""
        writer.close()
        with self._lock:
            if writer in self._writers:
                self._writers.remove(writer)
                if self.shipping is not None:
                    self.shipping.wrote(writer.journal.directory, writer.journal.counts)

    def writers(self) -> list[Writer]:
        """The writers open now."""
        with self._lock:
            return list(self._writers)

    def opened(self, run: OpenRun) -> None:
        """Takes note of a run that must be ended."""
        with self._lock:
            self.runs.append(run)

    def ended(self, run: OpenRun) -> None:
        """The run needs no more care."""
        with self._lock:
            if run in self.runs:
                self.runs.remove(run)

    def close(self, ending: Ending) -> None:
        """Ends all that is open, the newest first: at the end of the process."""
        for run in reversed(list(self.runs)):
            run.end(ending)
        self.contents.close()
        for writer in reversed(self.writers()):
            self.close_writer(writer)
        with self._lock:
            self._speakers.clear()
        if self.shipping is not None:
            if not self.forked:  # what a helper wrote is its parent's to wait for
                self.shipping.wait_for_all(HURRIED_S if ending is STOPPED else None)
            self.shipping.close()
        self.background.stop()

    def after_fork_in_child(self) -> None:
        """Lets go of the parent's files, locks and threads without touching them."""
        self._lock = threading.RLock()
        self.forked = True
        for writer in self._writers:
            writer.journal.after_fork_in_child()
        self._writers.clear()
        self._speakers.clear()
        self._process = None
        self.contents.after_fork_in_child()
        self.watching.after_fork_in_child()
        self.claims = Claims(self.place.directory)
        if self.shipping is not None:
            self.shipping.forget()
            self.shipping = Shipping.of(self.settings, self.place.directory, self.warn, self.writers)
        self.background = self._new_background()
        self.exits.after_fork_in_child()
        for run in self.runs:
            run.become_helper()

    def _new_background(self) -> Background:
        background = Background(self)
        if "system" in self.settings.capture:
            background.every(self.settings.system_s, lambda: self.watching.sample())
        return background

    def _hold_process(self) -> UUID:
        """The id of the lock that says this process lives; one that nobody holds where locks can't be had."""
        with self._lock:
            return self._process or self._take_process()

    def _take_process(self) -> UUID:
        if self._process is None:
            from ._journal.process import ProcessLock

            try:
                self._process = ProcessLock.hold(self.place.directory).id
            except OSError:
                self._process = uuid4()  # the journal will say what is wrong with the directory
            self._say_where(self._process)
            self._close_at_end_of_pool_worker()
        return self._process

    def _open_journal(self, writer: UUID) -> JournalWriter:
        return open_journal(
            self.place.directory,
            writer,
            now_us=now_us,
            report=self.warn.report,
            sync_interval_s=self.settings.sync_s,
            **({} if self.shipping is None else {"admit": self.shipping.room.admit}),
        )

    def _say_where(self, process: UUID) -> None:
        """Leaves a pointer in the store to journals that lie elsewhere, so that its host finds them."""
        if self.place.in_store or self.shipping is not None:
            return
        try:
            announce(self.home, process, self.place.directory)
        except OSError as error:
            self.warn.report(
                "pointer",
                f"the store {self.home} can't be told that journals lie in {self.place.directory} ({error}): they are "
                f"kept there, but nothing of them is seen. When this process has ended, move the folders in it into "
                f"{self.home / 'journals'}",
            )

    def _close_at_end_of_pool_worker(self) -> None:
        """Workers of multiprocessing leave by ``os._exit``, past exit handlers, but run its own finalizers."""
        finalizers = sys.modules.get("multiprocessing.util")
        if self.forked and finalizers is not None:
            finalizers.Finalize(None, self.close, (COMPLETED,), exitpriority=0)


_current: Session | None = None
_making = threading.Lock()


def session() -> Session:
    """The process's session, made at the first call.

    Raises:
        SettingsError: a setting can't be used.
    """
    global _current
    if _current is None:
        with _making:
            if _current is None:
                _current = Session(from_env())
                if hasattr(os, "register_at_fork"):
                    os.register_at_fork(after_in_child=_current.after_fork_in_child)
    return _current


def say_again() -> None:
    """What this process said once, and what is meant to be there, may be deleted now: it is to be said again."""
    if _current is not None:
        _current.forget_said()
