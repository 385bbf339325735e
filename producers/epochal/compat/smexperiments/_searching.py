"""Searching the store with the old SDK's expressions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from uuid import UUID

import epochal

from ._reading import Line, component_lines, descends, lines_of, with_keys, with_names
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
    search: Any = getattr(store, "search", None)
    if search is not None:
        lines = lines_of(search(resource, where=where, order_by=order_by))
        match resource:
            case "component":
                return with_keys(store, lines)
            case "trial":
                return with_names(lines)
            case "experiment":
                return lines
    if resource != "component":
        raise epochal.NotAvailableError(f"this version can't search for {resource}s: search for trial components")
    report = store.report(where=where, order_by=order_by, metrics=[], params=[], artifacts=[])
    ids = [str(one) for one in report["ComponentId"]]
    by_id = {line["id"]: line for line in component_lines(store, component=[UUID(one) for one in ids])} if ids else {}
    return [by_id[one] for one in ids if one in by_id]
