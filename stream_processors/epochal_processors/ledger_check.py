"""The ledger of one log against the laws of a log. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from uuid import UUID

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from epochal_processors.columns import U64
from epochal_processors.evidence import coded, integers
from epochal_processors.intake import CHANNELS
from epochal_processors.log_pieces import pieces
from epochal_processors.survey import Key

INTAKE = "intake:"
"""How the names of logs begin whose numbers have no gaps."""


@dataclass(frozen=True, slots=True)
class InLog:
    """Offsets of a log, first and last, and what is wrong with the ledger there.

    ``stream`` is what the log holds there, where that is known: whose numbers, first and last.
    """

    first: int
    last: int
    what: str
    stream: tuple[Key, int, int] | None = None


class LogCheck:
    """Goes along one log, some rows at a time, in order."""

    def __init__(self, log: str, heads_at: int | None, taken: npt.NDArray[np.void] | None = None) -> None:
        """``heads_at``: the offset up to which digests of pieces are wanted; ``taken``: the intake's own records."""
        self.rows = 0
        self.pieces: dict[int, bytes] = {}
        self._log = log
        self._heads_at = heads_at
        self._taken = taken
        self._next = 0
        self._instant = np.iinfo(np.int64).min

    def go_on(self, table: pa.Table) -> Iterator[InLog]:
        """What is wrong with the next rows, in the order of their offsets."""
        offset: U64 = integers(table, "offset")
        if not len(offset):
            return
        if self._log.startswith(INTAKE):
            expected = np.append(np.uint64(self._next), offset[:-1] + np.uint64(1))
            for i in np.flatnonzero(offset != expected).tolist():
                yield InLog(int(expected[i]), int(offset[i]) - 1, "the ledger lacks these numbers of the log")
        recorded = np.append(self._instant, integers(table, "recorded_at"))
        for i in np.flatnonzero(recorded[1:] <= recorded[:-1]).tolist():
            what = "the ledger has it recorded no later than what stands before it in the log"
            yield InLog(int(offset[i]), int(offset[i]), what)
        if self._taken is not None:
            yield from _against_intake(table, offset, self._taken)
        self.rows += len(offset)
        self._next, self._instant = int(offset[-1]) + 1, recorded[-1]
        if self._heads_at is not None and self._heads_at >= 0:
            self.pieces |= pieces(table.filter(pa.array(offset <= np.uint64(self._heads_at))))


def _against_intake(table: pa.Table, offset: U64, taken: npt.NDArray[np.void]) -> Iterator[InLog]:
    """Rows of the ledger that aren't what was taken in under their number.

    Less than was taken is right where a loss of power has left no more of it.
    """
    known = offset < np.uint64(len(taken))
    for i in np.flatnonzero(~known).tolist():
        yield InLog(int(offset[i]), int(offset[i]), "the intake never gave this number")
    rows, said = table.filter(pa.array(known)), taken[offset[known].astype(np.intp)]
    code, writers = coded(rows, "writer")
    writer = np.frombuffer(b"".join(writers), "V16")[code] if writers else np.zeros(0, "V16")
    same = (writer == said["writer"]) & (integers(rows, "first_seq") == said["first_seq"])
    same &= (integers(rows, "count") <= said["count"]) & (integers(rows, "recorded_at") == said["recorded_at"])
    for i in np.flatnonzero(~same).tolist():
        one = said[i]
        key = Key(UUID(bytes=bytes(one["writer"])), CHANNELS[int(one["channel"])])
        first, count = int(one["first_seq"]), int(one["count"])
        what = "the ledger isn't what the intake says of these numbers"
        yield InLog(int(one["number"]), int(one["number"]), what, (key, first, first + count - 1))
