"""Inserting in a thread of its own, so that the next batch is prepared while the engine takes the last one."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Mapping
from uuid import UUID

import pyarrow as pa

from epochal_processors.blocks import Block
from epochal_processors.chains import Head
from epochal_processors.columns import Part, Stream
from epochal_processors.materialize import History
from epochal_storage.writing import TableWriter

WAITING = 8
"""Inserts that may wait: about one batch of them. More would only take memory."""


class BackgroundWriter:
    """A table writer that keeps the order of inserts and reports failures late.

    After a failure nothing more is inserted until :meth:`settle` has told of it.
    """

    def __init__(self, writer: TableWriter) -> None:
        self._writer = writer
        self._work: queue.Queue[Callable[[], None] | None] = queue.Queue(WAITING)
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="inserting", daemon=True)
        self._thread.start()

    def insert(self, table: str, rows: pa.Table) -> None:
        """Insert rows, some time before :meth:`settle` returns."""
        self._work.put(lambda: self._writer.insert(table, rows))

    def after(self, call: Callable[[], None]) -> None:
        """Call when all inserts up to here are done; never, where one of them fails."""
        self._work.put(call)

    def settle(self) -> None:
        """Wait until everything is inserted.

        Raises what the first insert that failed raised; those after it were not made.
        """
        failure = self.rest()
        if failure is not None:
            raise failure

    def rest(self) -> BaseException | None:
        """Wait until nothing is under way; what the first insert that failed raised, which is forgotten then."""
        self._work.join()
        failure, self._failure = self._failure, None
        return failure

    def check(self) -> None:
        """Raise what an insert raised, if one failed; waits for nothing otherwise."""
        if self._failure is not None:
            self.settle()

    def close(self) -> None:
        """End the thread, after everything is inserted."""
        self._work.put(None)
        self._thread.join()

    def _run(self) -> None:
        while (work := self._work.get()) is not None:
            try:
                if self._failure is None:
                    work()
            # the border of the thread: raised again in settle
            except BaseException as error:  # noqa: BLE001
                self._failure = error
            finally:
                self._work.task_done()
        self._work.task_done()


class SettledHistory:
    """A history that is read only when everything handed over for insertion is in the store."""

    def __init__(self, history: History, settle: Callable[[], None]) -> None:
        self._history = history
        self._settle = settle

    def points(self, stream: Stream, block: int) -> Part:
        """As :meth:`PointLoader.points`."""
        self._settle()
        return self._history.points(stream, block)

    def event_digests(self, writer: UUID, block: int) -> Mapping[int, bytes]:
        """As :meth:`DigestLoader.event_digests`."""
        self._settle()
        return self._history.event_digests(writer, block)

    def head(self, writer: UUID, channel: str) -> Head:
        """As :meth:`History.head`."""
        self._settle()
        return self._history.head(writer, channel)

    def sealed(self, writer: UUID, channel: str) -> list[tuple[Block, bytes]]:
        """As :meth:`History.sealed`."""
        self._settle()
        return self._history.sealed(writer, channel)
