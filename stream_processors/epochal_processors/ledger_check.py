"""The ledger of one log against the laws of a log. Pure."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pyarrow as pa

from epochal_processors.columns import U64
from epochal_processors.evidence import integers
from epochal_processors.findings import Finding
from epochal_processors.log_pieces import pieces

INTAKE = "intake:"
"""How the names of logs begin whose numbers have no gaps."""


class LogCheck:
    """Goes along one log, some rows at a time, in order."""

    def __init__(self, log: str, heads_at: int | None) -> None:
        """``heads_at``: the offset up to which digests of pieces are wanted."""
        self.rows = 0
        self.pieces: dict[int, bytes] = {}
        self._log = log
        self._heads_at = heads_at
        self._next = 0
        self._instant = np.iinfo(np.int64).min

    def go_on(self, table: pa.Table) -> Iterator[Finding]:
        """What is wrong with the next rows, in the order of their offsets."""
        offset: U64 = integers(table, "offset")
        if not len(offset):
            return
        if self._log.startswith(INTAKE):
            expected = np.append(np.uint64(self._next), offset[:-1] + np.uint64(1))
            for i in np.flatnonzero(offset != expected).tolist():
                yield self._finding(int(expected[i]), int(offset[i]) - 1, "the ledger lacks these numbers of the log")
        recorded = np.append(self._instant, integers(table, "recorded_at"))
        for i in np.flatnonzero(recorded[1:] <= recorded[:-1]).tolist():
            row = table.slice(i, 1).to_pylist()[0]
            yield self._finding(
                row["offset"],
                row["offset"],
                f"recorded at {row['recorded_at'].isoformat()}, not after what stands before it in the log "
                f"(it holds {row['first_seq']} to {row['first_seq'] + row['count'] - 1} of {row['channel']} of "
                f"writer {row['writer']})",
            )
        self.rows += len(offset)
        self._next, self._instant = int(offset[-1]) + 1, recorded[-1]
        if self._heads_at is not None:
            self.pieces |= pieces(table.filter(pa.array(offset.astype(np.int64) <= self._heads_at)))

    def _finding(self, first: int, last: int, what: str) -> Finding:
        return Finding("", None, None, "", first, last, what, self._log)
