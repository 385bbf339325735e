"""Rows for every table, made from a seed."""

from __future__ import annotations

import random
import uuid
from collections.abc import Mapping
from typing import Any

import pyarrow as pa

from epochal_storage.schemas import NULLABLE, SCHEMAS, rows_of

TEXTS = ["", "loss", "val/acc.1", "émile \U0001f600", "tab\tnew\nline", "quote'\"\\`", "-- ; {x:String}"]
FLOATS = [0.0, 1.5, -0.0, float("nan"), float("inf"), float("-inf"), 1e300, 5e-324]


def some_rows(table: str, count: int, seed: int) -> pa.Table:
    """Rows with every kind of value the columns can hold; the identity of each row is unique."""
    dice = random.Random(f"{table}{seed}")
    return rows_of(table, [_row(table, dice, place) for place in range(count)])


def canonical(table: str, rows: pa.Table) -> list[str]:
    """Rows as text, in order; NaN equals NaN and -0.0 isn't 0.0."""
    columns = []
    for field in SCHEMAS[table]:
        column = rows.column(field.name).combine_chunks()
        plain = column.storage if isinstance(column, pa.ExtensionArray) else column
        plain = plain.cast(pa.binary()) if pa.types.is_string(plain.type) else plain
        if pa.types.is_timestamp(plain.type):
            plain = plain.cast(pa.int64())
        columns.append([repr(value) for value in plain.to_pylist()])
    return ["\x1f".join(row) for row in zip(*columns, strict=True)]


def _row(table: str, dice: random.Random, place: int) -> Mapping[str, Any]:
    row: dict[str, Any] = {}
    for field in SCHEMAS[table]:
        if (table, field.name) in NULLABLE and dice.random() < 0.3:
            row[field.name] = None
        elif field.name in ("seq", "offset", "block"):
            row[field.name] = place
        else:
            row[field.name] = _value(field.type, dice)
    return row


def _value(kind: pa.DataType, dice: random.Random) -> Any:
    if pa.types.is_fixed_size_binary(kind):
        return uuid.UUID(int=dice.getrandbits(128)).bytes if kind.byte_width == 16 else dice.randbytes(kind.byte_width)
    if pa.types.is_timestamp(kind):
        return dice.randrange(1_500_000_000, 1_800_000_000) * (
            1000 if kind.unit == "ms" else 1_000_000
        ) + dice.randrange(1000)
    if pa.types.is_boolean(kind):
        return dice.random() < 0.5
    if pa.types.is_floating(kind):
        return dice.choice(FLOATS)
    if pa.types.is_integer(kind):
        return dice.randrange(2**16)
    if pa.types.is_string(kind):
        return dice.choice(TEXTS)
    return dice.randbytes(dice.randrange(40))
