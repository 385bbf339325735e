"""Real hosts in processes of their own: chDB never enters the process of the tests."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from pathlib import Path

from epochal_storage.client import StoreClient
from epochal_storage.hostfile import HostFile
from epochal_storage.http_auth import Role
from epochal_storage.locate import find_host, find_or_start

SCRIPT = Path(__file__).with_name("storage") / "small_host.py"


class Running:
    """A host's process, as `locate.Started`."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process

    def ended(self) -> bool:
        """Whether it has ended."""
        return self._process.poll() is not None


class Hosts:
    """Starts small hosts and ends every one of them."""

    def __init__(self) -> None:
        self.started: list[subprocess.Popen[bytes]] = []

    def spawn(self, store: Path) -> Running:
        """Start a host for a store, as `locate.Spawn`."""
        store.mkdir(parents=True, exist_ok=True)
        with (store / "host.log").open("ab") as log:
            self.started.append(
                subprocess.Popen(
                    [sys.executable, str(SCRIPT), str(store)], stdout=log, stderr=log, stdin=subprocess.DEVNULL
                )
            )
        return Running(self.started[-1])

    def client(self, store: Path, role: Role = "reader") -> StoreClient:
        """A client that finds or starts the host of a store."""
        return StoreClient(lambda: find_or_start(store, role, self.spawn))

    def info(self, store: Path) -> HostFile:
        """How to reach the host of a store, started if need be."""
        find_or_start(store, "reader", self.spawn)
        found = find_host(store)
        assert found is not None
        return found

    def end(self) -> None:
        """End all of them, also stopped ones."""
        for process in self.started:
            with contextlib.suppress(ProcessLookupError):
                os.kill(process.pid, signal.SIGKILL)
            process.wait()
