"""The best components by a statistic of a metric."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf

import pandas as pd

from epochal_query.choosing import Choice, choose_components
from epochal_query.columns import values
from epochal_query.errors import FilterError
from epochal_query.filter_tree import STATISTICS, All, Compare, Condition, Field, OrderKey
from epochal_query.names import near
from epochal_query.rank_values import Ranks
from epochal_query.reading import Reading, at
from epochal_query.report import report_of
from epochal_query.report_cells import Wanted
from epochal_query.scope import Scope


@dataclass(frozen=True)
class Ranking:
    """By what components are ranked; what is None is as ``define`` said."""

    metric: str
    mode: str | None
    by: str | None
    limit: int
    ranks: Ranks = None


def best(reading: Reading, scope: Scope, wanted: Ranking, where: Condition | None) -> pd.DataFrame:
    """The best components, best first, as rows of a report with that metric.

    Raises:
        FilterError: an argument that can't be understood, or no mode given or defined.
        UnknownNameError: nobody ever logged the metric.
    """
    mode, by = _ways(reading, scope, wanted)
    field = Field("metrics", wanted.metric, by)
    # NaN compares equal to nothing, so that either comparison says: it is there, and a number
    a_number: Condition = Compare(field, "<=", inf)
    order = (OrderKey(field, descending=mode == "max"), OrderKey(Field("", "end")))
    condition = a_number if where is None else All((where, a_number))
    components = choose_components(reading, scope, Choice(condition, order, wanted.limit, wanted.ranks))
    return report_of(reading, scope, components, Wanted(metrics=[wanted.metric], ranks=wanted.ranks))


def _ways(reading: Reading, scope: Scope, wanted: Ranking) -> tuple[str, str]:
    mode, by = wanted.mode, wanted.by
    if not isinstance(wanted.metric, str):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise FilterError(f"metric={wanted.metric!r} is not a metric's name: give one name")
    if mode is None or by is None:
        goal, summary = _defined(reading, scope, wanted.metric)
        mode, by = mode or goal, by or summary or "last"
    if mode not in ("min", "max"):
        said = (
            f"mode={mode!r} is neither"
            if mode
            else f"whether less or more of {wanted.metric!r} is better was never said"
        )
        raise FilterError(f"{said}: give mode='min' or mode='max', or call run.define({wanted.metric!r}, goal=...)")
    if by not in STATISTICS:
        close = near(str(by), STATISTICS)
        hint = f"; near: {', '.join(close)}" if close else ""
        raise FilterError(f"by={by!r} is not a statistic: {', '.join(STATISTICS)}{hint}")
    return mode, by


def _defined(reading: Reading, scope: Scope, metric: str) -> tuple[str, str]:
    """Goal and summary as last defined in scope; empty where nothing was said."""
    table = reading.rows(
        f"""SELECT argMaxIf(ifNull(goal, ''), logged_at, goal IS NOT NULL) AS goal,
                   argMaxIf(ifNull(summary, ''), logged_at, summary IS NOT NULL) AS summary
            FROM {at("definitions")}
            WHERE project = {{project:String}} AND metric = {{metric:String}} AND {scope.sql}""",
        metric=metric,
        **scope.parameters,
    )
    return values(table, "goal")[0], values(table, "summary")[0]
