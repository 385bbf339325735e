"""What varies over the trials of an experiment: its parameters, and the variable sets that were tried or not yet."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, cast

import numpy as np
import pandas as pd

from epochal._ids import normal_variables, trial_id
from epochal_query import listings
from epochal_query.columns import decoded, id_texts, texts, values
from epochal_query.param_paths import cells, display_names
from epochal_query.reading import Reading, at
from epochal_query.resolve import Entity, resolve_one, trial_label

Variables = Mapping[str, Any]


def variable_sets(reading: Reading, given: object) -> pd.DataFrame:
    """One row a variable set of an experiment: those of the declared space in its order, then others that were tried.

    Raises:
        UnknownNameError: no experiment is meant, or several are.
    """
    experiment = resolve_one(reading, "experiment", given)
    trials = listings.trials(reading, experiment)
    completed = _completed(reading, list(trials["id"]))
    tried = {row["id"]: row for row in trials.to_dict("records")}
    declared = {str(trial_id(reading.project, experiment.id, one)): one for one in grid(_space(reading, experiment))}
    rows = [
        (dict(variables), True, *_what_came(tried.pop(id_, None), variables, completed))
        for id_, variables in declared.items()
    ]
    rows += [(row["variables"], False, *_what_came(row, row["variables"], completed)) for row in tried.values()]
    frame = pd.DataFrame(rows, columns=["variables", "declared", "trial", "name", "status", "completed"])
    return frame.astype({**dict.fromkeys(("trial", "name", "status"), "str"), "declared": "bool", "completed": "int64"})


def grid(space: Mapping[str, Sequence[Any]]) -> list[dict[str, Any]]:
    """The variable sets of a declared space, each once, in normal form: their product, the first variable outermost."""
    if not space:
        return []
    sets = (dict(zip(space, levels, strict=True)) for levels in itertools.product(*space.values()))
    normal = (normal_variables(one) for one in sets)
    return list({json.dumps(one, sort_keys=True): one for one in normal}.values())


def missing(sets: pd.DataFrame) -> pd.DataFrame:
    """Of variable sets those that are declared and have no completed trial."""
    return sets[sets["declared"] & (sets["status"] != "completed")].reset_index(drop=True)


def repeated(sets: pd.DataFrame) -> pd.DataFrame:
    """Of variable sets those of which something was completed more than once."""
    return sets[sets["completed"] > 1].reset_index(drop=True)


def outside(sets: pd.DataFrame) -> pd.DataFrame:
    """Of variable sets those that were tried outside the declared space, where one is declared."""
    varied = np.array([bool(one) for one in sets["variables"]], np.bool_)
    return sets[~sets["declared"] & varied & bool(sets["declared"].any())].reset_index(drop=True)


def parameters(reading: Reading, given: object) -> pd.DataFrame:
    """One row a parameter of an experiment: whether it varies over the trials, whether it is declared to, its values.

    Raises:
        UnknownNameError: no experiment is meant, or several are.
    """
    experiment = resolve_one(reading, "experiment", given)
    declared = [key for key, _ in cells(dict.fromkeys(_space(reading, experiment)))]
    found: dict[str, dict[str, tuple[Any, set[str]]]] = {}
    for trial, key, value in itertools.chain(_of_variables(reading, experiment), _of_components(reading, experiment)):
        found.setdefault(key, {}).setdefault(_normal(value), (value, set()))[1].add(trial)
    shown = display_names(list(found))
    rows: list[tuple[object, ...]] = []
    for key, said in sorted(found.items()):
        meant = any(key == one or key.startswith(f"{one}.") for one in declared)
        trials = set[str]().union(*(trials for _, trials in said.values()))
        rows.append((shown[key], len(said) > 1, meant, [value for value, _ in said.values()], len(trials)))
    frame = pd.DataFrame(rows, columns=["name", "varies", "declared", "values", "trials"])
    return frame.astype({"name": "str", "varies": "bool", "declared": "bool", "trials": "int64"})


def same_hypothesis(experiments: pd.DataFrame) -> Iterable[str]:
    """A sentence for each hypothesis that several experiments have."""
    asked = experiments[experiments["hypothesis"] != ""]
    for hypothesis, names in asked.groupby("hypothesis", sort=False)["name"]:
        if len(names) > 1:
            listed = ", ".join(map(repr, names[:5])) + (f" and {len(names) - 5:,} more" if len(names) > 5 else "")
            yield f"{len(names):,} experiments have the hypothesis {hypothesis!r}: {listed}"


def _what_came(
    trial: Mapping[Any, Any] | None, variables: Variables, completed: Mapping[str, int]
) -> tuple[str, str, str, int]:
    """The trial of a set, what it is called, its status, and how often the same was completed in it."""
    if trial is None:
        return "", trial_label("", json.dumps(variables)), "", 0
    return trial["id"], trial["name"], trial["status"], completed.get(trial["id"], 0)


def _space(reading: Reading, experiment: Entity) -> dict[str, list[Any]]:
    table = reading.rows(
        f"""SELECT variables FROM {at("experiments")}
            WHERE project = {{project:String}} AND experiment = {{experiment:UUID}}""",
        experiment=str(experiment.id),
    )
    said = [text for text in texts(table, "variables") if text]
    return cast("dict[str, list[Any]]", decoded(said[0])) if said else {}


def _completed(reading: Reading, trials: Sequence[str]) -> dict[str, int]:
    """By trial how many components of one name were completed, of the name of which most were.

    A run that was opened inside one of the same name is a part of it, no repetition.
    """
    table = reading.rows(
        f"""SELECT trial, max(done) AS completed FROM (
                SELECT m.trial AS trial, c.name AS name, groupArray(c.component) AS ran,
                       arrayCount((status, parent) -> status = 'completed' AND NOT has(ran, parent),
                                  groupArray(c.status), groupArray(ifNull(c.parent, toUUIDOrZero('')))) AS done
                FROM (SELECT trial, component FROM {at("memberships")}
                      WHERE project = {{project:String}} AND trial IN {{trials:Array(UUID)}}) AS m
                INNER JOIN (SELECT * FROM {at("components")} WHERE project = {{project:String}}) AS c
                    ON c.component = m.component
                GROUP BY trial, name)
            GROUP BY trial""",
        trials=list(trials),
    )
    return dict(zip(id_texts(table, "trial"), map(int, values(table, "completed")), strict=True))


def _of_variables(reading: Reading, experiment: Entity) -> Iterable[tuple[str, str, object]]:
    trials = listings.trials(reading, experiment)
    for id_, variables in zip(trials["id"], trials["variables"], strict=True):
        for key, value in cells(variables):
            yield id_, key, value


def _of_components(reading: Reading, experiment: Entity) -> Iterable[tuple[str, str, object]]:
    trials = f"SELECT trial FROM {at('trials')} WHERE project = {{project:String}} AND experiment = {{experiment:UUID}}"
    table = reading.rows(
        f"""SELECT m.trial AS trial, p.path AS path, p.value AS value
            FROM (SELECT trial, component FROM {at("memberships")}
                  WHERE project = {{project:String}} AND trial IN ({trials})) AS m
            INNER JOIN (SELECT component, path, value, logged_at FROM {at("params")}
                        WHERE project = {{project:String}}) AS p ON p.component = m.component
            ORDER BY p.logged_at, trial, path""",
        experiment=str(experiment.id),
    )
    for id_, name, value in zip(id_texts(table, "trial"), texts(table, "path"), texts(table, "value"), strict=True):
        yield id_, name, decoded(value)


def _normal(value: object) -> str:
    """Text that equal values share; 1 and 1.0 are one number, as they are in a variable set."""
    return json.dumps(normal_variables({"value": value})["value"], sort_keys=True, ensure_ascii=False)
