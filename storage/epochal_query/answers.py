"""What the views say of the components in scope, each asked once for all comparisons and sort keys that it knows.

The answers are combined here, by place. One query that asks all views at once would be shorter, but the engine's
analysis of it takes longer than the answers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass, field
from functools import partial
from typing import Any, cast
from uuid import UUID

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from epochal_query.attributes import ATTRIBUTES
from epochal_query.columns import Codes, codes, column, compute, distinct, floats, texts
from epochal_query.filter_names import Keys
from epochal_query.filter_sql import Bound, artifact_test, attribute_test, cell_test, metric_test
from epochal_query.filter_tree import All, Condition, Field, Has, IsNull, Leaf, Not, OrderKey, Some
from epochal_query.ordering import Sortable, ordered
from epochal_query.param_paths import touching, with_those_above
from epochal_query.rank_values import Ranks, over_ranks
from epochal_query.reading import KNOWN, Reading, at, block
from epochal_query.scope import Scope
from epochal_query.tidiness import extent, of_series

Flags = npt.NDArray[np.bool_]

COLUMNS = (
    *("component", "name", "display_name", "kind", "status", "start", "end", "created_at"),
    *("duration_s", "created_by"),
)
HEADS = f"""(
    SELECT project, component, created_at, display_name, toUUIDOrNull(parent_text) AS parent,
           JSONExtractString(opening, 'key') AS key, JSONExtractString(opening, 'name') AS name,
           JSONExtractString(opening, 'kind') AS kind
    FROM ({block("described")}))"""
"""The components with what can be told without folding how they ran."""
IN_HEADS = frozenset({"component", "key", "name", "kind", "display_name", "parent", "created_at"})
TAGS = f"""(SELECT entity AS component, tag AS key, type, number, text, value FROM {at("tags")}
            WHERE kind = 'component' AND project = {{project:String}} AND tag IN <keys>)"""
PARAMS = f"""(SELECT component, path AS key, type, number, text, value FROM {at("params", touching("<near>"))}
              WHERE project = {{project:String}} AND path IN <keys>)"""
FLAT_PARAMS = f"""(
    SELECT s.entity AS component, s.key AS key, argMax(s.value, s.place) AS value, argMax(s.type, s.place) AS type,
           argMax(ifNull(s.number, 0), s.place) AS number, argMax(s.text, s.place) AS text,
           argMax(s.removed, s.place) AS removed
    {block("of_components", f"s.field = 'param' {touching('<near>')}")} AND s.project = {{project:String}}
    GROUP BY s.entity, s.key)"""
"""The newest of each path, also of those above and below: where nobody has one of these, no param hides another."""


@dataclass(frozen=True)
class Question:
    """A query, what it binds besides the scope, and what to do with its answer."""

    sql: str
    parameters: Mapping[str, Any]
    take: Callable[[pa.Table], None]
    series: str | None = None
    """Which series it is about, as a condition on the columns of ``partials``."""
    facts: frozenset[str] = KNOWN
    flat: tuple[str, frozenset[str]] | None = None
    """Of params: a quicker query, which is right where it answers with no other keys than these."""


@dataclass
class Answers:
    """What the views answered, by the place of a component among those in scope."""

    reading: Reading
    scope: Scope
    ranks: Ranks
    keys: Keys
    components: pa.Table = field(default_factory=partial(pa.table, {}))
    held: dict[int, Flags] = field(default_factory=dict[int, Flags])
    """By id of the comparison: where it holds."""
    sortable: dict[Field, Sortable] = field(default_factory=dict[Field, Sortable])

    @property
    def wide(self) -> Scope:
        """What to ask cells and metrics about."""
        return self.scope.widened()

    def ask(self, question: Question) -> pa.Table:
        """The answer to a question."""
        bound = {**self.scope.parameters, **question.parameters}
        facts = question.facts
        if question.series is not None:
            found = extent(self.reading, self.wide, question.series, **question.parameters)
            facts, bound = facts | found.facts, {**bound, **found.bound}
        if question.flat is not None:
            table = self.reading.rows(question.flat[0], facts, **bound)
            if question.flat[1].issuperset(distinct(table, "key")[1]):
                return table.filter(compute.invert(column(table, "removed")))
        return self.reading.rows(question.sql, facts, **bound)

    def ask_components(self, compared: Sequence[Leaf], asked_for: Set[str], *, heads: bool) -> Question:
        """Ask ``components``, or its heads only, with its comparisons and the attributes that are asked for."""
        bound = Bound()
        tests = [f"{attribute_test(leaf, bound, self.reading.now)} AS t{i}" for i, leaf in enumerate(compared)]
        columns = IN_HEADS if heads else asked_for | set(COLUMNS)
        sql = f"""SELECT {", ".join([*sorted(columns), *tests])} FROM {HEADS if heads else at("components")}
                  WHERE project = {{project:String}} AND {self.scope.sql} ORDER BY created_at, name, component"""

        def take(table: pa.Table) -> None:
            self.components = table
            for i, leaf in enumerate(compared):
                self._hold(leaf, np.arange(table.num_rows), table, f"t{i}")

        # those that aren't there are in no line of the view, which describes each and joins how it ran
        return Question(sql, bound.parameters, take, facts=KNOWN | self.scope.listed)

    def ask_cells(self, compared: Sequence[Leaf], sorted_by: Sequence[Field]) -> Question:
        """Ask ``params`` or ``tags``."""
        bound = Bound()
        fields = [*[leaf.field for leaf in compared], *sorted_by]
        named = sorted({key for one in fields for key in self.keys[one]})
        every, near = (bound.bind(keys, "Array(String)") for keys in (named, with_those_above(named)))
        tests = [
            f"key IN {bound.bind(list(self.keys[leaf.field]), 'Array(String)')} AND {cell_test(leaf, bound)} AS t{i}"
            for i, leaf in enumerate(compared)
        ]
        columns = ["component", "key", "toString(type) AS type_", "ifNull(number, 0) AS number_", "text", "value"]

        def asking(source: str, *more: str) -> str:
            source = source.replace("<keys>", every).replace("<near>", near)
            return f"SELECT {', '.join([*columns, *more, *tests])} FROM {source} WHERE {self.wide.sql}"

        def take(answer: pa.Table) -> None:
            table, places = self._within(answer)
            for i, leaf in enumerate(compared):
                self._hold(leaf, places, table, f"t{i}")
            for one in sorted_by:
                self._sort_cells(one, table, places)

        if fields[0].root == "tags":
            return Question(asking(TAGS), bound.parameters, take)
        hiding = any(above in named for key in named for above in with_those_above([key]) if above != key)
        flat = None if hiding else (asking(FLAT_PARAMS, "removed"), frozenset(named))
        return Question(asking(PARAMS), bound.parameters, take, flat=flat)

    def _sort_cells(self, by: Field, table: pa.Table, places: Codes) -> None:
        wanted = _among(table, "key", self.keys[by])
        types, words, json = texts(table, "type_"), texts(table, "text"), texts(table, "value")
        numbers = floats(table, "number_")
        at = [i for i in np.flatnonzero(wanted) if types[i] != "null"]
        shown = [None if types[i] in ("number", "bool") else words[i] if types[i] == "text" else json[i] for i in at]
        self.sortable[by] = Sortable(places[at], numbers[at], shown)

    def ask_metrics(self, compared: Sequence[Leaf], sorted_by: Sequence[Field]) -> Question:
        """Ask ``summaries``."""
        bound = Bound()
        fields = [*[leaf.field for leaf in compared], *sorted_by]
        every = bound.bind(sorted({one.name for one in fields}), "Array(String)")
        tests = [
            f"metric = {bound.bind(leaf.field.name, 'String')} AND {metric_test(leaf, bound, self.ranks)} AS t{i}"
            for i, leaf in enumerate(compared)
        ]
        stats = [f"{over_ranks(one.stat, self.ranks)} AS s{i}" for i, one in enumerate(sorted_by)]
        which = f"metric IN {every}"
        sql = f"""SELECT {", ".join(["component", "metric", *tests, *stats])}
                  FROM ({block("summaries", of_series(self.wide, which))}) GROUP BY component, metric"""

        def take(answer: pa.Table) -> None:
            table, places = self._within(answer)
            for i, leaf in enumerate(compared):
                self._hold(leaf, places, table, f"t{i}")
            for i, one in enumerate(sorted_by):
                there = column(table, f"s{i}").is_valid().to_numpy(False)
                at = np.flatnonzero(there & _among(table, "metric", [one.name]))
                self.sortable[one] = Sortable(places[at], floats(table, f"s{i}")[at])

        return Question(sql, bound.parameters, take, which)

    def ask_ran(self, compared: Sequence[Leaf]) -> Question:
        """Ask which components began to run: what has a status, without folding how they ran."""
        sql = f"""SELECT DISTINCT s.entity AS component {block("of_components", "s.field = 'started'")}
                  AND s.project = {{project:String}} AND {self.wide.on("s.entity")}"""

        def take(answer: pa.Table) -> None:
            _, places = self._within(answer)
            never = np.ones(self.components.num_rows, dtype=np.bool_)
            never[places] = False
            self.held.update((id(leaf), never) for leaf in compared)

        return Question(sql, {}, take)

    def ask_artifacts(self, inside: Sequence[Has]) -> Question:
        """Ask ``artifacts``, each row of which is one object, and so satisfies all that is nested or doesn't."""
        bound = Bound()
        tests = [f"max({artifact_test(has, bound, self.reading.now)}) AS t{i}" for i, has in enumerate(inside)]
        sql = f"""SELECT {", ".join(["component", *tests])} FROM {at("artifacts")}
                  WHERE project = {{project:String}} AND {self.wide.sql} GROUP BY component"""

        def take(answer: pa.Table) -> None:
            table, places = self._within(answer)
            for i, has in enumerate(inside):
                self._hold(has, places, table, f"t{i}")

        return Question(sql, bound.parameters, take)

    def hold_ids(self, has: Has, ids: Sequence[str]) -> None:
        """Note which components have what is nested, from their ids."""
        wanted = pa.array([UUID(one).bytes for one in ids], pa.binary(16))
        found = compute.is_in(column(self.components, "component"), value_set=wanted)
        self.held[id(has)] = found.to_numpy(zero_copy_only=False)

    def _within(self, table: pa.Table) -> tuple[pa.Table, Codes]:
        places = codes(table, "component", column(self.components, "component"))
        kept = np.flatnonzero(places >= 0)
        return table.take(pa.array(kept)), places[kept]

    def _hold(self, leaf: Leaf | Has, places: Codes, table: pa.Table, name: str) -> None:
        flags = np.zeros(self.components.num_rows, dtype=np.bool_)
        flags[places[column(table, name).to_numpy(False).astype(np.bool_)]] = True
        self.held[id(leaf)] = ~flags if isinstance(leaf, IsNull) else flags

    def truth(self, node: Condition) -> Flags:
        """Where the filter holds."""
        match node:
            case All(parts):
                return cast(Flags, np.logical_and.reduce([self.truth(part) for part in parts]))
            case Some(parts):
                return cast(Flags, np.logical_or.reduce([self.truth(part) for part in parts]))
            case Not(part):
                return ~self.truth(part)
            case _:
                return self.held[id(node)]

    def order(self, keys: tuple[OrderKey, ...], places: Codes) -> Codes:
        """The places in order."""
        values = [(self._sort_values(key.field), key.descending) for key in keys]
        return ordered(values, self.components.num_rows, places)

    def _sort_values(self, by: Field) -> Sortable:
        if by.root:
            return self.sortable[by]
        attribute = ATTRIBUTES[by.name]
        raw = column(self.components, attribute.column)
        if attribute.type == "text":
            words = [str(value) if value else None for value in raw.to_pylist()]
            if pa.types.is_fixed_size_binary(raw.type):
                words = [value.hex() if value else None for value in raw.to_pylist()]
            at = np.array([i for i, word in enumerate(words) if word], dtype=np.int64)
            return Sortable(at, np.zeros(len(at)), [words[i] for i in at])
        at = np.flatnonzero(raw.is_valid().to_numpy(False))
        # times as microseconds: exact in float64 until the year 2255
        numbers = raw.cast(pa.int64()) if pa.types.is_timestamp(raw.type) else raw
        return Sortable(at, numbers.take(pa.array(at)).cast(pa.float64()).to_numpy(False))


def _among(table: pa.Table, name: str, wanted: Sequence[str]) -> Flags:
    """Where a text column has one of these."""
    found = compute.is_in(column(table, name), value_set=pa.array(wanted, pa.string()))
    return cast(Flags, found.to_numpy(zero_copy_only=False))
