"""The columns of a report: which there are, in which order, and what they are called. Pure.

ComponentId, Name, DisplayName, Kind, Status, Start, End; one a parameter; ``<metric> - Min, - Max, - Avg, - StdDev,
- Last, - Count``; ``<artifact> - MediaType, - Value`` (inputs, then outputs); Trials, Experiments; Created, Duration,
CreatedBy, Tags. What came later than the others stands at the end, so that no column that was there before has moved.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from epochal_query.errors import TooManyColumnsError
from epochal_query.param_paths import display_names

COLUMNS_MAX = 5_000

HEAD = ("ComponentId", "Name", "DisplayName", "Kind", "Status", "Start", "End")
TAIL = ("Trials", "Experiments", "Created", "Duration", "CreatedBy", "Tags")
ASIDE = ("Created", "Duration", "CreatedBy")
"""In a table for people these take more room than they tell."""
STATISTICS = {"min": "Min", "max": "Max", "mean": "Avg", "std": "StdDev", "last": "Last", "count": "Count"}
"""Statistic of the ``summaries`` view to what a report calls it."""

Artifact = tuple[str, str]
"""Name and direction (``in`` or ``out``)."""


@dataclass(frozen=True)
class Layout:
    """What each column is called."""

    params: dict[str, str]
    metrics: dict[tuple[str, str], str]
    artifacts: dict[tuple[Artifact, str], str]
    environment: dict[str, str]


def layout(
    params: Sequence[str], metrics: Sequence[str], artifacts: Sequence[Artifact], environment: Sequence[str] = ()
) -> Layout:
    """Name the columns. Params (keys) and metrics come in the order given.

    Guarantees: all names differ; only params (then prefixed ``params.``) and environment yield to others.
    Raises:
        TooManyColumnsError: more than 5,000 columns.
    """
    _check_width(params, metrics, artifacts, environment)
    both = {name for name, way in artifacts if way == "in"} & {name for name, way in artifacts if way == "out"}
    measured = {(metric, stat): f"{metric} - {word}" for metric in metrics for stat, word in STATISTICS.items()}
    taken = {*HEAD, *TAIL, *measured.values()}
    held: dict[tuple[Artifact, str], str] = {}
    for name, way in artifacts:
        for word in ("MediaType", "Value"):
            held[(name, way), word] = _free(
                f"{name} ({way}) - {word}" if name in both else f"{name} - {word}", taken, "artifacts."
            )
    shown = display_names(params)
    # names that collide with nothing are settled first, so that a prefixed one can't push an innocent one aside
    settled = {key: shown[key] for key in params if shown[key] not in taken}
    taken.update(settled.values())
    named = {key: settled.get(key) or _free(f"params.{shown[key]}", taken, "params.") for key in params}
    surrounding = {key: _free(f"env.{key}", taken, "env.") for key in environment}
    return Layout(named, measured, held, surrounding)


def _free(name: str, taken: set[str], prefix: str) -> str:
    while name in taken:
        name = prefix + name
    taken.add(name)
    return name


def _check_width(
    params: Sequence[str], metrics: Sequence[str], artifacts: Sequence[Artifact], environment: Sequence[str]
) -> None:
    width = len(HEAD) + len(params) + len(STATISTICS) * len(metrics) + 2 * len(artifacts) + len(environment) + len(TAIL)
    if width <= COLUMNS_MAX:
        return
    parts = [f"{len(params):,} of params", f"{len(STATISTICS) * len(metrics):,} of {len(metrics):,} metrics"]
    parts += [f"{2 * len(artifacts):,} of artifacts"] + (
        [f"{len(environment):,} of environment"] if environment else []
    )
    raise TooManyColumnsError(
        f"the report would have {width:,} columns ({', '.join(parts)}), and {COLUMNS_MAX:,} is the limit; choose: "
        "metrics=['loss'], params=['lr'], artifacts=['model'] (lists of exact names, [] for none), "
        "or re.compile('val/.*') for a pattern"
    )
