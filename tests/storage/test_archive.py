"""A whole store as files, and back."""

from __future__ import annotations

import json
import os
import shutil
import signal
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from storage_hosts import Hosts
from storage_rows import canonical, some_rows

from epochal_storage.archive import Manifest, check, read_manifest
from epochal_storage.client import StoreClient
from epochal_storage.errors import ArchiveError
from epochal_storage.exporting import export_store
from epochal_storage.importing import import_store
from epochal_storage.locate import find_host, store_id
from epochal_storage.schemas import SCHEMAS

COUNT = 1000


def rows_in_order(client: StoreClient, table: str) -> list[str]:
    """All rows of a table as readers see them, in the order of the primary key."""
    key = client.query_arrow("SELECT sorting_key FROM system.tables WHERE name = {table:String}", {"table": table})
    names = ", ".join(f"`{name}`" for name in SCHEMAS[table].names)
    sql = f"SELECT {names} FROM {table} FINAL ORDER BY {key['sorting_key'].to_pylist()[0]}"
    return canonical(table, client.query_arrow(sql))


@pytest.fixture(scope="module")
def store(shared_hosts: Hosts, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with rows in every table, sent twice, an intake and contents."""
    path = tmp_path_factory.mktemp("exported") / "a 'store' {x}"
    writer = shared_hosts.client(path, "writer")
    for table in SCHEMAS:
        for _ in range(2):
            writer.insert(table, some_rows(table, COUNT, seed=1))
    writer.close()
    (path / "intake").mkdir()
    (path / "intake" / "intake.log").write_bytes(os.urandom(5000))
    content = path / "artifacts" / "sha256" / "ab" / "abcd"
    content.parent.mkdir(parents=True)
    content.write_bytes(os.urandom(3_000_000))
    return path


@pytest.fixture(scope="module")
def exported(shared_hosts: Hosts, store: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("exports") / "export 'one'"
    export_store(store, target, "1.2.3", shared_hosts.spawn)
    return target


@pytest.mark.long
def test_every_row_comes_back(shared_hosts: Hosts, store: Path, exported: Path, tmp_path: Path) -> None:
    """Rows, positions, intake, contents and the store's id are the same after export and import, byte for byte."""
    steps: list[str] = []
    manifest = import_store(exported, tmp_path / "copy", lambda what, done, total: steps.append(what))
    assert {"checking", "metrics"} <= set(steps)
    before, after = shared_hosts.client(store), shared_hosts.client(tmp_path / "copy")
    for table in SCHEMAS:
        assert rows_in_order(after, table) == rows_in_order(before, table)
        assert manifest.rows[table] == COUNT
    assert store_id(tmp_path / "copy") == store_id(store) == manifest.store
    for name in ("store.json", "intake/intake.log", "artifacts/sha256/ab/abcd"):
        assert (tmp_path / "copy" / name).read_bytes() == (store / name).read_bytes()
    export_store(tmp_path / "copy", tmp_path / "again", "1.2.3", shared_hosts.spawn)
    again, first = read_manifest(tmp_path / "again"), read_manifest(exported)
    assert {entry.path for entry in again.files} == {entry.path for entry in first.files}
    assert again.watermark == first.watermark == {f"intake:{first.store}": 7}
    before.close()
    after.close()
    assert not list(tmp_path.glob("*.importing"))


def test_rows_are_in_the_order_of_the_key(shared_hosts: Hosts, store: Path, exported: Path) -> None:
    """The files hold every insertable column, one row an identity, in the order of the primary key."""
    client = shared_hosts.client(store)
    for table in SCHEMAS:
        file = pq.read_table(exported / "tables" / f"{table}.parquet")
        assert file.column_names == SCHEMAS[table].names
        fitted = pa.table(
            [
                pa.chunked_array(
                    [
                        (chunk.storage if isinstance(chunk, pa.ExtensionArray) else chunk).cast(field.type)
                        for chunk in file.column(field.name).chunks
                    ],
                    field.type,
                )
                for field in SCHEMAS[table]
            ],
            names=SCHEMAS[table].names,
        )
        assert canonical(table, fitted) == rows_in_order(client, table)
    client.close()


@pytest.mark.long
def test_an_export_is_one_state(shared_hosts: Hosts, tmp_path: Path) -> None:
    """What is written while an export runs is not in it, and the snapshot it reads is gone afterwards."""
    path = tmp_path / "busy"
    writer = shared_hosts.client(path, "writer")
    writer.insert("ledger", some_rows("ledger", 10, seed=2))
    wrote: list[str] = []

    def meanwhile(what: str, done: int, total: int) -> None:
        if what == "tables" and not wrote:
            wrote.append(what)
            writer.insert("ledger", some_rows("ledger", 50, seed=3))

    manifest = export_store(path, tmp_path / "export", "1", shared_hosts.spawn, meanwhile)
    assert manifest.rows["ledger"] == 10
    left = writer.query_arrow("SELECT name FROM system.databases WHERE name LIKE 'snapshot%'")
    assert left.num_rows == 0
    writer.close()


def _flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0x10
    path.write_bytes(content)


DAMAGE: list[tuple[Callable[[Path], object], str]] = [
    (lambda export: _flip(export / "tables/metrics.parquet"), "tables/metrics.parquet: another content"),
    (lambda export: _flip(export / "artifacts/sha256/ab/abcd"), "artifacts/sha256/ab/abcd: another content"),
    (lambda export: (export / "intake/intake.log").unlink(), "intake/intake.log: missing"),
    (lambda export: (export / "store.json").write_text("{}"), "store.json: 2 bytes where"),
    (lambda export: (export / "tables/extra.parquet").write_text("x"), "tables/extra.parquet: not in the manifest"),
    (lambda export: _flip(export / "manifest.json"), "manifest.json"),
    (lambda export: (export / "manifest.json").write_text("{"), "manifest.json is damaged"),
    (lambda export: (export / "manifest.json").unlink(), "no complete export"),
    (lambda export: (export / "manifest.json.sha256").unlink(), "no complete export"),
]


@pytest.mark.parametrize(("damage", "said"), DAMAGE)
def test_a_damaged_export_is_refused(
    exported: Path, tmp_path: Path, damage: Callable[[Path], object], said: str
) -> None:
    """Any flipped, missing, shortened or foreign file is named, and nothing is made of the export."""
    broken = tmp_path / "broken"
    shutil.copytree(exported, broken)
    damage(broken)
    with pytest.raises(ArchiveError, match=said):
        import_store(broken, tmp_path / "copy")
    assert not (tmp_path / "copy").exists()


def test_a_newer_export_is_refused(exported: Path, tmp_path: Path) -> None:
    """An export of a later format isn't touched; the error says which version wrote it."""
    newer = tmp_path / "newer"
    shutil.copytree(exported, newer)
    manifest = json.loads((newer / "manifest.json").read_text())
    (newer / "manifest.json").write_text(json.dumps(manifest | {"format": 2, "version": "9.9", "more": 1}))
    with pytest.raises(ArchiveError, match=r"format 2.*reads up to 1.*Epochal 9\.9"):
        import_store(newer, tmp_path / "copy")


def test_a_path_that_leads_out_is_refused(exported: Path, tmp_path: Path) -> None:
    """A manifest that names files outside of the export is damaged."""
    found = read_manifest(exported)
    entry = found.files[0]
    bad = Manifest(**{**vars(found), "files": (type(entry)("../outside", 1, "x"),)})
    with pytest.raises(ArchiveError, match="lies outside"):
        check(exported, bad)


@pytest.mark.long
def test_a_store_in_use_is_never_written_over(shared_hosts: Hosts, store: Path, exported: Path, tmp_path: Path) -> None:
    """An import makes a new store: it refuses one with a host, with data, with journals or with strangers' files."""
    with pytest.raises(ArchiveError, match="has a host"):
        import_store(exported, store)
    for name in ("journals/0190-x/events.bin", "artifacts/sha256/x", "thesis.tex"):
        path = tmp_path / name.replace("/", "-") / name
        path.parent.mkdir(parents=True)
        path.write_text("x")
        with pytest.raises(ArchiveError, match="isn't empty"):
            import_store(exported, tmp_path / name.replace("/", "-"))
        assert path.read_text() == "x"
    fresh = tmp_path / "fresh"
    info = shared_hosts.info(fresh)
    os.kill(info.pid, signal.SIGTERM)
    for process in shared_hosts.started:
        if process.pid == info.pid:
            process.wait()
    assert find_host(fresh) is None
    import_store(exported, fresh)
    assert store_id(fresh) == store_id(store)


def test_a_target_that_exists_is_never_written_over(shared_hosts: Hosts, store: Path, tmp_path: Path) -> None:
    """An export makes a new directory, and leaves none behind when it fails."""
    (tmp_path / "kept").write_text("x")
    with pytest.raises(ArchiveError, match="exists already"):
        export_store(store, tmp_path, "1", shared_hosts.spawn)
    assert (tmp_path / "kept").read_text() == "x"
    assert [path.name for path in tmp_path.iterdir()] == ["kept"]
