"""Reading an exported store back into a new one.

The engine runs in a child process, `python -m epochal_storage.importing EXPORT STORE`, as it must not be
loaded into the process of a user.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from epochal_storage.archive import (
    ARTIFACTS,
    INTAKE,
    STORE,
    Manifest,
    Progress,
    check,
    read_manifest,
    silent,
    table_path,
)
from epochal_storage.durability import sync_filesystem
from epochal_storage.errors import ArchiveError, SchemaError, StoreError
from epochal_storage.hostfile import HostLock, lock_holder
from epochal_storage.schemas import SCHEMAS, fitted
from epochal_storage.tables import open_tables
from epochal_storage.writing import TableWriter

# what a host leaves behind in a store that nobody has written to
_LEFT_BY_A_HOST = frozenset({"store.json", "engine", "journals", "intake", "artifacts", "host.json", "host.lock",
                             "host.starting", "host.log", "host.log.1"})  # fmt: skip
_ROWS = 500_000
# the header of an intake that has taken nothing yet is shorter than this
_EMPTY_INTAKE = 128


def import_store(source: Path, store: Path, progress: Progress = silent) -> Manifest:
    """Make a store of an export: the same rows, positions, intake and contents.

    Guarantees: every file is checked before anything is written; the store appears when it is complete, or not
    at all.
    Raises: ArchiveError when the export is damaged or newer than this version, or the store isn't empty.
    """
    manifest = read_manifest(source)
    check(source, manifest, progress)
    _check_empty(store)
    command = [sys.executable, "-P", "-m", "epochal_storage.importing", str(source.absolute()), str(store.absolute())]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        assert child.stderr is not None
        for line in child.stdout:
            what, done, total = json.loads(line)
            progress(what, done, total)
        said = child.stderr.read().strip()
    if child.returncode != 0:
        raise ArchiveError(f"the import failed, {store} is as it was: {said.splitlines()[-1] if said else 'no reason'}")
    return manifest


def build(source: Path, store: Path, progress: Progress) -> None:
    """Build the store beside its place, then put it there. For the child process: it loads the engine."""
    manifest = read_manifest(source)
    draft = store.with_name(f"{store.name}.importing")
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(parents=True)
    os.chdir(draft)  # the engine takes a config.xml of the directory that it is loaded in for its own
    engine = open_tables(draft / "engine")
    try:
        for table in (name for name in SCHEMAS if name in manifest.rows):  # an earlier version had fewer
            _insert(engine, table, source / table_path(table), manifest.rows[table], progress)
    finally:
        engine.close()
    for path in (entry.path for entry in manifest.files):
        if path in (STORE, INTAKE) or path.startswith(f"{ARTIFACTS}/"):
            (draft / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source / path, draft / path)
    sync_filesystem(draft)
    lock = HostLock(store)
    if store.exists():
        if not lock.acquire():
            raise ArchiveError(f"a host has {store} now; end it and try again")
        _check_empty(store, held=True)
        shutil.rmtree(store)
    draft.rename(store)
    lock.release()


def _insert(engine: TableWriter, table: str, path: Path, expected: int, progress: Progress) -> None:
    done = 0
    with pq.ParquetFile(path) as file:
        for batch in file.iter_batches(batch_size=_ROWS):
            progress(table, done, expected)
            engine.insert(table, _as_inserted(table, pa.Table.from_batches([batch])))
            done += batch.num_rows
    if done != expected:
        raise ArchiveError(f"{path} has {done} rows where {expected} are expected")


def _as_inserted(table: str, rows: pa.Table) -> pa.Table:
    """Rows as ClickHouse wrote them to Parquet, in the types that it takes in Arrow."""
    schema = SCHEMAS[table]
    missing = [name for name in schema.names if name not in rows.column_names]
    if missing:
        raise SchemaError(f"the export of table {table} lacks columns {missing}")
    return fitted(table, pa.table([_cast(rows.column(field.name), field.type) for field in schema], names=schema.names))


def _cast(column: pa.ChunkedArray, kind: pa.DataType) -> pa.ChunkedArray:
    chunks = [chunk.storage if isinstance(chunk, pa.ExtensionArray) else chunk for chunk in column.chunks]
    return pa.chunked_array([chunk.cast(kind) for chunk in chunks], type=kind)


def _check_empty(store: Path, *, held: bool = False) -> None:
    """Raise ArchiveError unless nothing was ever written to a store."""
    if not store.exists():
        return
    if not held and lock_holder(store) is not None:
        raise ArchiveError(f"{store} has a host, so it is in use; an import makes a new store")
    strangers = sorted(path.name for path in store.iterdir() if path.name not in _LEFT_BY_A_HOST)
    intake = store / INTAKE
    used = [
        *strangers,
        *(["intake"] if intake.exists() and intake.stat().st_size > _EMPTY_INTAKE else []),
        *(["journals"] if any(path.is_dir() for path in (store / "journals").glob("*-*")) else []),
        *(["artifacts"] if any(path.is_file() for path in (store / ARTIFACTS).rglob("*")) else []),
    ]
    if used:
        raise ArchiveError(f"{store} isn't empty (it has {', '.join(used)}); an import makes a new store")


def main(arguments: list[str]) -> int:
    """Import in this process, telling progress as lines of JSON."""
    source, store = arguments

    def progress(what: str, done: int, total: int) -> None:
        print(json.dumps([what, done, total]), flush=True)

    try:
        build(Path(source), Path(store), progress)
    except (StoreError, OSError, pa.ArrowException) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
