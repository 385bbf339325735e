"""The statements about one entity, in order, each with what became of it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, cast, get_args
from uuid import UUID

import pyarrow as pa

from epochal_query.columns import column, compute, decoded, id_texts, instants, texts, values
from epochal_query.history_fates import Fate, Said, fates
from epochal_query.param_paths import with_those_above
from epochal_query.reading import NAMED_MAX, Reading, block
from epochal_query.resolve import Entity, Kind

LIFE = ("opened", "deleted", "restored", "undone")
"""The fields that decide which statements count."""
REPAIRS = ("corrected", "undone")
"""The fields of repairs, which are true from the time of what they repair."""

Cells = frozenset[tuple[str, str]]
"""(field, key) of each."""

CODE = "/code"
"""How the key of what was captured of the code ends."""

_CODE = f"field = 'env' AND endsWith(key, '{CODE}')"
_MINE = "project = {project:String} AND kind = {kind:String} AND entity = {entity:UUID}"


@dataclass(frozen=True, slots=True)
class Statement:
    """One thing said of the entity; ``value`` is JSON text, times are UTC."""

    field: str
    key: str
    removed: bool
    value: str
    rank: int
    writer: str
    event: str
    occurred_at: Any
    logged_at: Any
    recorded_at: Any
    fate: Fate


def cells_of(reading: Reading, id_: UUID) -> Mapping[Kind, Cells]:
    """By kind of what has the id: all that was ever said something about, wherever the reading stands."""
    table = reading.rows(
        """SELECT DISTINCT kind, field, key FROM facts
           WHERE project = {project:String} AND kind IN {kinds:Array(String)} AND entity = {entity:UUID}""",
        kinds=list(get_args(Kind)),
        entity=str(id_),
    )
    found = defaultdict[Kind, set[tuple[str, str]]](set)
    for kind, field, key in zip(*(texts(table, name) for name in ("kind", "field", "key")), strict=True):
        found[cast("Kind", kind)].add((field, key))
    return {kind: frozenset(cells) for kind, cells in found.items()}


def with_related(wanted: Collection[tuple[str, str]], cells: Cells) -> Cells:
    """What is wanted, and what decides its fate: of params all at paths above and below."""
    params = [key for field, key in wanted if field == "param"]
    related = {("param", key) for key in with_those_above(params)}
    below = tuple(f"{key}." for key in params)
    return (
        frozenset(wanted)
        | (related & cells)
        | {cell for cell in cells if cell[0] == "param" and cell[1].startswith(below)}
    )


def statements_of(
    reading: Reading, entity: Entity, cells: Cells | None, besides: tuple[str, ...] = ()
) -> tuple[list[Statement], dict[str, str]]:
    """What was said, within the bounds of the read, in the order that decides who wins; and by writer the git commit of
    the code that it captured for a component, whenever that was.

    Of ``cells`` only, which must be closed (`with_related`); None for all but the fields ``besides``. What was said of
    the entity's life is always among them.
    """
    fields, keys = sorted({field for field, _ in cells or ()}), sorted({key for _, key in cells or ()})
    which = "field NOT IN {besides:Array(String)}"
    if cells is not None:
        which = "field IN {fields:Array(String)}" + (
            " AND key IN {keys:Array(String)}" if len(keys) < NAMED_MAX else ""
        )
    table = reading.rows(
        f"""SELECT field, key, removed, value, rank, writer, seq, occurred_at, logged_at, recorded_at,
                   if(field IN {{repairs:Array(String)}},
                      {block("known", "s | _at | ")}, {block("within", "s | _at | ")}) AS counts
            FROM facts AS s FINAL
            WHERE {_MINE} AND ((field IN {{life:Array(String)}} OR {which}) AND counts
                               OR {_CODE} AND {block("known", "s | _at | ")})
            ORDER BY place""",
        kind=entity.kind,
        entity=str(entity.id),
        life=list(LIFE),
        repairs=list(REPAIRS),
        besides=list(besides),
        fields=fields,
        keys=keys,
    )
    commits = _commits(table)
    table = table.filter(compute.equal(column(table, "counts"), 1))
    columns = [values(table, name) for name in ("field", "key", "removed", "value", "rank", "seq")]
    times = [instants(table, name) for name in ("occurred_at", "logged_at", "recorded_at")]
    rows = zip(*columns, id_texts(table, "writer"), *times, strict=True)
    said = [row for row in rows if cells is None or row[0] in LIFE or row[:2] in cells]
    events = [f"{writer}:{seq}" for *_, seq, writer, _, _, _ in said]
    became = fates([Said(row[0], row[1], row[2], event) for row, event in zip(said, events, strict=True)])
    statements = [
        Statement(field, key, removed, value, rank, writer, event, occurred_at, logged_at, recorded_at, fate)
        for (field, key, removed, value, rank, _, writer, occurred_at, logged_at, recorded_at), event, fate in zip(
            said, events, became, strict=True
        )
    ]
    return statements, commits


def _commits(table: pa.Table) -> dict[str, str]:
    """Of each writer the commit of the code that it captured last."""
    names = ("field", "key", "value")
    rows = zip(id_texts(table, "writer"), *(texts(table, name) for name in names), strict=True)
    captured = {writer: decoded(value) for writer, field, key, value in rows if field == "env" and key.endswith(CODE)}
    return {
        writer: code["commit"] for writer, code in captured.items() if isinstance(code, dict) and code.get("commit")
    }
