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
AHEAD_US = 60_000_000
"""Clocks of well-kept machines don't differ by more."""
_TOMBSTONES = f"""
SELECT project, payload, toUnixTimestamp64Micro(occurred_at) AS said_us,
       toUnixTimestamp64Micro(recorded_at) AS recorded_us
FROM events FINAL WHERE type = '{ERASED}'
"""  # noqa: S608  a name of our own
_COUNT = f"SELECT uniqExact(writer, seq) AS n FROM events WHERE type = '{ERASED}'"  # noqa: S608
Query = Callable[[str, Mapping[str, object]], pa.Table]


@dataclass(frozen=True, slots=True)
class Tombstone:
    """What was erased, why, and when (microseconds since 1970, UTC).

    One that names what came in after another has the time of that one.
    """

    project: str
    kind: str
    entity: UUID
    reason: str
    at_us: int


@dataclass
class Erasures:
    """The numbers that were erased, by writer; of those in ``whole`` all there are, and all that may still come.

    ``newest`` are the last tombstones of each entity.
    """

    lifecycle: dict[UUID, Ranges] = field(default_factory=dict)
    metrics: dict[UUID, Ranges] = field(default_factory=dict)
    whole: set[UUID] = field(default_factory=set)
    newest: dict[UUID, Tombstone] = field(default_factory=dict)

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
    for row in query(_TOMBSTONES, {}).to_pylist():
        said = json.loads(row["payload"])["data"]
        add_named(found.lifecycle, found.metrics, said)
        # a clock that is ahead counts as the log's, as everywhere
        at_us = row["said_us"] if row["said_us"] <= row["recorded_us"] + AHEAD_US else row["recorded_us"]
        one = Tombstone(row["project"], said["kind"], UUID(said["entity"]), said["reason"], at_us)
        if one.entity not in found.newest or found.newest[one.entity].at_us < at_us:
            found.newest[one.entity] = one
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


def conditions(ranges: Mapping[UUID, Ranges], number: str = "seq", at_once: int = 200) -> Iterator[str]:
    """The rows of these numbers, as conditions in SQL on ``writer`` and a ``number``, each of some of them."""
    parts = [
        f"(writer = toUUID('{writer}') AND {number} >= {first} AND {number} < {first + count})"
        for writer, numbers in sorted(ranges.items())
        for first, count in numbers
    ]
    for at in range(0, len(parts), at_once):
        yield f"({' OR '.join(parts[at : at + at_once])})"
