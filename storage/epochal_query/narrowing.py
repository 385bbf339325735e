"""Fewer components to ask about: those of which something was ever said that a filter needs."""

from __future__ import annotations

from epochal_query.columns import id_texts
from epochal_query.filter_names import UNESCAPED
from epochal_query.filter_sql import Bound, cell_test
from epochal_query.filter_tree import All, Compare, Condition, Contains, Leaf, Like, Matches, OneOf
from epochal_query.reading import Reading
from epochal_query.scope import BOUND_MAX, Scope, of_components

MOST = 60
"""Up to so many comparisons are looked at: one bit of a number each."""
_FIELDS = {"params": "param", "tags": "tag"}


def narrowed(reading: Reading, scope: Scope, where: Condition | None) -> Scope:
    """The scope without components that can't satisfy the filter; the scope itself where that would not be quicker.

    What holds of a value now was said once, so that this needs a look at what was said, and at nothing that follows.
    """
    needed = [] if where is None else _needed(where)[:MOST]
    if not needed or scope.empty or isinstance(scope.parameters.get("components"), list):
        return scope
    bound = Bound()
    tests = [f"field = '{_FIELDS[leaf.field.root]}' AND {_named(leaf, bound)}" for leaf in needed]
    tests = [f"{test} AND {cell_test(leaf, bound)}" for leaf, test in zip(needed, tests, strict=True)]
    held = " + ".join(f"bitShiftLeft(toUInt64({test}), {i})" for i, test in enumerate(tests))
    every = bound.bind(sorted({_FIELDS[leaf.field.root] for leaf in needed}), "Array(String)")
    sql = f"""SELECT entity FROM (
                SELECT entity, {held} AS held FROM facts
                WHERE project = {{project:String}} AND kind = 'component' AND field IN {every}
                  AND NOT removed AND {scope.on("entity")} AND held > 0)
              GROUP BY entity HAVING groupBitOr(held) = {(1 << len(needed)) - 1} LIMIT {BOUND_MAX + 1}"""
    found = reading.rows(sql, **bound.parameters, **scope.parameters)
    if found.num_rows > BOUND_MAX:
        return scope
    return of_components(scope, id_texts(found, "entity"))


def _needed(where: Condition) -> list[Leaf]:
    """The comparisons of params and tags without which the filter can't hold."""
    if isinstance(where, All):
        return [leaf for part in where.parts for leaf in _needed(part)]
    if isinstance(where, (Compare, OneOf, Like, Matches, Contains)) and where.field.root in _FIELDS:
        return [where]
    return []


def _named(leaf: Leaf, bound: Bound) -> str:
    name = bound.bind(leaf.field.name, "String")
    return f"(key = {name} OR (position(key, '\\\\') > 0 AND {UNESCAPED} = {name}))"
