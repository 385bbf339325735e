"""The report: one row a component, with its params, the statistics of its metrics, its artifacts, its trials."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from epochal_query.cells import lists, statistic_columns, value_columns
from epochal_query.choosing import Choice, choose_components
from epochal_query.columns import Codes, codes, column, compute, decoded, distinct, ids, texts, values
from epochal_query.memberships import Members
from epochal_query.names import Selection, as_parts, choose
from epochal_query.param_paths import shown
from epochal_query.rank_values import Ranks, over_ranks
from epochal_query.reading import Reading
from epochal_query.report_columns import STATISTICS, Artifact, layout
from epochal_query.resolve import BOUNDS
from epochal_query.scope import Scope, metric_names, of_components, param_keys

NARROW_MAX = 500
"""Up to so many components are named one by one in the queries for their cells; more are cut out afterwards."""

SYSTEM_PREFIX = "sys/"


@dataclass(frozen=True)
class Wanted:
    """What a report is to show; None is everything that is not system or environment."""

    metrics: Selection | None = None
    params: Selection | None = None
    artifacts: Selection | None = None
    ranks: Ranks = None
    system: bool = False


@dataclass(frozen=True)
class Rows:
    """The rows of a report: the components in order, as the engine knows them, and how to ask about them."""

    components: pa.Table
    known: Any
    scope: Scope

    @property
    def height(self) -> int:
        """How many rows."""
        return int(self.components.num_rows)

    def places(self, table: pa.Table) -> Codes:
        """The row of each line of an answer; -1 where its component is not in the report."""
        return codes(table, "component", self.known)

    def ask(self, reading: Reading, sql: str, **parameters: object) -> tuple[pa.Table, Codes]:
        """An answer about the components, with the row of each of its lines."""
        table = reading.rows(sql.replace("<scope>", self.scope.sql), **self.scope.parameters, **parameters)
        places = self.places(table)
        if (places >= 0).all():
            return table, places
        kept = np.flatnonzero(places >= 0)
        return table.take(pa.array(kept)), places[kept]


def build_report(reading: Reading, scope: Scope, wanted: Wanted, choice: Choice) -> pd.DataFrame:
    """The report over the components in scope.

    Guarantees: one row a component, none left out but by the filter and the limit, nothing sampled.
    Raises:
        FilterError, UnknownNameError: as in :func:`epochal_query.choosing.choose_components`.
        TooManyColumnsError: more than 5,000 columns.
    """
    return assemble(reading, scope, choose_components(reading, scope, choice), wanted)


def assemble(reading: Reading, scope: Scope, components: pa.Table, wanted: Wanted) -> pd.DataFrame:
    """The report over components chosen already, in their order."""
    chosen = ids(components, "component")
    narrow = of_components(scope, list(map(str, chosen))) if len(chosen) <= NARROW_MAX else scope
    rows = Rows(components, column(components, "component"), narrow)
    param_rows, param_places, keys = _params(reading, scope, rows, wanted.params)
    metric_rows, metric_places, metrics = _metrics(reading, scope, rows, wanted)
    artifacts, artifact_cells = _artifacts(reading, rows, wanted.artifacts)
    environment = _environment(reading, rows) if wanted.system else {}
    names = layout(keys, metrics, artifacts, list(environment))
    frame: dict[str, Any] = _head(components, list(map(str, chosen)))
    cells = value_columns(
        param_rows, param_places, codes(param_rows, "path", pa.array(keys, pa.string())), keys, rows.height
    )
    frame.update((names.params[key], cells.get(key, np.full(rows.height, np.nan))) for key in keys)
    places = codes(metric_rows, "metric", pa.array(metrics, pa.string()))
    measured = statistic_columns(metric_rows, metric_places, places, metrics, rows.height, list(STATISTICS))
    frame.update((names.metrics[key], measured[key]) for key in names.metrics)
    frame.update((name, artifact_cells[key]) for key, name in names.artifacts.items())
    frame.update((names.environment[key], environment[key]) for key in environment)
    frame.update(_memberships(reading, rows))
    return pd.DataFrame(frame, copy=False)


def _head(components: pa.Table, chosen: list[str]) -> dict[str, Any]:
    found: dict[str, Any] = {"ComponentId": pd.array(chosen, dtype="str")}
    for name, source in (("Name", "name"), ("DisplayName", "display_name"), ("Kind", "kind"), ("Status", "status")):
        found[name] = pd.array(texts(components, source), dtype="str")
    for name, source in (("Start", "start"), ("End", "end")):
        found[name] = instants(components, source)
    return found


def instants(table: pa.Table, name: str) -> Any:
    """A column of times as pandas keeps them: UTC, microseconds."""
    return pd.Series(compute.cast(column(table, name), pa.timestamp("us", "UTC")).to_pandas())


def _params(
    reading: Reading, scope: Scope, rows: Rows, selection: Selection | None
) -> tuple[pa.Table, Codes, list[str]]:
    present = reading.present
    known = param_keys(present, scope.at(reading, present)) if selection is not None else []
    sql = f"""SELECT component, path, value, toString(type) AS type, number, text FROM params_at({BOUNDS})
              WHERE project = {{project:String}} AND <scope>"""
    if selection is None:
        table, places = rows.ask(reading, sql)
        return table, places, distinct(table, "path")[1]
    alike: dict[str, list[str]] = {}
    for key in known:
        alike.setdefault(shown(key), []).append(key)
    picked = choose(selection, list(alike), "param", f" in {scope.words}") if len(as_parts(selection, "params")) else []
    keys = [key for name in picked for key in alike[name]]
    table, places = rows.ask(reading, f"{sql} AND path IN {{keys:Array(String)}}", keys=keys)
    return table, places, keys


def _metrics(reading: Reading, scope: Scope, rows: Rows, wanted: Wanted) -> tuple[pa.Table, Codes, list[str]]:
    name = "concat(metric, ' (rank ', toString(rank), ')')" if wanted.ranks == "each" else "metric"
    stats = ", ".join(f"{over_ranks(stat, wanted.ranks)} AS {stat}_" for stat in STATISTICS)
    sql = f"""
        SELECT component, {name} AS shown, {stats} FROM summaries_at({BOUNDS})
        WHERE project = {{project:String}} AND <scope> AND <metrics> GROUP BY component, shown"""
    if wanted.metrics is None:
        chosen, which = None, "1" if wanted.system else f"NOT startsWith(metric, '{SYSTEM_PREFIX}')"
    else:
        parts = as_parts(wanted.metrics, "metrics")
        known = metric_names(reading.present, scope.at(reading, reading.present)) if parts else []
        chosen = choose(wanted.metrics, known, "metric", f" in {scope.words}")
        which = "metric IN {metrics:Array(String)}"
    table, places = rows.ask(reading, sql.replace("<metrics>", which), metrics=chosen or [])
    table = table.rename_columns(["component", "metric", *STATISTICS])
    found = distinct(table, "metric")[1]
    if chosen is None or wanted.ranks == "each":
        return table, places, _ranked(found, chosen)
    return table, places, chosen


def _ranked(found: Sequence[str], chosen: list[str] | None) -> list[str]:
    """The names in order; those of one metric's ranks by number."""

    def key(name: str) -> tuple[int, str, int]:
        metric, _, rank = name.rpartition(" (rank ")
        number = int(rank[:-1]) if metric and rank[:-1].isdigit() else -1
        base = metric if number >= 0 else name
        return (chosen.index(base) if chosen and base in chosen else 0, base, number)

    return sorted(found, key=key)


def _artifacts(
    reading: Reading, rows: Rows, selection: Selection | None
) -> tuple[list[Artifact], dict[tuple[Artifact, str], Any]]:
    sql = f"""SELECT component, name, direction, ifNull(media_type, '') AS media_type,
                     coalesce(uri, digest, '') AS place
              FROM artifacts_at({BOUNDS}) WHERE project = {{project:String}} AND <scope>"""
    table, places = rows.ask(reading, sql)
    names, ways = texts(table, "name"), texts(table, "direction")
    known = sorted(set(zip(ways, names, strict=True)))
    if selection is not None:
        every = sorted({name for _, name in known} | set(_artifact_names(reading)))
        picked = choose(selection, every, "artifact", f" in project {reading.project!r}")
        known = sorted((one for one in known if one[1] in picked), key=lambda one: (one[0], picked.index(one[1])))
    cells: dict[tuple[Artifact, str], Any] = {}
    for way, name in known:
        for word in ("MediaType", "Value"):
            cells[(name, way), word] = np.full(rows.height, None, dtype=object)
    lines = zip(places, names, ways, texts(table, "media_type"), texts(table, "place"), strict=True)
    for place, name, way, media_type, value in lines:
        if ((name, way), "Value") in cells:
            cells[(name, way), "MediaType"][place] = media_type or None
            cells[(name, way), "Value"][place] = value or None
    return [(name, way) for way, name in known], {key: pd.array(cell, dtype="str") for key, cell in cells.items()}


def _artifact_names(reading: Reading) -> list[str]:
    sql = f"SELECT DISTINCT name FROM artifacts_at({BOUNDS}) WHERE project = {{project:String}}"
    return texts(reading.present.rows(sql), "name")


def _environment(reading: Reading, rows: Rows) -> dict[str, Any]:
    """What surrounded the lowest rank: one column a section and key, values as captured."""
    sql = f"""SELECT component, section, argMin(values, rank) AS captured FROM environments_at({BOUNDS})
              WHERE project = {{project:String}} AND <scope> GROUP BY component, section"""
    table, places = rows.ask(reading, sql)
    found: dict[str, Any] = {}
    for place, section, captured in zip(places, texts(table, "section"), values(table, "captured"), strict=True):
        for key, value in decoded(captured).items():
            found.setdefault(f"{section}.{key}", np.full(rows.height, None, dtype=object))[place] = value
    return dict(sorted(found.items()))


def _memberships(reading: Reading, rows: Rows) -> dict[str, Any]:
    members = rows.scope.members or Members.read(reading, rows.scope.sql, rows.scope.parameters)
    named = members.names(rows.known)
    return {
        "Trials": lists(named.trials, named.places, rows.height),
        "Experiments": lists(named.experiments, named.places, rows.height),
    }
