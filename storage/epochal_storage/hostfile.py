"""The files by which a store's host is found.

`host.lock` is held while a host lives, `host.json` says how to reach it, and `host.starting` is held by the one
reader that starts a host, so that twenty readers don't start twenty.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import secrets
import time
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from epochal_storage.errors import LocationError

LOCK_NAME = "host.lock"
STARTING_NAME = "host.starting"
FILE_NAME = "host.json"
LOG_NAME = "host.log"
_INLINE = "inline"


_SIGNS = frozenset({"store.json", "journals", LOCK_NAME, STARTING_NAME, FILE_NAME, LOG_NAME})
"""What of a store there is first, whoever begins it."""
_CONTENTS = "artifacts"


def make_place(store: Path) -> None:
    """Make a store's directory where there is none.

    Raises: OSError where that can't be; LocationError where other things lie there, and nothing of a store: a mistyped
    path must not fill somebody's directory.
    """
    store.mkdir(parents=True, exist_ok=True)
    names = sorted(path.name for path in store.iterdir())
    others = [name for name in names if not name.startswith(".") and name != "lost+found"]
    # contents may be there before anything else of a store is, where events go to Kafka
    if others not in ([], [_CONTENTS]) and not _SIGNS.intersection(names):
        raise LocationError(
            f"there is no store in {store}, but other things ({', '.join(others[:3])}{', …' if others[3:] else ''}): "
            "give the directory of a store, or a new or empty one"
        )


@dataclass(frozen=True)
class HostFile:
    """How to reach a host. `started_at` is ISO 8601, UTC. Its text never holds the tokens."""

    pid: int
    started_at: str
    host: str
    port: int
    reader_token: str
    writer_token: str
    version: str

    @property
    def url(self) -> str:
        """Where it answers ClickHouse's HTTP protocol, without tokens."""
        return f"http://{self.host}:{self.port}"

    def __repr__(self) -> str:
        return f"HostFile(pid={self.pid}, url={self.url!r}, started_at={self.started_at!r})"


def new_token() -> str:
    """A secret of 256 bits, safe in URLs and headers."""
    return secrets.token_urlsafe(32)


def write_host_file(store: Path, info: HostFile) -> None:
    """Publish how to reach the host.

    Guarantees: readers see the old file, or the new one whole; only this user can read it.
    """
    target = store / FILE_NAME
    draft = store / f"{FILE_NAME}.{info.pid}"
    with contextlib.suppress(FileNotFoundError):
        draft.unlink()
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
        json.dump(asdict(info), stream)
    draft.replace(target)


def read_host_file(store: Path) -> HostFile | None:
    """What the last host published; None when there is nothing, or nothing of this shape."""
    try:
        content = json.loads((store / FILE_NAME).read_text(encoding="utf-8"))
        texts = {field.name: str(content[field.name]) for field in fields(HostFile)}
        pid, port = int(texts.pop("pid")), int(texts.pop("port"))
        return HostFile(pid=pid, port=port, **texts)
    except (OSError, ValueError, KeyError, TypeError):
        return None


def remove_host_file(store: Path, pid: int) -> None:
    """Take back what process `pid` published; what another has published since stays."""
    found = read_host_file(store)
    if found is not None and found.pid == pid:
        with contextlib.suppress(FileNotFoundError):
            (store / FILE_NAME).unlink()


class HostLock:
    """The right to be a store's host, or to start it. The kernel takes it back when the process ends, in any way."""

    def __init__(self, store: Path, name: str = LOCK_NAME, *, inline: bool = False) -> None:
        self._path = store / name
        self._said = f"{os.getpid()} {_INLINE}\n" if inline else f"{os.getpid()}\n"
        self._descriptor: int | None = None

    def acquire(self) -> bool:
        """Take the lock without waiting; False when another has it. Writes our pid into the file."""
        if self._descriptor is not None:
            return True
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
        if not _taken(descriptor):
            os.close(descriptor)
            return False
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, self._said.encode(), 0)
        self._descriptor = descriptor
        return True

    def holds(self) -> bool:
        """Whether what we hold still is the store's lock: no more once the store was moved away, or deleted.

        Raises: OSError where the file system doesn't say.
        """
        if self._descriptor is None:
            return False
        try:
            there = self._path.stat()
        except (FileNotFoundError, NotADirectoryError):
            return False
        return os.path.samestat(there, os.fstat(self._descriptor))

    def release(self) -> None:
        """Give the lock back. Calling it twice does nothing more."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


def _taken(descriptor: int) -> bool:
    # more than once: who looks whether the lock is held takes it for a moment
    for pause in (0.005, 0.02, 0.0):
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(pause)
        else:
            return True
    return False


def published_host(store: Path) -> HostFile | None:
    """What the process that holds the host lock now says of itself; None when there is none, or it said nothing yet.

    Guarantees: a copy of a store has no part in the original's host, though that lives and stands in its `host.json`.
    """
    info = read_host_file(store)
    return info if info is not None and lock_holder(store) == info.pid else None


def lock_holder(store: Path) -> int | None:
    """The process that holds the host lock now; None when it is free. 0 where it hasn't said who it is yet."""
    try:
        descriptor = os.open(store / LOCK_NAME, os.O_RDONLY)
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        text = os.pread(descriptor, 32, 0).partition(b" ")[0].strip()
        return int(text) if text.isdigit() else 0
    else:
        return None
    finally:
        os.close(descriptor)


def is_inline(store: Path) -> bool:
    """Whether the process that holds the host lock reads in itself, and answers nobody."""
    try:
        return (store / LOCK_NAME).read_bytes().strip().endswith(_INLINE.encode())
    except OSError:
        return False


def held_inline(store: Path, holder: int) -> str:
    """What to do about a process that keeps a store to itself, for an error."""
    return (
        f"process {holder} has {store} open in itself (EPOCHAL_HOST=inline), which is for one process at a time: "
        f"close it there (store.close()) or end it (kill {holder}); nothing is lost"
    )
