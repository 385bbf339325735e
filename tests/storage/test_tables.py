"""The tables and what is written to them."""

from __future__ import annotations

import uuid
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from storage_hosts import Hosts
from storage_rows import canonical, some_rows

from epochal_storage.client import StoreClient
from epochal_storage.errors import SchemaError
from epochal_storage.guard import check_read
from epochal_storage.schemas import SCHEMAS, fitted, rows_of, uuid_column


@pytest.fixture(scope="module")
def reader(shared_hosts: Hosts, shared_store: Path) -> StoreClient:
    return shared_hosts.client(shared_store)


@pytest.fixture(scope="module")
def writer(shared_hosts: Hosts, shared_store: Path) -> StoreClient:
    return shared_hosts.client(shared_store, "writer")


KINDS = {
    "UUID": pa.binary(16),
    "Nullable(UUID)": pa.binary(16),
    "FixedString(16)": pa.binary(16),
    "FixedString(32)": pa.binary(32),
    "String": pa.string(),
    "LowCardinality(String)": pa.string(),
    "Bool": pa.bool_(),
    "Float64": pa.float64(),
    "Nullable(Float64)": pa.float64(),
    "UInt16": pa.uint16(),
    "UInt32": pa.uint32(),
    "UInt64": pa.uint64(),
    "DateTime64(3, 'UTC')": pa.timestamp("ms", tz="UTC"),
    "DateTime64(6, 'UTC')": pa.timestamp("us", tz="UTC"),
}


@pytest.mark.parametrize("table", SCHEMAS)
def test_schema_is_that_of_the_migrations(reader: StoreClient, table: str) -> None:
    """Every table's Arrow schema has the columns that the migrations make, in their order and with their types."""
    described = reader.query_arrow(
        "SELECT name, type FROM system.columns WHERE database = currentDatabase() AND table = {table:String} "
        "AND default_kind = '' ORDER BY position",
        {"table": table},
    ).to_pylist()
    made = {row["name"]: KINDS[row["type"]] for row in described}
    if table == "dead_letters":
        made["frame"] = pa.binary()
    assert list(made.items()) == [(field.name, field.type) for field in SCHEMAS[table]]


def test_every_column_of_every_view_can_be_read(reader: StoreClient) -> None:
    """No column that the store offers has a name that a reader may not write down."""
    columns = reader.query_arrow(
        "SELECT DISTINCT name FROM system.columns WHERE database = currentDatabase() ORDER BY name"
    )["name"].to_pylist()
    assert "metric" in columns
    for name in columns:
        check_read(f"SELECT {name}, `{name}` FROM t WHERE {name} = 1")


def test_every_table_that_the_migrations_make_takes_rows(reader: StoreClient) -> None:
    """No table of the log is without a schema."""
    tables = reader.query_arrow(
        "SELECT name FROM system.tables WHERE database = currentDatabase() AND engine LIKE '%MergeTree' ORDER BY name"
    )["name"].to_pylist()
    assert tables == sorted([*SCHEMAS, "migrations"])


@pytest.mark.parametrize("table", SCHEMAS)
def test_values_come_back_as_they_were(reader: StoreClient, writer: StoreClient, table: str) -> None:
    """Unicode, NaN, infinities, -0.0, nulls and raw bytes survive the way into every table and back, bit for bit."""
    rows = some_rows(table, 200, seed=1)
    writer.insert(table, rows)
    names = ", ".join(f"`{name}`" for name in SCHEMAS[table].names)
    back = reader.query_arrow(f"SELECT {names} FROM {table}")
    assert sorted(canonical(table, back)) == sorted(canonical(table, rows))


def test_uuids_keep_the_order_of_their_text(reader: StoreClient, writer: StoreClient) -> None:
    """A UUID written in Arrow is the same UUID in SQL, in a filter too."""
    ids = [uuid.UUID("01020304-0506-0708-090a-0b0c0d0e0f10"), uuid.uuid4(), uuid.UUID(int=0)]
    rows = some_rows("blocks", 3, seed=2).to_pydict() | {"writer": uuid_column(ids), "project": ["uuids"] * 3}
    writer.insert("blocks", pa.table(rows, schema=SCHEMAS["blocks"]))
    found = reader.query_arrow("SELECT toString(writer) AS id FROM blocks WHERE project = 'uuids' ORDER BY id")
    assert found["id"].to_pylist() == sorted(map(str, ids))
    one = reader.query_arrow("SELECT count() AS n FROM blocks WHERE writer = {id:UUID}", {"id": str(ids[1])})
    assert one["n"].to_pylist() == [1]


@pytest.mark.parametrize("table", ["events", "facts", "metrics"])
def test_a_row_sent_again_changes_nothing(reader: StoreClient, writer: StoreClient, table: str) -> None:
    """Of copies of a row with several positions a read sees the first, whatever arrived first: what was known between
    the two stays known when the second comes a month later.
    """
    first = some_rows(table, 50, seed=3)
    stamps = first["recorded_at"].cast(pa.int64()).to_pylist()
    month = 31 * 86_400 * 1_000_000
    column = first.schema.get_field_index("recorded_at")
    later = first.set_column(
        column, "recorded_at", pa.array([stamp + month for stamp in stamps]).cast(pa.timestamp("us", tz="UTC"))
    )
    writers = [str(uuid.UUID(bytes=value)) for value in first["writer"].to_pylist()]

    def seen(known_at: int) -> list[int]:
        back = reader.query_arrow(
            f"SELECT toUnixTimestamp64Micro(recorded_at) AS at FROM (SELECT * FROM {table} FINAL) "
            "WHERE writer IN {writers:Array(UUID)} AND at <= {known_at:Int64} ORDER BY at",
            {"writers": writers, "known_at": known_at},
        )
        return [int(at) for at in back["at"].to_pylist()]

    between = stamps[0] + month // 2  # one row at least is known by its first copy only
    for copy in (later, first, later):
        writer.insert(table, copy)
        if copy is first:
            known = seen(between)
    assert stamps[0] in known
    assert known == sorted(stamp for stamp in stamps if stamp <= between)
    assert seen(between) == known
    assert seen(max(stamps) + 2 * month) == sorted(stamps)


def test_dictionaries_are_text(reader: StoreClient, writer: StoreClient) -> None:
    """Text columns may come dictionary-encoded, which is how a million names are cheap."""
    rows = some_rows("partials", 100, seed=4)
    encoded = rows.set_column(rows.schema.get_field_index("metric"), "metric", rows["metric"].dictionary_encode())
    encoded = encoded.set_column(0, "project", pa.array(["dictionary"] * 100).dictionary_encode())
    writer.insert("partials", encoded)
    back = reader.query_arrow("SELECT metric FROM partials WHERE project = 'dictionary' ORDER BY metric")
    assert back["metric"].to_pylist() == sorted(rows["metric"].to_pylist(), key=str.encode)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda rows: rows.drop_columns(["seq"]), "seq: missing"),
        (lambda rows: rows.append_column("colour", rows["seq"]), "colour: unknown"),
        (lambda rows: rows.set_column(0, "project", pa.array([1])), "project: int64 where string is expected"),
        (lambda rows: rows.set_column(0, "project", pa.array([None], pa.string())), "project: 1 nulls"),
    ],
)
def test_rows_that_do_not_fit_are_refused(change: object, said: str) -> None:
    """What the engine would fill up with defaults in silence is refused by name instead."""
    with pytest.raises(SchemaError, match=said):
        fitted("metrics", change(some_rows("metrics", 1, seed=5)))  # type: ignore[operator]


def test_rows_of_names_what_is_missing() -> None:
    """Rows made from mappings must name every column."""
    with pytest.raises(SchemaError, match=r"missing columns \['writer'"):
        rows_of("ledger", [{"project": "p"}])
    with pytest.raises(SchemaError, match="no table 'nope' takes rows"):
        rows_of("nope", [])


def test_a_million_rows_are_a_million_rows(reader: StoreClient, writer: StoreClient) -> None:
    """A large result arrives whole and exact, value by value."""
    count = 1_000_000
    one = some_rows("metrics", 1, seed=6)
    rows = pa.concat_tables([one]).take(pa.array(np.zeros(count, np.int64)))
    values = np.random.default_rng(7).standard_normal(count)
    for name, column in {
        "project": pa.array(["million"]).take(pa.array(np.zeros(count, np.int64))),
        "seq": pa.array(np.arange(count, dtype=np.uint64)),
        "step": pa.array(np.arange(count, dtype=np.float64)),
        "value": pa.array(values),
    }.items():
        rows = rows.set_column(rows.schema.get_field_index(name), name, column)
    writer.insert("metrics", rows)
    back = reader.query_arrow("SELECT step, value FROM metrics WHERE project = 'million' ORDER BY step")
    assert back.num_rows == count
    assert np.array_equal(back["value"].to_numpy(), values)
    assert np.array_equal(back["step"].to_numpy(), np.arange(count))
