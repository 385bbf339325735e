"""Which trials and experiments components belong to."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import numpy as np
import pyarrow as pa

from epochal_query.columns import Codes, codes, column, compute, ids, texts
from epochal_query.reading import Reading, at, block
from epochal_query.resolve import Entity, trial_label

FEW = 500
"""Up to so many trials are named one by one in the query for their names."""

_THEIR_TRIALS = """SELECT toUUIDOrZero(key) FROM facts WHERE project = {project:String}
                   AND kind = 'component' AND field = 'member' AND entity IN {components:Array(UUID)}"""
_THEIR_EXPERIMENTS = f"""SELECT toUUIDOrZero(JSONExtractString(value, 'experiment')) FROM facts
                         WHERE project = {{project:String}} AND kind = 'trial' AND field = 'opened'
                           AND entity IN ({_THEIR_TRIALS})"""
_OF_FEW = f"""(s.kind = 'component' AND s.field IN ('opened', 'member') AND s.entity IN {{components:Array(UUID)}}
               OR s.kind = 'trial' AND s.field IN ('opened', 'attr') AND s.entity IN ({_THEIR_TRIALS})
               OR s.kind = 'experiment' AND s.field = 'opened' AND s.entity IN ({_THEIR_EXPERIMENTS}))"""
"""What is said of some components, of the trials they may be in, and of the experiments of those."""


_ID = pa.binary(16)
_NAME = pa.schema([("component", _ID), ("name", pa.string())])
_LINE = pa.schema(
    [("component", _ID), ("trial", _ID), ("experiment", _ID), ("name", pa.string()), ("variables", pa.string())]
)


@dataclass(frozen=True)
class Members:
    """One line a (component, trial), by creation of the trials."""

    table: pa.Table
    experiments: Mapping[UUID, str]
    """Names; of an experiment that isn't there (deleted, or not known yet) there is none, and it is shown as ''."""
    components: pa.Table | None = None
    """Columns component and name, where the names came along."""

    @classmethod
    def of_few(cls, reading: Reading, components: Sequence[str]) -> Members:
        """The memberships of a few components by id, and their names, from one query: three would take three times
        as long, as the engine takes longer to plan them than to answer.
        """
        said = reading.rows(
            f"""SELECT toString(s.kind) AS kind, s.entity AS entity, toString(s.field) AS field, s.key AS key,
                       argMax(s.text, s.place) AS words, argMax(s.value, s.place) AS json,
                       JSONExtractString(json, 'name') AS name, JSONExtractRaw(json, 'variables') AS variables,
                       toUUIDOrZero(if(s.field = 'member', s.key, JSONExtractString(json, 'experiment'))) AS inside
                {block("of_entities", _OF_FEW)} AND s.project = {{project:String}}
                GROUP BY s.kind, s.entity, s.field, s.key HAVING NOT argMax(s.removed, s.place)
                ORDER BY min(s.ordered_at), s.entity, s.key""",
            components=components,
        )
        cells = said.drop_columns(["entity", "inside"]).to_pylist()
        return cls._folded(list(zip(ids(said, "entity"), ids(said, "inside"), cells, strict=True)))

    @classmethod
    def _folded(cls, said: Sequence[tuple[UUID, UUID, Mapping[str, str]]]) -> Members:
        opened: dict[str, dict[UUID, str]] = {"component": {}, "trial": {}, "experiment": {}}
        for id_, _, cell in said:
            if cell["field"] == "opened":
                opened[cell["kind"]][id_] = cell["name"]
        named = {id_: cell["words"] for id_, _, cell in said if (cell["field"], cell["key"]) == ("attr", "name")}
        members: dict[UUID, list[UUID]] = {}
        for id_, trial, cell in sorted(said, key=lambda one: one[0].bytes):
            if cell["field"] == "member" and id_ in opened["component"]:
                members.setdefault(trial, []).append(id_)
        lines = [
            (component.bytes, id_.bytes, experiment.bytes, named.get(id_, ""), cell["variables"])
            for id_, experiment, cell in said
            if (cell["kind"], cell["field"]) == ("trial", "opened")
            for component in members.get(id_, ())
        ]
        names = [(id_.bytes, name) for id_, name in opened["component"].items()]
        return cls(_table(lines, _LINE), opened["experiment"], _table(names, _NAME))

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
        missing = [str(id_) for id_ in others if id_ not in named]
        if missing:
            named.update(_experiments(reading, missing))
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
        return Named(
            places[kept], labels, [experiments.get(raw, "") for raw in column(table, "experiment").to_pylist()]
        )


@dataclass(frozen=True)
class Named:
    """One line a (component, trial): the component's place in a list, and the names of trial and experiment."""

    places: Codes
    trials: list[str]
    experiments: list[str]


def _table(rows: Sequence[tuple[object, ...]], schema: pa.Schema) -> pa.Table:
    columns = zip(*rows, strict=True) if rows else [()] * len(schema)
    return pa.table([pa.array(values, one.type) for values, one in zip(columns, schema, strict=True)], schema)


def _trials(reading: Reading, wanted: pa.Array) -> pa.Table:
    """The trials with these ids, in order of creation; with others, too, where they are too many to be named."""
    few = len(wanted) <= FEW
    which = "AND trial IN {trials:Array(UUID)}" if few else ""
    return reading.rows(
        f"""SELECT trial, experiment, name, variables FROM {at("trials")}
            WHERE project = {{project:String}} {which} ORDER BY created_at, trial""",
        trials=[str(UUID(bytes=raw)) for raw in wanted.to_pylist()] if few else [],
    )


def _experiments(reading: Reading, wanted: Sequence[str]) -> dict[UUID, str]:
    table = reading.rows(
        f"""SELECT experiment, name FROM {at("experiments")}
            WHERE project = {{project:String}} AND experiment IN {{experiments:Array(UUID)}}""",
        experiments=wanted,
    )
    return dict(zip(ids(table, "experiment"), texts(table, "name"), strict=True))


def _joined(pairs: pa.Table, trials: pa.Table) -> pa.Table:
    """One line a pair with what its trial is, in the order of the trials, then of the components."""
    places = codes(pairs, "trial", column(trials, "trial"))
    known = np.flatnonzero(places >= 0)
    components = column(pairs, "component").take(pa.array(known))
    order = np.lexsort((compute.rank(components).to_numpy(False), places[known]))
    lines = trials.take(pa.array(places[known][order]))
    return lines.append_column("component", components.take(pa.array(order)))
