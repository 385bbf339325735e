"""Whether the points of some series can be read and summed up without a look at which of them hides another."""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa

from epochal_query.reading import Reading, block
from epochal_query.scope import Scope


@dataclass(frozen=True)
class Extent:
    """How much there is of some series, whatever the bounds: how many they are, their steps and points, all in all, and
    whether none of them is NaN, nor made one by a correction.

    ``one`` has component, metric and rank of one of them: of the one there is, where there is only one. ``facts``, for
    `Reading.rows`, has ``single`` where no point of them can hide another, and ``tidy`` where also none was repaired
    and no bound cuts a block.
    """

    series: int
    one: pa.Table
    low: float
    high: float
    points: int
    numbers: bool
    facts: frozenset[str]


def of_series(scope: Scope, which: str) -> str:
    """The condition on the columns of ``partials`` for the series of components in scope that satisfy another."""
    return f"project = {{project:String}} AND {scope.sql} AND {which}"


def extent(reading: Reading, scope: Scope, which: str, **parameters: object) -> Extent:
    """The extent of the series of components in scope that satisfy a condition."""
    sql = f"""SELECT any(component) AS component, any(metric) AS metric, any(rank) AS rank,
                     count() AS series, min(low) AS low, max(high) AS high,
                     sum(points) AS points, sum(nans) = 0 AND NOT max(repaired) AS numbers,
                     min(single) AS single, min(tidy) AS tidy
              FROM ({block("tidiness", of_series(scope, which))})"""
    table = reading.rows(sql, **scope.parameters, **parameters)
    one = table.select(["component", "metric", "rank"])
    found = table.drop_columns(one.column_names).to_pylist()[0]
    facts = frozenset(name for name in ("single", "tidy") if found.pop(name))
    return Extent(**found, one=one, facts=facts)
