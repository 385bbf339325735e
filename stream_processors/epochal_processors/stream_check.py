"""One stream's rows against its ledger and its blocks. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

import numpy as np

from epochal_processors.blocks import Block
from epochal_processors.chain_check import Computed
from epochal_processors.columns import BLOCK_BITS, BLOCK_SIZE, U64, Bools, Index
from epochal_processors.coverage import Ranges
from epochal_processors.evidence import LedgerOf
from epochal_processors.findings import ERASED_IS_BACK, Wrong, wrong_runs
from epochal_processors.frames import METRICS
from epochal_processors.places import Held, first_places, holds, misplaced, missing, unknown_places
from epochal_processors.stored_rows import StreamRows


class BlocksOf:
    """The blocks that a stream's rows make.

    Rows that were taken in again out of dead letters may have come when their block was sealed already, and those
    behind the watermark may come at any time: a sealed block may be without them.
    """

    def __init__(self, rows: StreamRows, settled: Bools, replayed: Bools) -> None:
        """``settled`` numbers lie up to the watermark, ``replayed`` ones came out of dead letters."""
        self._rows = rows
        self._replayed = replayed
        self._runs = {block.block: run for block, run in zip(rows.blocks, rows.runs, strict=True)}
        self.computed: dict[int, Computed] = {}
        """By number; those that only replayed rows are in are left out."""
        for block, (first, end) in zip(rows.blocks, rows.runs, strict=True):
            if not replayed[first:end].all():
                due = settled[first:end] & ~replayed[first:end]
                self.computed[block.block] = Computed(block, int(due.sum()), int(rows.numbers[end - 1]))

    def agrees(self, stored: Block) -> bool:
        """Whether a sealed block is that of the rows that didn't come later."""
        if stored.block not in self._runs:
            return False
        index = np.arange(*self._runs[stored.block])
        chosen = (index[~self._replayed[index]], index[: stored.count])
        return any(0 < len(one) < len(index) and self._rows.digest(one) == stored for one in chosen)

    def of(self, chosen: Bools) -> Iterator[Block]:
        """The blocks that some of the rows make."""
        for block, (first, end) in zip(self._rows.blocks, self._rows.runs, strict=True):
            index: Index = np.flatnonzero(chosen[first:end]) + first
            if len(index):
                yield block if len(index) == end - first else self._rows.digest(index)


def against_ledger(
    rows: StreamRows, ledger: LedgerOf, inside: Held, until: U64, logs: Sequence[str], parked: Ranges
) -> Iterator[Wrong]:
    """What of a stream doesn't stand as the ledger says.

    Args:
        rows: those of a portion of the stream.
        ledger: what the ledger has of the stream.
        inside: what of it lies in the portion.
        until: by log, the offset that the watermark doesn't reach.
        logs: the names of the logs.
        parked: numbers that lie, or lay, in dead letters.
    """
    yield from _other_projects(rows, ledger, inside)
    known = rows.places.offset < until[rows.places.log]
    seq, places = rows.seq[known], rows.places.take(known)
    yield from missing(first_places(inside), seq, parked)
    yield from misplaced(inside, seq, places, logs, parked)
    again, copies = rows.copies
    known = copies.offset < until[copies.log]
    yield from unknown_places(inside, again[known], copies.take(known), logs)


def _other_projects(rows: StreamRows, ledger: LedgerOf, inside: Held) -> Iterator[Wrong]:
    """Ranges of points that the ledger has in another project. Events are of whatever project they are about."""
    if rows.at.key.channel != METRICS or not len(inside.first):
        return
    for i in np.flatnonzero(ledger.projects != rows.at.project).tolist():
        first, end = int(ledger.held.first[i]), int(ledger.held.end[i])
        if first < int(inside.end.max()) and end > int(inside.first.min()):
            yield Wrong(first, end - 1, f"the ledger has them in project {ledger.projects[i]!r}")


def taken_again(rows: StreamRows, replays: Collection[tuple[int, int]], parked: Ranges) -> Bools:
    """Which rows stand where dead letters were taken in again (log, offset), and are of numbers that lie in some."""
    found = np.zeros(len(rows.seq), np.bool_)
    for log in {log for log, _ in replays}:
        offsets = np.array([offset for one, offset in replays if one == log], np.uint64)
        found |= (rows.places.log == log) & np.isin(rows.places.offset, offsets)
    if found.any():
        found[found] = [parked.within(seq, 1) == 1 for seq in rows.seq[found].tolist()]
    return found


def points_back(rows: StreamRows, erased: Ranges) -> Iterator[Wrong]:
    """Points that were erased, and are there all the same."""
    if rows.at.key.channel == METRICS and erased.end:
        back = [seq for seq in rows.seq.tolist() if erased.within(seq, 1)]
        yield from wrong_runs(np.array(back, np.uint64), ERASED_IS_BACK)


def is_destroyed(rows: StreamRows, erased: Ranges, block: int) -> bool:
    """Whether something of a block was erased of which not even a digest is left."""
    first = block << BLOCK_BITS
    gone = erased.within(first, BLOCK_SIZE)
    if not gone:
        return False
    low, high = np.searchsorted(rows.seq, np.array([first, first + BLOCK_SIZE], np.uint64)).tolist()
    return gone > sum(erased.within(seq, 1) for seq in rows.seq[low:high].tolist())


def is_held(ledger: Held, numbers: U64) -> Bools:
    """Which numbers the ledger holds."""
    return holds(first_places(ledger), numbers)[0]


def is_about(said: Sequence[Wrong], block: int) -> bool:
    """Whether something is wrong with single rows of a block."""
    return any(one.first_seq >> BLOCK_BITS <= block <= one.last_seq >> BLOCK_BITS for one in said)
