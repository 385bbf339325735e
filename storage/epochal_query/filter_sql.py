"""A filter or an order as SQL over ``components_at(…) AS c``, with every value bound, none written into the text.

Each comparison becomes a test of membership in the set of components that satisfy it. Such a test has two truth
values only, so that ``not`` of a comparison with something absent is true, as the grammar promises.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from epochal_query.attributes import ATTRIBUTES, STATUSES
from epochal_query.errors import FilterError
from epochal_query.filter_tree import (
    All,
    Compare,
    Condition,
    Field,
    IsNull,
    Leaf,
    Like,
    Matches,
    Not,
    OneOf,
    OrderKey,
    Scalar,
    Some,
    depth,
    literal,
)
from epochal_query.names import near
from epochal_query.rank_values import Ranks, over_ranks
from epochal_query.times import as_text, parse_instant

DEPTH_MAX = 200
BOUNDS = "as_of = {as_of:String}, known_at = {known_at:String}"

Keys = Mapping[Field, tuple[str, ...]]
"""Field to the keys that it names in the store: a param's ``a.b`` may be a path, or one key with a dot in it."""


@dataclass(frozen=True)
class Sql:
    """A piece of SQL with the parameters it binds (besides project, as_of and known_at)."""

    text: str
    parameters: Mapping[str, object]


@dataclass
class Compiler:
    """Compiles one read's filter and order, numbering the parameters it binds.

    ``now`` is what relative times are counted from.
    """

    keys: Keys
    now: datetime
    ranks: Ranks = None
    parameters: dict[str, object] = field(default_factory=dict)

    def condition(self, condition: Condition) -> str:
        """The condition in SQL.

        Raises:
            FilterError: it compares what can't be compared, or is nested too deep.
        """
        if depth(condition) > DEPTH_MAX:
            raise FilterError(f"the filter is nested more than {DEPTH_MAX} deep")
        return self._node(condition)

    def order(self, keys: tuple[OrderKey, ...]) -> str:
        """The order in SQL: joins to put after ``components_at(…) AS c`` come from :meth:`joins`."""
        terms: list[str] = []
        for place, key in enumerate(keys):
            way = "DESC" if key.descending else "ASC"
            if key.field.root:
                # numbers before texts before what lacks the field; NaN after the numbers
                terms += [f"if(k{place}.type = '', 2, k{place}.type = 'text')", f"isNaN(k{place}.number)"]
                terms += [f"k{place}.number {way}", f"k{place}.text {way}"]
            else:
                column = f"c.{ATTRIBUTES[key.field.name].column}"
                terms += [f"ifNull(toString({column}), '') = ''", f"{column} {way}"]
        return ", ".join([*terms, "c.created_at", "c.name", "c.component"])

    def joins(self, keys: tuple[OrderKey, ...]) -> str:
        """The joins that bring in what an order sorts by."""
        found: list[str] = []
        for place, key in enumerate(keys):
            if key.field.root:
                found.append(f"LEFT JOIN ({self._sortable(key.field)}) AS k{place} ON k{place}.component = c.component")
        return "\n".join(found)

    # --- binding -----------------------------------------------------------------------------------------------

    def bind(self, value: object, type_: str) -> str:
        """A placeholder for the value."""
        name = f"f{len(self.parameters)}"
        self.parameters[name] = value
        return f"{{{name}:{type_}}}"

    # --- nodes -------------------------------------------------------------------------------------------------

    def _node(self, node: Condition) -> str:
        match node:
            case All(parts):
                return "(" + " AND ".join(map(self._node, parts)) + ")"
            case Some(parts):
                return "(" + " OR ".join(map(self._node, parts)) + ")"
            case Not(part):
                return f"(NOT {self._node(part)})"
            case Compare() | OneOf() | Like() | Matches() | IsNull():
                return self._leaf(node)
            case _:
                raise FilterError(f"{node!r} is not a filter")

    def _leaf(self, leaf: Leaf) -> str:
        match leaf.field.root:
            case "params":
                return self._cells(leaf, "params_at", "component", "path", "")
            case "tags":
                return self._cells(leaf, "tags_at", "entity", "tag", "kind = 'component' AND ")
            case "metrics":
                return self._metric(leaf)
            case "":
                return self._attribute(leaf)

    def _cells(self, leaf: Leaf, view: str, entity: str, key: str, extra: str) -> str:
        keys = self.bind(list(self.keys.get(leaf.field, (leaf.field.name,))), "Array(String)")
        source = f"SELECT {entity} FROM {view}({BOUNDS}) WHERE project = {{project:String}} AND {extra}{key} IN {keys}"
        if isinstance(leaf, IsNull):
            return f"(c.component NOT IN ({source} AND type != 'null'))"
        return f"(c.component IN ({source} AND ({self._value_test(leaf)})))"

    def _value_test(self, leaf: Compare | OneOf | Like | Matches) -> str:
        """A test over the columns type, number and text of a cell."""
        match leaf:
            case Compare(_, operator, value):
                return self._typed(operator, value, leaf)
            case OneOf(_, values):
                return " OR ".join(f"({self._typed('=', value, leaf)})" for value in values)
            case Like(_, pattern):
                return f"type = 'text' AND text LIKE {self.bind(pattern, 'String')}"
            case Matches(_, pattern):
                return f"type = 'text' AND match(text, {self.bind(whole(pattern), 'String')})"

    def _typed(self, operator: str, value: Scalar, leaf: Leaf) -> str:
        if isinstance(value, bool):
            if operator not in ("=", "!="):
                raise FilterError(f"{leaf}: true and false have no order; compare with = or !=")
            return f"type = 'bool' AND number {operator} {int(value)}"
        if isinstance(value, str):
            return f"type = 'text' AND text {operator} {self.bind(value, 'String')}"
        return f"type = 'number' AND number {operator} {self.bind(float(value), 'Float64')}"

    def _metric(self, leaf: Leaf) -> str:
        name = self.bind(leaf.field.name, "String")
        source = (
            f"SELECT component FROM summaries_at({BOUNDS}) WHERE project = {{project:String}} AND metric = {name} "
            "GROUP BY component"
        )
        value = over_ranks(leaf.field.stat, self.ranks)
        if isinstance(leaf, IsNull):
            return f"(c.component NOT IN ({source} HAVING isNotNull({value})))"
        return f"(c.component IN ({source} HAVING {self._number_test(leaf, value)}))"

    def _number_test(self, leaf: Compare | OneOf | Like | Matches, value: str) -> str:
        """A test over an expression that is a number or NULL."""
        if isinstance(leaf, (Like, Matches)):
            raise FilterError(f"{leaf}: {leaf.field} is a number, and like and matches work on text")
        operator = leaf.operator if isinstance(leaf, Compare) else "="
        tests: list[str] = []
        for wanted in leaf.values if isinstance(leaf, OneOf) else (leaf.value,):
            if isinstance(wanted, (bool, str)):
                raise FilterError(f"{leaf}: {leaf.field} is a number, {literal(wanted)} is not")
            tests.append(f"ifNull({value} {operator} {self.bind(float(wanted), 'Float64')}, false)")
        return "(" + " OR ".join(tests) + ")"

    def _attribute(self, leaf: Leaf) -> str:
        attribute = ATTRIBUTES[leaf.field.name]
        column = f"c.{attribute.column}"
        if isinstance(leaf, IsNull):
            return f"(ifNull(toString({column}), '') = '')"
        if attribute.type == "number":
            return self._number_test(leaf, column)
        if attribute.type == "time":
            return self._time_test(leaf, column)
        text = f"ifNull(toString({column}), '')"
        match leaf:
            case Like(_, pattern):
                test = f"{text} LIKE {self.bind(pattern, 'String')}"
            case Matches(_, pattern):
                test = f"match({text}, {self.bind(whole(pattern), 'String')})"
            case Compare(_, operator, value):
                test = f"{text} {operator} {self.bind(_text_of(leaf, value), 'String')}"
            case OneOf(_, values):
                test = f"{text} IN {self.bind([_text_of(leaf, value) for value in values], 'Array(String)')}"
        # an empty text is how the views write what is absent
        return f"({text} != '' AND {test})"

    def _time_test(self, leaf: Compare | OneOf | Like | Matches, column: str) -> str:
        if isinstance(leaf, (Like, Matches)):
            raise FilterError(f"{leaf}: {leaf.field} is a time; compare it with = != < <= > >= or in")
        operator = leaf.operator if isinstance(leaf, Compare) else "="
        tests: list[str] = []
        for value in leaf.values if isinstance(leaf, OneOf) else (leaf.value,):
            instant = self.bind(as_text(parse_instant(value, self.now, str(leaf.field))), "String")
            tests.append(f"ifNull({column} {operator} toDateTime64({instant}, 6, 'UTC'), false)")
        return "(" + " OR ".join(tests) + ")"

    def _sortable(self, by: Field) -> str:
        """Per component one type, number and text to sort by."""
        if by.root == "metrics":
            value = over_ranks(by.stat, self.ranks)
            return (
                f"SELECT component, if(isNull({value}), '', 'number') AS type, toFloat64(ifNull({value}, 0)) AS number, "
                f"'' AS text FROM summaries_at({BOUNDS}) WHERE project = {{project:String}} "
                f"AND metric = {self.bind(by.name, 'String')} GROUP BY component"
            )
        view, entity, key, extra = (
            ("params_at", "component", "path", "")
            if by.root == "params"
            else ("tags_at", "entity", "tag", "kind = 'component' AND ")
        )
        keys = self.bind(list(self.keys.get(by, (by.name,))), "Array(String)")
        return (
            f"SELECT {entity} AS component, any(if(v.type IN ('number', 'bool'), 'number', 'text')) AS type, "
            f"any(ifNull(v.number, 0)) AS number, any(if(v.type = 'text', v.text, v.value)) AS text "
            f"FROM {view}({BOUNDS}) AS v WHERE project = {{project:String}} AND {extra}{key} IN {keys} GROUP BY {entity}"
        )


def whole(pattern: str) -> str:
    """The regular expression anchored on both sides."""
    return f"^(?:{pattern})$"


def comparable_types(leaf: Leaf) -> frozenset[str]:
    """The types of cells that the comparison can work on; empty where any will do."""
    match leaf:
        case IsNull():
            return frozenset()
        case Like() | Matches():
            return frozenset({"text"})
        case Compare(_, _, value):
            return frozenset({_type(value)})
        case OneOf(_, values):
            return frozenset(map(_type, values))


def _type(value: Scalar) -> str:
    return "bool" if isinstance(value, bool) else "text" if isinstance(value, str) else "number"


def _text_of(leaf: Leaf, value: Scalar) -> str:
    if not isinstance(value, str):
        raise FilterError(f"{leaf}: {leaf.field} is text, {literal(value)} is not (text stands in quotes)")
    if leaf.field.name == "status" and value not in STATUSES:
        close = near(value, STATUSES)
        hint = f"; near: {', '.join(close)}" if close else ""
        raise FilterError(f"{leaf}: there is no status {value!r}, there are {', '.join(STATUSES)}{hint}")
    return value
