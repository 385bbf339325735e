"""The commands ``export`` and ``import``: a whole store to files and back, with progress."""

from __future__ import annotations

import json
from pathlib import Path

import click

from epochal._host import spawn
from epochal._settings import from_env
from epochal._version import __version__
from epochal_query.cli_progress import progress_bars
from epochal_query.errors import ReadError
from epochal_query.opening import embedded_directory, needs_host
from epochal_storage.archive import Manifest
from epochal_storage.exporting import export_store
from epochal_storage.importing import import_store


def export_to(directory: Path, store: str | None, as_json: bool) -> None:
    """Export the store to a new directory, and say what was written.

    Raises:
        ReadError: the store is a server, which has backups of its own; or EPOCHAL_HOST=inline.
        ArchiveError: the target exists, or can't be written.
    """
    needs_host(from_env(), "export")
    source = embedded_directory(store)
    if not source.is_dir():
        raise ReadError(f"there is no store at {source}; give another with --store or EPOCHAL_STORE")
    with progress_bars() as progress:
        manifest = export_store(source, directory.absolute(), __version__, spawn, progress)
    _say("exported", source, directory, manifest, as_json)


def import_from(directory: Path, store: str | None, as_json: bool) -> None:
    """Make an empty store of an export, and say what was read.

    Raises:
        ReadError: the store is a server; or EPOCHAL_HOST=inline.
        ArchiveError: the store isn't empty, or the export is damaged or newer than this version.
    """
    needs_host(from_env(), "import")
    target = embedded_directory(store)
    with progress_bars() as progress:
        manifest = import_store(directory.absolute(), target, progress)
    _say("imported", directory, target, manifest, as_json)


def _say(done: str, source: Path, target: Path, manifest: Manifest, as_json: bool) -> None:
    rows = {table: count for table, count in manifest.rows.items() if count}
    if as_json:
        said = {"from": str(source), "to": str(target), "rows": manifest.rows, "files": len(manifest.files)}
        click.echo(json.dumps({**said, "watermark": manifest.watermark}))
        return
    click.echo(f"{done} {source} to {target}: {sum(rows.values()):,} rows, {len(manifest.files):,} files")
    for table, count in rows.items():
        click.echo(f"  {table:<14} {count:>14,}")
