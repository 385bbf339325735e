"""What a store has of entities that are erased, or are to be: which numbers of which streams."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import pyarrow as pa

from epochal_processors.coverage import Ranges
from epochal_processors.tombstones import Query, add_named, gone_whole

Numbers = dict[UUID, Ranges]
"""By writer."""
_ANY_TIME = (1 << 63) - 1
_IN_TIME = "toUnixTimestamp64Micro(ordered_at) < {before:Array(Int64)}[indexOf({ids:Array(UUID)}, entity)]"
_OWN = f"""
SELECT DISTINCT entity, toUUIDOrZero(key) AS writer FROM facts
WHERE project = {{project:String}} AND kind = 'component' AND field IN ('writer', 'heartbeat', 'closed')
  AND entity IN {{ids:Array(UUID)}} AND {_IN_TIME}
"""  # noqa: S608  a condition of our own
_WITH_POINTS = """
SELECT DISTINCT component AS entity, writer FROM metrics
WHERE project = {project:String} AND component IN {ids:Array(UUID)}
"""
_SAID = f"""
SELECT DISTINCT entity, writer, seq FROM facts
WHERE project = {{project:String}} AND kind IN ('experiment', 'trial', 'component')
  AND field NOT IN ('vanished', 'erased') AND entity IN {{ids:Array(UUID)}} AND {_IN_TIME}
"""  # noqa: S608
_NOTHING_ELSE = """
SELECT writer FROM facts WHERE writer IN {writers:Array(UUID)}
GROUP BY writer HAVING countIf(entity NOT IN {ids:Array(UUID)} OR field = 'vanished') = 0
"""
_LENGTHS = """
SELECT writer, toString(channel) AS channel, max(first_seq + count) AS length FROM ledger
WHERE writer IN {writers:Array(UUID)} GROUP BY writer, channel
"""
_STORED = f"""
SELECT entity IN {{ids:Array(UUID)}} AND {_IN_TIME} AS mine, JSONExtractString(value, 'digest') AS digest,
       any(key) AS name
FROM facts WHERE kind = 'component' AND field = 'artifact' AND JSONExtractBool(value, 'stored')
GROUP BY mine, digest HAVING digest != '' ORDER BY digest
"""  # noqa: S608


@dataclass(frozen=True)
class Traces:
    """What there is of one entity: numbers of events and of points, by writer."""

    lifecycle: Numbers
    metrics: Numbers

    @property
    def whole(self) -> set[UUID]:
        """Writers of whom nothing is left."""
        return gone_whole(self.lifecycle, self.metrics)

    @property
    def writers(self) -> set[UUID]:
        """Whoever wrote any of it."""
        return {*self.lifecycle, *self.metrics}

    @classmethod
    def of(cls, said: Mapping[str, Any]) -> Traces:
        """Those that a tombstone names."""
        found = cls({}, {})
        add_named(found.lifecycle, found.metrics, said)
        return found

    @property
    def events(self) -> int:
        """How many events."""
        return _count(self.lifecycle)

    @property
    def points(self) -> int:
        """How many points."""
        return _count(self.metrics)

    def named(self) -> dict[str, list[tuple[str, int, int]]]:
        """As a tombstone names them: writer, first number and how many, by channel."""
        return {"lifecycle": _listed(self.lifecycle), "metrics": _listed(self.metrics)}


def traces_of(
    query: Query, project: str, entities: Collection[UUID], before: Mapping[UUID, int] | None = None
) -> dict[UUID, Traces]:
    """By entity the numbers of all that is about it alone.

    The streams of a component's writers are; those of other writers are as far as they are about it, and as a whole
    where nothing else was said in them. ``before``: only what counts as said before a time, of each entity its own
    (microseconds since 1970, UTC), with the whole streams of who opened before it.
    Raises what ``query`` raises.
    """
    found = {one: Traces({}, {}) for one in entities}
    asked = {"project": project, **_named(found, before)}
    said = query(_SAID, asked)
    if before is not None and not said.num_rows:  # as it is nearly always: who opened said so
        return found
    own = _pairs(query(_OWN, asked))
    if before is None:
        own |= _pairs(query(_WITH_POINTS, {"project": project, "ids": asked["ids"]}))
    lengths = _lengths(query, {writer for _, writer in own})
    for entity, writer in sorted(own):
        for channel, numbers in (("lifecycle", found[entity].lifecycle), ("metrics", found[entity].metrics)):
            if lengths.get((writer, channel)):
                numbers.setdefault(writer, Ranges()).add(0, lengths[writer, channel])
    others: dict[UUID, set[UUID]] = defaultdict(set)
    mine = {writer for _, writer in own}
    for entity, writer, seq in zip(_ids(said, "entity"), _ids(said, "writer"), said["seq"].to_pylist(), strict=True):
        found[entity].lifecycle.setdefault(writer, Ranges()).add(seq, 1)
        if writer not in mine:
            others[writer].add(entity)
    if before is None:
        alone = _ids(query(_NOTHING_ELSE, {"writers": list(map(str, others)), "ids": asked["ids"]}), "writer")
        for (writer, channel), length in _lengths(query, set(alone)).items():
            if channel == "lifecycle":
                found[min(others[writer])].lifecycle[writer].add(0, length)
    return found


def stored_digests(
    query: Query, components: Collection[UUID], before: Mapping[UUID, int] | None = None
) -> tuple[dict[str, str], set[str]]:
    """The contents that were stored for components (before a time, as above), with a name of each; and those of all
    others, of any project. Raises what ``query`` raises.
    """
    table = query(_STORED, _named(components, before))
    rows = list(zip(*(table[name].to_pylist() for name in ("mine", "digest", "name")), strict=True))
    mine = {digest: name.partition("/")[2] for is_mine, digest, name in rows if is_mine}
    return mine, {digest for is_mine, digest, _ in rows if not is_mine}


def _named(entities: Collection[UUID], before: Mapping[UUID, int] | None) -> dict[str, object]:
    limits = [_ANY_TIME if before is None else before[one] for one in entities]
    return {"ids": list(map(str, entities)), "before": limits}


def joined(traces: Iterable[Traces]) -> Traces:
    """All that several have."""
    made = Traces({}, {})
    for one in traces:
        for ranges, more in ((made.lifecycle, one.lifecycle), (made.metrics, one.metrics)):
            for writer, numbers in more.items():
                ranges[writer] = ranges.get(writer, Ranges()) | numbers
    return made


def _count(numbers: Numbers) -> int:
    return sum(count for ranges in numbers.values() for _, count in ranges)


def _listed(numbers: Numbers) -> list[tuple[str, int, int]]:
    return [(str(writer), first, count) for writer, ranges in sorted(numbers.items()) for first, count in ranges]


def _lengths(query: Query, writers: Collection[UUID]) -> dict[tuple[UUID, str], int]:
    if not writers:
        return {}
    table = query(_LENGTHS, {"writers": list(map(str, writers))})
    keys = zip(_ids(table, "writer"), table["channel"].to_pylist(), strict=True)
    return dict(zip(keys, table["length"].to_pylist(), strict=True))


def _pairs(table: pa.Table) -> set[tuple[UUID, UUID]]:
    return set(zip(_ids(table, "entity"), _ids(table, "writer"), strict=True))


def _ids(table: pa.Table, name: str) -> Iterator[UUID]:
    return iter(table[name].to_pylist())
