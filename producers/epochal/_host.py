"""The host process of an embedded store: where it says it is, and how to start one.

The host itself is in ``epochal_processors``; the SDK only starts it, and only where that is installed.
"""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

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


class Started:
    """A host that was started."""

    def __init__(self, pipe: int) -> None:
        """``pipe``: the end to read from; the host has the other one, and says nothing."""
        self._pipe = pipe

    def ended(self) -> bool:
        """Whether it has ended, as far as anybody can tell."""
        poll = select.poll()  # and not select, which knows no descriptor above 1,023
        poll.register(self._pipe, select.POLLIN)
        return bool(poll.poll(0))

    def __del__(self) -> None:
        os.close(self._pipe)


def spawn(store: Path, server: str | None = None) -> Started | None:
    """Starts a host for the store and does not wait for it; None where that is impossible.

    With ``server`` it is the host of that server's outpost on this machine. Several at once do no harm: one wins the
    store's lock, the others end. The host has a session of its own, is no child of this process, and writes what it
    has to say to ``host.log``. It runs at normal priority: readers wait for it, and on a machine full of jobs a nicer
    host would starve them.
    """
    if not sys.executable or os.name != "posix" or not installed(server=server is not None):
        return None
    theirs: int | None = None
    try:
        store.mkdir(parents=True, exist_ok=True)
        module = "epochal_processors.host" if server is None else "epochal_processors.outpost"
        command = [sys.executable, "-m", module, str(store)]
        detach = '"$@" </dev/null >>"$EPOCHAL_HOST_LOG" 2>&1 &'  # the shell ends at once: the host is nobody's zombie
        pipe, theirs = os.pipe()
        started = Started(pipe)
        subprocess.run(
            ["/bin/sh", "-c", detach, "sh", *command],
            env=_environment(store, server),
            stdin=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            pass_fds=(theirs,),
            check=True,
            timeout=30,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    finally:
        if theirs is not None:
            os.close(theirs)
    return started


def _environment(store: Path, server: str | None) -> dict[str, str]:
    """What the host needs of ours, less what would make it part of the run that happened to start it."""
    kept = {name: value for name, value in os.environ.items() if name not in ("EPOCHAL_COMPONENT", "EPOCHAL_MODE")}
    # by the environment, which only this user sees: a server's location may hold a password
    return kept | {"EPOCHAL_HOST_LOG": str(store / "host.log")} | ({} if server is None else {"EPOCHAL_STORE": server})


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
