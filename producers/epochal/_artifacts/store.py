"""The artifact store: contents by digest, each stored once, on a local directory or any fsspec URL.

Layout below the store's URL: ``sha256/<first two digits>/<hex>`` holds the bytes with that SHA-256. A directory is its
manifest (one object, see ``epochal._artifacts.manifest``) and the contents of its files (one object each).
``tmp/`` holds what is being written.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Protocol

from epochal._artifacts import manifest
from epochal._artifacts.digest import Digested, check_digest, digest_snapshot
from epochal._artifacts.errors import ArtifactError, DigestMismatch, NotStored
from epochal._artifacts.local import LocalObjects
from epochal._artifacts.member import CHUNK_BYTES, Member
from epochal._artifacts.remote import RemoteObjects
from epochal._artifacts.snapshot import Snapshot
from epochal._places import artifact_url
from epochal._settings import Settings

MANIFEST_LIMIT_BYTES = 1024 * 1024 * 1024
"""A larger object is never taken for a manifest."""


class Objects(Protocol):
    """Where objects lie; each is written once, whole, and read often."""

    def place(self, key: str) -> str: ...

    def size(self, key: str) -> int | None: ...

    def open(self, key: str) -> BinaryIO: ...

    def put(self, key: str, content: Member | bytes, *, sync: bool = True) -> None: ...

    def sync(self) -> None: ...

    def remove(self, key: str) -> None: ...


@dataclass(frozen=True, slots=True)
class Stored:
    """What lies in the store now."""

    digest: str
    size: int
    """Bytes of all files together."""
    files: int
    """1, or the number of files of a directory."""
    media_type: str
    uri: str
    """Where the object (or the manifest) lies."""


class ArtifactStore:
    """Contents by digest at a directory or fsspec URL. Safe for many threads and processes at once.

    Guarantees: an object is visible whole or not at all; the same content is stored once; what is read is verified.
    Nothing is touched before the first call that needs it.
    """

    def __init__(self, url: str | os.PathLike[str]) -> None:
        self.url = _anywhere(os.fspath(url))
        """As a process in another working directory can use it, too."""
        self._objects: Objects = _objects_at(self.url)

    def __repr__(self) -> str:
        return f"ArtifactStore({self._objects.place('')!r})"

    def put(self, content: Snapshot | Digested) -> Stored:
        """Store a snapshot's content under its digest; what is there already is not written again.

        The files of a directory come first and its manifest last: a manifest that is visible is complete.

        Raises:
            ChangedWhileReading: the source changed since the snapshot; nothing wrong became visible.
            OSError: the store can't be written.
        """
        digested = digest_snapshot(content) if isinstance(content, Snapshot) else content
        for digest, member in digested.members:
            self._put(digest, member, member.size, sync=digested.manifest is None)
        if digested.manifest is not None:
            self._objects.sync()
            self._put(digested.digest, digested.manifest, len(digested.manifest), sync=True)
        taken = digested.snapshot
        uri = self._objects.place(key_of(digested.digest))
        return Stored(digested.digest, digested.size, digested.files, taken.media_type, uri)

    def exists(self, digest: str) -> bool:
        """Whether there is an object with this digest (its bytes are not read).

        Raises:
            ArtifactError: not a digest.
        """
        return self._objects.size(key_of(digest)) is not None

    def size(self, digest: str) -> int | None:
        """Bytes of the object (of a directory: of its manifest); None when there is none."""
        return self._objects.size(key_of(digest))

    def open(self, digest: str) -> BinaryIO:
        """The object's bytes, not verified: use ``chunks`` or ``fetch`` where that matters.

        Raises:
            NotStored: there is none.
        """
        try:
            return self._objects.open(key_of(digest))
        except FileNotFoundError:
            raise NotStored(f"{self._objects.place('')} holds no content with the digest {digest}") from None

    def chunks(self, digest: str) -> Iterator[bytes]:
        """The object's bytes, verified at the end: use them only when the iteration has ended.

        Raises:
            NotStored: there is none.
            DigestMismatch: they are not what the digest says.
        """
        running = hashlib.sha256()
        with self.open(digest) as file:
            while piece := file.read(CHUNK_BYTES):
                running.update(piece)
                yield piece
        found = "sha256:" + running.hexdigest()
        if found != digest:
            raise DigestMismatch(self._objects.place(key_of(digest)), digest, found)

    def entries(self, digest: str) -> list[manifest.Entry] | None:
        """The entries of a directory's manifest, verified; None when the object is not a manifest.

        Raises:
            NotStored, DigestMismatch
        """
        size = self._objects.size(key_of(digest))
        if size is not None and size > MANIFEST_LIMIT_BYTES:
            return None
        with self.open(digest) as file:
            if not manifest.looks_like_manifest(file.read(64)):
                return None
        data = b"".join(self.chunks(digest))
        try:
            return manifest.decode(data)
        except ArtifactError:
            return None

    def remove(self, digests: Iterable[str], kept: Iterable[str]) -> list[str]:
        """Remove contents, and the files of directories among them, but for what is ``kept`` or belongs to that; the
        digests of the contents that are gone. What isn't there counts as gone.

        Raises:
            OSError: the store can't be written; what was removed before is gone.
        """
        needed = self.belonging(kept)
        gone = [digest for digest in digests if digest not in needed]
        for digest in gone:
            members = self._members(digest)
            self._objects.remove(key_of(digest))
            for member in members - needed:
                self._objects.remove(key_of(member))
        return gone

    def belonging(self, digests: Iterable[str]) -> set[str]:
        """These contents, and the files of directories among them."""
        needed: set[str] = set()
        for digest in digests:
            needed |= {digest, *self._members(digest)}
        return needed

    def _members(self, digest: str) -> set[str]:
        try:
            entries = self.entries(digest)
        except NotStored:
            return set()
        return {entry.digest for entry in entries or () if isinstance(entry, manifest.FileEntry)}

    def verify(self, digest: str) -> None:
        """Read everything that belongs to a digest (of a directory: each file) and compare.

        Raises:
            NotStored: something is missing.
            DigestMismatch: something was altered.
        """
        entries = self.entries(digest)
        if entries is None:
            for _ in self.chunks(digest):
                pass
            return
        for entry in entries:
            if isinstance(entry, manifest.FileEntry):
                self._verify_member(digest, entry)

    def fetch(self, digest: str, target: str | os.PathLike[str], *, directory: bool | None = None) -> Path:
        """Bring the content to ``target`` (a path that does not exist yet, or holds this very content).

        ``directory`` says what it is; None looks into the object (a file whose bytes are a manifest is taken
        for the directory).

        Guarantees: verified while read; the target appears whole or not at all; the store is left as it is.

        Raises:
            NotStored, DigestMismatch
            TargetExists: something else lies at the target.
            OSError: the target can't be written.
        """
        from epochal._artifacts.fetch import fetch_directory, fetch_file

        entries = None if directory is False else self.entries(digest)
        if directory and entries is None:
            raise ArtifactError(f"the content with the digest {digest} is a file, not a directory")
        if entries is None:
            return fetch_file(self, digest, Path(target))
        return fetch_directory(self, digest, entries, Path(target))

    def _put(self, digest: str, content: Member | bytes, size: int, *, sync: bool) -> None:
        key = key_of(digest)
        # another size under this digest is damage: it is replaced
        if self._objects.size(key) != size:
            self._objects.put(key, content, sync=sync)

    def _verify_member(self, digest: str, entry: manifest.FileEntry) -> None:
        try:
            for _ in self.chunks(entry.digest):
                pass
        except NotStored:
            raise NotStored(f"{entry.path!r} of the directory {digest} is missing: no content {entry.digest}") from None


def key_of(digest: str) -> str:
    """Where in the store the content lies: ``sha256/ab/<hex>``.

    Raises:
        ArtifactError: not a digest.
    """
    kind, hexadecimal = check_digest(digest).split(":")
    return f"{kind}/{hexadecimal[:2]}/{hexadecimal}"


def _anywhere(url: str) -> str:
    return url if not url or "://" in url or "::" in url else os.path.abspath(os.path.expanduser(url))


def _objects_at(url: str) -> Objects:
    if not url:
        raise ArtifactError(
            "the artifact store's URL is empty; give a directory or an fsspec URL such as s3://bucket/prefix"
        )
    if url.startswith("file://"):
        return LocalObjects(Path(url.removeprefix("file://")))
    if "://" in url or "::" in url:
        return RemoteObjects(url)
    return LocalObjects(Path(url))


def contents_of(settings: Settings) -> ArtifactStore | None:
    """Where settings have contents kept; None where a server is set and no place for contents is."""
    url = artifact_url(settings)
    return None if url is None else ArtifactStore(url)
