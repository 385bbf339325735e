"""The comparisons of a filter over values that are at hand, for lists that are short enough to be read as a whole.

They mean what the tests of `filter_sql` mean; patterns are those of the engine, too (RE2).
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, Literal, cast

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from epochal_query.columns import compute
from epochal_query.errors import FilterError
from epochal_query.filter_sql import like_pattern, like_signs, number_of, refuse_text, text_of, whole
from epochal_query.filter_tree import Compare, Contains, IsNull, Leaf, Like, Matches, OneOf, Scalar, Textual
from epochal_query.times import parse_instant

Flags = npt.NDArray[np.bool_]
Type = Literal["text", "number", "time"]

_OPERATORS: dict[str, Callable[[Any, Any], bool]] = {
    "=": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


def type_of(value: object) -> str:
    """The type of a value, as cells have it."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "bool"
    return "number" if isinstance(value, (int, float)) else "text" if isinstance(value, str) else "other"


def cell_flags(leaf: Leaf, values: Sequence[object]) -> Flags:
    """Where free values satisfy a comparison; None is absent. A value of another type doesn't match."""
    match leaf:
        case IsNull():
            return _flags(value is None for value in values)
        case Like() | Matches() | Contains():
            return _text_flags(leaf, [value if isinstance(value, str) else None for value in values])
        case Compare(_, sign, wanted):
            if isinstance(wanted, bool) and sign not in ("=", "!="):
                raise FilterError(f"{leaf}: true and false have no order; compare with = or !=")
            return _flags(_holds(sign, value, wanted) for value in values)
        case OneOf(_, several):
            wanted_ones = {(type_of(one), one) for one in several}
            return _flags((kind := type_of(value)) != "other" and (kind, value) in wanted_ones for value in values)


def attribute_flags(leaf: Leaf, type_: Type, values: Sequence[Any], now: datetime) -> Flags:
    """Where an attribute of one type (a time as a datetime) satisfies a comparison; None is absent.

    Raises:
        FilterError: such a comparison makes no sense for the type.
    """
    if isinstance(leaf, IsNull):
        return _flags(value is None for value in values)
    if isinstance(leaf, (Like, Matches, Contains)):
        if type_ != "text":
            refuse_text(leaf, type_)
        return _text_flags(leaf, values)

    def meant(value: Scalar) -> Any:
        if type_ == "time":
            return parse_instant(value, now, str(leaf.field))
        return text_of(leaf, value) if type_ == "text" else number_of(leaf, value)

    if isinstance(leaf, Compare):
        wanted, compare = meant(leaf.value), _OPERATORS[leaf.operator]
        return _flags(value is not None and compare(value, wanted) for value in values)
    several = {meant(value) for value in leaf.values}
    return _flags(value is not None and value in several for value in values)


def _flags(found: Any) -> Flags:
    return np.fromiter(found, dtype=np.bool_)


def _holds(sign: str, value: object, wanted: Scalar) -> bool:
    return type_of(value) == type_of(wanted) and bool(_OPERATORS[sign](value, wanted))


def _text_flags(leaf: Textual, values: Sequence[str | None]) -> Flags:
    texts = pa.array(values, pa.string())
    match leaf:
        case Contains(_, part):
            found = compute.match_substring(texts, part)
        case Like():
            # not Arrow's own, which takes backslashes otherwise than the engine
            found = compute.match_substring_regex(texts, f"(?s){whole(_like_expression(leaf))}")
        case Matches(_, pattern):
            try:
                found = compute.match_substring_regex(texts, f"(?s){whole(pattern)}")
            except pa.ArrowInvalid as error:
                raise FilterError(f"a pattern after `matches` can't be used: {error}") from None
    return cast(Flags, compute.fill_null(found, False).to_numpy(zero_copy_only=False))


def _like_expression(leaf: Like) -> str:
    """The regular expression that matches what the pattern does."""
    wild = {"%": ".*", "_": "."}
    return "".join(wild.get(sign) or re.escape(sign[-1]) for sign in like_signs(like_pattern(leaf)))
