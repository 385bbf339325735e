"""Unfinished blocks of metric points: what a stream's next frame needs of the frames before it."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol
from uuid import UUID

import numpy as np

from epochal_processors.blocks import Block, digest_blocks
from epochal_processors.chains import BlockRow, Chains
from epochal_processors.columns import (
    BLOCK_BITS,
    BLOCK_SIZE,
    ELSEWHERE,
    Index,
    Part,
    PointBatch,
    Stream,
    assemble,
    series_order,
)
from epochal_processors.coverage import Coverage
from epochal_processors.frames import METRICS
from epochal_processors.partials import group_starts

ROWS_KEPT = 4_000_000
"""Rows of unfinished blocks kept in memory (at about 70 bytes); what is over is loaded again when needed."""


class PointLoader(Protocol):
    """Reads back the points of one block."""

    def points(self, stream: Stream, block: int) -> Part:
        """The rows of a block that the store holds, the first copy of each, in sequence order."""
        ...


@dataclass(frozen=True, slots=True)
class Completed:
    """A batch together with the rows that complete its blocks.

    ``given`` holds every row as it came, in series order. ``known`` has each row once, in sequence order within its
    stream; ``order`` is its series order, and ``series`` is it in that order. ``runs`` are the blocks of ``known`` as
    (first row, end row).
    """

    given: PointBatch
    known: PointBatch
    order: Index
    series: PointBatch
    runs: list[tuple[int, int]]


class OpenBlocks:
    """Keeps the rows of the blocks that aren't full yet, by writer and block."""

    def __init__(self, loader: PointLoader, coverage: Coverage, rows_kept: int = ROWS_KEPT) -> None:
        self._loader = loader
        self._coverage = coverage
        self._rows_kept = rows_kept
        self._kept: OrderedDict[tuple[UUID, int], Part] = OrderedDict()
        self._rows = 0

    def complete(self, parts: Sequence[Part]) -> Completed:
        """A batch of the parts and of all rows, kept or stored, that lie in the same blocks."""
        earlier = [part for stream, blocks in _touched(parts).items() for part in self._earlier(stream, blocks)]
        given = assemble(sorted([*earlier, *parts], key=lambda part: int(part.seq[0])))
        known = _once(given)
        order = series_order(known)
        series = known.take(order)
        sent = series if known is given else given.take(series_order(given))
        firsts = group_starts(known.stream, known.seq >> np.uint64(BLOCK_BITS))
        ends = np.append(firsts[1:], len(known))
        return Completed(sent, known, order, series, list(zip(firsts.tolist(), ends.tolist(), strict=True)))

    def keep(self, completed: Completed) -> None:
        """Remember the unfinished blocks of a batch; forget those it filled."""
        known = completed.known
        for start, end in completed.runs:
            stream = int(known.stream[start])
            key = (known.streams[stream].writer, int(known.seq[start]) >> BLOCK_BITS)
            self._drop(key)
            if end - start < BLOCK_SIZE:
                # a copy: a view would keep the whole batch in memory
                self._kept[key] = known.take(np.arange(start, end)).part(stream, slice(None))
                self._rows += end - start
        while self._rows > self._rows_kept and len(self._kept) > 1:
            self._drop(next(iter(self._kept)))

    def finish(self, stream: Stream, chains: Chains) -> list[BlockRow]:
        """The end of a stream: every block that isn't linked yet is, with the rows it has."""
        held = self._coverage.of(stream.writer, METRICS)
        chains.rewind(stream.project, stream.writer, METRICS, held)
        first = chains.head(stream.writer, METRICS).next_block
        waiting = chains.waiting(stream.writer, METRICS)
        blocks: list[Block] = []
        for block in held.pieces(BLOCK_SIZE):
            if block >= first and block not in waiting:
                batch = assemble(self._earlier(stream, {block}))
                # all of its numbers may be those of points that belong to nobody
                blocks += digest_blocks(batch, [(0, len(batch))] if len(batch) else [])
        for key in [key for key in self._kept if key[0] == stream.writer]:
            self._drop(key)
        return chains.finish(stream.project, blocks, stream.writer, METRICS)

    def _earlier(self, stream: Stream, blocks: set[int]) -> list[Part]:
        """The rows of these blocks that are kept, or else stored."""
        held = self._coverage.of(stream.writer, METRICS)
        found = []
        for block in sorted(blocks):
            part = self._kept.get((stream.writer, block))
            expected = held.within(block << BLOCK_BITS, BLOCK_SIZE)
            if expected > (0 if part is None else len(part.seq)):
                part = self._loader.points(stream, block)
            if part is not None and len(part.seq):
                found.append(_through(part, stream))
        return found

    def _drop(self, key: tuple[UUID, int]) -> None:
        part = self._kept.pop(key, None)
        self._rows -= 0 if part is None else len(part.seq)


def _through(part: Part, stream: Stream) -> Part:
    """The rows as part of a stream that now comes through another log, perhaps: offsets mean something in one only."""
    if part.stream.log == stream.log:
        return replace(part, stream=stream)
    return replace(part, stream=stream, offset=np.full(len(part.seq), ELSEWHERE, np.uint64))


def _touched(parts: Sequence[Part]) -> dict[Stream, set[int]]:
    """The blocks that parts reach into; those that they fill on their own, too: rows of them may have come before."""
    touched: dict[Stream, set[int]] = {}
    for part in parts:
        blocks = touched.setdefault(part.stream, set())
        first, last = int(part.seq[0]), int(part.seq[-1])
        if last - first + 1 == len(part.seq):
            blocks |= set(range(first >> BLOCK_BITS, (last >> BLOCK_BITS) + 1))
        else:
            blocks |= set(np.unique(part.seq >> np.uint64(BLOCK_BITS)).tolist())
    return touched


def _once(batch: PointBatch) -> PointBatch:
    """Each sequence number of a stream once, by its first position, in order; fresh where any copy of it is."""
    same = batch.stream[1:] == batch.stream[:-1]
    if not (same & (batch.seq[1:] <= batch.seq[:-1])).any():
        return batch
    order = np.lexsort((batch.offset, batch.recorded_us, batch.seq, batch.stream))
    starts = group_starts(batch.stream[order], batch.seq[order])
    return replace(batch.take(order[starts]), fresh=np.logical_or.reduceat(batch.fresh[order], starts))
