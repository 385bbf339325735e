"""The Arrow schema of every table that takes rows, one for one with the migrations."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

import pyarrow as pa

from epochal_storage.errors import SchemaError

UUID_TYPE = pa.binary(16)
DIGEST_TYPE = pa.binary(32)
MICROS = pa.timestamp("us", tz="UTC")
MILLIS = pa.timestamp("ms", tz="UTC")

_TEXT = pa.string()
_BYTES = pa.binary()
_COUNT = pa.uint64()
_REAL = pa.float64()

SCHEMAS: Mapping[str, pa.Schema] = {
    "events": pa.schema(
        {
            "project": _TEXT,
            "writer": UUID_TYPE,
            "seq": _COUNT,
            "type": _TEXT,
            "schema_version": pa.uint16(),
            "payload": _TEXT,
            "salt": pa.binary(16),
            "digest": DIGEST_TYPE,
            "logged_at": MICROS,
            "occurred_at": MICROS,
            "recorded_at": MICROS,
            "log": _TEXT,
            "offset": _COUNT,
        }
    ),
    "metrics": pa.schema(
        {
            "project": _TEXT,
            "component": UUID_TYPE,
            "metric": _TEXT,
            "rank": pa.uint32(),
            "step": _REAL,
            "value": _REAL,
            "logged_at": MILLIS,
            "occurred_at": MILLIS,
            "recorded_at": MICROS,
            "log": _TEXT,
            "offset": _COUNT,
            "writer": UUID_TYPE,
            "seq": _COUNT,
        }
    ),
    "ledger": pa.schema(
        {
            "project": _TEXT,
            "writer": UUID_TYPE,
            "channel": _TEXT,
            "first_seq": _COUNT,
            "count": _COUNT,
            "log": _TEXT,
            "offset": _COUNT,
            "recorded_at": MICROS,
        }
    ),
    "blocks": pa.schema(
        {
            "project": _TEXT,
            "writer": UUID_TYPE,
            "channel": _TEXT,
            "block": _COUNT,
            "first_seq": _COUNT,
            "count": _COUNT,
            "digest": DIGEST_TYPE,
            "link": DIGEST_TYPE,
        }
    ),
    "dead_letters": pa.schema(
        [
            pa.field("id", UUID_TYPE),
            pa.field("received_at", MICROS),
            pa.field("source", _TEXT),
            pa.field("reason", _TEXT),
            pa.field("detail", _TEXT),
            pa.field("writer", UUID_TYPE, nullable=True),
            pa.field("frame", _BYTES),
        ]
    ),
    "replays": pa.schema(
        {
            "id": UUID_TYPE,
            "replayed_at": MICROS,
            "log": _TEXT,
            "offset": _COUNT,
            "repaired": pa.bool_(),
            "by": _TEXT,
        }
    ),
    "facts": pa.schema(
        {
            "project": _TEXT,
            "kind": _TEXT,
            "field": _TEXT,
            "entity": UUID_TYPE,
            "key": _TEXT,
            "removed": pa.bool_(),
            "value": _TEXT,
            "type": _TEXT,
            "number": _REAL,
            "text": _TEXT,
            "rank": pa.uint32(),
            "logged_at": MICROS,
            "occurred_at": MICROS,
            "recorded_at": MICROS,
            "log": _TEXT,
            "offset": _COUNT,
            "writer": UUID_TYPE,
            "seq": _COUNT,
            "ord": pa.uint32(),
        }
    ),
    "partials": pa.schema(
        {
            "project": _TEXT,
            "component": UUID_TYPE,
            "metric": _TEXT,
            "rank": pa.uint32(),
            "writer": UUID_TYPE,
            "block": _COUNT,
            "n": _COUNT,
            "nan_count": _COUNT,
            "min": _REAL,
            "argmin": _REAL,
            "max": _REAL,
            "argmax": _REAL,
            "mean": _REAL,
            "m2": _REAL,
            "first_step": _REAL,
            "first": _REAL,
            "last_step": _REAL,
            "last": _REAL,
            "increasing": pa.bool_(),
            "occurred_from": MILLIS,
            "occurred_until": MILLIS,
            "recorded_from": MICROS,
            "recorded_until": MICROS,
            "log": _TEXT,
            "offset_from": _COUNT,
            "offset_until": _COUNT,
        }
    ),
}

# the only columns that may hold null
NULLABLE: frozenset[tuple[str, str]] = frozenset({("dead_letters", "writer"), ("facts", "number")})


def schema_of(table: str) -> pa.Schema:
    """The columns of a table. Raises: SchemaError for a table that takes no rows."""
    if table not in SCHEMAS:
        raise SchemaError(f"no table {table!r} takes rows; there are {', '.join(sorted(SCHEMAS))}")
    return SCHEMAS[table]


def uuid_column(values: Iterable[UUID | str | bytes | None]) -> pa.Array:
    """UUIDs as the engine takes them in Arrow: 16 bytes, big endian (the order of the text)."""
    return pa.array([None if value is None else _uuid_bytes(value) for value in values], UUID_TYPE)


def rows_of(table: str, rows: Sequence[Mapping[str, Any]]) -> pa.Table:
    """Rows of one table from mappings: UUIDs as `UUID`, text or 16 bytes; times may be integers in the column's unit.

    Raises: SchemaError naming the columns that are missing or unknown.
    """
    schema = schema_of(table)
    columns = {field.name: [row.get(field.name, _MISSING) for row in rows] for field in schema}
    missing = [name for name, values in columns.items() if any(value is _MISSING for value in values)]
    unknown = sorted({name for row in rows for name in row} - set(schema.names))
    if missing or unknown:
        raise SchemaError(f"rows for {table}: missing columns {missing}, unknown columns {unknown}")
    arrays = [
        uuid_column(columns[field.name]) if _is_uuid(table, field) else pa.array(columns[field.name], field.type)
        for field in schema
    ]
    return pa.table(arrays, schema=schema)


def fitted(table: str, rows: pa.Table) -> pa.Table:
    """The same rows with the columns in the table's order; text may be dictionary-encoded.

    Raises: SchemaError naming every column that is missing, unknown, of another type, or null where
    null isn't allowed (the engine would silently store its default).
    """
    schema = schema_of(table)
    problems = [f"{name}: missing" for name in schema.names if name not in rows.column_names]
    problems += [f"{name}: unknown" for name in rows.column_names if name not in schema.names]
    for field in schema:
        if field.name in rows.column_names:
            problems += _column_problems(table, field, rows.column(field.name))
    if problems:
        raise SchemaError(f"rows don't fit table {table}: {'; '.join(problems)}")
    return rows.select(schema.names)


_MISSING = object()


def _uuid_bytes(value: UUID | str | bytes) -> bytes:
    if isinstance(value, UUID):
        return value.bytes
    return UUID(value).bytes if isinstance(value, str) else value


def _is_uuid(table: str, field: pa.Field) -> bool:
    return field.type.equals(UUID_TYPE) and (table, field.name) != ("events", "salt")


def _column_problems(table: str, field: pa.Field, column: pa.ChunkedArray) -> list[str]:
    kind = column.type.value_type if pa.types.is_dictionary(column.type) else column.type
    problems: list[str] = []
    if not kind.equals(field.type):
        problems.append(f"{field.name}: {kind} where {field.type} is expected")
    if column.null_count and (table, field.name) not in NULLABLE:
        problems.append(f"{field.name}: {column.null_count} nulls where none is allowed")
    return problems
