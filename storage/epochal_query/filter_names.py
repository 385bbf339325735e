"""What the fields of a filter or an order name in the store, and whether a filter can match anything at all."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from epochal_query.columns import texts, values
from epochal_query.errors import FilterError
from epochal_query.filter_sql import comparable_types
from epochal_query.filter_tree import Field, Leaf
from epochal_query.names import unknown
from epochal_query.param_paths import meant, shown
from epochal_query.reading import Reading
from epochal_query.scope import Scope, metric_names, param_keys, tag_names

EVERYTHING = Scope("1", {}, "the project")

UNESCAPED = r"replaceRegexpAll(key, '\\\\(.)', '\\1')"
"""A param's key as it is shown, in SQL."""

Keys = Mapping[Field, tuple[str, ...]]
"""Field to the keys that it names in the store: a param's ``a.b`` may be a path, or one key with a dot in it."""


def checked_names(reading: Reading, scope: Scope, compared: list[Leaf], sorted_by: list[Field]) -> Keys:
    """What each field names in the store; ``reading`` is the present.

    Raises:
        UnknownNameError: nobody ever logged it.
        FilterError: no component in scope ever had a value that the comparison can work on.
    """
    fields = dict.fromkeys([leaf.field for leaf in compared] + sorted_by)
    params = [field for field in fields if field.root == "params"]
    tags = [field for field in fields if field.root == "tags"]
    measured = [field for field in fields if field.root == "metrics"]
    keys: dict[Field, tuple[str, ...]] = {field: (field.name,) for field in fields}
    if scope.empty:
        return keys
    if params:
        _check_cells(reading, scope, "param", params, compared, keys)
    if tags:
        _check_cells(reading, scope, "tag", tags, compared, keys)
    if measured:
        _check_metrics(reading, scope, measured)
    return keys


def said_types(
    reading: Reading, scope: Scope, what: str, names: Iterable[str], kind: str = "component"
) -> dict[str, set[str]]:
    """Key to the types of the values that components in scope ever had; of the keys that the names can mean."""
    # from what was said and not from the views: this is only to tell misspellings and mix-ups, and has to be quick
    sql = f"""SELECT key, groupUniqArray(toString(type)) AS types FROM facts
              WHERE project = {{project:String}} AND kind = '{kind}' AND field = '{what}' AND NOT removed
                AND {scope.on("entity")}
                AND (key IN {{names:Array(String)}}
                     OR (position(key, '\\\\') > 0 AND has({{names:Array(String)}}, {UNESCAPED}))) GROUP BY key"""
    table = reading.rows(sql, names=list(names), **scope.parameters)
    return {key: set(types) for key, types in zip(texts(table, "key"), values(table, "types"), strict=True)}


def _check_cells(
    reading: Reading,
    scope: Scope,
    what: str,
    fields: list[Field],
    compared: list[Leaf],
    keys: dict[Field, tuple[str, ...]],
) -> None:
    types = said_types(reading, scope, what, [field.name for field in fields])
    for field in fields:
        here = meant(field.name, types)
        if not here:
            here = meant(field.name, said_types(reading, EVERYTHING, what, [field.name]))
            if not here:
                known = (param_keys if what == "param" else tag_names)(reading, EVERYTHING)
                raise unknown(what, field.name, map(shown, known))
        keys[field] = here
        have = set[str]().union(*(types.get(key, set()) for key in here))
        for leaf in compared:
            wanted = comparable_types(leaf)
            if leaf.field == field and wanted and not wanted & have:
                raise FilterError(incomparable(leaf, wanted, have, f"component of {scope.words}"))


def incomparable(leaf: Leaf, wanted: frozenset[str], have: set[str], who: str) -> str:
    """What to say where nothing has a value that a comparison can work on."""
    kinds = " or ".join(sorted(wanted))
    found = f"there it is {', '.join(sorted(have))}" if have else "none there has it at all"
    return f"{leaf}: no {who} has a {kinds} in {leaf.field}, so that nothing could match; {found}"


def _check_metrics(reading: Reading, scope: Scope, fields: list[Field]) -> None:
    names: Any = metric_names(reading, scope, [field.name for field in fields])
    for field in fields:
        if field.name in names:
            continue
        everywhere = metric_names(reading, EVERYTHING)
        if field.name not in everywhere:
            raise unknown("metric", field.name, everywhere)
        raise FilterError(
            f"no component of {scope.words} has logged the metric {field.name!r}, so that nothing could match"
        )
