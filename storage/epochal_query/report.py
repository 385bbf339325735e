"""The report: one row a component, with its params, the statistics of its metrics, its artifacts, its trials."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from epochal_query.cells import lists, statistic_columns, value_columns
from epochal_query.choosing import Choice, choose_components
from epochal_query.columns import Codes, codes, column, decoded, distinct, floats, id_texts, instants, texts
from epochal_query.memberships import Members
from epochal_query.reading import Reading, together
from epochal_query.report_cells import Cells, Wanted, artifact_order, ask_cells
from epochal_query.report_columns import STATISTICS, Artifact, layout
from epochal_query.scope import Scope, of_components

NARROW_MAX = 500
"""Up to so many components are named one by one in the queries for their cells; more are cut out afterwards."""


def build_report(reading: Reading, scope: Scope, wanted: Wanted, choice: Choice) -> pd.DataFrame:
    """The report over the components in scope.

    Guarantees: one row a component, none left out but by the filter and the limit, nothing sampled.
    Raises:
        FilterError: a filter or an order that can't be understood, or can't match anything.
        UnknownNameError: a name that nobody ever logged.
        TooManyColumnsError: more than 5,000 columns.
    """
    if choice.where is None and choice.limit is None:
        components, cells = together(
            partial(choose_components, reading, scope, choice), partial(ask_cells, reading, scope, wanted)
        )
        return assemble(components, cells)
    return report_of(reading, scope, choose_components(reading, scope, choice), wanted)


def report_of(reading: Reading, scope: Scope, components: pa.Table, wanted: Wanted) -> pd.DataFrame:
    """The report over components chosen already, in their order."""
    few = components.num_rows <= NARROW_MAX
    narrow = of_components(scope, id_texts(components, "component")) if few else scope
    return assemble(components, ask_cells(reading, narrow, wanted, scope))


def assemble(components: pa.Table, cells: Cells) -> pd.DataFrame:
    """The frame of these components, in their order, from lines that may be about others, too. Pure."""
    known, height = column(components, "component"), components.num_rows
    params, param_places = _within(cells.params, known)
    metrics, metric_places = _within(cells.metrics, known)
    keys = distinct(params, "path")[1] if cells.keys is None else cells.keys
    measured = distinct(metrics, "metric")[1] if cells.measured is None else cells.measured
    artifacts, places = _artifacts(cells, known, height)
    environment = _environment(cells.environment, known, height)
    names = layout(keys, measured, artifacts, list(environment))
    frame = _head(components)
    key_codes = codes(params, "path", pa.array(keys, pa.string()))
    values = value_columns(params, param_places, key_codes, keys, height)
    frame.update((names.params[key], values.get(key, np.full(height, np.nan))) for key in keys)
    metric_codes = codes(metrics, "metric", pa.array(measured, pa.string()))
    statistics = statistic_columns(metrics, metric_places, metric_codes, measured, height, list(STATISTICS))
    frame.update((name, statistics[key]) for key, name in names.metrics.items())
    frame.update((name, places[key]) for key, name in names.artifacts.items())
    frame.update((name, environment[key]) for key, name in names.environment.items())
    frame.update(_memberships(cells.members, known, height))
    frame.update(_tail(components, cells.tags, known))
    return pd.DataFrame(frame, copy=False)


def _within(table: pa.Table, known: Any) -> tuple[pa.Table, Codes]:
    """The lines about known components, with the place of each one's component."""
    places = codes(table, "component", known)
    kept = np.flatnonzero(places >= 0)
    return (table, places) if len(kept) == len(places) else (table.take(pa.array(kept)), places[kept])


def _head(components: pa.Table) -> dict[str, Any]:
    found: dict[str, Any] = {"ComponentId": pd.array(id_texts(components, "component"), dtype="str")}
    for name, source in (("Name", "name"), ("DisplayName", "display_name"), ("Kind", "kind"), ("Status", "status")):
        found[name] = pd.array(texts(components, source), dtype="str")
    return {**found, "Start": instants(components, "start"), "End": instants(components, "end")}


def _tail(components: pa.Table, tags: pa.Table, known: Any) -> dict[str, Any]:
    """What came later than the columns before it: when it was declared, how long it ran, who ran it, its tags."""
    lines, places = _within(tags, known)
    tagged = np.empty(components.num_rows, dtype=object)
    tagged[:] = [{} for _ in range(components.num_rows)]
    for place, tag, json in sorted(zip(places, texts(lines, "path"), texts(lines, "value"), strict=True)):
        tagged[place][tag] = decoded(json)
    return {
        "Created": instants(components, "created_at"),
        "Duration": floats(components, "duration_s"),
        "CreatedBy": pd.array(texts(components, "created_by"), dtype="str"),
        "Tags": tagged,
    }


def _artifacts(cells: Cells, known: Any, height: int) -> tuple[list[Artifact], dict[tuple[Artifact, str], Any]]:
    table, places = _within(cells.artifacts, known)
    lines = list(zip(texts(table, "name"), texts(table, "direction"), strict=True))
    order = artifact_order(lines, cells.named)
    found = {(one, word): np.full(height, None, dtype=object) for one in order for word in ("MediaType", "Value")}
    for place, one, media_type, value in zip(
        places, lines, texts(table, "media_type"), texts(table, "place"), strict=True
    ):
        if (one, "Value") in found:
            found[one, "MediaType"][place] = media_type or None
            found[one, "Value"][place] = value or None
    return order, {key: pd.array(cell.tolist(), dtype="str") for key, cell in found.items()}


def _environment(lines: pa.Table | None, known: Any, height: int) -> dict[str, Any]:
    """One column a section and key, values as captured."""
    found: dict[str, Any] = {}
    if lines is None:
        return found
    table, places = _within(lines, known)
    for place, section, captured in zip(places, texts(table, "section"), texts(table, "captured"), strict=True):
        for key, value in decoded(captured).items():
            found.setdefault(f"{section}.{key}", np.full(height, None, dtype=object))[place] = value
    return dict(sorted(found.items()))


def _memberships(members: Members, known: Any, height: int) -> dict[str, Any]:
    named = members.names(known)
    return {
        "Trials": lists(named.trials, named.places, height),
        "Experiments": lists(named.experiments, named.places, height),
    }
