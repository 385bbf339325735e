"""What verifying a store says: what was looked at, and what of it isn't as it was written."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple
from uuid import UUID

import numpy as np
import numpy.typing as npt

from epochal_processors.partials import group_starts

ERASED_IS_BACK = "they were erased, and are there again"


class Wrong(NamedTuple):
    """Sequence numbers of one stream, first and last, and what is wrong with them, in words."""

    first_seq: int
    last_seq: int
    what: str


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that isn't as it was written: where, and what, in words.

    ``component`` is None where the writer has none. Where ``writer`` is None, too, it is about ``log``, and the
    numbers are offsets in it.
    """

    project: str
    component: UUID | None
    writer: UUID | None
    channel: str
    first_seq: int
    last_seq: int
    what: str
    log: str = ""


@dataclass
class Totals:
    """How much was looked at.

    ``sealed`` blocks agree with their digests. ``open`` ones aren't full and their stream goes on, or waits for what
    is missing of it: nothing but the ledger vouches for their rows. ``unsealed`` streams have ended, and who takes
    them in hasn't sealed them yet. ``replayed`` points came out of dead letters, perhaps when their block was sealed
    already. ``later`` rows lie behind the watermark. ``erased`` events and points were destroyed, as tombstones say;
    of events the digests are there.
    """

    writers: int = 0
    sealed: int = 0
    open: int = 0
    unsealed: int = 0
    events: int = 0
    points: int = 0
    ranges: int = 0
    replayed: int = 0
    later: int = 0
    erased: int = 0


def runs(seq: npt.NDArray[np.uint64]) -> list[tuple[int, int]]:
    """Numbers as ranges (first, last), in order."""
    if not len(seq):
        return []
    seq = np.unique(seq)
    starts = group_starts(seq - np.arange(len(seq), dtype=np.uint64))
    ends = np.append(starts[1:], len(seq)) - 1
    return list(zip(seq[starts].tolist(), seq[ends].tolist(), strict=True))


def wrong_runs(seq: npt.NDArray[np.uint64], what: str) -> list[Wrong]:
    """The same said of each range of these numbers."""
    return [Wrong(first, last, what) for first, last in runs(seq)]
