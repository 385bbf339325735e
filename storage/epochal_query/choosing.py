"""Which components a report shows, in which order.

Each view is asked once for all comparisons and sort keys that it knows; the answers are combined here, by place.
One query that asks all views at once would be shorter, but the engine's analysis of it takes longer than the answers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass, field
from functools import partial
from typing import Any, cast

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from epochal_query.attributes import ATTRIBUTES
from epochal_query.columns import Codes, codes, column, floats, id_texts, texts
from epochal_query.errors import FilterError
from epochal_query.filter_names import Keys, checked_names
from epochal_query.filter_sql import Bound, attribute_test, cell_test, metric_test
from epochal_query.filter_tree import All, Condition, Field, IsNull, Leaf, Not, OrderKey, Root, Some, depth, leaves
from epochal_query.param_paths import touching, with_those_above
from epochal_query.rank_values import Ranks, over_ranks
from epochal_query.reading import KNOWN, Reading, at, block, together
from epochal_query.scope import Scope, of_components
from epochal_query.tidiness import extent, of_series

Flags = npt.NDArray[np.bool_]

COLUMNS = ("component", "name", "display_name", "kind", "status", "start", "end", "created_at")
DEPTH_MAX = 200
HEADS = f"""(
    SELECT project, component, created_at, display_name, toUUIDOrNull(parent_text) AS parent,
           JSONExtractString(opening, 'key') AS key, JSONExtractString(opening, 'name') AS name,
           JSONExtractString(opening, 'kind') AS kind
    FROM ({block("described")}))"""
"""The components with what can be told without folding how they ran."""
IN_HEADS = frozenset({"component", "key", "name", "kind", "display_name", "parent", "created_at"})
VIEWS: dict[Root, str] = {
    "params": f"SELECT component, path AS key, type, number, text, value FROM {at('params', touching('<near>'))} "
    "WHERE path IN <keys>",
    "tags": f"""SELECT entity AS component, tag AS key, type, number, text, value FROM {at("tags")}
                WHERE kind = 'component' AND tag IN <keys>""",
}


@dataclass(frozen=True)
class Choice:
    """A filter, an order, a limit; and which rank's metrics they mean."""

    where: Condition | None = None
    order: tuple[OrderKey, ...] = ()
    limit: int | None = None
    ranks: Ranks = None


def choose_components(reading: Reading, scope: Scope, choice: Choice) -> pa.Table:
    """The components in scope that satisfy the filter, in order, with the columns of ``components`` a report shows.

    Without an order they come in the order of their creation.

    Raises:
        FilterError: the choice can't be understood, or the filter can't match anything.
        UnknownNameError: the filter or the order names what nobody ever logged.
    """
    compared = _checked(choice)
    sorted_by = [key.field for key in choice.order]
    keys = checked_names(*scope.naming(reading), compared, sorted_by)
    answers = _Answers(reading, scope, choice.ranks, keys)
    said = [leaf for leaf in compared if not leaf.field.root]
    asked_for = {ATTRIBUTES[one.name].column for one in [*(leaf.field for leaf in said), *sorted_by] if not one.root}
    few = choice.limit is not None and asked_for <= IN_HEADS
    questions = [answers.ask_components(said, asked_for, heads=few)]
    for root in ("params", "tags", "metrics"):
        mine = [leaf for leaf in compared if leaf.field.root == root]
        by = [one for one in sorted_by if one.root == root]
        if mine or by:
            questions.append((answers.ask_metrics if root == "metrics" else answers.ask_cells)(mine, by))
    tables = together(*(partial(answers.ask, one) for one in questions))
    for one, table in zip(questions, tables, strict=True):
        one.take(table)
    places = answers.order(choice.order)
    if choice.where is not None:
        places = places[answers.truth(choice.where)[places]]
    chosen = answers.components.take(pa.array(places[: choice.limit]))
    return _whole(reading, scope, chosen) if few else chosen


def _whole(reading: Reading, scope: Scope, heads: pa.Table) -> pa.Table:
    """The lines of `components` for those whose heads were chosen, in their order."""
    chosen = of_components(scope, id_texts(heads, "component"))
    sql = f"""SELECT {", ".join(COLUMNS)} FROM {at("components")} WHERE project = {{project:String}} AND {chosen.sql}"""
    found = reading.rows(sql, **chosen.parameters)
    return found.take(pa.array(codes(heads, "component", column(found, "component"))))


def _checked(choice: Choice) -> list[Leaf]:
    limit = cast(object, choice.limit)
    if limit is not None and (isinstance(limit, bool) or not isinstance(limit, int) or limit < 0):
        raise FilterError(f"limit={limit!r} is not a number of rows: give a whole number from 0 on, or None for all")
    if choice.where is None:
        return []
    if depth(choice.where) > DEPTH_MAX:
        raise FilterError(f"the filter is nested more than {DEPTH_MAX} deep")
    return list(leaves(choice.where))


@dataclass(frozen=True)
class _Question:
    """A query, what it binds besides the scope, and what to do with its answer."""

    sql: str
    parameters: Mapping[str, Any]
    take: Callable[[pa.Table], None]
    series: str | None = None
    """Which series it is about, as a condition on the columns of ``partials``."""
    facts: frozenset[str] = KNOWN


@dataclass
class _Answers:
    """What the views answered, by the place of a component among those in scope."""

    reading: Reading
    scope: Scope
    ranks: Ranks
    keys: Keys
    components: pa.Table = field(default_factory=partial(pa.table, {}))
    held: dict[int, Flags] = field(default_factory=dict[int, Flags])
    """By id of the comparison: where it holds."""
    sortable: dict[Field, tuple[Codes, Any, Any]] = field(default_factory=dict[Field, tuple[Codes, Any, Any]])
    """Places that have the field, with a number or a text each."""

    @property
    def wide(self) -> Scope:
        """What to ask cells and metrics about."""
        return self.scope.widened()

    def ask(self, question: _Question) -> pa.Table:
        """The answer to a question."""
        bound = {**self.scope.parameters, **question.parameters}
        facts = question.facts
        if question.series is not None:
            found = extent(self.reading, self.wide, question.series, **question.parameters)
            facts, bound = facts | found.facts, {**bound, **found.bound}
        return self.reading.rows(question.sql, facts, **bound)

    def ask_components(self, compared: Sequence[Leaf], asked_for: Set[str], *, heads: bool) -> _Question:
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

        return _Question(sql, bound.parameters, take, facts=frozenset())

    def ask_cells(self, compared: Sequence[Leaf], sorted_by: Sequence[Field]) -> _Question:
        """Ask ``params`` or ``tags``."""
        bound = Bound()
        fields = [*[leaf.field for leaf in compared], *sorted_by]
        named = sorted({key for one in fields for key in self.keys[one]})
        every, near = (bound.bind(keys, "Array(String)") for keys in (named, with_those_above(named)))
        tests = [
            f"key IN {bound.bind(list(self.keys[leaf.field]), 'Array(String)')} AND {cell_test(leaf, bound)} AS t{i}"
            for i, leaf in enumerate(compared)
        ]
        source = (
            VIEWS[fields[0].root].replace("<keys>", every).replace("<near>", near) + " AND project = {project:String}"
        )
        columns = ["component", "key", "toString(type) AS type_", "ifNull(number, 0) AS number_", "text", "value"]
        sql = f"SELECT {', '.join([*columns, *tests])} FROM ({source}) WHERE {self.wide.sql}"

        def take(answer: pa.Table) -> None:
            table, places = self._within(answer)
            for i, leaf in enumerate(compared):
                self._hold(leaf, places, table, f"t{i}")
            for one in sorted_by:
                self._sort_cells(one, table, places)

        return _Question(sql, bound.parameters, take)

    def _sort_cells(self, by: Field, table: pa.Table, places: Codes) -> None:
        wanted = np.isin(np.array(texts(table, "key"), dtype=object), list(self.keys[by]))
        types, words, json = texts(table, "type_"), texts(table, "text"), texts(table, "value")
        numbers = floats(table, "number_")
        at = [i for i in np.flatnonzero(wanted) if types[i] != "null"]
        shown = [None if types[i] in ("number", "bool") else words[i] if types[i] == "text" else json[i] for i in at]
        self.sortable[by] = (places[at], numbers[at], shown)

    def ask_metrics(self, compared: Sequence[Leaf], sorted_by: Sequence[Field]) -> _Question:
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
            names = np.array(texts(table, "metric"), dtype=object)
            for i, one in enumerate(sorted_by):
                at = np.flatnonzero(column(table, f"s{i}").is_valid().to_numpy(False) & (names == one.name))
                self.sortable[one] = (places[at], floats(table, f"s{i}")[at], [None] * len(at))

        return _Question(sql, bound.parameters, take, which)

    def _within(self, table: pa.Table) -> tuple[pa.Table, Codes]:
        places = codes(table, "component", column(self.components, "component"))
        kept = np.flatnonzero(places >= 0)
        return table.take(pa.array(kept)), places[kept]

    def _hold(self, leaf: Leaf, places: Codes, table: pa.Table, name: str) -> None:
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

    def order(self, keys: tuple[OrderKey, ...]) -> Codes:
        """The places in order: numbers before texts before what lacks the field, NaN after the other numbers."""
        places = list(range(self.components.num_rows))
        for key in reversed(keys):
            ranked = self._ranked(key)
            places.sort(key=ranked.__getitem__)
        return np.array(places, dtype=np.int64)

    def _ranked(self, key: OrderKey) -> list[tuple[int, int]]:
        """Per place a class (number, NaN, text, absent) and the rank in it; equal values have equal ranks."""
        places, numbers, words = self._sort_values(key.field)
        ranks = [(3, 0)] * self.components.num_rows
        way = -1 if key.descending else 1
        finite = [(i, number) for i, number in enumerate(numbers) if words[i] is None and number == number]
        _, order = np.unique(np.array([number for _, number in finite]), return_inverse=True)
        for (i, _), rank in zip(finite, order.tolist(), strict=True):
            ranks[places[i]] = (0, way * rank)
        written = [(i, word) for i, word in enumerate(words) if word is not None]
        sorted_words = {word: rank for rank, word in enumerate(sorted({word for _, word in written}))}
        for i, word in written:
            ranks[places[i]] = (2, way * sorted_words[word])
        for i, number in enumerate(numbers):
            if words[i] is None and number != number:
                ranks[places[i]] = (1, 0)
        return ranks

    def _sort_values(self, by: Field) -> tuple[Codes, Any, Any]:
        if by.root:
            return self.sortable[by]
        attribute = ATTRIBUTES[by.name]
        raw = column(self.components, attribute.column)
        if attribute.type == "text":
            words = [str(value) if value else None for value in raw.to_pylist()]
            if pa.types.is_fixed_size_binary(raw.type):
                words = [value.hex() if value else None for value in raw.to_pylist()]
            at = np.array([i for i, word in enumerate(words) if word], dtype=np.int64)
            return at, np.zeros(len(at)), [words[i] for i in at]
        at = np.flatnonzero(raw.is_valid().to_numpy(False))
        # times as microseconds: exact in float64 until the year 2255
        numbers = raw.cast(pa.int64()) if pa.types.is_timestamp(raw.type) else raw
        return at, numbers.take(pa.array(at)).cast(pa.float64()).to_numpy(False), [None] * len(at)
