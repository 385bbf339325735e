"""Metric series: every point of the main line, or for a chart so few that no spike is hidden."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from epochal_query.branches import Branch, which_branches
from epochal_query.columns import Codes, codes, column, distinct, encoded, floats, id_texts, instants, repeated, texts
from epochal_query.errors import FilterError
from epochal_query.memberships import Members
from epochal_query.names import Selection, as_parts, choose
from epochal_query.rank_values import Ranks
from epochal_query.reading import Reading, at, block, together
from epochal_query.report_cells import SYSTEM_PREFIX
from epochal_query.scope import Scope, metric_names
from epochal_query.tidiness import Extent, extent, of_series

POINTS_MIN = 5
"""A bucket can show five points: first, last, smallest, greatest, and a NaN."""

_KEY = "component, metric, rank"
_COLUMNS = ("step", "value", "occurred_at")


def _point(pick: str, order: str, when: str = "") -> str:
    """The point that is first or last in an order, of those that satisfy a condition; and whether there is any."""

    def chosen(column: str) -> str:
        if column == order and not when:
            return f"{pick.removeprefix('arg').lower()}({column})"
        return f"{pick}{'If' if when else ''}({column}, {order}{when and f', {when}'})"

    return f"({', '.join(map(chosen, _COLUMNS))}, {f'countIf({when}) > 0' if when else '1'})"


_STRETCH = """if(high <= low, 0, least({buckets:Int64} - 1,
             greatest(0, toInt64(floor((step - low) / (high - low) * {buckets:Int64})))))"""
"""Into which of equal stretches a point of a series falls."""


def _shown(numbers: bool) -> str:
    """The points of a stretch that are shown: first, last, smallest, greatest, and a NaN, unless all are numbers."""
    is_number = "" if numbers else "NOT isNaN(value)"
    shown = [
        _point("argMin", "step"),
        _point("argMax", "step"),
        _point("argMin", block("value_and_step", "value | step"), is_number),
        _point("argMin", block("value_and_step", "(-value) | step"), is_number),
        *([] if numbers else [_point("argMin", "step", "isNaN(value)")]),
    ]
    return f"arrayDistinct(arrayFilter(point -> point.4, [{', '.join(shown)}]))"


@dataclass(frozen=True)
class Series:
    """Which series are wanted, and how."""

    metric: Selection | None = None
    ranks: Ranks = None
    max_points: int | None = None
    branch: Branch = None

    @property
    def key(self) -> str:
        """What tells one line of points from another."""
        return _KEY if self.branch is None else f"{_KEY}, branch"


def metric_frame(reading: Reading, scope: Scope, wanted: Series) -> pd.DataFrame:
    """The points: component, name, trial, experiment, metric, rank, step, value, time; by series, then step.

    With ``branch`` there is a column of that name after rank. Guarantees: without ``max_points`` every point of the
    main line, or of the branches wanted. With it, no series (or line) has more points than that, and first, last,
    smallest, greatest and a NaN of every stretch are among them.
    Raises:
        UnknownNameError: a metric that nobody in scope ever logged.
        FilterError: ``max_points`` is not a whole number from 5 on; nothing in scope has such a branch.
    """
    if wanted.max_points is not None and not _enough(wanted.max_points):
        raise FilterError(
            f"max_points={wanted.max_points!r} is not a whole number from {POINTS_MIN} on, or None for all"
        )
    which, names = _which(reading, scope, wanted.metric)
    table, (named, members) = together(
        lambda: _points(reading, scope, wanted, which, names), lambda: _names(reading, scope)
    )
    if not named.num_rows:
        scope.check(reading)
    return _frame(table, named, members, wanted)


def _points(reading: Reading, scope: Scope, wanted: Series, which: str, names: list[str]) -> pa.Table:
    found = extent(reading, scope, which, metrics=names)
    if wanted.metric is not None and _alone(wanted.metric) and not (found.series and reading.is_present):
        _chosen(reading, scope, wanted.metric)  # raises where nobody ever logged it
    alone = found.series == 1 and wanted.ranks not in ("mean", "max") and wanted.branch is None
    key, bound = wanted.key, dict[str, object](metrics=names)
    points = f"""
        SELECT {"" if alone else f"{key}, "}step, value, occurred_at
        FROM {at("metrics" if wanted.branch is None else "branch_points")}
        WHERE project = {{project:String}} AND {scope.sql} AND {which}"""
    if wanted.branch is not None:
        on_branch, named = which_branches(reading, scope, wanted.branch)
        points += f" AND {on_branch}"
        bound |= named
    if wanted.ranks is None and not alone:
        points += f" AND {_of_lowest_rank(scope, which)}"
    if wanted.ranks in ("mean", "max"):
        points = _over_ranks(points, wanted.ranks, key)
    sql = f"{points} ORDER BY {'step' if alone else f'{key}, step'}"
    if wanted.max_points is not None and found.points > wanted.max_points:
        buckets = wanted.max_points // POINTS_MIN
        sql = _downsampled(points, buckets, found.numbers) if alone else _downsampled_each(points, scope, which, key)
        bound |= {"buckets": buckets, "max_points": wanted.max_points, "low": found.low, "high": found.high}
    if not alone:
        return reading.rows(sql, found.facts, **scope.parameters, **found.bound, **bound)
    return _with(_counted(reading, sql, found, {**scope.parameters, **found.bound, **bound}), found.one)


def _counted(reading: Reading, sql: str, found: Extent, bound: Mapping[str, object]) -> pa.Table:
    """The points of one series. To look for second copies takes longer than all the rest, so it is done only when more
    or fewer were read than there are; ``seen`` says how many, where points are left out of the answer.
    """
    if "tidy" in found.facts:
        table = reading.rows(sql, found.facts | {"uncopied"}, **bound)
        read = table.num_rows
        if "seen" in table.column_names:
            read = column(table, "seen")[0].as_py() if read else 0
        if read == found.kept:
            return table
    return reading.rows(sql, found.facts, **bound)


def _with(table: pa.Table, key: pa.Table) -> pa.Table:
    """The table with the columns of a table of one row, which the engine would take longer to repeat."""
    for name in key.column_names:
        table = table.append_column(name, repeated(column(key, name), table.num_rows))
    return table


def _enough(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= POINTS_MIN


def _which(reading: Reading, scope: Scope, selection: Selection | None) -> tuple[str, list[str]]:
    """The condition on ``metric``, and the names that it binds."""
    if selection is None:
        return f"NOT startsWith(metric, '{SYSTEM_PREFIX}')", []
    if not as_parts(selection, "metric"):
        return "0", []
    # whether there is one metric shows when its series are looked at
    chosen = _alone(selection) or _chosen(reading, scope, selection)
    return ("metric = {metrics:Array(String)}[1]" if len(chosen) == 1 else "metric IN {metrics:Array(String)}"), chosen


def _alone(selection: Selection) -> list[str]:
    """The one name that is selected, where it is one exact name."""
    parts = as_parts(selection, "metric")
    return [part for part in parts if isinstance(part, str)] if len(parts) == 1 else []


def _chosen(reading: Reading, scope: Scope, selection: Selection) -> list[str]:
    scope.check(reading)
    known = metric_names(*scope.naming(reading))
    return choose(selection, known, "metric", f" in {scope.words}")


def _of_lowest_rank(scope: Scope, which: str) -> str:
    """Only the lowest rank that logged the metric."""
    # partials name every series that has points, in few rows
    return f"""(component, metric, rank) IN (
        SELECT component, metric, min(rank) FROM {block("series")}
        WHERE project = {{project:String}} AND {scope.sql} AND {which} GROUP BY component, metric)"""


def _over_ranks(points: str, ranks: Ranks, key: str) -> str:
    value = (
        "avg(value)" if ranks == "mean" else "if(countIf(NOT isNaN(value)) = 0, nan, maxIf(value, NOT isNaN(value)))"
    )
    apart = key.replace(", rank", "")
    return f"""
        SELECT {apart}, toUInt32(0) AS rank, step, {value} AS value, max(occurred_at) AS occurred_at
        FROM (SELECT {apart}, step, p.value AS value, p.occurred_at AS occurred_at FROM ({points}) AS p)
        GROUP BY {apart}, step"""


def _downsampled(points: str, buckets: int, numbers: bool) -> str:
    """Five points of each of equal stretches of the one series there is; its reach is bound."""
    # the engine groups by 16 bits without hashing
    stretch = f"toUInt{16 if buckets <= 2**16 else 32}({_STRETCH})"
    return f"""
        SELECT p.1 AS step, p.2 AS value, p.3 AS occurred_at, seen FROM (
            SELECT arrayJoin(shown) AS p, seen FROM (
                SELECT {_shown(numbers)} AS shown, sum(count()) OVER () AS seen
                FROM (SELECT *, {stretch} AS stretch
                      FROM (SELECT *, {{low:Float64}} AS low, {{high:Float64}} AS high FROM ({points})))
                GROUP BY stretch))
        ORDER BY step"""


def _downsampled_each(points: str, scope: Scope, which: str, key: str) -> str:
    """At most ``max_points`` a line: whole where it has no more, else five points of each of equal stretches.

    Partials say in a few rows how long each series is and how far it reaches. Where steps were overwritten or lie
    beyond ``as_of`` they say a little too much, which makes the stretches wider and hides nothing.
    """
    return f"""
        SELECT {key}, p.1 AS step, p.2 AS value, p.3 AS occurred_at FROM (
            SELECT {key}, arrayJoin({_shown(numbers=False)}) AS p
            -- of a series that is shown whole each point is a stretch of its own
            FROM (SELECT *, if(whole, 0, {_STRETCH}) AS stretch, if(whole, step, 0.) AS own FROM (
                SELECT {", ".join(f"points.{name} AS {name}" for name in key.split(", "))},
                       points.step AS step, points.value AS value, points.occurred_at AS occurred_at,
                       reach.low AS low, reach.high AS high, reach.points <= {{max_points:UInt64}} AS whole
                FROM ({points}) AS points
                INNER JOIN ({block("tidiness", of_series(scope, which))}) AS reach
                    USING ({_KEY})))
            GROUP BY {key}, stretch, own)
        ORDER BY {key}, step"""


def _frame(table: pa.Table, named: pa.Table, members: Members, wanted: Series) -> pd.DataFrame:
    component_codes, listed = _components(table)
    described = _described(named, members, listed)
    metric_codes, metrics = distinct(table, "metric")
    ranks: Any = column(table, "rank").to_numpy(False).astype(np.int64)
    if wanted.ranks in ("mean", "max"):
        ranks = pd.arrays.IntegerArray(ranks, np.ones(len(ranks), dtype=np.bool_))
    spread = {name: _spread(texts_, component_codes) for name, texts_ in described.items()}
    return pd.DataFrame(
        {
            **spread,
            "metric": _spread(metrics, metric_codes),
            "rank": ranks,
            **({} if wanted.branch is None else {"branch": column(table, "branch").to_numpy(False).astype(np.int64)}),
            "step": floats(table, "step"),
            "value": floats(table, "value"),
            "time": instants(table, "occurred_at"),
        },
        copy=False,
    )


def _components(table: pa.Table) -> tuple[Codes, pa.Array]:
    found = encoded(table, "component")
    return found.indices.to_numpy(False).astype(np.int64), found.dictionary


def _spread(names: list[str], at: Codes) -> Any:
    if len(names) == 1:
        return pd.array(pa.repeat(pa.scalar(names[0], pa.large_string()), len(at)), dtype="str")
    return pd.array(pa.array(names, pa.large_string()).take(pa.array(at)), dtype="str")


def _names(reading: Reading, scope: Scope) -> tuple[pa.Table, Members]:
    """The names of the components in scope, and their memberships."""
    members = scope.members_in(reading)
    if members.components is not None:
        return members.components, members
    named = reading.rows(
        f"""SELECT s.entity AS component, JSONExtractString(argMax(s.value, s.place), 'name') AS name
            {block("of_entities", "s.kind = 'component' AND s.field = 'opened'")}
            AND s.project = {{project:String}} AND {scope.on("s.entity")} GROUP BY s.entity""",
        **scope.parameters,
    )
    return named, members


def _described(named: pa.Table, members: Members, listed: pa.Array) -> dict[str, list[str]]:
    """For each component that occurs: its id, name, trials and experiments (names, between commas if several)."""
    empty = pa.table({"component": listed})
    found = {"component": id_texts(empty, "component"), "name": [""] * len(listed)}
    gathered: dict[str, list[dict[str, None]]] = {key: [{} for _ in listed] for key in ("trial", "experiment")}
    for place, name in zip(codes(named, "component", listed), texts(named, "name"), strict=True):
        if place >= 0:
            found["name"][place] = name
    lines = members.names(listed)
    for place, trial, experiment in zip(lines.places, lines.trials, lines.experiments, strict=True):
        gathered["trial"][place][trial] = None
        gathered["experiment"][place][experiment] = None
    return {**found, **{key: [", ".join(names) for names in each] for key, each in gathered.items()}}
