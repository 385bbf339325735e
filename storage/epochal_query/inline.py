"""Reading with the engine in this very process, for where child processes or loopback aren't allowed."""

from __future__ import annotations

import atexit
import logging
import os
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd
import pyarrow as pa

from epochal_processors.inline import InlineStore, open_inline
from epochal_query.errors import ReadError
from epochal_storage.arrow_answer import frame_of
from epochal_storage.errors import StoreError


@dataclass
class _Taken:
    """A store that this process holds, for so many connections."""

    store: InlineStore
    users: int = 0
    catching_up: threading.Lock = field(default_factory=threading.Lock)


class HeldStores:
    """The stores that a process holds: one engine a store, however many connections.

    What is still held when the interpreter ends is given back then: the engine must not outlive it.
    """

    def __init__(self, take: Callable[[Path], InlineStore]) -> None:
        self._take = take
        self._lock = threading.Lock()
        self._taken: dict[Path, _Taken] = {}
        self._inherited: list[_Taken] = []
        atexit.register(self.end)
        os.register_at_fork(after_in_child=self._forked)

    def take(self, directory: Path) -> _Taken:
        """Hold a store once more. Raises StoreError: another process has it, or it can't be opened."""
        with self._lock:
            taken = self._taken.get(directory)
            if taken is None:
                taken = self._taken[directory] = _Taken(self._take(directory))
            taken.users += 1
            return taken

    def give_back(self, directory: Path) -> None:
        """Hold a store once less; the last one lets it go."""
        with self._lock:
            taken = self._taken[directory]
            taken.users -= 1
            if not taken.users:
                del self._taken[directory]
                taken.store.close()

    def end(self) -> None:
        """Let everything go."""
        with self._lock:
            taken, self._taken = self._taken, {}
        for directory, one in taken.items():
            try:
                one.store.close()
            except (OSError, StoreError) as error:
                logging.getLogger("epochal").warning(
                    "epochal: %s: something couldn't be taken in, the next who opens the store will: %s",
                    directory,
                    error,
                )

    def _forked(self) -> None:
        """The parent's engine is of no use here: it is left untouched, and the parent alone keeps the lock."""
        self._lock = threading.Lock()
        for taken in self._taken.values():
            taken.store.lock.release()
        self._inherited += self._taken.values()
        self._taken = {}


_held: list[HeldStores] = []
"""Of this process, made at the first use: a store's lock is the process's, so this is too."""


def held_stores() -> HeldStores:
    """The stores that this process holds."""
    if not _held:
        _held.append(HeldStores(open_inline))
    return _held[0]


class InlineConnection:
    """A connection that takes the store when it is first asked, and gives it back when closed.

    Raises:
        StoreError: another process has the store, or it can't be opened.
        ReadError: it was opened before the process forked.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._lock = threading.Lock()
        self._mine: tuple[int, _Taken] | None = None

    def query_arrow(self, sql: str, parameters: Mapping[str, object] | None = None, *, fresh: bool = True) -> pa.Table:
        """The answer to a query; ``fresh``: after taking in what the journals hold."""
        if fresh:
            self.watermark()
        return self._taken().store.engine.query_arrow(sql, parameters)

    def query_df(self, sql: str, parameters: Mapping[str, object] | None = None) -> pd.DataFrame:
        """The answer to a query as a frame, times with their zone."""
        return frame_of(self.query_arrow(sql, parameters))

    def watermark(self) -> dict[str, int]:
        """Take in what the journals hold; how far the log is in the store then."""
        taken = self._taken()
        with taken.catching_up:
            return taken.store.catch_up()

    def close(self) -> None:
        """Give the store back. A later call takes it again."""
        with self._lock:
            mine, self._mine = self._mine, None
        if mine is not None and mine[0] == os.getpid():
            held_stores().give_back(self._directory)

    def _taken(self) -> _Taken:
        with self._lock:
            if self._mine is None:
                self._mine = os.getpid(), held_stores().take(self._directory)
            pid, taken = self._mine
        if pid != os.getpid():
            raise ReadError(
                f"process {os.getpid()} was forked from one that has {self._directory} open in itself "
                "(EPOCHAL_HOST=inline), and the engine doesn't survive that: read in the parent, or in a process "
                "that is started anew (multiprocessing's 'spawn')"
            )
        return taken
