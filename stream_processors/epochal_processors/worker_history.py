"""What a worker asks the store about logs and the streams in them, besides the rows themselves."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Protocol
from uuid import UUID

from epochal_processors.coverage import Ranges
from epochal_processors.history import SqlHistory
from epochal_processors.materialize import Ending, History

LOOK_BACK_DAYS = 7
"""How old the end of a stream may be that a worker still looks for; older ones were sealed, or never will be."""

_RECORDED = """
SELECT log, toUnixTimestamp64Micro(argMax(recorded_at, offset)) AS at, max(offset) AS last FROM ledger
WHERE log IN {logs:Array(String)} AND offset < {firsts:Array(UInt64)}[indexOf({logs:Array(String)}, log)]
GROUP BY log
"""
_IN_PARTIALS = """
SELECT block, sum(n) AS points FROM partials FINAL
WHERE project = {project:String} AND component = {component:UUID} AND writer = {writer:UUID}
GROUP BY block
"""
_LOG = "SELECT any(log) AS log FROM ledger WHERE writer = {writer:UUID} AND channel = 'metrics' AND count > 0"
# what ended lately, and holds other rows than its blocks do
_UNSEALED = """
WITH said AS (
    SELECT project,
           if(type = 'epochal.writer.closed', writer,
              toUUIDOrZero(JSONExtractString(payload, 'data', 'writer'))) AS who,
           toUUIDOrNull(JSONExtractString(payload, 'data', 'component')) AS component,
           JSONExtractUInt(payload, 'data', 'rank') AS rank,
           JSONExtractUInt(payload, 'data', 'lifecycle') AS lifecycle,
           JSONExtractUInt(payload, 'data', 'metrics') AS metrics
    FROM events
    WHERE type IN ('epochal.writer.closed', 'epochal.writer.vanished') AND startsWith(log, 'kafka:')
      AND recorded_at > now64() - toIntervalDay({days:UInt32})
)
SELECT s.project AS project, s.who AS who, any(s.component) AS component, any(s.rank) AS rank,
       max(s.lifecycle) AS lifecycle, max(s.metrics) AS metrics
FROM said AS s
LEFT JOIN (
    SELECT writer, maxIf(first_seq + count, channel = 'lifecycle') AS events_end,
           maxIf(first_seq + count, channel = 'metrics') AS points_end
    FROM ledger WHERE writer IN (SELECT who FROM said) GROUP BY writer
) AS l ON l.writer = s.who
LEFT JOIN (
    SELECT writer, sumIf(count, channel = 'lifecycle') AS events, sumIf(count, channel = 'metrics') AS points
    FROM blocks FINAL WHERE writer IN (SELECT who FROM said) GROUP BY writer
) AS b ON b.writer = s.who
GROUP BY project, who
HAVING max(b.events) < greatest(lifecycle, max(l.events_end))
    OR (component IS NOT NULL AND max(b.points) < greatest(metrics, max(l.points_end)))
"""


class StreamHistory(Protocol):
    """What the store knows of logs and streams."""

    def ranges(self, writers: Iterable[UUID]) -> dict[tuple[UUID, str], Ranges]:
        """What the ledger says it holds of the streams of these writers."""
        ...

    def recorded_before(self, firsts: Mapping[str, int]) -> dict[str, tuple[int, int]]:
        """By log, the greatest offset below a given one, and its instant (microseconds, UTC); nothing where none is."""
        ...

    def in_partials(self, ending: Ending) -> dict[int, int]:
        """By block, how many points of a writer its partial sums count."""
        ...

    def metrics_log(self, writer: UUID) -> str:
        """A log that holds points of a writer."""
        ...

    def unsealed(self) -> list[Ending]:
        """Streams that came through Kafka, ended in the last days, and whose blocks don't hold all their rows."""
        ...


class WorkerHistory(History, StreamHistory, Protocol):
    """All that a worker asks."""


class SqlWorkerHistory(SqlHistory):
    """The same, read with SQL."""

    def recorded_before(self, firsts: Mapping[str, int]) -> dict[str, tuple[int, int]]:
        """As :meth:`StreamHistory.recorded_before`."""
        asked = {"logs": list(firsts), "firsts": list(firsts.values())}
        rows = self._store.query_arrow(_RECORDED, asked)
        columns = (rows[name].to_pylist() for name in ("log", "last", "at"))
        return {log: (last, at) for log, last, at in zip(*columns, strict=True)}

    def in_partials(self, ending: Ending) -> dict[int, int]:
        """As :meth:`StreamHistory.in_partials`."""
        asked = {"project": ending.project, "component": ending.component, "writer": ending.writer}
        rows = self._store.query_arrow(_IN_PARTIALS, asked)
        return dict(zip(rows["block"].to_pylist(), rows["points"].to_pylist(), strict=True))

    def metrics_log(self, writer: UUID) -> str:
        """As :meth:`StreamHistory.metrics_log`."""
        return str(self._store.query_arrow(_LOG, {"writer": writer})["log"][0])

    def unsealed(self) -> list[Ending]:
        """As :meth:`StreamHistory.unsealed`."""
        rows = self._store.query_arrow(_UNSEALED, {"days": LOOK_BACK_DAYS}).to_pylist()
        names = ("project", "component", "rank", "who", "lifecycle", "metrics")
        return [Ending(*(row[name] for name in names)) for row in rows]
