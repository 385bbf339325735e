"""ClickHouse's HTTP protocol, spoken raw and through clickhouse-connect."""

from __future__ import annotations

import base64
import contextlib
import gzip
import http.client
import json
import socket
import struct
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode

import clickhouse_connect
import pyarrow as pa
import pytest
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import DatabaseError
from storage_hosts import Hosts

from epochal_storage.hostfile import HostFile


@dataclass(frozen=True)
class Reply:
    status: int
    headers: http.client.HTTPMessage
    body: bytes


@pytest.fixture(scope="module")
def info(shared_hosts: Hosts, shared_store: Path) -> HostFile:
    return shared_hosts.info(shared_store)


def ask(
    info: HostFile,
    query: str = "",
    body: bytes | None = None,
    *,
    user: str = "reader",
    path: str = "/",
    method: str = "POST",
    headers: dict[str, str] | None = None,
    **arguments: str,
) -> Reply:
    """One raw request."""
    token = info.writer_token if user == "writer" else info.reader_token
    credentials = base64.b64encode(f"{user}:{token}".encode()).decode()
    connection = http.client.HTTPConnection(info.host, info.port, timeout=60)
    if query:
        arguments["query"] = query
    with contextlib.closing(connection):
        connection.request(
            method, f"{path}?{urlencode(arguments)}", body, {"Authorization": f"Basic {credentials}", **(headers or {})}
        )
        response = connection.getresponse()
        return Reply(response.status, response.headers, response.read())


@pytest.fixture(scope="module")
def reader(info: HostFile) -> Iterator[Client]:
    with clickhouse_connect.get_client(
        host=info.host, port=info.port, username="reader", password=info.reader_token
    ) as client:
        yield client


@pytest.fixture(scope="module")
def writer(info: HostFile) -> Iterator[Client]:
    with clickhouse_connect.get_client(
        host=info.host, port=info.port, username="writer", password=info.writer_token
    ) as client:
        yield client


def test_query_in_url_in_body_and_in_both(info: HostFile) -> None:
    """A query may stand in the URL, in the body, or begin in one and end in the other; GET and POST alike."""
    assert ask(info, "SELECT 1", method="GET").body == b"1\n"
    assert ask(info, body=b"SELECT 2").body == b"2\n"
    assert ask(info, "SELECT", body=b"3").body == b"3\n"
    assert ask(info, body=b"SELECT 4;").body == b"4\n"


def test_formats_and_headers(info: HostFile) -> None:
    """The answer's format is the query's own, else the one asked for, else tab-separated; headers say which."""
    assert ask(info, "SELECT 1 AS x FORMAT JSONEachRow").body == b'{"x":1}\n'
    assert ask(info, "SELECT 1 AS x", default_format="JSONEachRow").body == b'{"x":1}\n'
    reply = ask(info, "SELECT 1 AS x", headers={"X-ClickHouse-Format": "CSVWithNames"}, query_id="mine")
    assert reply.body == b'"x"\n1\n'
    assert reply.headers["X-ClickHouse-Format"] == "CSVWithNames"
    assert reply.headers["X-ClickHouse-Query-Id"] == "mine"
    assert reply.headers["X-ClickHouse-Timezone"] == "UTC"
    assert json.loads(ask(info, "SELECT 1 AS x WHERE 0 FORMAT JSON").body)["meta"] == [{"name": "x", "type": "UInt8"}]


def test_times_are_utc_whatever_the_machine(info: HostFile) -> None:
    """A time without a zone is UTC: neither TZ nor the system's zone changes what a query answers."""
    assert ask(info, "SELECT timezone()").body == b"UTC\n"


def test_settings_of_a_request(info: HostFile) -> None:
    """A request may bring settings for itself; they don't outlive it; bounds can only be lowered."""
    value = "SELECT value FROM system.settings WHERE name = {name:String}"
    assert ask(info, value, param_name="max_threads", max_threads="1").body == b"1\n"
    assert ask(info, value, param_name="max_threads").body != b"1\n"
    assert ask(info, value, param_name="max_execution_time", max_execution_time="0").body == b"600\n"
    assert ask(info, value, param_name="max_execution_time", max_execution_time="5").body == b"5\n"
    refused = ask(info, "SELECT 1", readonly="0")
    assert (refused.status, refused.headers["X-ClickHouse-Exception-Code"]) == (400, "164")
    assert b"setting readonly can't be changed" in refused.body
    unknown = ask(info, "SELECT 1", max_colour="7")
    assert unknown.headers["X-ClickHouse-Exception-Code"] == "115"


def test_the_database_is_the_store_unless_said_otherwise(info: HostFile) -> None:
    """A request without a database asks the store; one with another doesn't change the next one's."""
    assert ask(info, "SELECT currentDatabase()").body == b"epochal\n"
    assert ask(info, "SELECT currentDatabase()", database="system").body == b"system\n"
    ask(info, "USE system")
    assert ask(info, "SELECT currentDatabase()").body == b"epochal\n"
    assert ask(info, "SELECT 1", database="nope").headers["X-ClickHouse-Exception-Code"] == "81"


@pytest.mark.parametrize("encoding", ["gzip", "zstd", "lz4", "br"])
def test_compression_both_ways(info: HostFile, encoding: str) -> None:
    """Bodies are compressed as the client says and asks, and stay as they are when it doesn't."""
    codec = {"br": "brotli"}.get(encoding, encoding)
    sink = pa.BufferOutputStream()
    with pa.CompressedOutputStream(sink, codec) as stream:
        stream.write(b"SELECT number FROM numbers(100000)")
    reply = ask(
        info,
        body=sink.getvalue().to_pybytes(),
        headers={"Content-Encoding": encoding, "Accept-Encoding": encoding},
        enable_http_compression="1",
    )
    assert reply.headers["Content-Encoding"] == encoding
    whole = pa.CompressedInputStream(pa.BufferReader(reply.body), codec).read()
    assert whole == b"".join(b"%d\n" % number for number in range(100_000))
    plain = ask(info, "SELECT 1", headers={"Accept-Encoding": encoding})
    assert plain.headers["Content-Encoding"] is None


def test_bodies_that_are_not_what_they_say(info: HostFile) -> None:
    """A wrong or unknown encoding is an error that says so, not a hang; the next request works."""
    assert b"is not gzip" in ask(info, body=b"SELECT 1", headers={"Content-Encoding": "gzip"}).body
    assert b"'rot13' isn't spoken" in ask(info, body=b"SELECT 1", headers={"Content-Encoding": "rot13"}).body
    assert b"block compression" in ask(info, "SELECT 1", compress="1").body
    assert b"not UTF-8" in ask(info, body=b"SELECT '\xff'").body
    assert ask(info, gzip.compress(b"SELECT 1").hex()[:0] + "SELECT 1").body == b"1\n"


def test_one_connection_serves_many_requests(info: HostFile) -> None:
    """A connection is kept, after errors too, whether a refused body was read or not."""
    connection = http.client.HTTPConnection(info.host, info.port, timeout=60)
    credentials = base64.b64encode(f"writer:{info.writer_token}".encode()).decode()
    for body, status in [(b"SELECT 1", 200), (b"SELECT nope", 404), (b"SELECT (" * 20_000, 400), (b"SELECT 1", 200)]:
        connection.request("POST", "/", body, {"Authorization": f"Basic {credentials}"})
        response = connection.getresponse()
        response.read()
        assert response.status == status
    local = connection.sock
    connection.request("GET", "/ping")
    assert connection.getresponse().read() == b"Ok.\n"
    assert connection.sock is local
    connection.close()


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Basic !!"}, {"Authorization": "Bearer wrong"}])
def test_without_the_token_nothing_is_told(info: HostFile, headers: dict[str, str]) -> None:
    """No token, a broken one, a wrong one: 401 with ClickHouse's code, for every address but /ping."""
    for path in ("/", "/epochal/status", "/epochal/catch-up", "/nope"):
        connection = http.client.HTTPConnection(info.host, info.port, timeout=60)
        connection.request("POST", f"{path}?query=SELECT+42", headers=headers)
        response = connection.getresponse()
        body = response.read()
        connection.close()
        assert (response.status, response.headers["X-ClickHouse-Exception-Code"]) == (401, "516")
        assert b"42" not in body
        assert b"epochal url" in body


def test_every_way_to_give_the_token(info: HostFile) -> None:
    """Basic, bearer, ClickHouse's headers and URL arguments are the same user; one user's token isn't the other's."""
    ways: list[tuple[dict[str, str], str]] = [
        ({"Authorization": f"Bearer {info.reader_token}"}, ""),
        ({"X-ClickHouse-User": "reader", "X-ClickHouse-Key": info.reader_token}, ""),
        ({}, f"&user=reader&password={info.reader_token}"),
    ]
    for headers, arguments in ways:
        connection = http.client.HTTPConnection(info.host, info.port, timeout=60)
        connection.request("GET", f"/?query=SELECT+1{arguments}", headers=headers)
        assert connection.getresponse().read() == b"1\n"
        connection.close()
    connection = http.client.HTTPConnection(info.host, info.port, timeout=60)
    connection.request("GET", f"/?query=SELECT+1&user=writer&password={info.reader_token}")
    assert connection.getresponse().status == 401
    connection.close()


WRITES = [
    "INSERT INTO migrations (name) VALUES ('x')",
    "INSERT INTO migrations (name) FORMAT CSV\nx\n",
    "CREATE TABLE x (a Int32) ENGINE = Memory",
    "CREATE TEMPORARY TABLE x (a Int32)",
    "DROP TABLE migrations",
    "ALTER TABLE migrations DELETE WHERE 1",
    "TRUNCATE TABLE migrations",
    "OPTIMIZE TABLE migrations FINAL",
    "SET readonly = 0",
    "SYSTEM FLUSH LOGS",
    "KILL QUERY WHERE 1",
    "BACKUP TABLE migrations TO File('/tmp/x')",
    "SELECT 1; DROP TABLE migrations",
    "SELECT 1 SETTINGS readonly = 0",
    "SELECT * FROM file('/etc/hostname', 'LineAsString')",
    "SELECT file('/etc/hostname')",
    "SELECT `file`('/etc/hostname')",
    "SELECT \"\\x66ile\"('/etc/hostname')",
    "SELECT arrayMap(file, ['/etc/hostname'])",
    "SELECT arrayMap(`fil\\x65`, ['/etc/hostname'])",
    "SELECT arrayMap(`fi\\le`, ['/etc/hostname'])",
    "SELECT * APPLY(file) FROM (SELECT '/etc/hostname')",
    "SELECT/**/FILE/**/('/etc/hostname')",
    "SELECT * FROM url('http://127.0.0.1:1', 'LineAsString')",
    "SELECT * FROM s3('http://127.0.0.1:1/bucket/key', 'LineAsString')",
    "SELECT * FROM remote('127.0.0.1:1', system.one)",
    "SELECT * FROM sqlite('/tmp/x', 'y')",
    "SELECT * FROM executable('cat', 'TSV', 'a String')",
    "SELECT * FROM python('engine')",
    "SELECT * FROM eval('SELECT 1')",
    "SELECT 1 INTO OUTFILE '/tmp/epochal-was-here'",
    "SELECT 1 INTO /* */ OUTFILE '/tmp/epochal-was-here'",
    "EXPLAIN SELECT file('/etc/hostname')",
    "SELECT * FROM default.`/etc/hostname`",
    "SELECT * FROM `/etc/hostname`",
    "file('/etc/hostname')",
    "SELECT addressToSymbol(1)",
]


@pytest.mark.parametrize("sql", WRITES)
def test_a_reader_changes_nothing_and_reaches_nothing(info: HostFile, sql: str) -> None:
    """Whatever would write, or reach a file, the network or the host's memory, is an error that leaks nothing."""
    before = ask(info, "SELECT count(), any(checksum) FROM migrations FINAL").body
    hostname = Path("/etc/hostname").read_bytes().strip()
    for way in ({"query": sql}, {"query": "", "body": sql.encode()}):
        reply = ask(info, **way)
        assert reply.status in (400, 404), reply.body
        assert reply.headers["X-ClickHouse-Exception-Code"] != "0"
        assert hostname not in reply.body
    assert ask(info, "SELECT count(), any(checksum) FROM migrations FINAL").body == before
    assert not Path("/tmp/epochal-was-here").exists()


def test_columns_may_be_called_like_what_reaches_out(info: HostFile) -> None:
    """The words that are refused as functions are still good names of columns, and good text."""
    assert (
        ask(info, "SELECT t.file, 'file(', python FROM (SELECT 1 AS file, 2 AS python) AS t").body == b"1\tfile(\t2\n"
    )


def test_a_get_never_writes(info: HostFile) -> None:
    """A GET only reads, with the writer's token too: a link can't change a store."""
    assert ask(info, "CREATE TABLE x (a Int32) ENGINE = Memory", user="writer", method="GET").status == 400


@pytest.mark.parametrize(
    "text", ["", "it's", "\\", "\\'; DROP TABLE events; --", "\t\n\r\0", "é\U0001f600", "{x:String}", "%(x)s"]
)
def test_parameters_are_never_sql(reader: Client, text: str) -> None:
    """Text in a parameter arrives as it is, also in an array, and is never read as SQL."""
    sql = "SELECT {x:String} AS one, {many:Array(String)} AS many"
    assert reader.query(sql, parameters={"x": text, "many": [text, text]}).result_rows == [(text, [text, text])]


def test_long_parameters(shared_hosts: Hosts, shared_store: Path) -> None:
    """A list of 20,000 ids is a parameter like any other: no limit of a URL's length is in the way."""
    client = shared_hosts.client(shared_store)
    ids = [f"{number:040d}" for number in range(20_000)]
    found = client.query_arrow("SELECT length({ids:Array(String)}) AS n, {ids:Array(String)}[-1] AS last", {"ids": ids})
    assert found.to_pylist() == [{"n": 20_000, "last": ids[-1]}]
    client.close()


def test_clickhouse_connect_reads_frames(reader: Client) -> None:
    """clickhouse-connect's own ways to read work: rows, Arrow, frames, streams, commands."""
    sql = "SELECT number AS n, toString(number) AS s FROM numbers(300000)"
    assert len(reader.query(sql).result_rows) == 300_000
    assert reader.query_arrow(sql).num_rows == 300_000
    assert reader.query_df(sql)["n"].sum() == sum(range(300_000))
    with reader.query_row_block_stream(sql) as blocks:
        assert sum(len(block) for block in blocks) == 300_000
    assert reader.command("SELECT 42") == 42
    assert reader.query("SHOW DATABASES").row_count > 1
    assert reader.query("SELECT 1 AS a, 'x' AS b WHERE 0").column_names == ("a", "b")
    assert reader.query("DESCRIBE TABLE events").row_count > 10
    assert reader.ping()


def test_writers_write(writer: Client) -> None:
    """The other user makes tables and fills them, in every way clickhouse-connect has, and what is refused is said."""
    writer.command("CREATE TABLE w (a Int32, b String) ENGINE = MergeTree ORDER BY a")
    writer.insert("w", [[1, "a"], [2, "é"]], column_names=["a", "b"])
    writer.raw_insert("w", ["a", "b"], b"3,c\n4,d\n", fmt="CSV")
    writer.insert_arrow("w", pa.table({"a": pa.array([5], pa.int32()), "b": ["e"]}))
    writer.command("INSERT INTO w VALUES (6, 'FORMAT')")
    writer.command("INSERT INTO w SELECT 7, 'g'")
    assert writer.query("SELECT a, b FROM w ORDER BY a").result_rows == [
        (1, "a"), (2, "é"), (3, "c"), (4, "d"), (5, "e"), (6, "FORMAT"), (7, "g")
    ]  # fmt: skip
    with pytest.raises(DatabaseError, match="Cannot parse input"):
        writer.raw_insert("w", ["a", "b"], b"no number,c\n", fmt="CSV")
    writer.command("DROP TABLE w")


def test_an_insert_in_chunks(info: HostFile) -> None:
    """A body of unknown length is taken in as it comes, statement and data in one body or apart."""
    ask(info, body=b"CREATE TABLE chunks (a UInt64) ENGINE = MergeTree ORDER BY a", user="writer")
    ask(info, "INSERT INTO chunks FORMAT TSV", _lines(0, 50_000), user="writer")
    ask(info, body=_after(b"INSERT INTO chunks FORMAT TSV\n", _lines(50_000, 100_000)), user="writer")
    assert ask(info, "SELECT count(), sum(a) FROM chunks").body == b"100000\t%d\n" % sum(range(100_000))
    ask(info, body=b"DROP TABLE chunks", user="writer")


def _lines(start: int, end: int) -> bytes:
    return b"".join(b"%d\n" % number for number in range(start, end))


def _after(head: bytes, rest: bytes) -> bytes:
    return head + rest


def test_errors_have_code_and_name_and_no_internals(reader: Client) -> None:
    """An error of the engine has its code and name, and nothing of stack, version or rewritten query."""
    with pytest.raises(DatabaseError) as caught:
        reader.query("SELECT throwIf(number = 3, 'boo') FROM numbers(5)")
    assert (caught.value.code, caught.value.name) == (395, "FUNCTION_THROW_IF_VALUE_IS_NON_ZERO")
    assert "boo" in str(caught.value)
    for internal in ("__table", "Stack trace", "while executing", "version 2"):
        assert internal not in str(caught.value)


def test_an_error_behind_data_is_an_error(info: HostFile, reader: Client) -> None:
    """A query that fails after its first rows left is an error for every client, never a short answer."""
    sql = "SELECT throwIf(number = 3000000, 'boo') FROM numbers(6000000)"
    with pytest.raises(DatabaseError, match="boo"):
        _ = reader.query(sql).result_rows
    with pytest.raises(http.client.IncompleteRead):
        ask(info, sql + " FORMAT TSV", max_block_size="65536", max_threads="1")


@pytest.mark.long
def test_readers_do_not_stop_each_other(info: HostFile) -> None:
    """Queries run side by side: a quick one is answered while slow ones run, and the host answers pings."""
    slow = [
        threading.Thread(target=ask, args=(info, "SELECT sum(sleepEachRow(0.05)) FROM numbers(40)"), daemon=True)
        for _ in range(3)
    ]
    for thread in slow:
        thread.start()
    assert ask(info, "SELECT 1").body == b"1\n"
    assert any(thread.is_alive() for thread in slow)
    for thread in slow:
        thread.join()


def test_the_host_looks_into_the_journals_before_a_read(info: HostFile) -> None:
    """Every read has the host take in what was written first, unless the reader says that it need not."""

    def reads() -> int:
        return int(json.loads(ask(info, path="/epochal/status").body)["reads"])

    before = reads()
    ask(info, "SELECT 1")
    ask(info, "SELECT 1", headers={"X-Epochal-Catch-Up": "0"})
    assert reads() == before + 1
    assert list(json.loads(ask(info, path="/epochal/catch-up").body).values()) == [7]
    assert ask(info, path="/nope").status == 404


def test_clients_that_hang_up_in_the_middle_of_an_answer_hurt_nobody(info: HostFile) -> None:
    """Many connections are reset while large answers come: the same engine goes on answering, as many as before."""
    credentials = base64.b64encode(f"reader:{info.reader_token}".encode()).decode()
    query = urlencode({"query": "SELECT number, toString(number) FROM numbers(3000000) FORMAT Native"})
    request = f"POST /?{query} HTTP/1.1\r\nAuthorization: Basic {credentials}\r\nContent-Length: 0\r\n\r\n".encode()

    def hang_up(seen: int) -> None:
        with socket.create_connection((info.host, info.port)) as connection:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            connection.sendall(request)
            while seen > 0:
                seen -= len(connection.recv(seen))

    for turn in range(40):
        threads = [threading.Thread(target=hang_up, args=(seen,)) for seen in (0, 1, 100_000 * (turn % 5))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert ask(info, "SELECT 1").body == b"1\n"
