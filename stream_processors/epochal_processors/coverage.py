"""Which sequence numbers of which stream the log holds."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator
from uuid import UUID

from epochal_processors.frames import LIFECYCLE, METRICS


class Ranges:
    """A set of sequence numbers, kept as disjoint ranges in order."""

    def __init__(self, ranges: Iterable[tuple[int, int]] = ()) -> None:
        """``ranges`` as (first, count), in any order, overlapping or not."""
        self._starts: list[int] = []
        self._ends: list[int] = []
        for first, count in ranges:
            self.add(first, count)

    def add(self, first: int, count: int) -> None:
        """Put ``count`` numbers from ``first`` on into the set."""
        if count <= 0:
            return
        end = first + count
        left = bisect_left(self._ends, first)
        right = bisect_right(self._starts, end)
        if left < right:
            first = min(first, self._starts[left])
            end = max(end, self._ends[right - 1])
        self._starts[left:right] = [first]
        self._ends[left:right] = [end]

    def within(self, first: int, count: int) -> int:
        """How many of the ``count`` numbers from ``first`` on are in the set."""
        end = first + count
        total = 0
        for i in range(bisect_right(self._ends, first), len(self._starts)):
            if self._starts[i] >= end:
                break
            total += min(end, self._ends[i]) - max(first, self._starts[i])
        return total

    def __or__(self, other: Ranges) -> Ranges:
        """The numbers that are in either."""
        return Ranges([*self, *other])

    def __iter__(self) -> Iterator[tuple[int, int]]:
        """The ranges as (first, count), in order."""
        return ((start, end - start) for start, end in zip(self._starts, self._ends, strict=True))

    @property
    def contiguous(self) -> int:
        """The least number that isn't in the set."""
        return self._ends[0] if self._starts and self._starts[0] == 0 else 0

    @property
    def end(self) -> int:
        """One more than the greatest number in the set; 0 when it is empty."""
        return self._ends[-1] if self._ends else 0

    def pieces(self, size: int) -> list[int]:
        """Which pieces of ``size`` numbers (0 is the first) hold any of the set, in order."""
        return sorted(
            {
                piece
                for start, end in zip(self._starts, self._ends, strict=True)
                for piece in range(start // size, -(-end // size))
            }
        )

    def missing(self, first: int, count: int) -> list[tuple[int, int]]:
        """What of a range isn't in the set, as (first, count)."""
        found = []
        at, end = first, first + count
        for i in range(bisect_right(self._ends, first), len(self._starts)):
            if self._starts[i] >= end:
                break
            if self._starts[i] > at:
                found.append((at, self._starts[i] - at))
            at = max(at, self._ends[i])
        if at < end:
            found.append((at, end - at))
        return found


class Coverage:
    """What the log holds of every stream that is of interest now."""

    def __init__(self) -> None:
        self._ranges: dict[tuple[UUID, str], Ranges] = {}

    def of(self, writer: UUID, channel: str) -> Ranges:
        """The numbers of one stream that the log holds; empty for one that nothing is known of."""
        return self._ranges.setdefault((writer, channel), Ranges())

    def has(self, writer: UUID) -> bool:
        """Whether anything is known of a writer."""
        return (writer, LIFECYCLE) in self._ranges or (writer, METRICS) in self._ranges

    def load(self, writer: UUID, channel: str, ranges: Ranges) -> None:
        """Say what the log holds of a stream, from the ledger."""
        self._ranges[writer, channel] = ranges

    def forget(self, writer: UUID) -> None:
        """Drop what is known of a writer that has nothing more to say."""
        for key in [key for key in self._ranges if key[0] == writer]:
            del self._ranges[key]

    def clear(self) -> None:
        """Drop everything."""
        self._ranges.clear()
