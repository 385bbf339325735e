"""Directories of many shapes, and looking at what lies in a store."""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

LARGE = 17 * 1024 * 1024
"""More than is copied at once: such a file is held by its descriptor (or cloned where the disk can)."""


def sha256(data: bytes) -> str:
    return "sha256:" + hashlib.sha256(data).hexdigest()


def patterned(size: int, seed: int = 0) -> bytes:
    """Bytes that differ from place to place."""
    block = hashlib.sha512(str(seed).encode()).digest() * 1024
    return (block * (size // len(block) + 1))[:size]


def many_shapes(root: Path) -> Path:
    """A directory with files, empty ones, odd names, links, an executable, nested and empty directories."""
    (root / "deep" / "er" / "est").mkdir(parents=True)
    (root / "nothing here").mkdir()
    (root / "empty.txt").write_bytes(b"")
    (root / "modèle-ß 日本語 🚀.bin").write_bytes(b"unicode")
    (root / 'quote"back\\slash\nnewline').write_bytes(b"odd")
    (root / "deep" / "er" / "est" / "weights").write_bytes(patterned(300_000))
    (root / "deep" / "copy of weights").write_bytes(patterned(300_000))
    (root / "run.sh").write_bytes(b"#!/bin/sh\n")
    (root / "run.sh").chmod(0o755)
    os.symlink("er/est/weights", root / "deep" / "latest")
    os.symlink("nowhere", root / "dangling")
    with open(os.fsencode(root) + b"/not-utf8-\xff", "wb") as file:
        file.write(b"bytes")
    return root


def tree(root: Path) -> dict[str, object]:
    """What a directory holds, by relative path: bytes and executability, a link's target, None for a directory."""
    found: dict[str, object] = {}
    for folder, folders, files in os.walk(root):
        for name in folders + files:
            path = Path(folder, name)
            relative = path.relative_to(root).as_posix()
            if path.is_symlink():
                found[relative] = ("link", os.readlink(path))
            elif path.is_dir():
                found[relative] = None
            else:
                found[relative] = (path.read_bytes(), os.access(path, os.X_OK) and bool(path.stat().st_mode & 0o100))
    return found


def objects(store: Path) -> dict[str, bytes]:
    """All visible objects of a local store by digest."""
    return {f"sha256:{path.name}": path.read_bytes() for path in sorted((store / "sha256").glob("*/*"))}


def leftovers(store: Path) -> list[Path]:
    """What lies in the store's folder of unfinished writes."""
    folder = store / "tmp"
    return sorted(folder.iterdir()) if folder.exists() else []


@contextlib.contextmanager
def as_nobody() -> Iterator[None]:
    """Without root's right to read everything."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)
