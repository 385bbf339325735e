"""Whether rows stand where the ledger says that the log holds them. Pure, and by columns."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import numpy.typing as npt

from epochal_processors.columns import I64, U64, Bools, Index
from epochal_processors.coverage import Ranges
from epochal_processors.findings import Wrong, runs, wrong_runs
from epochal_processors.partials import group_starts

LAST = 2**64 - 1
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Places:
    """Where rows stand: the log (an index into names that go along), the offset, and when (microseconds, UTC)."""

    log: npt.NDArray[np.int64]
    offset: U64
    recorded_us: I64

    def take(self, index: Index | Bools) -> Places:
        """Those chosen."""
        return Places(self.log[index], self.offset[index], self.recorded_us[index])

    def equal(self, other: Places) -> Bools:
        """Where both are the same."""
        same: Bools = (self.log == other.log) & (self.offset == other.offset) & (self.recorded_us == other.recorded_us)
        return same


@dataclass(frozen=True, slots=True)
class Held:
    """Ranges of one stream, ``end`` exclusive, each with its place."""

    first: U64
    end: U64
    place: Places

    def take(self, index: Index | Bools) -> Held:
        """Those chosen."""
        return Held(self.first[index], self.end[index], self.place.take(index))

    def ranges(self) -> Ranges:
        """All of their numbers."""
        counts = (self.end - self.first).tolist()
        return Ranges(zip(self.first.tolist(), counts, strict=True))

    def within(self, first: int, end: int) -> Held:
        """What of them lies in a range."""
        low, high = np.uint64(first), np.uint64(end)
        inside = self.take((self.end > low) & (self.first < high))
        return Held(np.maximum(inside.first, low), np.minimum(inside.end, high), inside.place)


def held(first: U64, count: U64, place: Places) -> Held:
    """The ranges of ledger rows; one that would go beyond all numbers ends there."""
    end = first + count
    return Held(first, np.where(end < first, np.uint64(LAST), end), place)


def first_places(ledger: Held) -> Held:
    """Each number once, at the first place that holds it; in order."""
    ordered = ledger.take(np.argsort(ledger.first, kind="stable"))
    if not (ordered.end[:-1] > ordered.first[1:]).any():
        return ordered
    known = Ranges()
    pieces: list[tuple[int, int, int]] = []
    place = ordered.place
    for i in np.lexsort((place.offset, place.log, place.recorded_us)).tolist():
        first, end = int(ordered.first[i]), int(ordered.end[i])
        pieces += [(start, start + count, i) for start, count in known.missing(first, end - first)]
        known.add(first, end - first)
    starts, ends, rows = zip(*sorted(pieces), strict=True)
    index = np.array(rows, np.intp)
    return Held(np.array(starts, np.uint64), np.array(ends, np.uint64), place.take(index))


def holds(places: Held, seq: U64) -> tuple[Bools, Index]:
    """Which numbers lie in ranges that are in order and don't overlap, and in which."""
    if not len(places.first):
        return np.zeros(len(seq), np.bool_), np.zeros(len(seq), np.intp)
    at = np.maximum(np.searchsorted(places.first, seq, "right") - 1, 0)
    return (seq >= places.first[at]) & (seq < places.end[at]), at


def missing(ledger: Held, seq: U64, parked: Ranges) -> list[Wrong]:
    """What the ledger holds and no row is there of; ``parked`` numbers lie in dead letters.

    Args:
        ledger: as :func:`first_places` gives it.
        seq: the numbers of the rows, in order, each once.
        parked: numbers that needn't have rows.
    """
    there = np.searchsorted(seq, ledger.end) - np.searchsorted(seq, ledger.first)
    lacking = ledger.take(there.astype(np.uint64) < ledger.end - ledger.first)
    gone = Ranges()
    for first, end in zip(lacking.first.tolist(), lacking.end.tolist(), strict=True):
        inside = seq[np.searchsorted(seq, first) : np.searchsorted(seq, end)]
        have = Ranges((start, last - start + 1) for start, last in runs(inside))
        for gap, count in have.missing(first, end - first):
            for start, more in parked.missing(gap, count):
                gone.add(start, more)
    return [Wrong(first, first + count - 1, "the ledger holds them, and no row is there") for first, count in gone]


def misplaced(ledger: Held, seq: U64, rows: Places, logs: Sequence[str], parked: Ranges) -> Iterator[Wrong]:
    """Rows that don't stand at the first place that the ledger has for them; ``parked`` ones may stand at later ones.

    Args:
        ledger: the ranges of the stream.
        seq: the numbers of the rows, in order, each once.
        rows: their places.
        logs: the names of the logs.
        parked: numbers that came out of dead letters.
    """
    firsts = first_places(ledger)
    inside, at = holds(firsts, seq)
    right = inside.copy()
    if len(firsts.first):
        right &= firsts.place.take(at).equal(rows)
    odd = np.flatnonzero(~right)
    yield from _explained(ledger, seq[odd], rows.take(odd), logs, parked)


def unknown_places(ledger: Held, seq: U64, rows: Places, logs: Sequence[str]) -> Iterator[Wrong]:
    """Later copies of rows that stand at places that the ledger doesn't have for them."""
    later = Ranges([(0, LAST)])
    yield from _explained(ledger, seq, rows, logs, later)


def _explained(ledger: Held, seq: U64, rows: Places, logs: Sequence[str], parked: Ranges) -> Iterator[Wrong]:
    """What is wrong with each of these rows, place by place."""
    order = np.lexsort((seq, rows.offset, rows.log))
    seq, rows = seq[order], rows.take(order)
    starts = group_starts(rows.log, rows.offset)
    for first, end in zip(starts.tolist(), [*starts[1:].tolist(), len(seq)], strict=True) if len(seq) else ():
        log, offset = int(rows.log[first]), rows.offset[first]
        of_place = ledger.take((ledger.place.log == log) & (ledger.place.offset == offset))
        yield from _at_one_place(of_place, seq[first:end], rows.recorded_us[first:end], f"{logs[log]}:{offset}", parked)


def _at_one_place(ledger: Held, seq: U64, recorded_us: I64, name: str, parked: Ranges) -> Iterator[Wrong]:
    """What is wrong with rows that stand at one place; ``ledger`` is what it has there of their stream."""
    if not len(ledger.first):
        yield from wrong_runs(seq, f"they stand at {name}, where the ledger has nothing of their writer")
        return
    inside, _ = holds(ledger, seq)
    span = f"{ledger.first[0]} to {ledger.end[0] - np.uint64(1)}"
    yield from wrong_runs(seq[~inside], f"they stand at {name}, where the ledger has {span}")
    said = ledger.place.recorded_us[0]
    other = inside & (recorded_us != said)
    if other.any():
        told = f"recorded at {_instant(recorded_us[other][0])}, and by the ledger at {_instant(said)}"
        yield from wrong_runs(seq[other], f"they are {told}")
    late = seq[inside & ~other]
    allowed = np.array([parked.within(one, 1) == 1 for one in late.tolist()], np.bool_)
    yield from wrong_runs(late[~allowed], f"they stand at {name}, and the ledger has them at an earlier place")


def _instant(micros: Any) -> str:
    return (_EPOCH + timedelta(microseconds=int(micros))).isoformat()
