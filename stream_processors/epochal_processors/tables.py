"""Rows as Arrow tables, with the columns of the migrations."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import pyarrow as pa

from epochal_storage.schemas import schema_of


def rows_table(name: str, rows: Sequence[tuple[Any, ...]]) -> pa.Table:
    """Rows of one table, each in the order of its columns, as Arrow."""
    schema = schema_of(name)
    columns = list(zip(*rows, strict=True)) or [()] * len(schema)
    return pa.Table.from_arrays(
        [_array(column, field) for column, field in zip(columns, schema, strict=True)], schema=schema
    )


def _array(column: Sequence[Any], field: pa.Field) -> pa.Array:
    return pa.array([value.bytes if isinstance(value, UUID) else value for value in column], field.type)
