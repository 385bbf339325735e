"""The comparisons of a filter as SQL tests on one row each, with every value bound, none written into the text. Pure.

What combines them (and, or, not) is not here, but for filters about one artifact, each a row of one view: each test is
asked of the view that knows the field, and the answers are combined afterwards. A test has two truth values only, so
that ``not`` of a comparison with something absent is true, as the grammar promises.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
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

_LIKE_SIGN = re.compile(r"\\[%_\\]|.", re.DOTALL)


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
            flags = [value for value in values if isinstance(value, bool)]
            numbers = [value for value in values if not isinstance(value, (bool, str))]
            words = [value for value in values if isinstance(value, str)]
            tests = [
                f"type = 'bool' AND {_in_numbers('number', flags, bound)}" if flags else "",
                f"type = 'number' AND {_in_numbers('number', numbers, bound)}" if numbers else "",
                f"type = 'text' AND text IN {bound.bind(words, 'Array(String)')}" if words else "",
            ]
            return "(" + " OR ".join(f"({test})" for test in tests if test) + ")"
        case Like():
            return f"type = 'text' AND text LIKE {bound.bind(like_pattern(leaf), 'String')}"
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


def _in_numbers(value: str, wanted: Sequence[float], bound: Bound) -> str:
    # a set knows numbers by their bits, of which -0.0 has others than 0.0; adding 0 gives both the same
    numbers = bound.bind([float(one) + 0.0 for one in wanted], "Array(Float64)")
    return f"ifNull(toFloat64({value}) + 0 IN {numbers}, false)"


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
        case Like():
            test = f"{text} LIKE {bound.bind(like_pattern(leaf), 'String')}"
        case Matches(_, pattern):
            test = f"match({text}, {bound.bind(whole(pattern), 'String')})"
        case Contains(_, part):
            test = f"position({text}, {bound.bind(part, 'String')}) > 0"
        case Compare(_, operator, value):
            test = f"{text} {operator} {bound.bind(text_of(leaf, value), 'String')}"
        case OneOf(_, values):
            test = f"{text} IN {bound.bind([text_of(leaf, value) for value in values], 'Array(String)')}"
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

    if isinstance(leaf, OneOf):
        return _in_numbers(value, [number_of(leaf, wanted) for wanted in leaf.values], bound)
    return f"ifNull({value} {leaf.operator} {bound.bind(number_of(leaf, leaf.value), 'Float64')}, false)"


def _time_test(leaf: Compare | OneOf | Textual, column: str, bound: Bound, now: datetime) -> str:
    if isinstance(leaf, (Like, Matches, Contains)):
        refuse_text(leaf, "time")

    def instant(wanted: Scalar) -> str:
        return as_text(parse_instant(wanted, now, str(leaf.field)))

    if isinstance(leaf, OneOf):
        instants = bound.bind([instant(wanted) for wanted in leaf.values], "Array(DateTime64(6, 'UTC'))")
        return f"ifNull({column} IN {instants}, false)"
    return (
        f"ifNull({column} {leaf.operator} toDateTime64({bound.bind(instant(leaf.value), 'String')}, 6, 'UTC'), false)"
    )


def like_pattern(leaf: Like) -> str:
    """The pattern with a backslash before every backslash that escapes nothing.

    Raises:
        FilterError: it ends in a backslash that escapes nothing.
    """
    signs = like_signs(leaf.pattern)
    if signs and signs[-1] == "\\":
        raise FilterError(f"{leaf}: the pattern ends in a backslash that escapes nothing; a backslash is written twice")
    return "".join("\\\\" if sign == "\\" else sign for sign in signs)


def like_signs(pattern: str) -> list[str]:
    """The signs of a pattern: characters, and those that a backslash escapes."""
    return _LIKE_SIGN.findall(pattern)


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
