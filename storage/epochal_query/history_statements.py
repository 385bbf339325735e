"""The statements about one entity, in order, each with what became of it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from epochal_query.columns import id_texts, instants, texts, values
from epochal_query.history_fates import Fate, Said, fates
from epochal_query.param_paths import with_those_above
from epochal_query.reading import NAMED_MAX, Reading, block
from epochal_query.resolve import Entity

LIFE = ("opened", "deleted", "restored", "undone")
"""The fields that decide which statements count."""
REPAIRS = ("corrected", "undone")
"""The fields of repairs, which are true from the time of what they repair."""

Cells = frozenset[tuple[str, str]]
"""(field, key) of each."""

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


def cells_of(reading: Reading, entity: Entity) -> Cells:
    """All that was ever said something about, wherever the reading stands."""
    table = reading.rows(
        f"SELECT DISTINCT field, key FROM facts WHERE {_MINE}", kind=entity.kind, entity=str(entity.id)
    )
    return frozenset(zip(texts(table, "field"), texts(table, "key"), strict=True))


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
) -> list[Statement]:
    """What was said, within the bounds of the read, in the order that decides who wins.

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
        f"""SELECT field, key, removed, value, rank, writer, seq, occurred_at, logged_at, recorded_at
            FROM facts AS s FINAL
            WHERE {_MINE} AND (field IN {{life:Array(String)}} OR {which})
              AND if(field IN {{repairs:Array(String)}},
                     {block("known", "s | _at | ")}, {block("within", "s | _at | ")})
            ORDER BY place""",
        kind=entity.kind,
        entity=str(entity.id),
        life=list(LIFE),
        repairs=list(REPAIRS),
        besides=list(besides),
        fields=fields,
        keys=keys,
    )
    columns = [values(table, name) for name in ("field", "key", "removed", "value", "rank", "seq")]
    times = [instants(table, name) for name in ("occurred_at", "logged_at", "recorded_at")]
    rows = zip(*columns, id_texts(table, "writer"), *times, strict=True)
    said = [row for row in rows if cells is None or row[0] in LIFE or row[:2] in cells]
    events = [f"{writer}:{seq}" for *_, seq, writer, _, _, _ in said]
    became = fates([Said(row[0], row[1], row[2], event) for row, event in zip(said, events, strict=True)])
    return [
        Statement(field, key, removed, value, rank, writer, event, occurred_at, logged_at, recorded_at, fate)
        for (field, key, removed, value, rank, _, writer, occurred_at, logged_at, recorded_at), event, fate in zip(
            said, events, became, strict=True
        )
    ]
