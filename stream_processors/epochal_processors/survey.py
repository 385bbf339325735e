"""Which streams a store has anything of, and in which portions they are read to be verified."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, NamedTuple
from uuid import UUID

import pyarrow as pa

from epochal_processors.frames import METRICS
from epochal_processors.places import LAST

Query = Callable[[str, Mapping[str, object]], pa.Table]
"""Answers a query with bound parameters, whole and exact."""
Watermark = Mapping[str, int]
CHUNK_BITS = 19
"""Of a large stream so many numbers (as a power of two) are read at once."""
MAX_POINTS = 1 << CHUNK_BITS
MAX_EVENTS = 1 << 14
MAX_STREAMS = 500

# whose a stream is, is said by the log first
_STREAMS = """
SELECT writer, channel, argMax(of, weight) AS project, max(n) AS rows FROM (
    SELECT writer, toString(channel) AS channel, toString(any(project)) AS of, 0 AS weight, sum(count) AS n FROM ledger
    WHERE count > 0 GROUP BY writer, channel
    UNION ALL
    SELECT writer, toString(channel), toString(any(project)), 1, 0 FROM blocks GROUP BY writer, channel
    UNION ALL
    SELECT writer, 'lifecycle', toString(any(project)), 2, count() FROM events GROUP BY writer
) GROUP BY writer, channel
"""
_SERIES = """
SELECT writer, toString(project) AS project, component, rank, count() AS rows FROM metrics
GROUP BY writer, project, component, rank ORDER BY rows DESC, component
"""
_OWNERS = """
SELECT writer, toUUIDOrZero(any(JSONExtractString(payload, 'data', 'component'))) AS component FROM events
WHERE type IN ('epochal.writer.opened', 'epochal.writer.heartbeat', 'epochal.writer.closed') GROUP BY writer
"""
_ENDS = """
SELECT if(type = 'epochal.writer.closed', writer, toUUIDOrZero(JSONExtractString(payload, 'data', 'writer'))) AS who,
       JSONExtractUInt(payload, 'data', 'lifecycle') AS lifecycle,
       JSONExtractUInt(payload, 'data', 'metrics') AS metrics, toString(log) AS log, offset
FROM events WHERE type IN ('epochal.writer.closed', 'epochal.writer.vanished')
"""
_CHUNKS = """
SELECT DISTINCT bitShiftRight(seq, {bits:UInt8}) AS chunk FROM <table> WHERE writer = {writer:UUID} ORDER BY chunk
"""


class Key(NamedTuple):
    """A stream: writer and channel."""

    writer: UUID
    channel: str


@dataclass
class StreamAt:
    """A stream that the store has something of: whose it is, and about how many rows.

    ``under`` are all (project, component) under which points of it stand; its own is where most of them do.
    """

    key: Key
    project: str
    component: UUID | None
    rows: int
    rank: int = 0
    under: set[tuple[str, UUID]] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class Portion:
    """The numbers from ``first`` on and below ``end`` of some streams of one channel."""

    channel: str
    streams: Sequence[StreamAt]
    first: int = 0
    end: int = LAST

    @property
    def writers(self) -> list[UUID]:
        """Whose streams they are."""
        return [at.key.writer for at in self.streams]


def streams_of(query: Query) -> list[StreamAt]:
    """Every stream of which the ledger, the blocks or the log itself has anything, by channel and component."""
    owners = {row["writer"]: row["component"] for row in _rows(query, _OWNERS)}
    found: dict[Key, StreamAt] = {}
    for row in _rows(query, _STREAMS):
        key = Key(row["writer"], row["channel"])
        owner = owners.get(row["writer"], UUID(int=0))
        found[key] = StreamAt(key, row["project"], owner if owner.int else None, int(row["rows"]))
    for row in _rows(query, _SERIES):
        key, component = Key(row["writer"], METRICS), row["component"]
        at = found.setdefault(key, StreamAt(key, row["project"], component, 0))
        if not at.under:
            at.project, at.component, at.rank = row["project"], component, row["rank"]
            at.rows = max(at.rows, row["rows"])
        at.under.add((row["project"], component))
    return sorted(found.values(), key=lambda at: (at.key.channel, at.project, str(at.component), at.key.writer))


def chosen(streams: Sequence[StreamAt], only: Collection[UUID]) -> list[StreamAt]:
    """The streams of some writers and components, and those with points that stand under these components."""
    return [
        at
        for at in streams
        if at.key.writer in only or at.component in only or any(component in only for _, component in at.under)
    ]


class Ended(NamedTuple):
    """The end of a writer: how many events and points it wrote, and the log that tells."""

    lifecycle: int
    metrics: int
    log: str


def ends_of(query: Query, watermark: Watermark) -> dict[UUID, Ended]:
    """The writers that ended up to a watermark."""
    known = [row for row in _rows(query, _ENDS) if row["offset"] <= watermark.get(row["log"], -1)]
    return {row["who"]: Ended(row["lifecycle"], row["metrics"], row["log"]) for row in known}


def portions(query: Query, streams: Sequence[StreamAt]) -> Iterator[Portion]:
    """All numbers of all streams, in portions that fit into memory: small streams together, large ones in pieces."""
    together: list[StreamAt] = []
    rows = 0
    for at in streams:
        most = MAX_POINTS if at.key.channel == METRICS else MAX_EVENTS
        if together and (
            at.key.channel != together[0].key.channel or len(together) == MAX_STREAMS or rows + at.rows > most
        ):
            yield Portion(together[0].key.channel, together)
            together, rows = [], 0
        if at.rows > most:
            yield from _pieces(query, at)
        else:
            together.append(at)
            rows += at.rows
    if together:
        yield Portion(together[0].key.channel, together)


def _pieces(query: Query, at: StreamAt) -> Iterator[Portion]:
    """A large stream, cut where chunks of its numbers begin that have rows; what lies between belongs to the former."""
    table = "metrics" if at.key.channel == METRICS else "events"
    asked = {"writer": at.key.writer, "bits": CHUNK_BITS}
    chunks = query(_CHUNKS.replace("<table>", table), asked)["chunk"].to_pylist()
    cuts = [0, *(int(chunk) << CHUNK_BITS for chunk in chunks if chunk), LAST]
    for first, end in pairwise(cuts):
        yield Portion(at.key.channel, [at], first, end)


def _rows(query: Query, sql: str) -> list[dict[str, Any]]:
    return list(query(sql, {}).to_pylist())
