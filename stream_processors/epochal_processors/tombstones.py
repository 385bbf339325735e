"""What was erased, as the tombstones in a log tell."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import pyarrow as pa

from epochal_processors.coverage import Ranges
from epochal_processors.frames import LIFECYCLE

ERASED = "epochal.entity.erased"
NONE = Ranges()
EVER = 1 << 62
"""More numbers than any stream comes to."""
_TOMBSTONES = f"SELECT payload FROM events FINAL WHERE type = '{ERASED}'"  # noqa: S608  a name of our own
_COUNT = f"SELECT uniqExact(writer, seq) AS n FROM events WHERE type = '{ERASED}'"  # noqa: S608
Query = Callable[[str, Mapping[str, object]], pa.Table]


@dataclass
class Erasures:
    """The numbers that were erased, by writer; of those in ``whole`` all there are, and all that may still come."""

    lifecycle: dict[UUID, Ranges] = field(default_factory=dict)
    metrics: dict[UUID, Ranges] = field(default_factory=dict)
    whole: set[UUID] = field(default_factory=set)

    def of(self, writer: UUID, channel: str) -> Ranges:
        """Those of one stream."""
        return (self.lifecycle if channel == LIFECYCLE else self.metrics).get(writer, NONE)

    @property
    def writers(self) -> set[UUID]:
        """Whoever wrote any of it."""
        return {*self.lifecycle, *self.metrics}


def tombstones(query: Query) -> int:
    """How many tombstones a store has; never fewer than before. Raises what ``query`` raises."""
    return int(query(_COUNT, {})["n"][0].as_py())


def erasures(query: Query) -> Erasures:
    """All that the tombstones of a store name. Raises what ``query`` raises."""
    found = Erasures()
    for payload in query(_TOMBSTONES, {})["payload"].to_pylist():
        add_named(found.lifecycle, found.metrics, json.loads(payload)["data"])
    # of them all was to go: also what wasn't here yet
    found.whole = gone_whole(found.lifecycle, found.metrics)
    for ranges in (found.lifecycle, found.metrics):
        for writer in found.whole:
            ranges.setdefault(writer, Ranges()).add(0, EVER)
    return found


def add_named(lifecycle: dict[UUID, Ranges], metrics: dict[UUID, Ranges], said: Mapping[str, Any]) -> None:
    """Add the numbers that a tombstone, by its data, names of either channel."""
    for ranges, named in ((lifecycle, said["lifecycle"]), (metrics, said["metrics"])):
        for writer, first, count in named:
            ranges.setdefault(UUID(writer), Ranges()).add(first, count)


def gone_whole(lifecycle: Mapping[UUID, Ranges], metrics: Mapping[UUID, Ranges]) -> set[UUID]:
    """Writers whose opening event is among these numbers, or who have points among them: nothing is left of them."""
    return {writer for writer, numbers in lifecycle.items() if numbers.contiguous} | metrics.keys()


def conditions(ranges: Mapping[UUID, Ranges], at_once: int = 200) -> Iterator[str]:
    """The rows of these numbers, as conditions in SQL on ``writer`` and ``seq``, each of some of them."""
    parts = [
        f"(writer = toUUID('{writer}') AND seq >= {first} AND seq < {first + count})"
        for writer, numbers in sorted(ranges.items())
        for first, count in numbers
    ]
    for at in range(0, len(parts), at_once):
        yield f"({' OR '.join(parts[at : at + at_once])})"
