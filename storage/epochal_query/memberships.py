"""Which trials and experiments components belong to."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import numpy as np
import pyarrow as pa

from epochal_query.columns import Codes, codes, column, compute, texts
from epochal_query.reading import Reading, at
from epochal_query.resolve import Entity, resolve, trial_label

FEW = 500
"""Up to so many trials are named one by one in the query for their names."""


@dataclass(frozen=True)
class Members:
    """One line a (component, trial), by creation of the trials."""

    table: pa.Table
    experiments: Mapping[UUID, str]

    @classmethod
    def read(
        cls, reading: Reading, condition: str, parameters: Mapping[str, Any], known: Iterable[Entity] = ()
    ) -> Members:
        """The memberships of the components that satisfy a condition on ``component``.

        ``known`` are experiments whose names need not be asked for.
        """
        pairs = reading.rows(
            f"SELECT component, trial FROM {at('memberships')} WHERE project = {{project:String}} AND {condition}",
            **parameters,
        )
        table = _joined(pairs, _trials(reading, compute.unique(column(pairs, "trial"))))
        named = {entity.id: entity.name for entity in known}
        others = [UUID(bytes=raw) for raw in compute.unique(column(table, "experiment")).to_pylist()]
        missing = [id_ for id_ in others if id_ not in named]
        if missing:
            named.update((entity.id, entity.name) for entity in resolve(reading, "experiment", missing))
        return cls(table, named)

    def of(self, **wanted: Collection[bytes]) -> pa.Array:
        """The distinct components of the lines in which each named column (trial, experiment) has a wanted id."""
        kept = np.ones(self.table.num_rows, dtype=np.bool_)
        for name, raw in wanted.items():
            kept &= compute.is_in(column(self.table, name), value_set=pa.array(list(raw), pa.binary(16))).to_numpy(
                False
            )
        return compute.unique(column(self.table, "component").take(pa.array(np.flatnonzero(kept))))

    def names(self, components: pa.Array) -> Named:
        """The lines of the components in a list."""
        places = codes(self.table, "component", components)
        kept = np.flatnonzero(places >= 0)
        table = self.table.take(pa.array(kept))
        labels = list(map(trial_label, texts(table, "name"), texts(table, "variables")))
        experiments = {id_.bytes: name for id_, name in self.experiments.items()}
        return Named(places[kept], labels, [experiments[raw] for raw in column(table, "experiment").to_pylist()])


@dataclass(frozen=True)
class Named:
    """One line a (component, trial): the component's place in a list, and the names of trial and experiment."""

    places: Codes
    trials: list[str]
    experiments: list[str]


def _trials(reading: Reading, wanted: pa.Array) -> pa.Table:
    """The trials with these ids, in order of creation; with others, too, where they are too many to be named."""
    few = len(wanted) <= FEW
    which = "AND trial IN {trials:Array(UUID)}" if few else ""
    return reading.rows(
        f"""SELECT trial, experiment, name, variables FROM {at("trials")}
            WHERE project = {{project:String}} {which} ORDER BY created_at, trial""",
        trials=[str(UUID(bytes=raw)) for raw in wanted.to_pylist()] if few else [],
    )


def _joined(pairs: pa.Table, trials: pa.Table) -> pa.Table:
    """One line a pair with what its trial is, in the order of the trials, then of the components."""
    places = codes(pairs, "trial", column(trials, "trial"))
    known = np.flatnonzero(places >= 0)
    components = column(pairs, "component").take(pa.array(known))
    order = np.lexsort((compute.rank(components).to_numpy(False), places[known]))
    lines = trials.take(pa.array(places[known][order]))
    return lines.append_column("component", components.take(pa.array(order)))
