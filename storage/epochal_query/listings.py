"""Lists of experiments, trials and components, as frames."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from epochal_query.cells import lists
from epochal_query.columns import codes, column, decoded, floats, id_texts, instants, objects, texts, values
from epochal_query.reading import KNOWN, Reading, at, together
from epochal_query.resolve import resolve, trial_label
from epochal_query.scope import Scope, of_components

SEVERITY = ("failed", "lost", "stopped", "running", "completed")


def worst(statuses: Iterable[str]) -> str:
    """The status that counts among several: failed > lost > stopped > running > completed; else the empty text."""
    found = set(statuses)
    return next((status for status in SEVERITY if status in found), "")


def experiments(reading: Reading, only: Sequence[str] | None = None) -> pd.DataFrame:
    """One row an experiment, in order of creation; ``only`` those of some ids."""
    which = "1" if only is None else _one_of("experiment", "experiments")
    table = reading.rows(
        f"""SELECT e.experiment AS experiment, e.name AS name, hypothesis, objective, variables, verdict, verdict_note,
                   note, created_at, t.trials AS trials
            FROM (SELECT * FROM {at("experiments")} WHERE project = {{project:String}} AND {which}) AS e
            LEFT JOIN (SELECT experiment, count() AS trials FROM {at("trials")}
                       WHERE project = {{project:String}} GROUP BY experiment) AS t ON t.experiment = e.experiment
            ORDER BY created_at, name""",
        experiments=json.dumps(list(only or ())),
    )
    return pd.DataFrame(
        {
            "id": _texts(id_texts(table, "experiment")),
            **{name: _texts(texts(table, name)) for name in ("name", "hypothesis", "objective")},
            "variables": objects(decoded(value) if value else None for value in texts(table, "variables")),
            **{name: _texts(texts(table, name)) for name in ("verdict", "verdict_note", "note")},
            "trials": floats(table, "trials").astype(np.int64),
            "created": instants(table, "created_at"),
        }
    )


def trials(reading: Reading, experiment: object = None, only: Sequence[str] | None = None) -> pd.DataFrame:
    """One row a trial, in order of creation; of one or several experiments, or of all; or ``only`` those of some ids.

    Raises:
        UnknownNameError: an experiment that is not in the project.
    """
    chosen = None if experiment is None else [str(one.id) for one in resolve(reading, "experiment", experiment)]
    table = trial_table(reading, chosen, only)
    counts, statuses = trial_components(reading, table, named=only is not None)
    return pd.DataFrame(
        {
            "id": _texts(id_texts(table, "trial")),
            "name": _texts(trial_labels(table)),
            "experiment": _texts(texts(table, "experiment")),
            "variables": objects(decoded(value or "{}") for value in texts(table, "variables")),
            "status": _texts(statuses),
            "components": counts,
            "note": _texts(texts(table, "note")),
            "created": instants(table, "created_at"),
        }
    )


def trial_table(reading: Reading, experiments: Sequence[str] | None = None, only: Sequence[str] | None = None) -> Any:
    """The trials, in order of creation: of some experiments, or of some ids; without their components."""
    which = "1" if experiments is None else _one_of("experiment", "experiments")
    which += "" if only is None else f" AND {_one_of('trial', 'trials')}"
    return reading.rows(
        f"""SELECT t.trial AS trial, t.name AS name, t.variables AS variables, t.note AS note,
                   t.created_at AS created_at, e.name AS experiment
            FROM (SELECT * FROM {at("trials")} WHERE project = {{project:String}} AND {which}) AS t
            LEFT JOIN (SELECT * FROM {at("experiments")} WHERE project = {{project:String}}) AS e
                ON e.experiment = t.experiment
            ORDER BY created_at, trial""",
        experiments=json.dumps(list(experiments or ())),
        trials=json.dumps(list(only or ())),
    )


def trial_labels(table: pa.Table) -> list[str]:
    """What each trial of a table is called."""
    return list(map(trial_label, texts(table, "name"), texts(table, "variables")))


def _one_of(column: str, parameter: str) -> str:
    return f"{column} IN (SELECT arrayJoin(JSONExtract({{{parameter}:String}}, 'Array(UUID)')))"


def trial_components(reading: Reading, trials: pa.Table, *, named: bool = False) -> tuple[Any, list[str]]:
    """Per trial how many components it has, and the worst status among the newest of every name that was run.

    ``named``: ask about the components of these trials only.
    """
    inside = _one_of("trial", "trials") if named else "1"
    bound = {"trials": json.dumps(id_texts(trials, "trial"))}
    scope = Scope("1", {}, "")
    if named:
        sql = f"SELECT DISTINCT component FROM {at('memberships')} WHERE project = {{project:String}} AND {inside}"
        scope = of_components(scope, id_texts(reading.rows(sql, **bound), "component"))
    table = reading.rows(
        f"""SELECT trial, sum(members) AS members, groupArray(newest) AS statuses FROM (
                SELECT m.trial AS trial, c.name AS name, count() AS members,
                       argMaxIf(c.status, (c.created_at, c.component), c.status != '') AS newest
                FROM (SELECT trial, component FROM {at("memberships")}
                      WHERE project = {{project:String}} AND {inside} AND {scope.sql}) AS m
                INNER JOIN (SELECT * FROM {at("components")}
                            WHERE project = {{project:String}} AND {scope.sql}) AS c ON c.component = m.component
                GROUP BY trial, name)
            GROUP BY trial""",
        **bound,
        **scope.parameters,
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
    asked = partial(
        reading.rows,
        f"""SELECT component, name, display_name, kind, status, start, end, duration_s, created_at, created_by, host,
                   ifNull(lost, 0) AS lost
            FROM {at("components")} WHERE project = {{project:String}} AND {scope.sql} {alone}
            ORDER BY created_at, name, component""",
        KNOWN | scope.listed,
        **scope.parameters,
    )
    table, members = together(asked, partial(scope.members_in, reading))
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


def tags_of(reading: Reading, kind: str, ids: Sequence[str] | None = None) -> dict[str, dict[str, Any]]:
    """Id to the tags of all entities of a kind, or of those of some ids; what has none isn't among them."""
    which = "1" if ids is None else _one_of("entity", "ids")
    table = reading.rows(
        f"""SELECT entity, tag, value FROM {at("tags")}
            WHERE project = {{project:String}} AND kind = {{kind:String}} AND {which} ORDER BY tag""",
        KNOWN,
        kind=kind,
        ids=json.dumps(list(ids or ())),
    )
    found: dict[str, dict[str, Any]] = {}
    for id_, tag, value in zip(id_texts(table, "entity"), texts(table, "tag"), texts(table, "value"), strict=True):
        found.setdefault(id_, {})[tag] = decoded(value)
    return found


def _texts(found: Iterable[str]) -> Any:
    return pd.array(list(found), dtype="str")
