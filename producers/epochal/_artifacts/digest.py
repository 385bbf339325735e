"""Digests: SHA-256 of a file's bytes, or of a directory's manifest."""

from __future__ import annotations

import hashlib
import os
import re
from dataclasses import dataclass

from epochal._artifacts import manifest
from epochal._artifacts.errors import ArtifactError
from epochal._artifacts.member import Member
from epochal._artifacts.snapshot import Snapshot, snapshot

_DIGEST = re.compile(r"sha256:[0-9a-f]{64}\Z")


@dataclass(frozen=True, slots=True)
class Digested:
    """A snapshot and what its content is called."""

    snapshot: Snapshot
    digest: str
    """``sha256:<hex>`` of the file, or of the directory's manifest."""
    members: tuple[tuple[str, Member], ...]
    """Each file's digest and where its bytes are."""
    manifest: bytes | None
    """The manifest of a directory (see ``epochal._artifacts.manifest``)."""

    @property
    def size(self) -> int:
        """Bytes of all files together, without the manifest."""
        return self.snapshot.size

    @property
    def files(self) -> int:
        """Number of regular files."""
        return len(self.members)


def digest_bytes(data: bytes) -> str:
    """``sha256:<hex>`` of these bytes."""
    return "sha256:" + hashlib.sha256(data).hexdigest()


def digest_snapshot(taken: Snapshot) -> Digested:
    """Read a snapshot to its end and name its content.

    Raises:
        ChangedWhileReading: a file changed since the snapshot was taken.
    """
    members = tuple((_digest_member(member), member) for member in taken.members)
    for _, member in members:
        # once more at the very end: the directory is one thing, all of it as it was at one moment
        member.check()
    if not taken.directory:
        return Digested(taken, members[0][0], members, None)
    entries: list[manifest.Entry] = [
        manifest.FileEntry(member.path, digest, member.size, member.executable) for digest, member in members
    ]
    entries += [manifest.LinkEntry(path, target) for path, target in taken.links]
    entries += [manifest.DirectoryEntry(path) for path in taken.empty]
    encoded = manifest.encode(entries)
    return Digested(taken, digest_bytes(encoded), members, encoded)


def digest_file(path: str | os.PathLike[str]) -> tuple[str, int]:
    """``sha256:<hex>`` and size in bytes of a file's content, read in pieces.

    Raises:
        NotAFile: no readable regular file.
        ChangedWhileReading: it was modified meanwhile.
    """
    return _digest_path(path, directory=False)


def digest_directory(path: str | os.PathLike[str]) -> tuple[str, int]:
    """``sha256:<hex>`` of a directory's manifest, and the size of all its files in bytes.

    Raises:
        NotAFile: no readable directory, or something in it is neither file, directory nor link.
        ChangedWhileReading: it was modified meanwhile.
    """
    return _digest_path(path, directory=True)


def check_digest(digest: str) -> str:
    """The digest itself.

    Raises:
        ArtifactError: it is not ``sha256:`` and 64 hexadecimal digits in lower case.
    """
    if not _DIGEST.match(digest):
        raise ArtifactError(f"not a digest: {digest!r}; expected 'sha256:' and 64 lower-case hexadecimal digits")
    return digest


def _digest_path(path: str | os.PathLike[str], *, directory: bool) -> tuple[str, int]:
    taken = snapshot(path, None)
    try:
        if taken.directory != directory:
            raise ArtifactError(f"{str(path)!r} is a {'directory' if taken.directory else 'file'}")
        digested = digest_snapshot(taken)
        return digested.digest, digested.size
    finally:
        taken.discard()


def _digest_member(member: Member) -> str:
    running = hashlib.sha256()
    for piece in member.chunks():
        running.update(piece)
    return "sha256:" + running.hexdigest()
