"""Writing to a store that another process answers for."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from storage_hosts import Hosts
from storage_rows import canonical, some_rows

from epochal_storage.errors import EngineError, HostUnavailableError, SchemaError, StoreError, may_heal
from epochal_storage.location import Embedded, Server
from epochal_storage.migrations import available
from epochal_storage.remote import RemoteStore, open_remote, prepare
from epochal_storage.schemas import SCHEMAS


@pytest.fixture(scope="module")
def remote(shared_hosts: Hosts, shared_store: Path) -> Iterator[RemoteStore]:
    kept = open_remote(Embedded(shared_store), shared_hosts.spawn)
    yield kept
    kept.close()


@pytest.mark.parametrize("table", SCHEMAS)
def test_rows_come_back_as_they_went(remote: RemoteStore, table: str) -> None:
    """Every kind of value of every column, sent in another order of columns, comes back bit for bit, twice or not."""
    rows = some_rows(table, 300, seed=1)
    for _ in range(2):
        remote.insert(table, rows.select(rows.column_names[::-1]))
    columns = ", ".join(f"`{name}`" for name in SCHEMAS[table].names)
    found = remote.query_arrow(f"SELECT {columns} FROM {table} FINAL")
    assert sorted(canonical(table, found)) == sorted(canonical(table, rows))


@pytest.mark.parametrize(
    ("sql", "name", "heals"),
    [
        ("SELECT sleepEachRow(1) FROM numbers(3) SETTINGS max_execution_time = 1", "TIMEOUT_EXCEEDED", True),
        (
            "SELECT groupArray(number) FROM numbers(9000000) SETTINGS max_memory_usage = 9999",
            "MEMORY_LIMIT_EXCEEDED",
            True,
        ),
        ("SELECT nope", "UNKNOWN_IDENTIFIER", False),
        ("SELECT 1 FROM nowhere", "UNKNOWN_TABLE", False),
    ],
)  # fmt: skip
def test_what_waiting_mends_is_told_from_what_it_never_does(
    remote: RemoteStore, sql: str, name: str, heals: bool
) -> None:
    """A store under load may take the same statement later; a statement that is wrong stays wrong."""
    with pytest.raises(EngineError) as refused:
        remote.query_arrow(sql)
    assert (refused.value.name, may_heal(refused.value)) == (name, heals)


def test_rows_that_do_not_fit_never_heal(remote: RemoteStore) -> None:
    """They are refused before they are sent."""
    with pytest.raises(SchemaError, match="seq: missing") as refused:
        remote.insert("metrics", some_rows("metrics", 3, seed=2).drop_columns(["seq"]))
    assert not may_heal(refused.value)


@pytest.mark.long
def test_a_host_that_was_killed_heals(hosts: Hosts, tmp_path: Path) -> None:
    """The error comes at once and may heal; the next insert finds or starts the next host."""
    remote = open_remote(Embedded(tmp_path), hosts.spawn)
    rows = some_rows("ledger", 10, seed=3)
    remote.insert("ledger", rows)
    host = hosts.started[-1]
    os.kill(host.pid, signal.SIGKILL)
    host.wait()
    with pytest.raises(HostUnavailableError) as lost:
        remote.insert("ledger", rows)
    assert may_heal(lost.value)
    remote.insert("ledger", rows)
    assert remote.query_arrow("SELECT count() AS n FROM ledger FINAL").to_pylist() == [{"n": 10}]
    remote.close()


def test_an_address_that_nobody_answers_heals(tmp_path: Path) -> None:
    """A server that is away may come back; a directory without a host too, though none can be started here."""
    nobody = Server("127.0.0.1", 1, "default", "secret", "epochal", tls=False)
    for where in (nobody, Embedded(tmp_path)):
        with pytest.raises(StoreError) as lost:
            open_remote(where, lambda _: None).query_arrow("SELECT 1")
        assert may_heal(lost.value)
        assert "secret" not in str(lost.value)


@pytest.mark.long
def test_a_database_is_made_and_migrated_once(hosts: Hosts, tmp_path: Path) -> None:
    """By URL, as on a server: a database that isn't there is made, and a second process finds nothing to do."""
    host = hosts.info(tmp_path)
    where = Server("127.0.0.1", host.port, "writer", host.writer_token, "other-one", tls=False)
    assert prepare(where) == [migration.name for migration in available()]
    assert prepare(where) == []
    assert prepare(Embedded(tmp_path)) == []
    remote = open_remote(where, lambda _: None)
    remote.insert("ledger", some_rows("ledger", 10, seed=4))
    assert remote.query_arrow("SELECT count() AS n FROM ledger").to_pylist() == [{"n": 10}]
    remote.close()


def test_a_wrong_password_never_heals(hosts: Hosts, tmp_path: Path) -> None:
    """It is said, without the password."""
    host = hosts.info(tmp_path)
    remote = open_remote(Server("127.0.0.1", host.port, "writer", "guessed", "epochal", tls=False), lambda _: None)
    with pytest.raises(EngineError, match="token is missing or wrong") as refused:
        remote.query_arrow("SELECT 1")
    assert not may_heal(refused.value)
    assert "guessed" not in str(refused.value)
