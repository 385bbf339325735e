"""A server and the users' side of it."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from promises.jobs import environment
from sdk.children import wait_for

from epochal._places import home
from epochal._settings import Settings
from epochal_storage.hostfile import lock_holder

STAND_IN = Path(__file__).with_name("stand_in.py")
TOKEN = "a-token"


@dataclass
class Machine:
    """A machine of a user who logs to a server, and the server, which comes and goes at one address."""

    directory: Path
    port: int = 0
    servers: list[subprocess.Popen[str]] = field(default_factory=list)

    def url(self, user: str = "writer", token: str = TOKEN, database: str = "epochal") -> str:
        """What EPOCHAL_STORE is."""
        return f"clickhouse://{user}:{token}@127.0.0.1:{self.port}/{database}"

    @property
    def outpost(self) -> Path:
        """Where journals wait for the server."""
        return home(Settings(store=self.url()), {"XDG_STATE_HOME": str(self.directory / "state")})

    def environment(self, **extra: str) -> dict[str, str]:
        """Of a process of this user."""
        ours = {"EPOCHAL_STORE": self.url(), "XDG_STATE_HOME": str(self.directory / "state")}
        return environment(self.directory, **{**ours, **extra})

    def start_server(self) -> None:
        """It is there, at the address it had."""
        command = [sys.executable, str(STAND_IN), str(self.directory / "server"), str(self.port), TOKEN]
        self.servers.append(subprocess.Popen(command, stdout=subprocess.PIPE, text=True))
        out = self.servers[-1].stdout
        assert out is not None
        self.port = int(out.readline())

    def stop_server(self, number: int = signal.SIGTERM) -> None:
        """It is gone."""
        self.servers[-1].send_signal(number)
        self.servers[-1].wait(60)

    def run(self, code: str, *, expect: int = 0, **extra: str) -> subprocess.CompletedProcess[str]:
        """A process of this user, to its end."""
        done = subprocess.run(
            [sys.executable, "-c", "import epochal\n" + code],
            cwd=self.directory,
            env=self.environment(**extra),
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert done.returncode == expect, done.stderr
        return done

    def command(self, *words: str, **extra: str) -> subprocess.CompletedProcess[str]:
        """A command of this user."""
        return subprocess.run(
            [sys.executable, "-m", "epochal.cli", *words],
            env=self.environment(**extra),
            capture_output=True,
            text=True,
            timeout=120,
        )

    def kill_outpost(self) -> int:
        """SIGKILL of whoever takes journals to the server; its process id."""
        wait_for(lambda: bool(lock_holder(self.outpost)), "an outpost")
        pid = lock_holder(self.outpost)
        assert pid
        os.kill(pid, signal.SIGKILL)
        return pid

    def end(self) -> None:
        """End everything."""
        with contextlib.suppress(ProcessLookupError):
            if pid := lock_holder(self.outpost):
                os.kill(pid, signal.SIGKILL)
        for server in self.servers:
            server.kill()
            server.wait()
            assert server.stdout is not None
            server.stdout.close()


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    """With the server running."""
    made = Machine(tmp_path)
    made.start_server()
    yield made
    made.end()
