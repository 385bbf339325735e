"""A table made anew beside the one that is in use, which then takes its place in one step."""

from __future__ import annotations

import secrets
import time
from collections.abc import Mapping, Sequence
from typing import Protocol

import pyarrow as pa

from epochal_storage.errors import StoreError
from epochal_storage.sql_text import quoted_name, quoted_text
from epochal_storage.writing import SqlRunner

_MARK = "_rebuilding_"
_FEED = "_feed"
_PAUSE_S = 0.05


class Inserting(SqlRunner, Protocol):
    """Runs statements with all rights, and inserts rows of one table into another that is made like it."""

    def insert(self, table: str, rows: pa.Table, into: str = "") -> None:
        """Insert rows that fit `table`, into another of the same columns where one is named."""
        ...


class Shadow:
    """A table like one of the store's, empty at first, into which everything goes that is inserted there meanwhile.

    Guarantees: nobody who reads notices anything before `swap`, nor in the middle of it; what is inserted into the
    table from the beginning on is in the shadow. A shadow that was left behind is dropped when the next one begins, and
    whoever still works on it fails.
    Raises: EngineError from all calls.
    """

    def __init__(self, store: Inserting, table: str) -> None:
        """Begin. When it returns, every insert that had begun before is done."""
        self._store = store
        self._table = table
        drop_shadows(store, table)
        self._of = self._identity()
        self.name = f"{table}{_MARK}{secrets.token_hex(4)}"
        store.command(f"CREATE TABLE {quoted_name(self.name)} AS {quoted_name(table)}")
        store.command(
            f"CREATE MATERIALIZED VIEW {quoted_name(self.name + _FEED)} TO {quoted_name(self.name)} "  # noqa: S608
            f"AS SELECT * FROM {quoted_name(table)}"
        )
        self._outlast_inserts()

    def insert(self, rows: pa.Table) -> None:
        """Insert rows of the table."""
        self._store.insert(self._table, rows, into=self.name)

    def compare(self, columns: Sequence[str], where: str, parameters: Mapping[str, object]) -> list[tuple[int, int]]:
        """The number of rows and a checksum of them, of the table and of the shadow; of those that readers see and a
        condition holds for. The checksum doesn't depend on the order.
        """
        hashed = f"cityHash64({', '.join(map(quoted_name, columns))})"
        asked = [
            f"(SELECT (count(), sum({hashed})) FROM {quoted_name(name)} FINAL WHERE {where}) AS {alias}"  # noqa: S608
            for name, alias in ((self._table, "used"), (self.name, "made"))
        ]
        (row,) = self._store.query_arrow(f"SELECT {', '.join(asked)}", parameters).to_pylist()
        return [tuple(row[alias].values()) for alias in ("used", "made")]

    def swap(self) -> None:
        """Put the shadow in the table's place, and drop what was there.

        Raises: StoreError where the table isn't the one that it was, as when something in it was erased meanwhile.
        """
        if self._identity() != self._of:
            raise StoreError(
                f"table {self._table} was replaced while it was rebuilt, as it is when something is erased; "
                "nothing was changed: run it again"
            )
        self._store.command(f"EXCHANGE TABLES {quoted_name(self._table)} AND {quoted_name(self.name)}")
        self.drop()

    def drop(self) -> None:
        """Drop the shadow, or after `swap` what was there before."""
        for name in (self.name + _FEED, self.name):
            self._store.command(f"DROP TABLE IF EXISTS {quoted_name(name)} SYNC")

    def _identity(self) -> str:
        asked = """SELECT toString(uuid) AS id FROM system.tables
                   WHERE database = currentDatabase() AND name = {name:String}"""
        return str(self._store.query_arrow(asked, {"name": self._table})["id"][0])

    def _outlast_inserts(self) -> None:
        began = time.monotonic()
        running = "SELECT count() AS n FROM system.processes WHERE query_kind = 'Insert' AND elapsed > {since:Float64}"
        while True:
            since = time.monotonic() - began
            if self._store.query_arrow(running, {"since": since})["n"][0].as_py() == 0:
                return
            time.sleep(_PAUSE_S)


def drop_shadows(store: SqlRunner, table: str = "[a-z_]+") -> None:
    """Drop what rebuilds which were cut short have left of a table or of all, and what one that goes on is making."""
    for left in _left_behind(store, table):
        store.command(f"DROP TABLE IF EXISTS {quoted_name(left)} SYNC")


def _left_behind(store: SqlRunner, table: str) -> list[str]:
    """The shadows of tables whose names match a pattern, those that feed others first."""
    pattern = quoted_text(f"^{table}{_MARK}[0-9a-f]{{8}}({_FEED})?$")
    found = store.query_arrow(
        f"SELECT name FROM system.tables WHERE database = currentDatabase() AND match(name, {pattern}) "  # noqa: S608
        f"ORDER BY endsWith(name, {quoted_text(_FEED)}) DESC"
    )
    return [str(name) for name in found["name"].to_pylist()]
