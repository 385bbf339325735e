"""Writing a whole embedded store as Parquet and files, while it is being written to."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from epochal_storage.archive import (
    ARTIFACTS,
    INTAKE,
    STORE,
    Manifest,
    Progress,
    entries,
    silent,
    table_path,
    write_manifest,
)
from epochal_storage.client import StoreClient
from epochal_storage.endpoint import posted
from epochal_storage.errors import ArchiveError
from epochal_storage.locate import Spawn, find_or_start, store_id
from epochal_storage.schemas import SCHEMAS
from epochal_storage.sql_text import quoted_name, quoted_text


def export_store(store: Path, target: Path, version: str, spawn: Spawn, progress: Progress = silent) -> Manifest:
    """Write all of an embedded store into a new directory: rows, positions, intake and stored contents.

    `version` is the version of Epochal, for the manifest; `spawn` starts the store's host if there is none.
    Guarantees: one state of the store, with everything that was written before the call, while writing goes on;
    the directory appears when it is complete, or not at all; the same store gives the same rows in the same order.
    Raises: ArchiveError when the target exists; OSError when it can't be written.
    """
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise ArchiveError(f"{target} exists already; an export goes into a new or empty directory")
    draft = target.with_name(f"{target.name}.partial")
    shutil.rmtree(draft, ignore_errors=True)
    endpoint = find_or_start(store, "writer", spawn)
    client = StoreClient(lambda: endpoint)
    try:
        client.watermark()
        known = posted(endpoint, "/epochal/snapshot")
        try:
            rows = _write_tables(client, str(known["database"]), draft, progress)
        finally:
            client.command(f"DROP DATABASE {quoted_name(str(known['database']))} SYNC")
    finally:
        client.close()
    _copy_files(store, draft, known, progress)
    manifest = Manifest(
        version=version,
        store=store_id(store) or "",
        exported_at=datetime.now(UTC).isoformat(),
        watermark=_numbers(known.get("watermark")),
        rows=rows,
        files=tuple(entries(draft, progress)),
    )
    write_manifest(draft, manifest)
    if target.exists():
        target.rmdir()
    draft.rename(target)
    return manifest


def _write_tables(client: StoreClient, database: str, draft: Path, progress: Progress) -> dict[str, int]:
    (draft / "tables").mkdir(parents=True)
    rows: dict[str, int] = {}
    for done, table in enumerate(SCHEMAS):
        progress("tables", done, len(SCHEMAS))
        source = f"{quoted_name(database)}.{quoted_name(table)}"
        columns = ", ".join(quoted_name(name) for name in SCHEMAS[table].names)
        # written by the host itself, piece by piece: a table may be larger than memory
        client.command(
            f"SELECT {columns} FROM {source} FINAL ORDER BY {_sorting_key(client, database, table)} "  # noqa: S608
            f"INTO OUTFILE {quoted_text(str((draft / table_path(table)).absolute()))} FORMAT Parquet "
            "SETTINGS output_format_parquet_compression_method = 'zstd', max_bytes_before_external_sort = 1073741824"
        )
        counted = client.query_arrow(f"SELECT count() AS n FROM {source} FINAL", fresh=False)  # noqa: S608
        rows[table] = counted["n"].to_pylist()[0]
    return rows


def _sorting_key(client: StoreClient, database: str, table: str) -> str:
    found = client.query_arrow(
        "SELECT sorting_key FROM system.tables WHERE database = {database:String} AND name = {table:String}",
        {"database": database, "table": table},
        fresh=False,
    )
    return str(found["sorting_key"].to_pylist()[0])


def _copy_files(store: Path, draft: Path, known: Mapping[str, object], progress: Progress) -> None:
    shutil.copyfile(store / STORE, draft / STORE)
    if (store / INTAKE).exists():
        # the intake only grows: what it was at the snapshot is its beginning now
        length = known.get("intake_bytes")
        _copy_beginning(store / INTAKE, draft / INTAKE, length if isinstance(length, int) else None)
    contents = [path for path in sorted((store / ARTIFACTS).rglob("*")) if path.is_file()]
    for done, path in enumerate(contents):
        progress("artifacts", done, len(contents))
        copy = draft / path.relative_to(store)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, copy)


def _copy_beginning(source: Path, target: Path, length: int | None) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    with source.open("rb") as reading, target.open("wb") as writing:
        left = source.stat().st_size if length is None else length
        while left > 0 and (piece := reading.read(min(left, 1 << 20))):
            writing.write(piece)
            left -= len(piece)


def _numbers(watermark: object) -> dict[str, int]:
    return {str(log): int(offset) for log, offset in watermark.items()} if isinstance(watermark, dict) else {}
