"""The part of a history that is about metric points: who logged how many, or what was logged at one step."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, cast
from uuid import UUID

import pyarrow as pa

from epochal_query.columns import decoded, floats, id_texts, instants, values
from epochal_query.history_fates import IN_EFFECT, Correction, Cut, Fate, Point, point_fates
from epochal_query.history_fields import metric_name, reason_of
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
    """One row a point that was ever logged at a step, and one each time that it was corrected.

    ``said`` are the deletions, rewinds and corrections of the component.
    """
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
    corrections = corrections_of(said, metric)
    found: list[Row] = []
    for point, value, fate, occurred_at, logged_at, recorded_at in zip(
        points, logged, point_fates(points, cuts_of(said), list(corrections)), *times, strict=True
    ):
        row = Row(
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
        found += _as_corrected(row, point, corrections)
    return found


def _as_corrected(row: Row, point: Point, corrections: Mapping[Correction, Statement]) -> list[Row]:
    """A point as it was logged and after each correction, in order; what became of it became of the last."""
    found = [row]
    for one, said in corrections.items():
        if one.operation == "retract" or not one.covers(point):
            continue
        before = found.pop()
        found.append(replace(before, fate=Fate("corrected", one.event)))
        found.append(
            replace(
                row,
                value=one.applied(before.value),
                logged_at=said.logged_at,
                recorded_at=said.recorded_at,
                reason=reason_of(said.field, said.key, decoded(said.value)),
                event=one.event,
                writer=said.writer,
            )
        )
    return found


def corrections_of(said: Sequence[Statement], metric: str) -> dict[Correction, Statement]:
    """Corrections and retractions of a metric that are in effect, in order."""
    found: dict[Correction, Statement] = {}
    for one in said:
        if one.field != "corrected" or one.fate.word != IN_EFFECT.word:
            continue
        value: dict[str, Any] = decoded(one.value)
        if value["metric"] == metric:
            found[correction_of(one.event, value)] = one
    return found


def correction_of(event: str, value: Mapping[str, Any]) -> Correction:
    """What an event corrects, from what it states."""
    return Correction(
        event,
        tuple((str(UUID(str(writer))), int(count)) for writer, count in value["covers"]),
        value.get("rank"),
        value.get("first_step", -math.inf),
        value.get("last_step", math.inf),
        value["operation"],
        value.get("operand", 0.0),
    )


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
