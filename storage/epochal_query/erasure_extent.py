"""What the log has of entities that are to be erased: which numbers of which streams, and whether they still grow."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from epochal._kafka.kept import Place
from epochal._sent import FROM_KAFKA
from epochal_processors.coverage import Ranges
from epochal_processors.tombstones import add_named, conditions, gone_whole
from epochal_query.columns import id_texts, ids, texts, values
from epochal_query.reading import Reading
from epochal_query.resolve import Entity
from epochal_storage.engine import SNAPSHOT

RANGES_AT_ONCE = 500
_PLACES = """
SELECT n, toString(log) AS log, max(offset) AS last, toUnixTimestamp64Micro(max(recorded_at)) AS at
FROM (SELECT * FROM ledger WHERE startsWith(log, {kafka:String}) AND writer IN {writers:Array(UUID)}) AS l
INNER JOIN (
    SELECT r.1 AS n, r.2 AS who, r.3 AS what, r.4 AS from, r.5 AS until
    FROM (SELECT arrayJoin(arrayZip({numbers:Array(UInt32)}, {writers:Array(UUID)}, {channels:Array(String)},
                                    {firsts:Array(UInt64)}, {ends:Array(UInt64)})) AS r)
) AS named ON l.writer = named.who
WHERE what = '' OR (channel = what AND first_seq < until AND first_seq + count > named.from)
GROUP BY n, log ORDER BY n, log
"""
Numbers = dict[UUID, Ranges]
"""By writer."""


@dataclass(frozen=True)
class Traces:
    """What there is of one entity: numbers of events and of points, by writer."""

    lifecycle: Numbers
    metrics: Numbers

    @property
    def whole(self) -> set[UUID]:
        """Writers of whom nothing is left."""
        return gone_whole(self.lifecycle, self.metrics)

    @classmethod
    def of(cls, said: Mapping[str, Any]) -> Traces:
        """Those that a tombstone names."""
        found = cls({}, {})
        add_named(found.lifecycle, found.metrics, said)
        return found


def traces_of(reading: Reading, entities: Sequence[Entity]) -> dict[UUID, Traces]:
    """By entity the numbers of all that is about it alone.

    The streams of a component's writers are; those of other writers are as far as they are about it, and as a whole
    where nothing else was said in them.
    """
    found = {one.id: Traces({}, {}) for one in entities}
    asked = [str(one.id) for one in entities]
    own = _own_writers(reading, asked)
    lengths = _lengths(reading, {writer for _, writer in own})
    for entity, writer in own:
        for channel, numbers in (("lifecycle", found[entity].lifecycle), ("metrics", found[entity].metrics)):
            if lengths.get((writer, channel)):
                numbers.setdefault(writer, Ranges()).add(0, lengths[writer, channel])
    others: dict[UUID, set[UUID]] = defaultdict(set)
    mine = {writer for _, writer in own}
    for entity, writer, seq in _said(reading, asked):
        found[entity].lifecycle.setdefault(writer, Ranges()).add(seq, 1)
        if writer not in mine:
            others[writer].add(entity)
    alone = _with_nothing_else(reading, asked, others)
    for (writer, channel), length in _lengths(reading, alone).items():
        if channel == "lifecycle":
            found[min(others[writer])].lifecycle[writer].add(0, length)
    return found


def still_open(reading: Reading, writers: Collection[UUID]) -> list[str]:
    """Those of the writers that haven't ended, in words; the host's own are no matter."""
    table = reading.rows(
        """SELECT writer, JSONExtractString(payload, 'data', 'host') AS host,
                  JSONExtractInt(payload, 'data', 'pid') AS pid FROM events AS e FINAL
           WHERE project = {project:String} AND type = 'epochal.writer.opened' AND writer IN {writers:Array(UUID)}
             AND writer NOT IN (SELECT writer FROM events WHERE type = 'epochal.writer.closed')
             AND toString(writer) NOT IN (SELECT JSONExtractString(payload, 'data', 'writer') FROM events
                                          WHERE type = 'epochal.writer.vanished')
           ORDER BY host, pid""",
        writers=[str(one) for one in sorted(writers)],
    )
    processes = dict.fromkeys(zip(texts(table, "host"), values(table, "pid"), strict=True))
    return [f"process {pid} on {host}" for host, pid in processes]


def joined(traces: Iterable[Traces]) -> Traces:
    """All that several have."""
    made = Traces({}, {})
    for one in traces:
        for ranges, more in ((made.lifecycle, one.lifecycle), (made.metrics, one.metrics)):
            for writer, numbers in more.items():
                ranges[writer] = ranges.get(writer, Ranges()) | numbers
    return made


def remains(reading: Reading, entities: Collection[UUID], traces: Collection[Traces]) -> int:
    """How many events and points of these are there still."""
    total = 0
    for table, named, more in (
        ("events", "lifecycle", "payload != ''"),
        ("metrics", "metrics", "project = {project:String} AND component IN {entities:Array(UUID)}"),
    ):
        for condition in conditions(getattr(joined(traces), named)):
            asked = f"SELECT count() AS n FROM {table} WHERE {condition} AND {more}"
            total += int(values(reading.rows(asked, entities=list(map(str, entities))), "n")[0])
    return total


def places(reading: Reading, traces: Sequence[Traces]) -> list[list[Place]]:
    """Of each of these, the last message that Kafka was given with any of it, by log.

    Of writers of whom nothing is left every message counts, also one that couldn't be read.
    """
    ranges = [
        (number, str(writer), "" if writer in one.whole else channel, first, first + count)
        for number, one in enumerate(traces)
        for channel, numbers in (("lifecycle", one.lifecycle), ("metrics", one.metrics))
        for writer, held in numbers.items()
        for first, count in held
    ]
    found = [list[Place]() for _ in traces]
    for first in range(0, len(ranges), RANGES_AT_ONCE):
        numbers, writers, channels, firsts, ends = map(list, zip(*ranges[first : first + RANGES_AT_ONCE], strict=True))
        table = reading.rows(
            _PLACES, numbers=numbers, writers=writers, channels=channels, firsts=firsts, ends=ends, kafka=FROM_KAFKA
        )
        columns = (values(table, "n"), texts(table, "log"), values(table, "last"), values(table, "at"))
        for number, log, last, at in zip(*columns, strict=True):
            found[number].append(Place(log, last, at))
    return found


def is_exported(reading: Reading) -> bool:
    """Whether an export is under way, which reads tables of its own."""
    table = reading.rows(
        "SELECT count() AS n FROM system.databases WHERE startsWith(name, {prefix:String})", prefix=SNAPSHOT
    )
    return bool(values(table, "n")[0])


def stored_digests(reading: Reading, components: Sequence[str]) -> tuple[dict[str, str], set[str]]:
    """The contents that were stored for components, with a name of each; and those of all others, of any project."""
    table = reading.rows(
        """SELECT entity IN {ids:Array(UUID)} AS mine, JSONExtractString(value, 'digest') AS digest, any(key) AS name
           FROM facts WHERE kind = 'component' AND field = 'artifact' AND JSONExtractBool(value, 'stored')
           GROUP BY mine, digest HAVING digest != '' ORDER BY digest""",
        ids=list(components),
    )
    rows = list(zip(values(table, "mine"), texts(table, "digest"), texts(table, "name"), strict=True))
    mine = {digest: name.partition("/")[2] for is_mine, digest, name in rows if is_mine}
    return mine, {digest for is_mine, digest, _ in rows if not is_mine}


def _own_writers(reading: Reading, entities: Sequence[str]) -> list[tuple[UUID, UUID]]:
    """(component, writer): who wrote for it, by what they said when they opened, or by their points."""
    table = reading.rows(
        """SELECT DISTINCT entity, toUUIDOrZero(key) AS writer FROM facts
           WHERE project = {project:String} AND kind = 'component' AND field IN ('writer', 'heartbeat', 'closed')
             AND entity IN {ids:Array(UUID)}
           UNION DISTINCT
           SELECT DISTINCT component, writer FROM metrics
           WHERE project = {project:String} AND component IN {ids:Array(UUID)}""",
        ids=list(entities),
    )
    return list(zip(ids(table, "entity"), ids(table, "writer"), strict=True))


def _said(reading: Reading, entities: Sequence[str]) -> Iterator[tuple[UUID, UUID, int]]:
    """(entity, writer, number) of the events about entities, but for what hosts say of their writers."""
    table = reading.rows(
        """SELECT DISTINCT entity, writer, seq FROM facts
           WHERE project = {project:String} AND kind IN ('experiment', 'trial', 'component')
             AND field NOT IN ('vanished', 'erased') AND entity IN {ids:Array(UUID)}""",
        ids=list(entities),
    )
    return zip(ids(table, "entity"), ids(table, "writer"), values(table, "seq"), strict=True)


def _with_nothing_else(reading: Reading, entities: Sequence[str], writers: Mapping[UUID, Any]) -> set[UUID]:
    table = reading.rows(
        """SELECT writer FROM facts WHERE writer IN {writers:Array(UUID)}
           GROUP BY writer HAVING countIf(entity NOT IN {ids:Array(UUID)} OR field = 'vanished') = 0""",
        writers=[str(one) for one in writers],
        ids=list(entities),
    )
    return set(ids(table, "writer"))


def _lengths(reading: Reading, writers: Collection[UUID]) -> dict[tuple[UUID, str], int]:
    table = reading.rows(
        """SELECT writer, toString(channel) AS channel, max(first_seq + count) AS length FROM ledger
           WHERE writer IN {writers:Array(UUID)} GROUP BY writer, channel""",
        writers=[str(one) for one in writers],
    )
    keys = zip(map(UUID, id_texts(table, "writer")), texts(table, "channel"), strict=True)
    return dict(zip(keys, values(table, "length"), strict=True))
