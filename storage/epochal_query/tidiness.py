"""Whether the points of some series can be read and summed up without a look at which of them hides another."""

from __future__ import annotations

from epochal_query.reading import Reading, block
from epochal_query.scope import Scope


def of_series(scope: Scope, which: str) -> str:
    """The condition on the columns of ``partials`` for the series of components in scope that satisfy another."""
    return f"project = {{project:String}} AND {scope.sql} AND {which}"


def tidiness(reading: Reading, scope: Scope, which: str, **parameters: object) -> frozenset[str]:
    """``tidy``, for `Reading.rows`: no point of these series can hide another, and no bound cuts a block of theirs."""
    sql = f"SELECT min(tidy) AS tidy FROM ({block('tidiness', of_series(scope, which))})"
    answer = reading.rows(sql, **scope.parameters, **parameters)
    return frozenset({"tidy"} if answer["tidy"][0].as_py() else ())
