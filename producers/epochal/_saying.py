"""Saying something to a store that was opened for reading: a deletion, a correction, what is decided by looking at it.

Each call has a journal of its own, where it is taken in from:

* With EPOCHAL_KAFKA in the spool: to a server, and to the directory that the settings of this process name.
* To any other directory in that store, whatever the settings say of journals and modes.
* To a server without Kafka nowhere: it is refused.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, Protocol

from ._clock import now_us
from ._elsewhere import announce
from ._errors import JournalError, NotAvailableError
from ._events import Event
from ._introduction import introduction
from ._journal.process import ProcessLock
from ._places import home, journal_place, store_directory
from ._session import say_again, session
from ._settings import Settings
from ._writer import Identity, Writer, open_journal

__all__ = ["Say", "sayer"]


class Say(Protocol):
    """How to say something to one store."""

    def __call__(self, project: str, events: Sequence[Event], after_us: int, time_us: int | None = None) -> list[str]:
        """Record events in the store; their ids, ``<writer>:<seq>``, all of one writer.

        Guarantees: when it has returned, the events are on this machine's disk, in this order, and reads of this
        process see them. They count as said now, or right after ``after_us`` where this clock is behind, and are true
        from ``time_us`` on, or from then (both microseconds since 1970, UTC).

        Raises:
            NotAvailableError: the store is a server and no Kafka leads to it, or EPOCHAL_MODE keeps everything from it.
            JournalError: they can't be kept; the text says where.
        """
        ...


_HEARTBEAT_S: Final = 3600.0
"""Said in the opening event; the writer is closed long before one is due."""


def sayer(settings: Settings) -> Say:
    """How to say something to the store that these settings open."""

    def say(project: str, events: Sequence[Event], after_us: int, time_us: int | None = None) -> list[str]:
        directory = store_directory(settings.store)
        if settings.kafka is not None and directory in (None, store_directory(session().settings.store)):
            return _say_by_kafka(settings, project, events, after_us, time_us)
        if directory is None:
            raise NotAvailableError(
                "this store is a server, and nothing can be said to it but through Kafka: set EPOCHAL_KAFKA (with what "
                "else the jobs have that log to it), or do this where it is set"
            )
        place = journal_place(replace(settings, kafka=None, journal=None))
        told = None if place.in_store else home(settings)
        return _write(place.directory, told, settings.sync_s, project, events, after_us, time_us).ids

    return say


def _say_by_kafka(
    settings: Settings, project: str, events: Sequence[Event], after_us: int, time_us: int | None
) -> list[str]:
    if settings.mode != "on":
        raise NotAvailableError(
            f"EPOCHAL_MODE is {settings.mode}, so nothing goes to Kafka from here, and no read would see what is said: "
            "unset it for this"
        )
    said = _write(journal_place(settings).directory, None, settings.sync_s, project, events, after_us, time_us)
    shared = session()
    if shared.shipping is not None:
        shared.shipping.wrote(said.journal, said.counts)  # reads of this process, and its end, wait for that
        shared.exits.install()
        shared.background.start()
    return said.ids


@dataclass(frozen=True)
class _Written:
    """Events in a journal that is closed."""

    ids: list[str]
    journal: Path
    counts: tuple[int, int]


def _write(
    journals: Path,
    pointing: Path | None,
    sync_s: float,
    project: str,
    events: Sequence[Event],
    after_us: int,
    time_us: int | None,
) -> _Written:
    """``pointing``: the store that has to be told of journals outside it."""
    troubles: list[str] = []
    try:
        process = ProcessLock.hold(journals)
        if pointing is not None:
            announce(pointing, process.id, journals)
    except OSError as error:
        raise JournalError(f"nothing can be written to {pointing or journals} ({error}): nothing was said") from error
    identity = Identity(project)
    try:
        writer = Writer(
            identity,
            # without the command: its arguments name what it is about, and that may have to be forgotten
            introduction(identity, "session", process.id, _HEARTBEAT_S, command=False),
            lambda writer: open_journal(
                journals,
                writer,
                now_us=lambda: max(now_us(), after_us + 1),
                report=lambda kind, text: troubles.append(text),
                sync_interval_s=sync_s,
            ),
            lambda kind, text: None,  # U+FFFD in the place of half a character is no loss
        )
        ids: list[str] = []
        for event in events:
            ids.append(f"{writer.id}:{writer.journal.counts[0]}")
            writer.emit(event, time_us)
        writer.close()
    finally:
        process.release()
    if writer.lost():
        raise JournalError(f"not everything was said: {'; '.join(troubles)}. See what is there before saying it again")
    say_again()
    return _Written(ids, writer.journal.directory, writer.journal.counts)
