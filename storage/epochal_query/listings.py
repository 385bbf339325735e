"""Lists of experiments, trials and components, as frames."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from epochal_query.cells import lists
from epochal_query.columns import codes, column, decoded, floats, id_texts, instants, texts, values
from epochal_query.reading import Reading, at
from epochal_query.resolve import resolve, trial_label
from epochal_query.scope import Scope

SEVERITY = ("failed", "lost", "stopped", "running", "completed")


def worst(statuses: Iterable[str]) -> str:
    """The status that counts among several: failed > lost > stopped > running > completed; else the empty text."""
    found = set(statuses)
    return next((status for status in SEVERITY if status in found), "")


def experiments(reading: Reading) -> pd.DataFrame:
    """One row an experiment, in order of creation."""
    table = reading.rows(
        f"""SELECT e.experiment AS experiment, e.name AS name, hypothesis, objective, variables, verdict, verdict_note,
                   note, created_at, t.trials AS trials
            FROM (SELECT * FROM {at("experiments")} WHERE project = {{project:String}}) AS e
            LEFT JOIN (SELECT experiment, count() AS trials FROM {at("trials")}
                       WHERE project = {{project:String}} GROUP BY experiment) AS t ON t.experiment = e.experiment
            ORDER BY created_at, name"""
    )
    return pd.DataFrame(
        {
            "id": _texts(id_texts(table, "experiment")),
            **{name: _texts(texts(table, name)) for name in ("name", "hypothesis", "objective")},
            "variables": _objects(decoded(value) if value else None for value in texts(table, "variables")),
            **{name: _texts(texts(table, name)) for name in ("verdict", "verdict_note", "note")},
            "trials": floats(table, "trials").astype(np.int64),
            "created": instants(table, "created_at"),
        }
    )


def trials(reading: Reading, experiment: object = None) -> pd.DataFrame:
    """One row a trial, in order of creation; of one or several experiments, or of all.

    Raises:
        UnknownNameError: an experiment that is not in the project.
    """
    chosen = [] if experiment is None else [str(one.id) for one in resolve(reading, "experiment", experiment)]
    which = "1" if experiment is None else "experiment IN {experiments:Array(UUID)}"
    table = reading.rows(
        f"""SELECT t.trial AS trial, t.name AS name, t.variables AS variables, t.note AS note,
                   t.created_at AS created_at, e.name AS experiment
            FROM (SELECT * FROM {at("trials")} WHERE project = {{project:String}} AND {which}) AS t
            LEFT JOIN (SELECT * FROM {at("experiments")} WHERE project = {{project:String}}) AS e
                ON e.experiment = t.experiment
            ORDER BY created_at, trial""",
        experiments=chosen,
    )
    variables = texts(table, "variables")
    counts, statuses = _trial_components(reading, table)
    return pd.DataFrame(
        {
            "id": _texts(id_texts(table, "trial")),
            "name": _texts(map(trial_label, texts(table, "name"), variables)),
            "experiment": _texts(texts(table, "experiment")),
            "variables": _objects(decoded(value or "{}") for value in variables),
            "status": _texts(statuses),
            "components": counts,
            "note": _texts(texts(table, "note")),
            "created": instants(table, "created_at"),
        }
    )


def _trial_components(reading: Reading, trials: pa.Table) -> tuple[Any, list[str]]:
    """Per trial how many components it has, and the worst status among the newest of every name that was run."""
    table = reading.rows(
        f"""SELECT trial, sum(members) AS members, groupArray(newest) AS statuses FROM (
                SELECT m.trial AS trial, c.name AS name, count() AS members,
                       argMaxIf(c.status, (c.created_at, c.component), c.status != '') AS newest
                FROM (SELECT trial, component FROM {at("memberships")} WHERE project = {{project:String}}) AS m
                INNER JOIN (SELECT * FROM {at("components")} WHERE project = {{project:String}}) AS c
                    ON c.component = m.component
                GROUP BY trial, name)
            GROUP BY trial"""
    )
    counts = np.zeros(trials.num_rows, dtype=np.int64)
    statuses = [""] * trials.num_rows
    places = codes(table, "trial", column(trials, "trial"))
    for place, members, found in zip(places, values(table, "members"), values(table, "statuses"), strict=True):
        if place >= 0:
            counts[place], statuses[place] = members, worst(found)
    return counts, statuses


def components(reading: Reading, scope: Scope, *, unassigned: bool = False) -> pd.DataFrame:
    """One row a component in scope, in order of creation; ``unassigned``: only those that belong to no trial."""
    inside = f"SELECT component FROM {at('memberships')} WHERE project = {{project:String}}"
    alone = f"AND component NOT IN ({inside})" if unassigned else ""
    table = reading.rows(
        f"""SELECT component, name, display_name, kind, status, start, end, duration_s, created_at, created_by, host,
                   ifNull(lost, 0) AS lost
            FROM {at("components")} WHERE project = {{project:String}} AND {scope.sql} {alone}
            ORDER BY created_at, name, component""",
        **scope.parameters,
    )
    members = scope.members_in(reading)
    named = members.names(column(table, "component"))
    return pd.DataFrame(
        {
            "id": _texts(id_texts(table, "component")),
            **{name: _texts(texts(table, name)) for name in ("name", "display_name", "kind", "status")},
            "trials": lists(named.trials, named.places, table.num_rows),
            "experiments": lists(named.experiments, named.places, table.num_rows),
            "created": instants(table, "created_at"),
            "start": instants(table, "start"),
            "end": instants(table, "end"),
            "duration_s": floats(table, "duration_s"),
            "user": _texts(texts(table, "created_by")),
            "host": _texts(texts(table, "host")),
            "lost": floats(table, "lost").astype(np.int64),
        }
    )


def _texts(found: Iterable[str]) -> Any:
    return pd.array(list(found), dtype="str")


def _objects(found: Iterable[Any]) -> Any:
    listed = list(found)
    cells = np.empty(len(listed), dtype=object)
    cells[:] = listed
    return cells
