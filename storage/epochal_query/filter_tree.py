"""A filter as a frozen tree: what the text grammar parses to, and what Python filter objects build.

``&``, ``|`` and ``~`` compose; ``str(filter)`` is the text that parses to the same tree.

The truth of a comparison with something absent is false, and therefore that of its ``not`` true: there are
only two truth values. A value of another type doesn't match.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

from epochal_query.attributes import Word

Scalar = bool | int | float | str
Root = Literal["params", "metrics", "tags", "variables", ""]
Operator = Literal["=", "!=", "<", "<=", ">", ">="]

DEPTH_MAX = 200
STATISTICS = ("min", "max", "mean", "std", "first", "last", "count", "nan_count", "argmin", "argmax")

PART = re.compile(r"\w[\w\-/:@+]*")
"""A part of a name that needs no backticks."""


class Condition:
    """Base of all filters; composes with ``&``, ``|`` and ``~``."""

    def __and__(self, other: object) -> Condition:
        """Both hold."""
        return All((self, other)) if isinstance(other, Condition) else NotImplemented

    def __or__(self, other: object) -> Condition:
        """At least one holds."""
        return Some((self, other)) if isinstance(other, Condition) else NotImplemented

    def __invert__(self) -> Condition:
        """It does not hold."""
        return Not(self)

    def __bool__(self) -> bool:
        """Refused: ``and``, ``or`` and ``not`` can't be taken over by an object, so a filter would go lost."""
        raise TypeError("combine filters with & | ~ (and parentheses), not with and, or, not")

    def __str__(self) -> str:
        """The text that parses to this filter."""
        return _text(self)


@dataclass(frozen=True)
class Field:
    """What is compared: ``params.<name>``, ``metrics.<name>.<stat>``, ``tags.<name>``, ``variables.<name>`` of trials,
    or an attribute.
    """

    root: Root
    name: str
    stat: str = ""

    def __str__(self) -> str:
        """The field as the grammar writes it."""
        if not self.root:
            return self.name
        name = ".".join(_quoted(part) for part in self.name.split("."))
        return f"{self.root}.{name}" + (f".{self.stat}" if self.stat else "")


@dataclass(frozen=True)
class Compare(Condition):
    """``field operator value``."""

    field: Field
    operator: Operator
    value: Scalar


@dataclass(frozen=True)
class OneOf(Condition):
    """``field in (values)``."""

    field: Field
    values: tuple[Scalar, ...]


@dataclass(frozen=True)
class Like(Condition):
    """``field like 'pattern'``: ``%`` is any text, ``_`` any one character; a backslash escapes these and itself."""

    field: Field
    pattern: str


@dataclass(frozen=True)
class Contains(Condition):
    """``field contains 'text'``: the text is somewhere in the value, as it is written."""

    field: Field
    text: str


@dataclass(frozen=True)
class Matches(Condition):
    """``field matches 'expression'``: a regular expression (RE2) on the whole value; a dot matches a newline."""

    field: Field
    pattern: str


@dataclass(frozen=True)
class IsNull(Condition):
    """``field is null``: absent, or a JSON null."""

    field: Field


@dataclass(frozen=True)
class All(Condition):
    """Every part holds."""

    parts: tuple[Condition, ...]


@dataclass(frozen=True)
class Some(Condition):
    """At least one part holds."""

    parts: tuple[Condition, ...]


@dataclass(frozen=True)
class Not(Condition):
    """The part does not hold."""

    part: Condition


@dataclass(frozen=True)
class Has(Condition):
    """``input(filter)``: one single object of what it has, here an input, satisfies all of the filter inside."""

    what: Word
    inside: Condition


Textual = Like | Matches | Contains
"""What works on text alone."""

Leaf = Compare | OneOf | IsNull | Textual


@dataclass(frozen=True)
class OrderKey:
    """One key of an order; what lacks the field comes last either way."""

    field: Field
    descending: bool = False


def leaves(condition: Condition) -> Iterator[Leaf]:
    """The comparisons in the tree, from left to right, without those inside of what is nested."""
    return (node for node in _nodes(condition) if isinstance(node, (Compare, OneOf, Like, Matches, Contains, IsNull)))


def nested(condition: Condition) -> Iterator[Has]:
    """What is nested in the tree, from left to right, but not in what is nested itself."""
    return (node for node in _nodes(condition) if isinstance(node, Has))


def _nodes(condition: Condition) -> Iterator[Condition]:
    waiting: list[Condition] = [condition]
    while waiting:
        node = waiting.pop()
        if isinstance(node, (All, Some)):
            waiting.extend(reversed(node.parts))
        elif isinstance(node, Not):
            waiting.append(node.part)
        else:
            yield node


def replaced(node: Condition, change: Callable[[Leaf], Condition]) -> Condition:
    """The tree with each comparison changed, but for those inside of what is nested."""
    match node:
        case All(parts):
            return All(tuple(replaced(part, change) for part in parts))
        case Some(parts):
            return Some(tuple(replaced(part, change) for part in parts))
        case Not(part):
            return Not(replaced(part, change))
        case Compare() | OneOf() | Like() | Matches() | Contains() | IsNull():
            return change(node)
        case _:
            return node


def depth(condition: Condition) -> int:
    """How deep the tree is nested; a single comparison is 1."""
    deepest, waiting = 0, [(condition, 1)]
    while waiting:
        node, level = waiting.pop()
        deepest = max(deepest, level)
        if isinstance(node, (All, Some)):
            waiting.extend((part, level + 1) for part in node.parts)
        elif isinstance(node, Not):
            waiting.append((node.part, level + 1))
        elif isinstance(node, Has):
            waiting.append((node.inside, level + 1))
    return deepest


def literal(value: Scalar) -> str:
    """A value as the grammar writes it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return "'" + value.replace("'", "''") + "'"
    if isinstance(value, float) and math.isinf(value):
        return "inf" if value > 0 else "-inf"
    return repr(value)


def _quoted(part: str) -> str:
    return part if PART.fullmatch(part) else "`" + part.replace("`", "``") + "`"


def _text(node: Condition) -> str:
    match node:
        case Compare(field, operator, value):
            return f"{field} {operator} {literal(value)}"
        case OneOf(field, values):
            return f"{field} in ({', '.join(map(literal, values))})"
        case Like(field, pattern):
            return f"{field} like {literal(pattern)}"
        case Matches(field, pattern):
            return f"{field} matches {literal(pattern)}"
        case Contains(field, text):
            return f"{field} contains {literal(text)}"
        case Has(what, inside):
            return f"{what}({_text(inside)})"
        case IsNull(field):
            return f"{field} is null"
        case Not(IsNull(field)):
            return f"{field} is not null"
        case Not(part):
            return f"not {_grouped(part)}"
        case All(parts):
            return " and ".join(map(_grouped, parts))
        case Some(parts):
            return " or ".join(map(_grouped, parts))
        case _:
            raise AssertionError(f"unknown filter {type(node).__name__}")


def _grouped(node: Condition) -> str:
    return f"({_text(node)})" if isinstance(node, (All, Some)) else _text(node)
