"""A store that another process or machine answers for, with all rights: what workers write to and look things up in."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import pyarrow as pa

from epochal_storage.client import StoreClient
from epochal_storage.endpoint import Endpoint
from epochal_storage.errors import EngineError
from epochal_storage.locate import Spawn, find_or_start
from epochal_storage.location import Embedded, Location, Server
from epochal_storage.migrations import Layout, migrate
from epochal_storage.sql_text import quoted_name

ANSWER_SECONDS = 300.0
"""How long one insert may take before the connection counts as lost. Twenty seconds are much."""


class RemoteStore:
    """`writing.Store` over HTTP: an embedded store's host, or a ClickHouse server.

    Guarantees: an error is raised at once and not tried again here; `errors.may_heal` says whether it is worth it.
    Raises: HostUnavailableError and HostSilentError from all calls, besides what the protocol says.
    """

    def __init__(self, connect: Callable[[], Endpoint]) -> None:
        """`connect` gives the endpoint to ask; it is called again when a connection was lost."""
        self._client = StoreClient(connect, retry_seconds=0, answer_seconds=ANSWER_SECONDS)

    def insert(self, table: str, rows: pa.Table, into: str = "") -> None:
        """Insert rows as `writing.TableWriter` says; `into` another table of the same columns, where one is named."""
        self._client.insert(table, rows, into)

    def command(self, sql: str) -> None:
        """Run one statement that answers nothing; never sent twice."""
        self._client.command(sql)

    def query_arrow(self, sql: str, parameters: Mapping[str, object] | None = None) -> pa.Table:
        """Answer one query, whole and exact, without a look into journals first."""
        return self._client.query_arrow(sql, parameters, fresh=False)

    def close(self) -> None:
        """Close the connections."""
        self._client.close()


def open_remote(where: Location, spawn: Spawn) -> RemoteStore:
    """The store at a location, for writing; nothing is asked yet.

    `spawn` starts the host of a directory's store where there is none (`locate.find_or_start`).
    """
    return RemoteStore(lambda: _endpoint(where, spawn))


def prepare(where: Location) -> list[str]:
    """Bring a server's database and tables to this version; the names of the migrations applied now.

    An embedded store needs none of this: its host does it. Several processes may do it at once.
    Raises: MigrationError, EngineError, HostUnavailableError.
    """
    if isinstance(where, Embedded):
        return []
    store = open_remote(where, _never)
    try:
        _create_database(where)
        return migrate(store, Layout(where.database))
    finally:
        store.close()


def _create_database(where: Server) -> None:
    """Connections name their database, so that the first one of all has to be made through another."""
    store = open_remote(replace(where, database="default"), _never)
    try:
        store.command(f"CREATE DATABASE IF NOT EXISTS {quoted_name(where.database)}")
    except EngineError as error:
        # a user with rights in its own database alone: whether that is there is seen at the next step
        if error.name != "ACCESS_DENIED":
            raise
    finally:
        store.close()


def _endpoint(where: Location, spawn: Spawn) -> Endpoint:
    return Endpoint.of_server(where) if isinstance(where, Server) else find_or_start(where.directory, "writer", spawn)


def _never(_: Path) -> None:
    return None
