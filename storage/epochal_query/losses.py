"""Since when a run counts as lost: nobody says so, it follows from what wasn't said."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from epochal_query.columns import column, id_texts
from epochal_query.reading import Reading, at, block


def lost_since(reading: Reading, components: Sequence[str]) -> dict[str, datetime]:
    """Of components that are lost the first instant at which one of their ranks was.

    A rank is lost when its process was found to be gone, or three heartbeats, but at least a minute, after its last
    sign of life.
    """
    if not components:
        return {}
    mine = "project = {project:String} AND component IN {components:Array(UUID)}"
    table = reading.rows(
        f"""SELECT component, min(since) AS since FROM (
                SELECT w.component AS component, w.rank AS rank, w.attempt AS attempt,
                       max(if(w.ended = 'vanished' AND v.key != '', v.gone_at, w.last_seen + toIntervalMicrosecond(
                           greatest(60000000, toInt64(trunc(3 * w.heartbeat_s * 1000000))) + 1))) AS since
                FROM (SELECT component, rank, attempt, toString(writer) AS id, last_seen, heartbeat_s, ended
                      FROM {at("writers")} WHERE {mine} AND role = 'main') AS w
                LEFT JOIN (SELECT entity, key, min(occurred_at) AS gone_at FROM facts
                           WHERE project = {{project:String}} AND kind = 'component' AND field = 'vanished'
                             AND entity IN {{components:Array(UUID)}} GROUP BY entity, key) AS v
                    ON w.component = v.entity AND w.id = v.key
                WHERE (w.component, w.rank, w.attempt) IN (
                    SELECT component, rank, attempt FROM {at("attempts")} WHERE {mine} AND status = 'lost' AND newest)
                GROUP BY component, rank, attempt)
            GROUP BY component""",
        components=list(components),
    )
    return dict(zip(id_texts(table, "component"), column(table, "since").to_pylist(), strict=True))


def reached(reading: Reading) -> datetime | None:
    """When the last thing was recorded that a watermark covers; None where what is known is bounded by a time."""
    if "watermark" not in reading.bounds.facts:
        return None
    table = reading.rows(f"SELECT maxOrNull(recorded_at) AS at FROM ledger AS l WHERE {block('reached', 'l | ')}")
    found: datetime | None = column(table, "at")[0].as_py()
    return found
