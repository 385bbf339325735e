"""Data for an INSERT, where the embedded engine reads it: in a file in memory.

chDB's own way, `send_insert`, tells nobody when storing fails: on a full disk, or where a constraint is violated,
`finish()` returns as if all rows were there (chDB 4.4, tried). A statement that reads a file fails, with the reason.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from epochal_storage.sql_text import quoted_text, tokens


@contextmanager
def file_in_memory(fill: Callable[[IO[bytes]], object]) -> Generator[str, None, None]:
    """A file with what `fill` writes, by a path that is good in this process while the block lasts."""
    with _empty_file() as file:
        fill(file)
        file.flush()
        file.seek(0)
        own = Path("/proc/self/fd")
        yield f"{own if own.exists() else '/dev/fd'}/{file.fileno()}"


def _empty_file() -> IO[bytes]:
    if hasattr(os, "memfd_create"):
        return os.fdopen(os.memfd_create("epochal"), "w+b")
    # macOS has no files in memory
    return tempfile.TemporaryFile()


def insert_from(statement: str, path: str, data_format: str) -> str:
    """The statement of an INSERT, reading its data from a file. What it sets under SETTINGS stays."""
    found = list(tokens(statement))
    settings = [
        token.start
        for token, equals in zip(found, found[2:], strict=False)
        if token.kind == "word" and token.name == "settings" and equals.text == "="
    ]
    at = settings[-1] if settings else len(statement)
    head, rest = statement[:at].rstrip(), statement[at:].rstrip()
    return f"{head} FROM INFILE {quoted_text(path)} COMPRESSION 'none' {rest} FORMAT {data_format}"
