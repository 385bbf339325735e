r"""The manifest: what a directory is, as bytes, so that a directory has a digest.

A manifest is one JSON object in ASCII (``\uXXXX`` for everything else), with sorted keys, no white space and no
final newline::

    {"entries":[…],"format":"epochal.directory","version":1}

Entries are sorted by ``path`` (code points); each is one of

* ``{"digest":"sha256:…","executable":false,"path":"a/b.txt","size":12,"type":"file"}``
* ``{"path":"a/latest","target":"b.txt","type":"link"}``: a symbolic link, as it reads; never followed
* ``{"path":"a/empty","type":"directory"}``: a directory with nothing in it (others are implied by their entries)

Paths are relative, with ``/`` between names, exactly as the file system spells them; bytes of a name that are not UTF-8
are the lone surrogates that ``os.fsdecode`` makes of them. The digest of a directory is the SHA-256 of its manifest.
Times, owners and other permissions are not part of it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from epochal._artifacts.errors import ArtifactError

FORMAT = "epochal.directory"
VERSION = 1


@dataclass(frozen=True, slots=True)
class FileEntry:
    """A regular file: its content's digest (``sha256:<hex>``) and size in bytes."""

    path: str
    digest: str
    size: int
    executable: bool


@dataclass(frozen=True, slots=True)
class LinkEntry:
    """A symbolic link, as it reads."""

    path: str
    target: str


@dataclass(frozen=True, slots=True)
class DirectoryEntry:
    """A directory with nothing in it."""

    path: str


Entry = FileEntry | LinkEntry | DirectoryEntry


def encode(entries: Iterable[Entry]) -> bytes:
    """The manifest's bytes: the same for the same entries in any order."""
    ordered = sorted(entries, key=lambda entry: entry.path)
    document = {"entries": [_to_json(entry) for entry in ordered], "format": FORMAT, "version": VERSION}
    return json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode("ascii")


def decode(data: bytes) -> list[Entry]:
    """The entries of a manifest, sorted by path.

    Raises:
        ArtifactError: not a manifest, of a newer version, or with a path that would lie outside its directory.
    """
    try:
        document = json.loads(data)
        if document["format"] != FORMAT:
            raise ArtifactError(f"not a directory's manifest: its format is {document['format']!r}, not {FORMAT!r}")
        if document["version"] != VERSION:
            raise ArtifactError(
                f"the manifest has version {document['version']!r}; this release reads version {VERSION}: "
                "upgrade epochal"
            )
        entries = [_from_json(entry) for entry in document["entries"]]
    except (ValueError, KeyError, TypeError) as error:
        raise ArtifactError(f"not a directory's manifest: {type(error).__name__}: {error}") from error
    _check_paths(entries)
    return entries


def looks_like_manifest(head: bytes) -> bool:
    """Whether content that begins so may be a manifest (``decode`` decides)."""
    return head.startswith(b'{"entries":[')


def _to_json(entry: Entry) -> dict[str, Any]:
    if isinstance(entry, FileEntry):
        return {
            "type": "file",
            "path": entry.path,
            "digest": entry.digest,
            "size": entry.size,
            "executable": entry.executable,
        }
    if isinstance(entry, LinkEntry):
        return {"type": "link", "path": entry.path, "target": entry.target}
    return {"type": "directory", "path": entry.path}


def _from_json(raw: Mapping[str, Any]) -> Entry:
    path = str(raw["path"])
    match raw["type"]:
        case "file":
            return FileEntry(path, str(raw["digest"]), int(raw["size"]), bool(raw["executable"]))
        case "link":
            return LinkEntry(path, str(raw["target"]))
        case "directory":
            return DirectoryEntry(path)
        case other:
            raise ArtifactError(f"the manifest has an entry of unknown type {other!r}: upgrade epochal")


def _check_paths(entries: list[Entry]) -> None:
    """Refuse paths that would write outside the directory, or through a link or a file of it."""
    leaves = {entry.path for entry in entries}
    if len(leaves) != len(entries):
        raise ArtifactError("the manifest names a path twice")
    for entry in entries:
        parts = entry.path.split("/")
        if not entry.path or "\0" in entry.path or any(part in ("", ".", "..") for part in parts):
            raise ArtifactError(f"the manifest has a path that does not stay inside its directory: {entry.path!r}")
        for end in range(1, len(parts)):
            if "/".join(parts[:end]) in leaves:
                raise ArtifactError(f"the manifest has a path below something that is no directory: {entry.path!r}")
