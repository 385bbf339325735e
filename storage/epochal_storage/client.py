"""One store as its readers and writers see it: the same over an embedded store's host and over a ClickHouse server."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

import pyarrow as pa

from epochal_storage.arrow_answer import arrow_table, frame_of
from epochal_storage.endpoint import Endpoint, posted
from epochal_storage.errors import HOST_ENDING, EngineError, HostUnavailableError, engine_error
from epochal_storage.log_ends import log_ends
from epochal_storage.parameters import plain
from epochal_storage.schemas import fitted
from epochal_storage.waiting import run_watched

if TYPE_CHECKING:
    import pandas as pd
    from clickhouse_connect.driver.client import Client

Answer = TypeVar("Answer")

# 516: the token isn't known, as the host was replaced by another, which has tokens of its own
_REPLACED = frozenset({516, HOST_ENDING})
# the copies of a row collapse at merges and under FINAL; collapsing them here as well would take twice the time. A
# server's own buffer (on by default from 26.9 on) would only wait for more of what comes in large pieces already
_INSERTING = {"optimize_on_insert": 0, "async_insert": 0}


@dataclass(frozen=True)
class _Link:
    endpoint: Endpoint
    client: Client


class _LostError(Exception):
    """The connection to a host that was there is gone: another host can answer."""


class StoreClient:
    """Asks a store over HTTP with clickhouse-connect. Safe to use from several threads, and after a fork.

    `connect` gives the endpoint to ask, finding or starting a host where the store is embedded; it is called
    again when the connection is lost.

    Guarantees: answers are whole and exact; a read goes on when its host dies, on the next host.
    Raises: EngineError for a refused statement; HostUnavailableError and HostSilentError from all calls.
    """

    def __init__(
        self, connect: Callable[[], Endpoint], *, retry_seconds: float = 60.0, answer_seconds: float = 3600.0
    ) -> None:
        """`retry_seconds`: how long to look for the next host; `answer_seconds`: how long one request may take."""
        self._connect = connect
        self._retry_seconds = retry_seconds
        self._answer_seconds = answer_seconds
        self._lock = threading.Lock()
        self._current: _Link | None = None
        self._process = os.getpid()

    def query_arrow(self, sql: str, parameters: Mapping[str, object] | None = None, *, fresh: bool = True) -> pa.Table:
        """Answer a query with bound parameters (`{name:Type}`).

        `fresh=False` leaves out the host's look into the journals: for the second and later queries of
        one read, which ask as of a watermark that is there already.
        """
        data = self._reliably(lambda link: _raw(link.client, sql, parameters, fresh))
        return arrow_table(data)

    def query_df(self, sql: str, parameters: Mapping[str, object] | None = None) -> pd.DataFrame:
        """Answer a query as a pandas frame; times keep their zone, an answer without rows keeps its columns."""
        return frame_of(self.query_arrow(sql, parameters))

    def insert(self, table: str, rows: pa.Table, into: str = "") -> None:
        """Insert rows as `writing.TableWriter` says; sent again when the host dies meanwhile, which changes nothing.

        `into` is another table with the columns of `table`, for rows that go there.
        """
        if rows.num_rows:
            checked = fitted(table, rows)
            names, data = checked.column_names, _stream(checked)
            self._reliably(lambda link: link.client.raw_insert(into or table, names, data, _INSERTING, "ArrowStream"))

    def command(self, sql: str) -> None:
        """Run one statement that answers nothing; never sent twice."""
        try:
            self._once(lambda link: link.client.command(sql))
        except _LostError as error:
            raise HostUnavailableError(f"{error}; whether it was done isn't known") from error

    def watermark(self) -> dict[str, int]:
        """How far each log is in the store, after everything written on this machine before the call was taken in."""
        if self._reliably(lambda link: link.endpoint.pid) is None:
            return log_ends(self.query_arrow)
        said = self._reliably(lambda link: posted(link.endpoint, "/epochal/catch-up"))
        return {str(log): int(str(offset)) for log, offset in said.items()}

    def close(self) -> None:
        """Close the connections. A later call opens them again."""
        with self._lock:
            link, self._current = self._current, None
        if link is not None:
            link.client.close()

    def _reliably(self, work: Callable[[_Link], Answer]) -> Answer:
        """Do it, and do it again on the next host when the one that was asked goes away."""
        deadline = time.monotonic() + self._retry_seconds
        pause = 0.05
        while True:
            try:
                return self._once(work)
            except _LostError as error:
                if time.monotonic() > deadline:
                    raise HostUnavailableError(str(error)) from error
                time.sleep(pause)
                pause = min(pause * 2, 1.0)

    def _once(self, work: Callable[[_Link], Answer]) -> Answer:
        link = self._connected()
        # not before it: its import opens a socket, which isn't to be where a host can't be had
        from clickhouse_connect.driver.exceptions import Error

        try:
            return run_watched(lambda: work(link), link.endpoint)
        except EngineError as error:
            if link.endpoint.pid is None or error.code not in _REPLACED:
                raise
            cause: Exception = error
        except (Error, OSError) as error:
            refused = _refused(error)
            if refused is not None and (link.endpoint.pid is None or refused.code not in _REPLACED):
                raise refused from None
            cause = error
        self._forget(link)
        where = f"{link.endpoint.host}:{link.endpoint.port}"
        raise _LostError(f"{where} went away while it was asked: {cause}") from cause

    def _connected(self) -> _Link:
        if self._process != os.getpid():  # a forked child has connections of its own: its parent goes on with these
            self._lock, self._current, self._process = threading.Lock(), None, os.getpid()
        with self._lock:
            if self._current is None:
                endpoint = self._connect()
                opened = run_watched(lambda: _opened(endpoint, self._answer_seconds), endpoint)
                self._current = _Link(endpoint, opened)
            return self._current

    def _forget(self, link: _Link) -> None:
        """Forget a link that is broken, unless another thread did so already."""
        with self._lock:
            if self._current is link:
                self._current = None
        link.client.close()


def _opened(endpoint: Endpoint, answer_seconds: float) -> Client:
    import clickhouse_connect
    from clickhouse_connect.driver.exceptions import Error
    from clickhouse_connect.driver.httputil import get_pool_manager

    # it reports broken connections to the log as well, where a user would see an error that was dealt with
    logging.getLogger("clickhouse_connect").addHandler(logging.NullHandler())
    try:
        return clickhouse_connect.get_client(
            interface="https" if endpoint.tls else "http",
            host=endpoint.host,
            port=endpoint.port,
            username=endpoint.user,
            password=endpoint.secret,
            database=endpoint.database,
            # threads may ask at once, which ClickHouse allows only without a session
            autogenerate_session_id=False,
            compress=endpoint.pid is None,
            send_receive_timeout=answer_seconds,
            # a pool of its own: not shared with the user's clients, and no proxy between us and loopback
            **({"pool_mgr": get_pool_manager()} if endpoint.pid is not None else {}),
        )
    except Error as error:
        refused = _refused(error)
        if refused is not None and (endpoint.pid is None or refused.code not in _REPLACED):
            raise refused from None
        raise _LostError(f"{endpoint.host}:{endpoint.port} can't be reached: {_cause(error)}") from error


def _stream(rows: pa.Table) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, rows.schema, options=pa.ipc.IpcWriteOptions(compression="lz4")) as stream:
        stream.write_table(rows)
    return bytes(sink.getvalue().to_pybytes())


def _raw(client: Client, sql: str, parameters: Mapping[str, object] | None, fresh: bool) -> bytes:
    # the format by a header: as a clause it would stand in the engine's errors, and be refused behind some statements
    headers = {"X-ClickHouse-Format": "ArrowStream"} | ({} if fresh else {"X-Epochal-Catch-Up": "0"})
    bound = {name: plain(value) for name, value in parameters.items()} if parameters else None
    return bytes(client.raw_query(sql, parameters=bound, transport_settings=headers))


def _cause(error: BaseException) -> str:
    """What the system said, from below the libraries' own words."""
    below: BaseException | None = error
    while below is not None:
        if isinstance(below, OSError) and below.strerror:
            return f"{below.strerror}; check the address, and that the server runs"
        below = below.__cause__ or below.__context__
    return str(error)


def _refused(error: Exception) -> EngineError | None:
    """The engine's refusal in an error of clickhouse-connect; None where the connection is at fault."""
    text = str(error)
    return engine_error(text) if getattr(error, "code", None) or "DB::Exception" in text else None
