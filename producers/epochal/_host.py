"""The host process of an embedded store: where it says it is, and how to start one.

The host itself is in ``epochal_processors``; the SDK only starts it, and only where that is installed.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path

from ._detached import Started, start_detached

__all__ = ["HostAddress", "Started", "installed", "read_address", "spawn"]


@dataclass(frozen=True)
class HostAddress:
    """What ``host.json`` says. The tokens are secrets of the user who owns the store."""

    pid: int
    host: str
    port: int
    reader_token: str
    writer_token: str
    started_at: str
    version: str


def read_address(store: Path) -> HostAddress | None:
    """The address of the store's host; None when there is none, or its process is gone."""
    try:
        said = json.loads((store / "host.json").read_text("utf-8"))
        address = HostAddress(
            pid=int(said["pid"]),
            host=str(said["host"]),
            port=int(said["port"]),
            reader_token=str(said.get("reader_token", "")),
            writer_token=str(said.get("writer_token", "")),
            started_at=str(said.get("started_at", "")),
            version=str(said.get("version", "")),
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return address if _alive(address.pid) else None


def installed(*, server: bool = False) -> bool:
    """Whether a host can be started from this Python: of an embedded store, or one that takes journals to a server."""
    import importlib.util

    needed = ("epochal_processors", "numpy", "pyarrow", "pydantic", "clickhouse_connect" if server else "chdb")
    return all(importlib.util.find_spec(name) is not None for name in needed)


def spawn(store: Path, server: str | None = None) -> Started | None:
    """Starts a host for the store and does not wait for it; None where that is impossible.

    With ``server`` it is the host of that server's outpost on this machine. Several at once do no harm: one wins the
    store's lock, the others end. The host has a session of its own, is no child of this process, and writes what it
    has to say to ``host.log``. It runs at normal priority: readers wait for it, and on a machine full of jobs a nicer
    host would starve them.
    """
    if not installed(server=server is not None):
        return None
    module = "epochal_processors.host" if server is None else "epochal_processors.outpost"
    # by the environment, which only this user sees: a server's location may hold a password
    more = {} if server is None else {"EPOCHAL_STORE": server}
    return start_detached(module, [str(store)], store / "host.log", more)


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    try:
        # one that is dead keeps its number until its parent takes note, which in a container may be never
        return (Path("/proc") / str(pid) / "stat").read_bytes().rpartition(b")")[2].split()[0] != b"Z"
    except (OSError, IndexError):
        return True
