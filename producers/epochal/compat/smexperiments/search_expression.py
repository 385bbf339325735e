"""Search expressions: conditions, joined with and or or, nested as deep as you like."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, unique
from typing import Any

__all__ = ["BooleanOperator", "Filter", "NestedFilter", "Operator", "SearchExpression", "as_expression"]


@unique
class Operator(Enum):
    """How a property is compared."""

    EQUALS = "Equals"
    NOT_EQUALS = "NotEquals"
    GREATER_THAN = "GreaterThan"
    GREATER_THAN_OR_EQUAL = "GreaterThanOrEqualTo"
    LESS_THAN = "LessThan"
    LESS_THAN_OR_EQUAL = "LessThanOrEqualTo"
    CONTAINS = "Contains"
    EXISTS = "Exists"
    NOT_EXISTS = "NotExists"
    IN = "In"


@unique
class BooleanOperator(Enum):
    """How the parts of an expression are joined."""

    AND = "And"
    OR = "Or"


@dataclass(frozen=True)
class Filter:
    """One condition on one property, such as ``Filter("Parameters.epochs", Operator.EQUALS, 30)``.

    Without an operator: the property exists. ``In`` takes texts between commas.
    """

    name: str
    operator: Operator | None = None
    value: object = None


@dataclass(frozen=True)
class NestedFilter:
    """Conditions that one single object of a list has to satisfy, all of them."""

    property_name: str
    filters: Sequence[Filter]


@dataclass(frozen=True)
class SearchExpression:
    """Filters, nested filters and further expressions, all of which hold, or one of them.

    Raises:
        ValueError: it holds nothing.
    """

    filters: Sequence[Filter] | None = None
    nested_filters: Sequence[NestedFilter] | None = None
    sub_expressions: Sequence[SearchExpression] | None = None
    boolean_operator: BooleanOperator = BooleanOperator.AND

    def __post_init__(self) -> None:
        if not (self.filters or self.nested_filters or self.sub_expressions):
            raise ValueError("an expression needs at least one of filters, nested_filters and sub_expressions")


def as_expression(given: SearchExpression | Mapping[str, Any] | None) -> SearchExpression | None:
    """An expression, also one as the service's own mapping: ``{"Filters": [{"Name": ..., "Operator": ...}]}``.

    Raises:
        ValueError: a part of it isn't known, or it holds nothing.
    """
    if given is None or isinstance(given, SearchExpression):
        return given
    _only(given, "Filters", "NestedFilters", "SubExpressions", "Operator")
    subs = [as_expression(one) for one in given.get("SubExpressions", ())]
    return SearchExpression(
        [_filter(one) for one in given.get("Filters", ())],
        [_nested(one) for one in given.get("NestedFilters", ())],
        [one for one in subs if one is not None],
        BooleanOperator(given.get("Operator", "And")),
    )


def _filter(given: Mapping[str, Any]) -> Filter:
    _only(given, "Name", "Operator", "Value")
    operator = given.get("Operator")
    return Filter(given["Name"], None if operator is None else Operator(operator), given.get("Value"))


def _nested(given: Mapping[str, Any]) -> NestedFilter:
    _only(given, "NestedPropertyName", "Filters")
    return NestedFilter(given["NestedPropertyName"], [_filter(one) for one in given["Filters"]])


def _only(given: Mapping[str, Any], *known: str) -> None:
    wrong = [name for name in given if name not in known]
    if wrong:
        raise ValueError(f"{wrong[0]!r} is no part of {dict(given)!r}: there are {', '.join(known)}")
