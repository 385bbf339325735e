"""Whether the points of some series can be read and summed up without a look at which of them hides another."""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa

from epochal_query.columns import values
from epochal_query.reading import Reading, block
from epochal_query.scope import Scope

FEW = 4
"""So many corrections, one for each writer that they name, are applied without looking each point's up."""


@dataclass(frozen=True)
class Extent:
    """How much there is of some series, whatever the bounds: how many they are, their steps and points, all in all, and
    whether none of them is NaN, nor made one by a correction.

    ``kept`` are the points within the bounds, where the facts have ``tidy``.
    ``one`` has component, metric and rank of one of them: of the one there is, where there is only one. ``facts``, for
    `Reading.rows`, has ``single`` where no point of them can hide another, and ``tidy`` where also none was repaired
    and no bound cuts a block. It has ``few`` where they would be tidy but for few corrections; these are in ``bound``.
    """

    series: int
    one: pa.Table
    low: float
    high: float
    points: int
    kept: int
    numbers: bool
    facts: frozenset[str]
    bound: dict[str, object]


def of_series(scope: Scope, which: str) -> str:
    """The condition on the columns of ``partials`` for the series of components in scope that satisfy another."""
    return f"project = {{project:String}} AND {scope.sql} AND {which}"


def extent(reading: Reading, scope: Scope, which: str, **parameters: object) -> Extent:
    """The extent of the series of components in scope that satisfy a condition."""
    sql = f"""SELECT any(component) AS component, any(metric) AS metric, any(rank) AS rank,
                     count() AS series, min(low) AS low, max(high) AS high,
                     sum(points) AS points, sum(kept) AS kept, sum(nans) = 0 AND NOT max(repaired) AS numbers,
                     min(single) AS single, min(few) AS few, min(tidy) AS tidy
              FROM ({block("tidiness", of_series(scope, which))})"""
    table = reading.rows(sql, **scope.parameters, **parameters)
    one = table.select(["component", "metric", "rank"])
    found = table.drop_columns(one.column_names).to_pylist()[0]
    facts = {name for name in ("single", "few", "tidy") if found.pop(name)}
    bound: dict[str, object] = {}
    if "few" in facts and "tidy" not in facts:
        bound = _corrections(reading, of_series(scope, which), **scope.parameters, **parameters)
    if not bound:
        facts.discard("few")
    return Extent(**found, one=one, facts=frozenset(facts), bound=bound)


def _corrections(reading: Reading, which: str, **parameters: object) -> dict[str, object]:
    """The corrections of some series as parameters of a query, in order; nothing where there are more than few."""
    table = reading.rows(
        f"""SELECT toString(component), metric, toString(writer), x.2, x.3, x.4, x.5, x.6, x.7 FROM (
                SELECT component, metric, writer, arrayJoin(repairs) AS x FROM ({block("repairs")}) WHERE {which})
            ORDER BY x.1 LIMIT {FEW + 1}""",
        **parameters,
    )
    names = (
        "components",
        "metrics",
        "writers",
        "counts",
        "ranks",
        "first_steps",
        "last_steps",
        "operations",
        "operands",
    )
    if table.num_rows > FEW:
        return {}
    return {f"repair_{name}": values(table, at) for name, at in zip(names, table.column_names, strict=True)}
