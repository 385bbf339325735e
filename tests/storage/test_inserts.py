"""An insert that didn't happen is an error: chDB's own way to stream rows in says that all is well."""

from __future__ import annotations

from pathlib import Path

import clickhouse_connect
import pytest
from clickhouse_connect.driver.exceptions import DatabaseError
from disks import enlarge, small_disk
from storage_hosts import Hosts
from storage_rows import some_rows

from epochal_storage.errors import EngineError
from epochal_storage.inserting import insert_from

MOST_INSERTS = 2_000


@pytest.mark.long
def test_rows_that_a_full_disk_refuses_are_an_error(hosts: Hosts, tmp_path: Path) -> None:
    """What was inserted without an error is there, what wasn't isn't, and there is room again once the disk has."""
    with small_disk(tmp_path / "disk", "12m") as disk:
        store = disk / "store"
        writer, reader = hosts.client(store, "writer"), hosts.client(store)
        stored = 0

        def fill() -> None:
            nonlocal stored
            for seed in range(MOST_INSERTS):
                writer.insert("metrics", some_rows("metrics", 2_000, seed))
                stored += 2_000

        with pytest.raises(EngineError, match=r"not enough space|No space left"):
            fill()
        count = "SELECT count() AS n FROM metrics FINAL"
        assert reader.query_arrow(count)["n"].to_pylist() == [stored]
        enlarge(disk, "64m")
        writer.insert("metrics", some_rows("metrics", 2_000, MOST_INSERTS))
        assert reader.query_arrow(count)["n"].to_pylist() == [stored + 2_000]
        hosts.end()


@pytest.mark.long
def test_rows_that_a_table_refuses_are_an_error(hosts: Hosts, tmp_path: Path) -> None:
    """Whatever a client inserts, in one body or in many pieces: a refusal reaches it, and nothing is there."""
    info = hosts.info(tmp_path)
    client = clickhouse_connect.get_client(
        host=info.host,
        port=info.port,
        username="writer",
        password=info.writer_token,
        database="epochal",
        autogenerate_session_id=False,
    )
    client.command("CREATE TABLE w (settings Int32, CONSTRAINT least CHECK settings > 0) ENGINE = Log")
    for rows in ([[0]], [[1]] * 100_000 + [[-1]]):
        with pytest.raises(DatabaseError, match="Constraint `least`"):
            client.insert("w", rows, column_names=["settings"], settings={"max_insert_block_size": 1000})
    client.insert("w", [[7]], column_names=["settings"])
    client.raw_insert("w", ["settings"], b"8\n", fmt="CSV", settings={"input_format_csv_skip_first_lines": 0})
    client.command("INSERT INTO w (settings) SETTINGS max_threads = 1 FORMAT CSV\n9\n")
    assert client.query("SELECT settings FROM w ORDER BY settings").result_rows == [(7,), (8,), (9,)]


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        ("INSERT INTO t", "INSERT INTO t FROM INFILE 'p' COMPRESSION 'none'  FORMAT CSV"),
        ("INSERT INTO t (a) ", "INSERT INTO t (a) FROM INFILE 'p' COMPRESSION 'none'  FORMAT CSV"),
        (
            "INSERT INTO settings (settings) SETTINGS a=1, b = 2",
            "INSERT INTO settings (settings) FROM INFILE 'p' COMPRESSION 'none' SETTINGS a=1, b = 2 FORMAT CSV",
        ),
    ],
)
def test_where_the_file_stands(statement: str, expected: str) -> None:
    """The file comes before the settings, and a table or column of that name is none."""
    assert insert_from(statement, "p", "CSV") == expected
