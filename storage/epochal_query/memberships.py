"""Which trials and experiments components belong to."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from epochal_query.columns import Codes, codes, texts
from epochal_query.reading import Reading
from epochal_query.resolve import BOUNDS, trial_label
from epochal_query.scope import Scope


@dataclass(frozen=True)
class Members:
    """One line a (component, trial): the component's place in a list, and the names of trial and experiment."""

    places: Codes
    trials: list[str]
    experiments: list[str]


def members_of(reading: Reading, scope: Scope, components: pa.Array) -> Members:
    """The memberships of those components in scope that are in the list, by creation of the trials."""
    table = reading.rows(
        f"""SELECT m.component AS component, t.name AS name, t.variables AS variables, e.name AS experiment
            FROM (SELECT * FROM memberships_at({BOUNDS}) WHERE project = {{project:String}} AND {scope.sql}) AS m
            INNER JOIN (SELECT * FROM trials_at({BOUNDS}) WHERE project = {{project:String}}) AS t ON t.trial = m.trial
            LEFT JOIN (SELECT * FROM experiments_at({BOUNDS}) WHERE project = {{project:String}}) AS e
                ON e.experiment = t.experiment
            ORDER BY t.created_at, t.trial""",
        **scope.parameters,
    )
    places = codes(table, "component", components)
    kept = np.flatnonzero(places >= 0)
    if len(kept) < len(places):
        table, places = table.take(pa.array(kept)), places[kept]
    labels = list(map(trial_label, texts(table, "name"), texts(table, "variables")))
    return Members(places, labels, texts(table, "experiment"))
