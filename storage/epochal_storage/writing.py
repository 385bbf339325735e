"""The seams between what makes rows and what keeps them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

import pyarrow as pa


class TableWriter(Protocol):
    """Takes rows for the tables of a store."""

    def insert(self, table: str, rows: pa.Table) -> None:
        """Insert rows whose columns are those of `schemas.SCHEMAS[table]`, in any order.

        Guarantees: when it returns, every reader sees the rows; the same rows again change nothing a
        reader sees.
        Raises: SchemaError where columns don't fit; EngineError where the engine refuses.
        """
        ...


class SqlRunner(Protocol):
    """Runs statements with all rights."""

    def command(self, sql: str) -> None:
        """Run one statement that answers nothing. Raises: EngineError."""
        ...

    def query_arrow(self, sql: str, parameters: Mapping[str, object] | None = None) -> pa.Table:
        """Answer one query, whole and exact. Raises: EngineError."""
        ...


class Store(TableWriter, SqlRunner, Protocol):
    """Both: what migrations, imports and rebuilds need."""
