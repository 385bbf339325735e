"""The part of a history that is about metric points: who logged how many, or what was logged at one step."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any, cast
from uuid import UUID

import pyarrow as pa

from epochal_query.columns import decoded, floats, id_texts, instants, values
from epochal_query.history_fates import IN_EFFECT, Cut, Fate, Point, point_fates
from epochal_query.history_fields import metric_name
from epochal_query.history_rows import Row
from epochal_query.history_statements import Statement
from epochal_query.reading import Reading, at, block, together
from epochal_query.resolve import Entity

_SERIES = "project = {project:String} AND component = {component:UUID} AND metric IN {metrics:Array(String)}"


def metrics_of(reading: Reading, entity: Entity) -> list[str]:
    """The metrics that were ever logged for a component; of others there are none."""
    if entity.kind != "component":
        return []
    table = reading.rows(
        """SELECT DISTINCT metric FROM partials WHERE project = {project:String} AND component = {component:UUID}
           ORDER BY metric""",
        component=str(entity.id),
    )
    return cast("list[str]", values(table, "metric"))


def series_of(reading: Reading, entity: Entity, metrics: Sequence[str]) -> list[Row]:
    """One row a metric, rank and writer: how many points it logged, how many of these are in the main line, from which
    to which step; the last times; the range of their sequence numbers as the event.
    """
    if not metrics:
        return []
    bound: dict[str, Any] = {"component": str(entity.id), "metrics": list(metrics)}
    logged, left = together(
        partial(
            reading.rows,
            f"""SELECT metric, rank, writer, count() AS points, min(step) AS low, max(step) AS high,
                       min(seq) AS first, max(seq) AS last, max(occurred_at) AS occurred, max(logged_at) AS logged,
                       max(recorded_at) AS recorded
                FROM metrics AS p FINAL WHERE {_SERIES} AND {block("within", "p | _at | ")}
                GROUP BY metric, rank, writer ORDER BY metric, rank, logged, writer""",
            **bound,
        ),
        partial(
            reading.rows,
            f"SELECT metric, rank, writer, count() AS points FROM {at('metrics')} WHERE {_SERIES} "
            "GROUP BY metric, rank, writer",
            **bound,
        ),
    )
    in_effect = dict(zip(_writers(left), values(left, "points"), strict=True))
    columns = [values(logged, name) for name in ("points", "low", "high", "first", "last")]
    times = [instants(logged, name) for name in ("occurred", "logged", "recorded")]
    found: list[Row] = []
    for (metric, rank, writer), points, low, high, first, last, occurred_at, logged_at, recorded_at in zip(
        _writers(logged), *columns, *times, strict=True
    ):
        still = in_effect.get((metric, rank, writer), 0)
        found.append(
            Row(
                metric_name(metric),
                {"points": points, "in_effect": still, "steps": [low, high]},
                _fate(points, still),
                False,
                occurred_at,
                logged_at,
                recorded_at,
                rank,
                event=f"{writer}:metrics:{first}-{last}",
                writer=writer,
            )
        )
    return found


def _writers(table: pa.Table) -> list[tuple[str, int, str]]:
    return list(zip(values(table, "metric"), values(table, "rank"), id_texts(table, "writer"), strict=True))


def _fate(points: int, still: int) -> Fate:
    if still == points:
        return IN_EFFECT
    return Fate("partly in effect" if still else "out of effect")


def points_at(reading: Reading, entity: Entity, metric: str, step: float, said: Sequence[Statement]) -> list[Row]:
    """One row a point that was ever logged at a step; ``said`` are the deletions and rewinds of the component."""
    # a clock more than a minute ahead of the log counts as the log's, as in the views
    table = reading.rows(
        f"""SELECT rank, value, writer, seq, occurred_at, logged_at, recorded_at FROM metrics AS p FINAL
            WHERE {_SERIES} AND step = {{step:Float64}} AND {block("within", "p | _at | ")}
            ORDER BY rank, if(logged_at > recorded_at + INTERVAL 60 SECOND, recorded_at, logged_at),
                     toUInt128(writer), seq""",
        component=str(entity.id),
        metrics=[metric],
        step=step,
    )
    ranks, writers, seqs = values(table, "rank"), id_texts(table, "writer"), values(table, "seq")
    points = [Point(rank, step, writer, seq) for rank, writer, seq in zip(ranks, writers, seqs, strict=True)]
    logged = floats(table, "value").tolist()
    times = [instants(table, name) for name in ("occurred_at", "logged_at", "recorded_at")]
    return [
        Row(
            metric_name(metric),
            value,
            fate,
            False,
            occurred_at,
            logged_at,
            recorded_at,
            point.rank,
            event=point.event,
            writer=point.writer,
        )
        for point, value, fate, occurred_at, logged_at, recorded_at in zip(
            points, logged, point_fates(points, cuts_of(said)), *times, strict=True
        )
    ]


def cuts_of(said: Sequence[Statement]) -> list[Cut]:
    """What takes points out of the main line: standing deletions, then rewinds that are in effect."""
    found: list[Cut] = []
    for one in sorted(said, key=lambda one: one.field):
        if one.field not in ("deleted", "rewound") or one.fate.word != IN_EFFECT.word:
            continue
        value: dict[str, Any] = decoded(one.value)
        abandoned = tuple((str(UUID(writer)), int(count)) for writer, count in value["abandoned"])
        if one.field == "deleted":
            found.append(Cut(one.event, abandoned))
        else:
            found.append(Cut(one.event, abandoned, value["rank"], float(value["to_step"])))
    return found
