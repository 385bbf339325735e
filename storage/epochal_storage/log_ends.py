"""How far logs are in a store, by its ledger."""

from __future__ import annotations

from collections.abc import Callable

import pyarrow as pa

# the ledger is sorted by log: of an embedded store only the few marks of logs from elsewhere are read
_ENDS = """SELECT toString(log) AS log, max(offset) AS end FROM ledger
WHERE startsWith(log, {text}) AND log != {own} GROUP BY log"""


def log_ends(query: Callable[[str], pa.Table], beginning: str = "", own: str = "") -> dict[str, int]:
    """By log, the greatest offset that the ledger has; of the logs whose names begin so, but for one's own.

    Whoever takes a log in does so in its order, the ledger's rows last: everything up to that offset is in the store.
    Raises what `query` raises.
    """
    rows = query(_ENDS.replace("{text}", f"'{beginning}'").replace("{own}", f"'{own}'")).to_pylist()
    return {str(row["log"]): int(row["end"]) for row in rows}


class ForeignLogs:
    """The ends of logs that others take in, asked only when something may have been written since. From any thread."""

    def __init__(self, query: Callable[[str], pa.Table], own: str) -> None:
        """`own` is the log that whoever asks takes in itself."""
        self._query = query
        self._own = own
        self._ends: dict[str, int] = {}
        self._written = True

    def written(self) -> None:
        """Somebody wrote to the store."""
        self._written = True

    def ends(self) -> dict[str, int]:
        """As `log_ends`, after everything written before the call."""
        if self._written:
            self._written = False  # before asking: what is written meanwhile is asked for again
            try:
                self._ends = log_ends(self._query, own=self._own)
            except BaseException:
                self._written = True
                raise
        return self._ends
