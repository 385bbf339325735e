"""The outpost of a ClickHouse server on this machine: ``python -m epochal_processors.outpost DIRECTORY``.

It takes the journals of this user's processes to the server that EPOCHAL_STORE names, with an intake of its own, by
the steps of an embedded store's host; readers ask the server, and the outpost only whether it has caught up.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

from epochal._settings import from_env
from epochal_processors.cleaning import Safety
from epochal_processors.host import Host, log, opened_ingest
from epochal_processors.inline import held_lock
from epochal_processors.keeping import Keeping
from epochal_storage.errors import StoreError, may_heal
from epochal_storage.location import Embedded, Server, parsed
from epochal_storage.remote import RemoteStore, open_remote, prepare

KEPT_S = 3600.0
"""Seconds for which a journal stays after its last change: nobody here can have the server's disk synced."""
LEAST_PAUSE_S = 1.0
"""Seconds between two cycles, unless a reader waits: every insert makes a part, and many machines may insert."""
LONGEST_PAUSE_S = 30.0
GIVE_UP_S = 3600.0
"""Seconds after which an outpost ends that never reached its server; whoever logs or reads starts the next."""


def keeping(where: Server) -> Keeping:
    """How the outpost of a server keeps what it takes in."""

    def opened(directory: Path, wait: Callable[[float], bool]) -> RemoteStore:
        return _reached(where, wait)

    return Keeping(opened, Safety(_not_here, KEPT_S), LEAST_PAUSE_S)


def take_once(directory: Path, where: Server) -> None:
    """Take what the journals hold to the server in this very process, for where no other may be started.

    Raises:
        StoreError: another process is at it and doesn't end, or the server refuses or can't be reached.
    """
    lock = held_lock(directory)
    try:
        prepare(where)
        store = open_remote(where, lambda _: None)
        try:
            opened_ingest(directory, store, lock, Safety(_not_here, KEPT_S)).close()
        finally:
            store.close()
    finally:
        lock.release()


def _reached(where: Server, wait: Callable[[float], bool]) -> RemoteStore:
    """The server's tables, once it can be reached.

    Raises:
        StoreError: it refuses, was not reached in an hour, or the outpost is told to stop.
    """
    pause, waited, last = 0.5, 0.0, ""
    while True:
        try:
            prepare(where)
            return open_remote(where, lambda _: None)
        except StoreError as error:
            if not may_heal(error) or waited > GIVE_UP_S or wait(pause):
                raise
            if str(error) != last:
                log.warning("%s can't be reached, trying again: %s", where, error)
            last, waited, pause = str(error), waited + pause, min(2 * pause, LONGEST_PAUSE_S)


def _not_here(_: Path) -> None:
    """The server's disk is its own."""


def main(arguments: list[str]) -> int:
    """Run the outpost in the directory named by the one argument."""
    settings = from_env()
    where = None if settings.store is None else parsed(settings.store)
    if len(arguments) != 1 or where is None or isinstance(where, Embedded):
        print("usage: EPOCHAL_STORE=clickhouse://… python -m epochal_processors.outpost DIRECTORY", file=sys.stderr)
        return 2
    return Host(Path(arguments[0]).absolute(), settings.host_idle_s, keeping(where)).run()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
