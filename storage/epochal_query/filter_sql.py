"""The comparisons of a filter as SQL tests on one row each, with every value bound, none written into the text. Pure.

What combines them (and, or, not) is not here, but for filters about one artifact, each a row of one view: each test is
asked of the view that knows the field, and the answers are combined afterwards. A test has two truth values only, so
that ``not`` of a comparison with something absent is true, as the grammar promises.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import NoReturn

from epochal_query.attributes import ARTIFACT_ATTRIBUTES, ATTRIBUTES, STATUSES, Attribute
from epochal_query.errors import FilterError
from epochal_query.filter_tree import (
    All,
    Compare,
    Condition,
    Contains,
    Has,
    IsNull,
    Leaf,
    Like,
    Matches,
    Not,
    OneOf,
    Scalar,
    Some,
    Textual,
    literal,
)
from epochal_query.names import near
from epochal_query.rank_values import Ranks, over_ranks
from epochal_query.times import as_text, parse_instant


@dataclass
class Bound:
    """The parameters of one query: each value gets a name of its own."""

    parameters: dict[str, object] = field(default_factory=dict)

    def bind(self, value: object, type_: str) -> str:
        """A placeholder for the value."""
        name = f"f{len(self.parameters)}"
        self.parameters[name] = value
        return f"{{{name}:{type_}}}"


def cell_test(leaf: Leaf, bound: Bound) -> str:
    """A test of one cell over the columns type, number and text; of ``is null`` the test that it is there."""
    match leaf:
        case IsNull():
            return "type != 'null'"
        case Compare(_, operator, value):
            return _typed(operator, value, leaf, bound)
        case OneOf(_, values):
            return "(" + " OR ".join(f"({_typed('=', value, leaf, bound)})" for value in values) + ")"
        case Like(_, pattern):
            return f"type = 'text' AND text LIKE {bound.bind(pattern, 'String')}"
        case Matches(_, pattern):
            return f"type = 'text' AND match(text, {bound.bind(whole(pattern), 'String')})"
        case Contains(_, part):
            return f"type = 'text' AND position(text, {bound.bind(part, 'String')}) > 0"


def _typed(operator: str, value: Scalar, leaf: Leaf, bound: Bound) -> str:
    if isinstance(value, bool):
        if operator not in ("=", "!="):
            raise FilterError(f"{leaf}: true and false have no order; compare with = or !=")
        return f"type = 'bool' AND ifNull(number {operator} {int(value)}, false)"
    if isinstance(value, str):
        return f"type = 'text' AND text {operator} {bound.bind(value, 'String')}"
    return f"type = 'number' AND ifNull(number {operator} {bound.bind(float(value), 'Float64')}, false)"


def metric_test(leaf: Leaf, bound: Bound, ranks: Ranks) -> str:
    """A test over the summaries of one metric's ranks; of ``is null`` the test that the statistic is there."""
    value = over_ranks(leaf.field.stat, ranks)
    return f"isNotNull({value})" if isinstance(leaf, IsNull) else _number_test(leaf, value, bound)


def attribute_test(leaf: Leaf, bound: Bound, now: datetime, attributes: Mapping[str, Attribute] = ATTRIBUTES) -> str:
    """A test over the columns of a view, ``components``; of ``is null`` the test that the attribute is there."""
    attribute = attributes[leaf.field.name]
    # an empty text is how the views write what is absent
    text = f"ifNull(toString({attribute.column}), '')"
    if isinstance(leaf, IsNull):
        return f"{text} != ''"
    if attribute.type == "number":
        return _number_test(leaf, attribute.column, bound)
    if attribute.type == "time":
        return _time_test(leaf, attribute.column, bound, now)
    match leaf:
        case Like(_, pattern):
            test = f"{text} LIKE {bound.bind(pattern, 'String')}"
        case Matches(_, pattern):
            test = f"match({text}, {bound.bind(whole(pattern), 'String')})"
        case Contains(_, part):
            test = f"position({text}, {bound.bind(part, 'String')}) > 0"
        case Compare(_, operator, value):
            test = f"{text} {operator} {bound.bind(text_of(leaf, value), 'String')}"
        case OneOf(_, values):
            test = f"has({bound.bind([text_of(leaf, value) for value in values], 'Array(String)')}, {text})"
    return f"({text} != '' AND {test})"


def artifact_test(has: Has, bound: Bound, now: datetime) -> str:
    """A test over the columns of ``artifacts``: the row is one that is meant, and satisfies all that is nested."""
    ways = {"input": "direction = 'in' AND ", "output": "direction = 'out' AND "}
    return f"({ways.get(has.what, '')}{row_test(has.inside, bound, now, ARTIFACT_ATTRIBUTES)})"


def row_test(node: Condition, bound: Bound, now: datetime, attributes: Mapping[str, Attribute]) -> str:
    """A whole filter as one test over the columns of a view, each row of which is an object of these attributes."""
    match node:
        case All(parts):
            return "(" + " AND ".join(row_test(part, bound, now, attributes) for part in parts) + ")"
        case Some(parts):
            return "(" + " OR ".join(row_test(part, bound, now, attributes) for part in parts) + ")"
        case Not(part):
            return f"NOT {row_test(part, bound, now, attributes)}"
        case IsNull():
            return f"NOT ({attribute_test(node, bound, now, attributes)})"
        case Compare() | OneOf() | Like() | Matches() | Contains():
            return f"({attribute_test(node, bound, now, attributes)})"
        case _:
            raise FilterError(f"{node}: nothing nests in a filter about an artifact")


def number_of(leaf: Leaf, wanted: Scalar) -> float:
    """The number that a number is compared with. Raises FilterError: it is none."""
    if isinstance(wanted, (bool, str)):
        raise FilterError(f"{leaf}: {leaf.field} is a number, {literal(wanted)} is not")
    return float(wanted)


def refuse_text(leaf: Textual, type_: str) -> NoReturn:
    """What works on text alone, asked of what isn't."""
    if type_ == "time":
        raise FilterError(f"{leaf}: {leaf.field} is a time; compare it with = != < <= > >= or in")
    raise FilterError(f"{leaf}: {leaf.field} is a number, and contains, like and matches work on text")


def _number_test(leaf: Compare | OneOf | Textual, value: str, bound: Bound) -> str:
    """A test over an expression that is a number or NULL."""
    if isinstance(leaf, (Like, Matches, Contains)):
        refuse_text(leaf, "number")

    def test(operator: str, wanted: Scalar) -> str:
        return f"ifNull({value} {operator} {bound.bind(number_of(leaf, wanted), 'Float64')}, false)"

    return _any(leaf, test)


def _time_test(leaf: Compare | OneOf | Textual, column: str, bound: Bound, now: datetime) -> str:
    if isinstance(leaf, (Like, Matches, Contains)):
        refuse_text(leaf, "time")

    def test(operator: str, wanted: Scalar) -> str:
        instant = bound.bind(as_text(parse_instant(wanted, now, str(leaf.field))), "String")
        return f"ifNull({column} {operator} toDateTime64({instant}, 6, 'UTC'), false)"

    return _any(leaf, test)


def _any(leaf: Compare | OneOf, test: Callable[[str, Scalar], str]) -> str:
    if isinstance(leaf, Compare):
        return test(leaf.operator, leaf.value)
    return "(" + " OR ".join(test("=", value) for value in leaf.values) + ")"


def whole(pattern: str) -> str:
    """The regular expression anchored on both sides."""
    return f"^(?:{pattern})$"


def comparable_types(leaf: Leaf) -> frozenset[str]:
    """The types of cells that the comparison can work on; empty where any will do."""
    match leaf:
        case IsNull():
            return frozenset()
        case Like() | Matches() | Contains():
            return frozenset({"text"})
        case Compare(_, _, value):
            return frozenset({_type(value)})
        case OneOf(_, values):
            return frozenset(map(_type, values))


def _type(value: Scalar) -> str:
    return "bool" if isinstance(value, bool) else "text" if isinstance(value, str) else "number"


def text_of(leaf: Leaf, value: Scalar) -> str:
    """The text that a text is compared with. Raises FilterError: it is none, or no status."""
    if not isinstance(value, str):
        raise FilterError(f"{leaf}: {leaf.field} is text, {literal(value)} is not (text stands in quotes)")
    if leaf.field.name == "status" and value not in STATUSES:
        close = near(value, STATUSES)
        hint = f"; near: {', '.join(close)}" if close else ""
        raise FilterError(f"{leaf}: there is no status {value!r}, there are {', '.join(STATUSES)}{hint}")
    return value
