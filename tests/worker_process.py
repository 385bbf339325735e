"""A real worker's process, and waiting with patience."""

from __future__ import annotations

import http.client
import re
import signal
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

PATIENCE_S = 240.0


def until(condition: Callable[[], bool], what: str, seconds: float = PATIENCE_S) -> None:
    """Wait for something, patiently: nothing here fails on a busy machine."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"waited {seconds:.0f} s in vain: {what}"
        time.sleep(0.02)


@dataclass
class WorkerProcess:
    """A real worker; its own words are in ``log``."""

    process: subprocess.Popen[bytes]
    log: Path

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal."""
        self.process.send_signal(number)

    def kill(self) -> None:
        """SIGKILL, and wait until it is gone."""
        self.process.kill()
        self.process.wait()

    def wait(self) -> int:
        """Its exit status, once it ends."""
        return self.process.wait(PATIENCE_S)

    def stop(self) -> int:
        """SIGTERM, and its exit status."""
        self.signal(signal.SIGTERM)
        return self.wait()

    def says(self, text: str) -> bool:
        """Whether its log has a text."""
        return text in self.log.read_text(errors="replace")

    def ready(self) -> WorkerProcess:
        """Wait until it takes messages in."""
        until(self.is_ready, f"{self.log} says it is ready")
        return self

    def is_ready(self) -> bool:
        """Whether it takes messages in now."""
        try:
            return self._port() is not None and self.get("/readyz")[0] == 200
        except OSError:  # it just ended
            return False

    def stored(self) -> int:
        """How many messages it has stored; 0 where it doesn't answer."""
        try:
            return int(self.metric("epochal_worker_messages_total")) if self._port() is not None else 0
        except OSError:
            return 0

    def _port(self) -> int | None:
        found = re.search(r"http://127\.0\.0\.1:(\d+)", self.log.read_text())
        return int(found[1]) if found else None

    def get(self, path: str) -> tuple[int, str]:
        """Ask the worker's own address."""
        until(lambda: self._port() is not None, f"{self.log} has an address")
        connection = http.client.HTTPConnection("127.0.0.1", self._port(), timeout=30)
        connection.request("GET", path)
        answer = connection.getresponse()
        text = answer.read().decode()
        connection.close()
        return answer.status, text

    def metric(self, name: str, labels: str = "") -> float:
        """The value of one of its metrics, 0 where it has none."""
        _, text = self.get("/metrics")
        found = re.search(rf"^{re.escape(name + labels)} (\S+)$", text, re.MULTILINE)
        return float(found[1]) if found else 0.0
