"""Stores for the tests of reading: real hosts in processes of their own."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest
from hypothesis import settings
from query.written import START, Log
from storage_hosts import Running
from store_template import prepare

from epochal_query.connection import Opened
from epochal_query.store import Store
from epochal_storage.client import StoreClient
from epochal_storage.http_auth import Role
from epochal_storage.locate import find_or_start

# how long an example takes says nothing on a busy machine
settings.register_profile("reading", deadline=None)
settings.load_profile("reading")

SCRIPT = Path(__file__).with_name("bare_host.py")


class Bare:
    """One store with a bare host, many projects in it."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.started: list[subprocess.Popen[bytes]] = []
        self._over = False
        self.writer = self.client("writer")
        self.reader = self.client("reader")

    def client(self, role: Role) -> StoreClient:
        """A client of the store."""
        return StoreClient(lambda: find_or_start(self.directory, role, self.spawn))

    def spawn(self, store: Path) -> Running:
        """Start the host. Raises OSError when the tests of the store are over: a read that was begun and let go of may
        still be on its way then.
        """
        if self._over:
            raise OSError(f"the tests of {store} are over")
        prepare(store)
        with (store / "host.log").open("ab") as log:
            self.started.append(
                subprocess.Popen(
                    [sys.executable, str(SCRIPT), str(store)], stdout=log, stderr=log, stdin=subprocess.DEVNULL
                )
            )
        return Running(self.started[-1])

    def log(self, project: str, start: datetime = START, offset: int = 0) -> Log:
        """Somewhere to write: a project of its own; from this time and this place in the log on."""
        return Log(self.writer, project, start, offset)

    def open(self, project: str) -> Store:
        """The project, for reading."""
        return Store(Opened(self.reader, lambda: None), project)

    def end(self) -> None:
        """End the host."""
        self._over = True
        self.reader.close()
        self.writer.close()
        for process in self.started:
            with contextlib.suppress(ProcessLookupError):
                os.kill(process.pid, signal.SIGKILL)
            process.wait()


@pytest.fixture(scope="session")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bare]:
    """A store for all tests that bring a project of their own."""
    found = Bare(tmp_path_factory.mktemp("bare"))
    yield found
    found.end()
