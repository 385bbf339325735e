"""Searching the store with the old SDK's expressions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ._reading import Line, descends, lines_of, with_keys, with_names
from ._where import Resource, order_text, where_text
from .search_expression import SearchExpression, as_expression

if TYPE_CHECKING:
    from epochal_query import Store

__all__ = ["found"]


def found(
    store: Store,
    resource: Resource,
    given: SearchExpression | Mapping[str, Any] | None,
    sort_by: str | None,
    sort_order: str | None,
) -> list[Line]:
    """The lines that satisfy the expression, all of them without one, with their tags; the newest first, or as asked.

    Raises:
        ValueError: a property, an order or a nested filter that isn't known.
        FilterError: a comparison that makes no sense for a value's type.
        UnknownNameError: a name that nobody ever logged.
    """
    expression = as_expression(given)
    where = None if expression is None else where_text(expression, resource)
    order_by = order_text(sort_by, descending=descends(sort_order), resource=resource)
    lines = lines_of(store.search(resource, where=where, order_by=order_by))
    match resource:
        case "component":
            return with_keys(store, lines)
        case "trial":
            return with_names(lines)
        case "experiment":
            return lines
