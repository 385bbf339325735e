"""Reading with the engine in this very process, for where child processes or loopback aren't allowed."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from pathlib import Path

import pandas as pd
import pyarrow as pa

from epochal_processors.host import InlineStore, open_inline


class InlineConnection:
    """A connection that takes the store when it is first asked, and gives it back when closed."""

    def __init__(self, directory: Path, take: Callable[[Path], InlineStore] = open_inline) -> None:
        self._directory = directory
        self._take = take
        self._lock = threading.Lock()
        self._held: InlineStore | None = None

    def query_arrow(self, sql: str, parameters: Mapping[str, object] | None = None, *, fresh: bool = True) -> pa.Table:
        """The answer to a query; ``fresh``: after taking in what the journals hold."""
        if fresh:
            self.watermark()
        return self._store().engine.query_arrow(sql, parameters)

    def query_df(self, sql: str, parameters: Mapping[str, object] | None = None) -> pd.DataFrame:
        """The answer to a query as a frame, times with their zone."""
        frame: pd.DataFrame = self.query_arrow(sql, parameters).to_pandas()
        return frame

    def watermark(self) -> dict[str, int]:
        """Take in what the journals hold; how far the log is in the store then."""
        store = self._store()
        with self._lock:  # one catch-up at a time
            return store.catch_up()

    def close(self) -> None:
        """Give the store back. A later call takes it again."""
        with self._lock:
            held, self._held = self._held, None
        if held is not None:
            held.close()

    def _store(self) -> InlineStore:
        with self._lock:
            if self._held is None:
                self._held = self._take(self._directory)
            return self._held
