"""How far a journal is in Kafka: a file inside the journal, and the lock of whoever moves it."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_LOCK: Final = "shipping.lock"


@dataclass(frozen=True)
class Destination:
    """Where journals are shipped to; another cluster or prefix has a cursor of its own."""

    cluster: str
    prefix: str


@dataclass(frozen=True)
class Cursor:
    """Everything below these sequence numbers is acknowledged, or was found damaged."""

    lifecycle: int = 0
    metrics: int = 0


class BusyError(Exception):
    """Another process ships this journal."""


def read_cursor(journal: Path, to: Destination) -> Cursor:
    """How far it is; the beginning where nobody knows, which at worst sends again what is there already.

    Raises:
        OSError: the file is there and can't be read.
    """
    try:
        said = json.loads(_file(journal, to).read_text("utf-8"))
        return Cursor(int(said["lifecycle"]), int(said["metrics"]))
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return Cursor()


def write_cursor(journal: Path, to: Destination, cursor: Cursor) -> None:
    """Note how far it is, atomically and durably.

    Raises:
        OSError: it can't be written.
    """
    path = _file(journal, to)
    said = {"cluster": to.cluster, "prefix": to.prefix, "lifecycle": cursor.lifecycle, "metrics": cursor.metrics}
    draft = path.with_suffix(".new")
    with draft.open("w", encoding="utf-8") as file:
        json.dump(said, file)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)


@contextmanager
def alone(journal: Path) -> Generator[None]:
    """Nobody else ships the journal meanwhile. The kernel frees the lock when the process dies.

    Raises:
        BusyError: somebody does.
        OSError: the journal can't be written.
    """
    fd = os.open(journal / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError:
        raise BusyError from None
    finally:
        os.close(fd)


def _file(journal: Path, to: Destination) -> Path:
    name = hashlib.sha256(f"{to.cluster} {to.prefix}".encode()).hexdigest()[:12]
    return journal / f"shipped-{name}.json"
