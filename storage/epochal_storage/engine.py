"""The embedded engine: chDB over one directory. The only module that loads chDB.

chDB locks its directory to one process, takes over fatal signals and hangs forked children, so only
the host loads it.
"""

from __future__ import annotations

import os
import secrets
import threading
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import pyarrow as pa

from epochal_storage.arrow_answer import arrow_table
from epochal_storage.errors import EngineError, engine_error
from epochal_storage.gate import Gate
from epochal_storage.guard import check_read
from epochal_storage.inserting import file_in_memory, insert_from
from epochal_storage.parameters import encoded
from epochal_storage.schemas import SCHEMAS, fitted
from epochal_storage.sql_text import quoted_name, quoted_text

DATABASE = "epochal"

# how long a query under way may hold up the end; then the process ends with the engine open, which is safe
_CLOSING_SECONDS = 5.0

# merging costs as much processor time as inserting (6 s for 6 million points, tried): it is to take what is left
_OPTIONS = "background_pool_size=2&os_threads_nice_value_merge_mutate=15"

SNAPSHOT = "snapshot_"

# formats of which every block is a piece of the whole; all others have a head or a foot
STREAMED_FORMATS = frozenset({"Native", "TabSeparated", "TSV", "CSV", "RowBinary", "JSONEachRow"})


def _half_of_memory() -> int:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2


@dataclass(frozen=True)
class ReadLimits:
    """What one reader may take: seconds, bytes, and how many queries run at once."""

    seconds: int = 600
    memory: int = _half_of_memory()
    at_once: int = 8
    wait_seconds: float = 60.0


class Engine:
    """chDB over a directory: one connection that writes, and a fresh one for every read.

    Guarantees: safe to call from several threads; reads never wait for writes, nor writes for reads.
    Raises: EngineError where the directory can't be opened, for example as another process holds it.
    """

    def __init__(self, directory: Path, limits: ReadLimits | None = None) -> None:
        self.limits = limits or ReadLimits()
        self.database = DATABASE
        self._url = f"{directory}?{_OPTIONS}"
        self._writing = threading.Lock()
        self.writes = Gate()
        """Passed by whoever changes anything through a session; not by `insert` and `command`, for one owner."""
        # connections of readers that asked for nothing special, for the next ones: a new one costs a millisecond
        self._idle: list[Any] = []
        self._slots = threading.BoundedSemaphore(self.limits.at_once)
        directory.mkdir(parents=True, exist_ok=True)
        self._writer = self._connect()
        self._prepare()

    def insert(self, table: str, rows: pa.Table) -> None:
        """Insert rows as `writing.TableWriter` says. The parts are written, not yet synced."""
        if not rows.num_rows:
            return
        rows = fitted(table, rows)
        columns = ", ".join(quoted_name(name) for name in rows.column_names)
        # the copies of a row collapse at merges and under FINAL; collapsing them here as well would sort twice
        sql = f"INSERT INTO {quoted_name(self.database)}.{quoted_name(table)} ({columns}) SETTINGS optimize_on_insert=0"
        with self._writing, file_in_memory(lambda file: _write(rows, file)) as path:
            _run(self._writer, insert_from(sql, path, "ArrowStream"), "Null", {})

    def command(self, sql: str) -> None:
        """Run one statement with all rights, after the writes before it."""
        with self._writing:
            _run(self._writer, sql, "Null", {})

    def query(self, sql: str, output_format: str, parameters: Mapping[str, str] | None = None) -> bytes:
        """Answer one query, whole, on a connection that may only read; parameters as `encoded` makes them."""
        check_read(sql)
        with self.session() as session:
            return session.query(sql, output_format, parameters or {})

    def query_arrow(self, sql: str, parameters: Mapping[str, object] | None = None) -> pa.Table:
        """Answer one query, whole and exact, on a connection that may only read."""
        check_read(sql)
        with self.session({"output_format_arrow_compression_method": "none"}) as session:
            data = session.query(sql, "ArrowStream", encoded(parameters))
        return arrow_table(data)

    @contextmanager
    def session(
        self, settings: Mapping[str, str] | None = None, *, database: str | None = None, writes: bool = False
    ) -> Generator[Session, None, None]:
        """A connection of its own, closed at the end, bounded and without the right to change anything unless `writes`.

        Raises: EngineError 202 when as many queries as `limits.at_once` run and none ends in time.
        """
        if not self._slots.acquire(timeout=self.limits.wait_seconds):
            raise EngineError(
                f"{self.limits.at_once} queries run already and none ended in {self.limits.wait_seconds:g} s; "
                "try again when one has",
                202,
                "TOO_MANY_SIMULTANEOUS_QUERIES",
            )
        try:
            plain = not settings and not writes and database in (None, self.database)
            connection = self._rested() if plain else None
            connection = connection or self._opened(settings or {}, database, writes)
            session = Session(connection, self.writes)
            try:
                yield session
            except BaseException:
                # what a failed or abandoned query leaves behind in a connection isn't worth knowing
                session.spent = True
                raise
            finally:
                if plain and not session.spent:
                    self._idle.append(connection)
                else:
                    connection.close()
        finally:
            self._slots.release()

    def snapshot(self) -> str:
        """Copy all tables, as they are now, into a database of its own; its name.

        Guarantees: takes no space and next to no time (the parts are shared); later writes don't reach it.
        Whoever asked for it drops it, else the next start of the engine does.
        """
        name = f"{SNAPSHOT}{secrets.token_hex(8)}"
        self.command(f"CREATE DATABASE {name} ENGINE = Atomic")
        for table in (*SCHEMAS, "migrations"):
            self.command(f"CREATE TABLE {name}.{table} CLONE AS {quoted_name(self.database)}.{table}")
        return name

    def close(self) -> None:
        """Close the connections, once the queries under way have ended. Nothing may be called afterwards."""
        # closing the engine below a running query ends the process with a signal
        for _ in range(self.limits.at_once):
            if not self._slots.acquire(timeout=_CLOSING_SECONDS):
                return
        with self._writing:
            while self._idle:
                self._idle.pop().close()
            self._writer.close()

    def _rested(self) -> Any:
        try:
            return self._idle.pop()
        except IndexError:
            return None

    def _opened(self, settings: Mapping[str, str], database: str | None, writes: bool) -> Any:
        connection = self._connect()
        try:
            _run(connection, f"USE {quoted_name(database or self.database)}", "Null", {})
            _run(connection, _set_statement({} if writes else self._bounds(), settings), "Null", {})
            if not writes:
                _run(connection, "SET readonly=1", "Null", {})
        except EngineError:
            connection.close()
            raise
        return connection

    def _connect(self) -> Any:
        # here and not at the top: it takes 0.3 s, 200 MB and the process's fatal signals
        import chdb

        try:
            return chdb.connect(self._url)  # type: ignore[no-untyped-call]
        except RuntimeError as error:
            raise engine_error(str(error)) from None

    def _prepare(self) -> None:
        # chDB's own default database is a view of the file system: any file could be read as a table
        for sql in (
            "DROP DATABASE IF EXISTS default SYNC",
            "CREATE DATABASE IF NOT EXISTS default ENGINE = Memory",
            f"CREATE DATABASE IF NOT EXISTS {quoted_name(self.database)} ENGINE = Atomic",
            f"USE {quoted_name(self.database)}",
        ):
            self.command(sql)
        left = f"SELECT name FROM system.databases WHERE startsWith(name, '{SNAPSHOT}')"  # noqa: S608
        for row in self.query_arrow(left).to_pylist():
            self.command(f"DROP DATABASE {quoted_name(row['name'])} SYNC")

    def _bounds(self) -> dict[str, str]:
        return {
            "max_execution_time": str(self.limits.seconds),
            "max_memory_usage": str(self.limits.memory),
            # neither of these may be on where a stranger's SQL runs: they read the process and its files
            "allow_introspection_functions": "0",
            "implicit_select": "0",
            # of what FINAL merges, rows are left out by conditions on the sorting key alone, which hold for all copies
            "optimize_move_to_prewhere_if_final": "1",
        }


class Session:
    """One open connection, for one thread. Whoever changes its state marks it as spent: it isn't used again."""

    def __init__(self, connection: Any, writes: Gate) -> None:
        self._connection = connection
        self._writes = writes
        self.spent = False

    def query(self, sql: str, output_format: str, parameters: Mapping[str, str]) -> bytes:
        """Answer one statement, whole. Raises: EngineError."""
        return bytes(_run(self._connection, sql, output_format, parameters).bytes())

    def stream(self, sql: str, output_format: str, parameters: Mapping[str, str]) -> Generator[bytes, None, None]:
        """Answer one query piece by piece, for the formats in `STREAMED_FORMATS`.

        Guarantees: the first piece is there when it returns; closing it early ends the query.
        Raises: EngineError, also between pieces.
        """
        with _translated():
            pieces = self._connection.send_query(sql, output_format, params=dict(parameters))
        with _translated():
            first = pieces.fetch()
        return _drained(pieces, first)

    def insert(self, sql: str, input_format: str, pieces: Iterator[bytes] | Sequence[bytes]) -> int:
        """Run an INSERT without its data, with the data in pieces; the rows written. Raises: EngineError."""
        # all of it has come before the gate is passed: a slow client must not keep it from being shut
        with file_in_memory(lambda file: file.writelines(pieces)) as path, self._writes.passed():
            return int(_run(self._connection, insert_from(sql, path, input_format), "Null", {}).rows_read())

    def change(self, sql: str, output_format: str, parameters: Mapping[str, str]) -> bytes:
        """Run one statement that changes something; what it answers. Raises: EngineError."""
        with self._writes.passed():
            return self.query(sql, output_format, parameters)


def _drained(pieces: Any, first: Any) -> Generator[bytes, None, None]:
    try:
        piece = first
        while piece is not None:
            yield piece.bytes()
            with _translated():
                piece = pieces.fetch()
    finally:
        with _translated():
            pieces.close()


def _run(connection: Any, sql: str, output_format: str, parameters: Mapping[str, str]) -> Any:
    with _translated():
        return connection.query(sql, output_format, params=dict(parameters))


def _write(rows: pa.Table, file: IO[bytes]) -> None:
    with pa.ipc.new_stream(file, rows.schema) as stream:
        stream.write_table(rows)


@contextmanager
def _translated() -> Generator[None, None, None]:
    try:
        yield
    # chDB raises its own kind, which is an Exception, and RuntimeError
    except Exception as error:  # noqa: BLE001 - the border to chDB: whatever it raises is the engine's refusal
        raise engine_error(str(error)) from None


def _set_statement(bounds: Mapping[str, str], settings: Mapping[str, str]) -> str:
    # answers must not depend on where the machine stands; what a request brings comes last, checked before
    merged = {"session_timezone": "UTC", **bounds, **settings}
    return "SET " + ", ".join(f"{quoted_name(name)} = {quoted_text(value)}" for name, value in merged.items())
