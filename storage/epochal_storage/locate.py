"""The way to a store's host: find the one that is there, or start one and wait for it."""

from __future__ import annotations

import errno
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from epochal_storage.endpoint import Endpoint, Pulse, ping
from epochal_storage.engine import DATABASE
from epochal_storage.errors import HostSilentError, HostUnavailableError
from epochal_storage.hostfile import (
    LOG_NAME,
    STARTING_NAME,
    HostFile,
    HostLock,
    held_inline,
    is_inline,
    lock_holder,
    make_place,
    published_host,
)
from epochal_storage.http_auth import Role
from epochal_storage.processes import Progress, work_done

_LOG_LINES = 5
_FAILURES = 2
"""How many hosts may end with an error before a reader gives up: one may have been started before the cause went."""


class Started(Protocol):
    """A host that was started."""

    def ended(self) -> bool:
        """Whether it has ended, as far as anybody can tell."""
        ...


Spawn = Callable[[Path], Started | None]
"""Starts the host of a store, without waiting for it; None where that is impossible."""


@dataclass(frozen=True)
class Patience:
    """Seconds to wait.

    `start` for a host to come up, `answer` for its answer to a ping, `busy` for both where its process is seen
    to compute, or still on its way (a large store, a machine under load).
    """

    start: float = 30.0
    busy: float = 180.0
    answer: float = 10.0


def store_id(store: Path) -> str | None:
    """The id in a store's `store.json`; None when the store has none yet."""
    try:
        found = json.loads((store / "store.json").read_text(encoding="utf-8"))["store"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return str(found)


def find_host(store: Path, patience: Patience | None = None) -> HostFile | None:
    """The host that answers for a store now; None when there is none.

    Raises: HostSilentError when the process that holds the store doesn't answer.
    """
    patience = patience or Patience()
    info = published_host(store)
    if info is None:
        return None
    progress = Progress(info.pid, patience.busy)
    pulse = ping(info.host, info.port, store_id(store), patience.answer)
    while pulse is Pulse.SILENT and progress.goes_on():
        pulse = ping(info.host, info.port, store_id(store), patience.answer)
    if pulse is Pulse.SILENT:
        raise HostSilentError(
            f"the host of {store} (process {info.pid}, {info.url}) is there and gave no answer for "
            f"{patience.answer:g} s; if it is stopped, continue it (kill -CONT {info.pid}), else end it "
            f"(kill {info.pid}): the next reader starts another and nothing is lost",
            info.pid,
        )
    return info if pulse is Pulse.ALIVE else None


def find_or_start(store: Path, role: Role, spawn: Spawn, patience: Patience | None = None) -> Endpoint:
    """The endpoint of a store's host, started if there is none.

    Guarantees: however many processes call at once, they end up with one host.
    Raises: HostUnavailableError with the end of the host's log when none comes up in time; HostSilentError
    when a process holds the store and doesn't answer.
    """
    patience = patience or Patience()
    starting = HostLock(store, STARTING_NAME)
    try:
        make_place(store)
        return endpoint_of(_awaited(store, starting, spawn, patience), role)
    except OSError as error:
        raise HostUnavailableError(unusable(store, error)) from error
    finally:
        starting.release()


def _awaited(store: Path, starting: HostLock, spawn: Spawn, patience: Patience) -> HostFile:
    begun = looked = time.monotonic()
    started: Started | None = None
    failures, log_begins = 0, _size(store / LOG_NAME)
    work = 0.0
    pause = 0.01
    while True:
        info = find_host(store, patience)
        if info is not None:
            return info
        now = time.monotonic()
        holder = lock_holder(store)
        if holder and now - begun > patience.answer and is_inline(store):
            raise HostSilentError(held_inline(store, holder), holder)
        if now - looked > patience.start:
            before, work, looked = work, work_done(holder), now
            # before it holds the lock nobody knows its process; whoever starts it has its own eye on it
            coming = holder is None and (not starting.acquire() or _lives(started))
            if now - begun > patience.busy or (work <= before and not coming):
                raise _not_up(store, now - begun)
        if holder is None and started is not None and not _lives(started):
            # one that was killed had nothing to say, and the next may live
            words = _words(store / LOG_NAME, log_begins)
            failures, started = failures + bool(words), None
            if failures == _FAILURES:
                raise HostUnavailableError(f"the host of {store} can't start: {words}")
        if holder is None and started is None and starting.acquire():
            started = spawn(store)
            if started is None:
                raise HostUnavailableError(
                    f"no host answers for {store} and none can be started from this Python; "
                    "install epochal[store], or set EPOCHAL_HOST=inline where processes can't be started"
                )
        time.sleep(pause)
        pause = min(pause * 1.5, 0.25)


def endpoint_of(info: HostFile, role: Role) -> Endpoint:
    """How to ask a host as one of its two users."""
    secret = info.writer_token if role == "writer" else info.reader_token
    return Endpoint(info.host, info.port, role, secret, DATABASE, pid=info.pid)


def _lives(started: Started | None) -> bool:
    return started is not None and not started.ended()


def _not_up(store: Path, waited: float) -> HostUnavailableError | HostSilentError:
    holder = lock_holder(store)
    if holder:
        return HostSilentError(
            f"process {holder} holds the store {store} and didn't say for {waited:.0f} s how to reach it; "
            f"it may be stopped, or still opening a large store; see {store / LOG_NAME}",
            holder,
        )
    words = _words(store / LOG_NAME) or "nothing"
    return HostUnavailableError(
        f"the host of {store} didn't come up in {waited:.0f} s. The end of {store / LOG_NAME}:\n{words}"
    )


def _words(log: Path, begins: int = 0) -> str:
    """The end of the errors that a log has from a place on."""
    try:
        with log.open("rb") as file:
            file.seek(begins if begins <= _size(log) else 0)
            lines = file.read().decode(errors="replace").splitlines()
    except OSError:
        lines = []
    said = [line.partition(" ERROR ")[2] or line for line in lines if " INFO " not in line]
    return "\n".join(list(dict.fromkeys(said))[-_LOG_LINES:])


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def unusable(store: Path, error: OSError) -> str:
    """What to say of a store whose files can't be used."""
    if isinstance(error, (FileExistsError, NotADirectoryError)):
        return f"the store {store} can't be opened: a file is where a directory should be; give the store's directory"
    advice = "a store is read through its host, which writes there"
    if isinstance(error, PermissionError) or error.errno == errno.EROFS:
        advice += ": read it as the user who owns it, or copy the directory to where you may write and open the copy"
    return f"the store {store} can't be opened: {error}; {advice}"
