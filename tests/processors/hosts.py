"""Real hosts, as users have them, of one store."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from processors.journals import Job
from storage_hosts import Running
from store_template import prepare

from epochal_storage.client import StoreClient
from epochal_storage.locate import find_or_start

PATIENCE_S = 120.0


class Hosts:
    """Starts hosts of one store, and ends every one of them."""

    def __init__(self, store: Path) -> None:
        self.store = store
        self.started: list[subprocess.Popen[bytes]] = []

    def spawn(self, store: Path, idle_s: float = 600) -> Running:
        """Start a host, as `locate.Spawn`."""
        prepare(store)
        command = [sys.executable, "-m", "epochal_processors.host", str(store)]
        environment = {**os.environ, "EPOCHAL_HOST_IDLE": str(idle_s)}
        with (store / "host.log").open("ab") as log:
            self.started.append(subprocess.Popen(command, env=environment, stdout=log, stderr=log))
        return Running(self.started[-1])

    def client(self) -> StoreClient:
        """A reader of the store."""
        return StoreClient(lambda: find_or_start(self.store, "reader", self.spawn))

    def kill(self) -> None:
        """SIGKILL for the newest host."""
        self.started[-1].send_signal(signal.SIGKILL)
        self.started[-1].wait()

    def end(self) -> None:
        """End all of them."""
        for process in self.started:
            process.kill()
            process.wait()


def wait_until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.01)


def stored(client: StoreClient, job: Job, table: str = "metrics FINAL") -> list[float]:
    sql = f"SELECT value FROM {table} WHERE writer = {{writer:UUID}} ORDER BY seq"
    values: list[float] = client.query_arrow(sql, {"writer": job.writer})["value"].to_pylist()
    return values
