"""The rows that a store has of streams, each once and in order. Pure, and by columns."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from epochal_processors.blocks import Block
from epochal_processors.columns import U64, Bools, Index
from epochal_processors.evidence import coded, integers
from epochal_processors.findings import Wrong
from epochal_processors.partials import group_starts
from epochal_processors.places import Places
from epochal_processors.survey import StreamAt

COPIES_DIFFER = "there are copies of them, which differ"


@dataclass
class StreamRows:
    """What a store has of one stream: its numbers in order, each once, with the place of its first copy.

    ``copies`` are the numbers and places of later copies. ``numbers`` are those that blocks are made of (with the
    events that lie in dead letters), ``runs`` where among them each block begins and ends, ``blocks`` what they make,
    and ``digest`` what some of the numbers of one block make. ``said`` is what is wrong with single rows.
    """

    at: StreamAt
    seq: U64
    places: Places
    copies: tuple[U64, Places]
    numbers: U64
    runs: list[tuple[int, int]]
    blocks: list[Block]
    digest: Callable[[Index], Block]
    said: list[Wrong]


class Sorted:
    """The rows of an answer by stream and number, each number once: that at the first place.

    ``kept`` are these rows, ``later`` those of further copies, ``of_later`` the kept ones of the same numbers; as
    places in the answer. ``bounds`` is where each stream begins among the kept ones.
    """

    def __init__(self, table: pa.Table, streams: Sequence[StreamAt], places: Places) -> None:
        number = {at.key.writer.bytes: i for i, at in enumerate(streams)}
        code, writers = coded(table, "writer")
        of_code = np.array([number[raw] for raw in writers], np.uint32)
        stream = of_code[code] if len(writers) else np.zeros(0, np.uint32)
        seq: U64 = integers(table, "seq")
        order = _ordered(stream, seq)
        starts = group_starts(stream[order], seq[order])
        if len(starts) < len(order):
            order = np.lexsort((places.offset, places.log, places.recorded_us, seq, stream))
        first = np.zeros(len(order), np.bool_)
        first[starts] = True
        self.kept: Index = order[first]
        self.later: Index = order[~first]
        self.of_later: Index = np.repeat(self.kept, np.diff(np.append(starts, len(order))))[~first]
        self.stream, self.seq, self.places = stream[self.kept], seq[self.kept], places.take(self.kept)
        self._later = stream[self.later], seq[self.later], places.take(self.later)
        self.bounds: list[int] = np.searchsorted(self.stream, np.arange(len(streams) + 1)).tolist()

    def copies_of(self, stream: int) -> tuple[U64, Places]:
        """Numbers and places of the further copies of one stream's rows."""
        mine = self._later[0] == stream
        return self._later[1][mine], self._later[2].take(mine)

    def differing(self, stream: int, differs: Bools) -> U64:
        """The numbers of one stream of whose further copies one differs from the first; ``differs`` is by ``later``."""
        numbers: U64 = self._later[1][differs & (self._later[0] == stream)]
        return numbers


def copies_differ(rows: Sorted, columns: Sequence[npt.NDArray[Any]]) -> Bools:
    """Which of the further copies differ from the first in one of these columns, bit for bit."""
    differs = np.zeros(len(rows.later), np.bool_)
    for column in columns:
        differs |= column[rows.later] != column[rows.of_later]
    return differs


def _ordered(stream: npt.NDArray[np.uint32], seq: U64) -> Index:
    """By stream, then number. A stable sort is quick where rows come in runs that are in order, as they do."""
    if len(stream) and stream[0] == stream[-1] and (stream == stream[0]).all():
        return np.argsort(seq, kind="stable")
    return np.lexsort((seq, stream))
