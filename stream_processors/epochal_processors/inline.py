"""Being the host of a store in the process that reads, for where child processes or loopback aren't allowed."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from epochal_processors.host import begin_log, opened_ingest
from epochal_processors.ingest import Ingest
from epochal_processors.store_file import read_or_create
from epochal_storage.engine import Engine
from epochal_storage.errors import StoreError
from epochal_storage.hostfile import HostLock, held_inline, is_inline, lock_holder, make_place
from epochal_storage.locate import unusable
from epochal_storage.log_ends import ForeignLogs
from epochal_storage.tables import open_tables

PATIENCE_S = 10.0
"""Seconds to wait for another process to let go of a store."""


@dataclass(frozen=True, slots=True)
class InlineStore:
    """An embedded store in this very process."""

    engine: Engine
    ingest: Ingest
    lock: HostLock
    elsewhere: ForeignLogs

    def catch_up(self) -> dict[str, int]:
        """Take in what the journals hold now; returns the watermark. Not for several threads at once."""
        self.ingest.follower.run_once()
        return {**self.ingest.follower.watermark(), **self.elsewhere.ends()}

    def close(self) -> None:
        """Take in the rest and give the store back."""
        try:
            self.ingest.close()
        finally:
            self.engine.close()
            self.lock.release()


def open_inline(store: Path, patience_s: float = PATIENCE_S) -> InlineStore:
    """Open an embedded store in this process, after waiting for another that has it.

    Raises:
        StoreError: another process has it, or it can't be opened.
    """
    lock = held_lock(store, patience_s)
    try:
        read_or_create(store, datetime.now(UTC))
        engine = open_tables(store / "engine")
        ingest = opened_ingest(store, engine, lock)
        (own,) = ingest.follower.watermark()
        return InlineStore(engine, ingest, lock, ForeignLogs(engine.query_arrow, own))
    except OSError as error:
        lock.release()
        raise StoreError(unusable(store, error)) from error
    except BaseException:
        lock.release()
        raise


def held_lock(store: Path, patience_s: float = PATIENCE_S) -> HostLock:
    """The right to be the host of a store, and its log, after waiting for another process that has it.

    Raises:
        StoreError: another process has it, or it can't be had.
    """
    lock = HostLock(store, inline=True)
    deadline = time.monotonic() + patience_s
    try:
        make_place(store)
        while not lock.acquire():
            if time.monotonic() > deadline:
                raise StoreError(f"{_holder_of(store)}; waited {patience_s:g} s for it")
            time.sleep(0.05)
        begin_log(store)
    except OSError as error:
        lock.release()
        raise StoreError(unusable(store, error)) from error
    return lock


def _holder_of(store: Path) -> str:
    """Who keeps this process from a store, and what to do."""
    holder = lock_holder(store) or 0
    if is_inline(store):
        return held_inline(store, holder)
    return (
        f"process {holder} is the host of {store}, which EPOCHAL_HOST=inline must hold itself: end it (kill {holder}), "
        "or unset EPOCHAL_HOST to read through it"
    )
