"""One value of a metric's statistic from its ranks, as SQL over rows of the ``summaries`` view of one series each.

The choice is a read's ``ranks=``: ``None`` is the lowest rank that logged the metric, ``"each"`` keeps ranks apart,
``"all"`` pools the points of all ranks, ``"mean"`` and ``"max"`` are taken over the ranks' statistics.
"""

from __future__ import annotations

from typing import Literal

from epochal_query.errors import FilterError

Ranks = Literal["each", "all", "mean", "max"] | None

_POOL = "groupArrayIf((toFloat64(count - nan_count), mean, ifNull(std, 0)), count > nan_count)"
_POOLED_N = f"arraySum(t -> t.1, {_POOL})"
_POOLED_MEAN = f"arraySum(t -> t.1 * t.2, {_POOL}) / {_POOLED_N}"
_POOLED = {
    "count": "sum(count)",
    "nan_count": "sum(nan_count)",
    "min": "ifNull(minOrNullIf(min, NOT isNaN(min)), nan)",
    "max": "ifNull(maxOrNullIf(max, NOT isNaN(max)), nan)",
    "argmin": "if(countIf(NOT isNaN(min)) = 0, nan, argMinIf(argmin, (min, argmin), NOT isNaN(min)))",
    "argmax": "if(countIf(NOT isNaN(max)) = 0, nan, argMinIf(argmax, (-max, argmax), NOT isNaN(max)))",
    "mean": f"if({_POOLED_N} = 0, nan, {_POOLED_MEAN})",
    # every rank's own spread, and the spread of the ranks' means around the common one
    "std": f"""if({_POOLED_N} < 2, NULL, sqrt(
        (arraySum(t -> (t.1 - 1) * t.3 * t.3, {_POOL})
         + arraySum(t -> t.1 * pow(t.2 - ({_POOLED_MEAN}), 2), {_POOL})) / ({_POOLED_N} - 1)))""",
}


def check_ranks(ranks: Ranks) -> Ranks:
    """The choice, if it is one.

    Raises:
        FilterError: it isn't; the message lists what is.
    """
    if ranks is None or ranks in ("each", "all", "mean", "max"):
        return ranks
    raise FilterError(
        f"ranks={ranks!r} is not a choice: None (the lowest rank that logged the metric), "
        "'each' (ranks apart), 'all' (their points together), 'mean' or 'max' (over the ranks)"
    )


def over_ranks(stat: str, ranks: Ranks) -> str:
    """The aggregate that makes one value of ``stat`` from the rows of a series' ranks."""
    if ranks == "all" and stat in _POOLED:
        return _POOLED[stat]
    if ranks == "mean":
        return f"avg({stat})"
    if ranks == "max":
        return f"if(countIf(NOT isNaN(ifNull({stat}, nan))) = 0, NULL, maxIf({stat}, NOT isNaN(ifNull({stat}, nan))))"
    # argMin passes over NULLs unless they are wrapped
    return f"argMin(tuple({stat}), rank).1"
