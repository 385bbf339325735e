"""Which components a report shows, in which order: filter, order and limit, checked and run in the engine."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pyarrow as pa

from epochal_query.columns import texts, values
from epochal_query.errors import FilterError
from epochal_query.filter_sql import Compiler, Keys, comparable_types
from epochal_query.filter_tree import Condition, Field, Leaf, OrderKey, leaves
from epochal_query.names import unknown
from epochal_query.param_paths import meant, shown
from epochal_query.rank_values import Ranks
from epochal_query.reading import Reading
from epochal_query.resolve import BOUNDS
from epochal_query.scope import Scope, metric_names, param_keys, tag_names

COMPONENT_COLUMNS = "component, name, display_name, kind, status, start, end"
EVERYTHING = Scope("1", {}, "the project")


def choose_components(
    reading: Reading,
    scope: Scope,
    where: Condition | None,
    order: tuple[OrderKey, ...],
    limit: int | None,
    ranks: Ranks = None,
    extra: str = "",
) -> pa.Table:
    """The components in scope that satisfy the filter, in order, with the columns of ``components`` a report shows.

    Without an order they come in the order of their creation.

    Raises:
        FilterError: the filter can't match anything: it names what nobody logged, or compares with a type
            that no component in scope has.
    """
    if limit is not None and (isinstance(limit, bool) or not isinstance(limit, int) or limit < 0):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise FilterError(f"limit={limit!r} is not a number of rows: give a whole number from 0 on, or None for all")
    keys = _checked(reading.present, scope, [] if where is None else list(leaves(where)), [key.field for key in order])
    compiler = Compiler(keys, reading.now, ranks)
    condition = "1" if where is None else compiler.condition(where)
    joins, ordering = compiler.joins(order), compiler.order(order)
    columns = ", ".join(f"c.{name} AS {name}" for name in COMPONENT_COLUMNS.split(", "))
    sql = f"""
        SELECT {columns} FROM components_at({BOUNDS}) AS c
        {joins}
        WHERE c.project = {{project:String}} AND {scope.sql.replace("component IN", "c.component IN", 1)}
          AND {condition} {extra}
        ORDER BY {ordering} {"" if limit is None else f"LIMIT {limit}"}
    """
    return reading.rows(sql, **scope.parameters, **compiler.parameters)


def _checked(reading: Reading, scope: Scope, compared: list[Leaf], sorted_by: list[Field]) -> Keys:
    """What each field names in the store, now.

    Raises:
        UnknownNameError: nobody ever logged it.
        FilterError: no component in scope has a value that the comparison can work on.
    """
    fields = dict.fromkeys([leaf.field for leaf in compared] + sorted_by)
    params = [field for field in fields if field.root == "params"]
    tags = [field for field in fields if field.root == "tags"]
    measured = [field for field in fields if field.root == "metrics"]
    keys = {field: (field.name,) for field in fields}
    if not (params or tags or measured) or not _populated(reading, scope):
        return keys
    if params:
        types = _types(reading, scope, "params_at", "component", "path", "1")
        _check_cells(reading, scope, "param", params, compared, types, keys)
    if tags:
        types = _types(reading, scope, "tags_at", "entity", "tag", "kind = 'component'")
        _check_cells(reading, scope, "tag", tags, compared, types, keys)
    if measured:
        _check_metrics(reading, scope, measured)
    return keys


def _populated(reading: Reading, scope: Scope) -> bool:
    """Whether there is any component in scope; where there is none, no name can be wrong."""
    sql = f"SELECT 1 FROM cells_at({BOUNDS}) WHERE project = {{project:String}} AND kind = 'component' AND field = 'opened'"
    inside = scope.sql.replace("component IN", "entity IN", 1)
    return bool(reading.rows(f"{sql} AND {inside} LIMIT 1", **scope.parameters).num_rows)


def _types(reading: Reading, scope: Scope, view: str, entity: str, key: str, extra: str) -> dict[str, set[str]]:
    """Key to the types of its values in scope."""
    inside = scope.sql.replace("component IN", f"{entity} IN", 1)
    sql = (
        f"SELECT {key} AS key, groupUniqArray(toString(type)) AS types FROM {view}({BOUNDS}) "
        f"WHERE project = {{project:String}} AND {extra} AND {inside} GROUP BY key"
    )
    table = reading.rows(sql, **scope.parameters)
    return {key: set(types) for key, types in zip(texts(table, "key"), values(table, "types"), strict=True)}


def _check_cells(
    reading: Reading,
    scope: Scope,
    what: str,
    fields: Iterable[Field],
    compared: list[Leaf],
    types: dict[str, set[str]],
    keys: dict[Field, tuple[str, ...]],
) -> None:
    everywhere: list[str] | None = None
    for field in fields:
        here = meant(field.name, types)
        if not here:
            everywhere = everywhere if everywhere is not None else _all_names(reading, what)
            here = meant(field.name, everywhere)
            if not here:
                raise unknown(what, field.name, map(shown, [*types, *everywhere]))
        keys[field] = here
        have = set[str]().union(*(types.get(key, set()) for key in here))
        for leaf in compared:
            wanted = comparable_types(leaf)
            if leaf.field == field and wanted and not wanted & have:
                raise FilterError(_incomparable(leaf, wanted, have, scope))


def _incomparable(leaf: Leaf, wanted: frozenset[str], have: set[str], scope: Scope) -> str:
    kinds = " or ".join(sorted(wanted))
    found = f"they are {', '.join(sorted(have))}" if have else "none has it at all"
    return f"{leaf}: no component of {scope.words} has a {kinds} in {leaf.field}, so that nothing could match; {found}"


def _all_names(reading: Reading, what: str) -> list[str]:
    return param_keys(reading, EVERYTHING) if what == "param" else tag_names(reading, EVERYTHING)


def _check_metrics(reading: Reading, scope: Scope, fields: list[Field]) -> None:
    names: Any = metric_names(reading, scope)
    for field in fields:
        if field.name in names:
            continue
        everywhere = metric_names(reading, EVERYTHING)
        if field.name not in everywhere:
            raise unknown("metric", field.name, everywhere)
        raise FilterError(
            f"no component of {scope.words} has logged the metric {field.name!r}, so that nothing could match"
        )
