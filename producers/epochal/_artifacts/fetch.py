"""Bringing contents back from a store to a local path: verified, and whole or not at all."""

from __future__ import annotations

import contextlib
import os
import shutil
import uuid
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Protocol

from epochal._artifacts import manifest
from epochal._artifacts.digest import digest_directory, digest_file
from epochal._artifacts.errors import ArtifactError, TargetExists


class Contents(Protocol):
    """Verified bytes by digest."""

    def chunks(self, digest: str) -> Iterator[bytes]: ...


def fetch_file(contents: Contents, digest: str, target: Path) -> Path:
    """Write the content to ``target``; see ``ArtifactStore.fetch``."""
    if _is_there(digest, target, directory=False):
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_name(f".{uuid.uuid4()}.part")
    try:
        _write(contents, digest, temporary, executable=False)
        os.replace(temporary, target)
    finally:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
    return target


def fetch_directory(contents: Contents, digest: str, entries: Iterable[manifest.Entry], target: Path) -> Path:
    """Write a directory to ``target``; see ``ArtifactStore.fetch``."""
    if _is_there(digest, target, directory=True):
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_name(f".{uuid.uuid4()}.part")
    temporary.mkdir()
    try:
        links: list[manifest.LinkEntry] = []
        for entry in entries:
            place = temporary / entry.path
            place.parent.mkdir(parents=True, exist_ok=True)
            if isinstance(entry, manifest.FileEntry):
                _write(contents, entry.digest, place, executable=entry.executable)
            elif isinstance(entry, manifest.LinkEntry):
                links.append(entry)
            else:
                place.mkdir()
        for link in links:
            os.symlink(link.target, temporary / link.path)
        os.rename(temporary, target)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return target


def _write(contents: Contents, digest: str, place: Path, *, executable: bool) -> None:
    with open(place, "xb") as file:
        for piece in contents.chunks(digest):
            file.write(piece)
    if executable:
        place.chmod(place.stat().st_mode | 0o111)


def _is_there(digest: str, target: Path, *, directory: bool) -> bool:
    """Whether the target holds this very content already.

    Raises:
        TargetExists: it holds something else.
    """
    if not os.path.lexists(target):
        return False
    if directory and target.is_dir() and not any(target.iterdir()):
        return False
    try:
        found = (digest_directory if directory else digest_file)(target)[0]
    except ArtifactError:
        found = "something else"
    if found == digest:
        return True
    raise TargetExists(
        f"{str(target)!r} exists and holds {found}, not {digest}; nothing was overwritten: "
        "give another target, or remove it"
    )
