"""Filters in Python: ``param("lr") < 0.1``, ``metric("loss").last <= 0.3``, ``tag("team") == "vision"``.

They compose with ``&``, ``|`` and ``~`` to the same frozen tree that the text grammar parses to; ``input(...)``,
``output(...)``, ``trial(...)`` and the like take a filter that one single object must satisfy.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from epochal_query.attributes import NOUNS, Word
from epochal_query.errors import FilterError, no_text
from epochal_query.filter_text import parse_filter, parse_order
from epochal_query.filter_tree import (
    DEPTH_MAX,
    Compare,
    Condition,
    Contains,
    Field,
    Has,
    IsNull,
    Like,
    Matches,
    Not,
    OneOf,
    Operator,
    OrderKey,
    Scalar,
    depth,
    leaves,
    nested,
)
from epochal_query.names import near


@dataclass(frozen=True, eq=False)
class FieldRef:
    """Something to compare; comparing it gives a filter. For absent things see the class of the result."""

    field: Field

    def _compare(self, operator: Operator, value: object) -> Condition:
        return Compare(self.field, operator, _scalar(self.field, value))

    def __eq__(self, value: object) -> Condition:  # type: ignore[override]
        """``field = value``."""
        return self._compare("=", value)

    def __ne__(self, value: object) -> Condition:  # type: ignore[override]
        """``field != value``."""
        return self._compare("!=", value)

    def __lt__(self, value: object) -> Condition:
        """``field < value``."""
        return self._compare("<", value)

    def __le__(self, value: object) -> Condition:
        """``field <= value``."""
        return self._compare("<=", value)

    def __gt__(self, value: object) -> Condition:
        """``field > value``."""
        return self._compare(">", value)

    def __ge__(self, value: object) -> Condition:
        """``field >= value``."""
        return self._compare(">=", value)

    __hash__ = None  # type: ignore[assignment]

    def isin(self, values: Iterable[object]) -> Condition:
        """``field in (values)``.

        Raises:
            FilterError: there are none, so that nothing could match.
        """
        found = tuple(_scalar(self.field, value) for value in values)
        if not found:
            raise FilterError(f"{self.field}: isin() was given no values, so that nothing could match; leave it out")
        return OneOf(self.field, found)

    def contains(self, text: str) -> Condition:
        """``field contains 'text'``: the text is somewhere in it."""
        return Contains(self.field, _said(self.field, "contains", text))

    def like(self, pattern: str) -> Condition:
        """``field like 'pattern'``: ``%`` is any text, ``_`` any one character."""
        return Like(self.field, _said(self.field, "like", pattern))

    def matches(self, pattern: str | re.Pattern[str]) -> Condition:
        """``field matches 'pattern'``: a regular expression on the whole value."""
        plain = pattern.pattern if isinstance(pattern, re.Pattern) else pattern
        return Matches(self.field, _said(self.field, "matches", plain))

    def is_null(self) -> Condition:
        """``field is null``."""
        return IsNull(self.field)

    def is_not_null(self) -> Condition:
        """``field is not null``."""
        return Not(IsNull(self.field))


@dataclass(frozen=True)
class MetricRef:
    """A metric; each statistic of it can be compared."""

    name: str

    def _stat(self, stat: str) -> FieldRef:
        return FieldRef(Field("metrics", self.name, stat))

    @property
    def min(self) -> FieldRef:
        """The smallest value."""
        return self._stat("min")

    @property
    def max(self) -> FieldRef:
        """The greatest value."""
        return self._stat("max")

    @property
    def mean(self) -> FieldRef:
        """The mean of the values that aren't NaN."""
        return self._stat("mean")

    @property
    def std(self) -> FieldRef:
        """The sample standard deviation of the values that aren't NaN."""
        return self._stat("std")

    @property
    def first(self) -> FieldRef:
        """The value at the smallest step."""
        return self._stat("first")

    @property
    def last(self) -> FieldRef:
        """The value at the greatest step."""
        return self._stat("last")

    @property
    def count(self) -> FieldRef:
        """How many points."""
        return self._stat("count")

    @property
    def nan_count(self) -> FieldRef:
        """How many of them are NaN."""
        return self._stat("nan_count")

    @property
    def argmin(self) -> FieldRef:
        """The step of the smallest value."""
        return self._stat("argmin")

    @property
    def argmax(self) -> FieldRef:
        """The step of the greatest value."""
        return self._stat("argmax")


def param(path: str) -> FieldRef:
    """A parameter by its path, nested ones as ``a.b.c``."""
    return FieldRef(Field("params", path))


def metric(name: str) -> MetricRef:
    """A metric by its name."""
    return MetricRef(name)


def tag(name: str) -> FieldRef:
    """A tag by its word or key; a word has the value true."""
    return FieldRef(Field("tags", name))


def variable(name: str) -> FieldRef:
    """A variable of a trial by its name, nested ones as ``a.b.c``."""
    return FieldRef(Field("variables", name))


def attribute(name: str) -> FieldRef:
    """status, kind, name, created, start, end, ...; of an artifact uri, media_type, ...; of an experiment verdict, ...

    Raises:
        FilterError: nothing has such an attribute.
    """
    known = dict.fromkeys(name for noun in NOUNS.values() for name in noun.attributes)
    if name not in known:
        close = near(name, known)
        raise FilterError(
            f"there is no attribute {name!r}: there are {', '.join(known)}"
            + (f"; near: {', '.join(close)}" if close else "")
        )
    return FieldRef(Field("", name))


def artifact(where: str | Condition) -> Condition:
    """One artifact that went in or came out satisfies all of the filter."""
    return _one("artifact", where)


def input(where: str | Condition) -> Condition:
    """One artifact that went in satisfies all of the filter."""
    return _one("input", where)


def output(where: str | Condition) -> Condition:
    """One artifact that came out satisfies all of the filter."""
    return _one("output", where)


def component(where: str | Condition) -> Condition:
    """Of a trial or an experiment: one component in it satisfies all of the filter."""
    return _one("component", where)


def run(where: str | Condition) -> Condition:
    """Of a trial or an experiment: one component in it that ran satisfies all of the filter."""
    return _one("run", where)


def trial(where: str | Condition) -> Condition:
    """One trial that a component is in, or that an experiment has, satisfies all of the filter."""
    return _one("trial", where)


def experiment(where: str | Condition) -> Condition:
    """One experiment that a component or a trial is in satisfies all of the filter."""
    return _one("experiment", where)


def _one(what: Word, where: object) -> Condition:
    condition = as_condition(where, what)
    if condition is None:
        raise FilterError(f"{what}(None) compares nothing: give what one {what} is to satisfy")
    return Has(what, condition)


def as_condition(where: object, of: Word = "component") -> Condition | None:
    """The filter, about components or what else it is ``of``, given as text, as a filter object, or not at all.

    Raises:
        FilterError: it is none of these, text that isn't of the grammar, or compares what these don't have.
    """
    if where is None:
        return None
    if isinstance(where, Condition):
        if depth(where) > DEPTH_MAX:
            raise FilterError(f"the filter is nested more than {DEPTH_MAX} deep")
        check_fields(where, of)
        _check_text(str(where))
        return where
    if isinstance(where, str):
        _check_text(where)
        return parse_filter(where, of)
    if isinstance(where, (FieldRef, MetricRef)):
        raise FilterError(f"where={where!r} compares nothing: write for example param('lr') < 0.1")
    raise FilterError(f'where={where!r} is not a filter: give text such as "params.lr < 0.1", or a filter object')


def _check_text(text: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise FilterError(str(no_text(error))) from None


def check_fields(condition: Condition, of: Word) -> None:
    """Look at a filter that was built in Python as the grammar looks at text.

    Raises:
        FilterError: it compares what these don't have.
    """
    noun = NOUNS[of]
    for leaf in leaves(condition):
        field = leaf.field
        if (field.root and field.root not in noun.roots) or (not field.root and field.name not in noun.attributes):
            known = [*(f"{root}.…" for root in noun.roots), *noun.attributes]
            raise FilterError(f"{leaf}: there is no field {field} of {of}s, there are {', '.join(known)}")
    for one in nested(condition):
        if one.what not in noun.nested:
            has = f"there are {', '.join(f'{word}(...)' for word in noun.nested)}" if noun.nested else "nothing nests"
            raise FilterError(f"{one}: there is no {one.what}(...) of {of}s, {has}")
        check_fields(one.inside, one.what)


def as_order(order_by: object, of: Word = "component") -> tuple[OrderKey, ...]:
    """The order given as text, or not at all.

    Raises:
        FilterError: it is neither, or text that isn't an order.
    """
    if order_by is None:
        return ()
    if isinstance(order_by, str):
        return parse_order(order_by, of)
    raise FilterError(f'order_by={order_by!r} is not an order: give text such as "metrics.loss.last desc, name"')


def _said(field: Field, operator: str, text: object) -> str:
    if not isinstance(text, str):
        raise FilterError(f"{field}: {operator} takes a text, not {text!r}")
    return text


def _scalar(field: Field, value: object) -> Scalar:
    """The value as plain Python has it: not as NumPy or an enumeration does, which are written otherwise."""
    item = getattr(value, "item", None)
    given = item() if callable(item) and not isinstance(value, (str, bool, int, float)) else value
    isoformat = getattr(given, "isoformat", None)
    match given:
        case bool():
            return given
        case int():
            return _finite(field, int(given))
        case float():
            if given != given:
                raise FilterError(f"{field}: nothing equals NaN; ask for metric(name).nan_count > 0")
            return float(given)
        case str():
            return str.__str__(given)
        case _ if callable(isoformat):
            return str(isoformat())
        case _:
            raise FilterError(
                f"{field}: {value!r} is a {type(value).__name__}; compare with a number, a text, true or false"
            )


def _finite(field: Field, number: int) -> int:
    try:
        float(number)
    except OverflowError:
        raise FilterError(
            f"{field}: no number is as large as that, {float('1.7976931348623157e308')} at most"
        ) from None
    return number
