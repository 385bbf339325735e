"""What an exported store is: a directory of files, and a manifest that knows every one of them.

manifest.json           format, version, store, watermark, and of every file its path, size and SHA-256
manifest.json.sha256    SHA-256 of the manifest itself
store.json              the store's id
tables/<table>.parquet  the rows of a table, in the order of its primary key
intake/intake.log       what the log accepted, in order
artifacts/…             contents by digest
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from epochal_storage.errors import ArchiveError

FORMAT = 1
MANIFEST = "manifest.json"
INTAKE = "intake/intake.log"
STORE = "store.json"
ARTIFACTS = "artifacts"

Progress = Callable[[str, int, int], None]
"""Told of every step: what is being done, how much of it is done, how much there is."""

_PIECE = 1 << 20
_SHOWN = 5


@dataclass(frozen=True)
class Entry:
    """A file of an export; `path` is relative, with slashes."""

    path: str
    bytes: int
    sha256: str


@dataclass(frozen=True)
class Manifest:
    """All there is to know of an export. `exported_at` is ISO 8601, UTC; `rows` counts the rows of each table."""

    version: str
    store: str
    exported_at: str
    watermark: dict[str, int]
    rows: dict[str, int]
    files: tuple[Entry, ...]
    format: int = field(default=FORMAT)


def table_path(table: str) -> str:
    """Where a table's rows are in an export."""
    return f"tables/{table}.parquet"


def silent(what: str, done: int, total: int) -> None:
    """Progress that nobody looks at."""


def entries(directory: Path, progress: Progress) -> Iterator[Entry]:
    """Read every file of a directory, except manifests, and say what is in it."""
    paths = sorted(path for path in directory.rglob("*") if path.is_file() and not path.name.startswith(MANIFEST))
    for done, path in enumerate(paths):
        progress("digests", done, len(paths))
        yield Entry(path.relative_to(directory).as_posix(), path.stat().st_size, sha256_of(path))


def sha256_of(path: Path) -> str:
    """The SHA-256 of a file, as hexadecimal text."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def write_manifest(directory: Path, manifest: Manifest) -> None:
    """Write the manifest, last of all files: an export without one isn't complete."""
    content = json.dumps(asdict(manifest), indent=1).encode()
    (directory / MANIFEST).write_bytes(content)
    (directory / f"{MANIFEST}.sha256").write_text(f"{hashlib.sha256(content).hexdigest()}\n", encoding="utf-8")


def read_manifest(directory: Path) -> Manifest:
    """Read an export's manifest.

    Raises: ArchiveError when there is none, when it is damaged, or when a newer version wrote it.
    """
    try:
        content = (directory / MANIFEST).read_bytes()
        said = (directory / f"{MANIFEST}.sha256").read_text(encoding="utf-8").strip()
    except OSError as error:
        raise ArchiveError(f"{directory} is no complete export: {error}") from error
    found = _parsed(content, directory)
    version = found.get("format")
    if isinstance(version, int) and version > FORMAT:
        raise ArchiveError(
            f"{directory} has export format {version}; this version reads up to {FORMAT}: "
            f"it was written by Epochal {found.get('version')}, use that version or a later one"
        )
    if hashlib.sha256(content).hexdigest() != said:
        raise ArchiveError(f"{directory / MANIFEST} is damaged: its SHA-256 isn't the one beside it")
    try:
        files = tuple(Entry(str(file["path"]), int(file["bytes"]), str(file["sha256"])) for file in found["files"])
        return Manifest(
            version=str(found["version"]),
            store=str(found["store"]),
            exported_at=str(found["exported_at"]),
            watermark={str(log): int(offset) for log, offset in found["watermark"].items()},
            rows={str(table): int(count) for table, count in found["rows"].items()},
            files=files,
            format=int(found["format"]),
        )
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise ArchiveError(f"{directory / MANIFEST} isn't the manifest of an export: {error!r}") from error


def check(directory: Path, manifest: Manifest, progress: Progress = silent) -> None:
    """Read every file of an export and compare it with the manifest.

    Raises: ArchiveError naming the files that are damaged, missing, or not in the manifest.
    """
    problems: list[str] = []
    for done, entry in enumerate(manifest.files):
        progress("checking", done, len(manifest.files))
        problems += _problems(directory, entry)
    known = {entry.path for entry in manifest.files}
    present = {path.relative_to(directory).as_posix() for path in directory.rglob("*") if path.is_file()}
    problems += [f"{path}: not in the manifest" for path in sorted(present - known) if not path.startswith(MANIFEST)]
    if problems:
        more = f" … and {len(problems) - _SHOWN} more" if len(problems) > _SHOWN else ""
        raise ArchiveError(
            f"the export {directory} is damaged, nothing was imported: {'; '.join(problems[:_SHOWN])}{more}"
        )


def _problems(directory: Path, entry: Entry) -> list[str]:
    if PurePosixPath(entry.path).is_absolute() or ".." in PurePosixPath(entry.path).parts:
        return [f"{entry.path}: lies outside of the export"]
    path = directory / entry.path
    if not path.is_file():
        return [f"{entry.path}: missing"]
    if path.stat().st_size != entry.bytes:
        return [f"{entry.path}: {path.stat().st_size} bytes where {entry.bytes} are expected"]
    return [] if sha256_of(path) == entry.sha256 else [f"{entry.path}: another content than was exported"]


def _parsed(content: bytes, directory: Path) -> dict[str, Any]:
    try:
        found = json.loads(content)
    except ValueError as error:
        raise ArchiveError(f"{directory / MANIFEST} is damaged: {error}") from error
    if not isinstance(found, dict):
        raise ArchiveError(f"{directory / MANIFEST} isn't the manifest of an export")
    return found
