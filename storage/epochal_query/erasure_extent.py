"""What there is of something that is erased, or is to be: who still writes it, what remains, and where it lies."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from uuid import UUID

from epochal._kafka.kept import Place
from epochal._sent import FROM_KAFKA
from epochal_processors.tombstones import Query, conditions
from epochal_processors.traces import Traces, joined
from epochal_query.columns import texts, values
from epochal_query.reading import Reading
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


def query_of(reading: Reading) -> Query:
    """How the stages of the processors ask: in the project of a reading."""
    return lambda sql, parameters: reading.rows(sql, **parameters)


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
