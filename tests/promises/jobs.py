"""Starting the job of the promise tests as a real process, and following what it acknowledges."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

TESTS = Path(__file__).parents[1]


def environment(store: Path, **extra: str) -> dict[str, str]:
    """The environment of a process of this store: nothing captured, so that tests are quick."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith("EPOCHAL_")}
    return kept | {"EPOCHAL_STORE": str(store), "EPOCHAL_CAPTURE": "none"} | extra


@dataclass
class Job:
    """A running job: `component` once it said so, `acknowledged` calls so far."""

    process: subprocess.Popen[str]
    seed: int
    component: str = ""
    acknowledged: int = 0
    started: threading.Event = field(default_factory=threading.Event)
    follower: threading.Thread | None = None

    def follow(self) -> None:
        """Read the job's acknowledgements until its end."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            if not self.component:
                self.component = line.strip()
                self.started.set()
            else:
                self.acknowledged = int(line) + 1
        self.started.set()

    def wait(self, timeout: float = 120) -> int:
        """The exit code of the job, once all its acknowledgements are read."""
        code = self.process.wait(timeout)
        assert self.follower is not None
        self.follower.join(timeout)
        return code

    def kill(self) -> None:
        """SIGKILL, then read what it had acknowledged to the end."""
        self.process.kill()
        self.wait()


@contextmanager
def job(
    store: Path,
    name: str,
    seed: int,
    calls: int,
    experiment: str = "promises",
    pause_s: float = 0.0,
    **settings: str,
) -> Iterator[Job]:
    """A job process that pauses so long between calls, killed at the end of the block if it still runs."""
    process = subprocess.Popen(
        [sys.executable, "-m", "promises.job", experiment, name, str(seed), str(calls), str(pause_s)],
        cwd=TESTS,
        stdout=subprocess.PIPE,
        text=True,
        env=environment(store, **settings),
    )
    running = Job(process, seed)
    running.follower = threading.Thread(target=running.follow, daemon=True)
    running.follower.start()
    try:
        assert running.started.wait(60), "the job did not say its component"
        yield running
    finally:
        process.kill()
        process.wait()
        running.follower.join(10)
        assert process.stdout is not None
        process.stdout.close()


def host_pid(store: Path) -> int | None:
    """The process that owns the store now, as `epochal doctor --json` names it."""
    said = subprocess.run(
        [sys.executable, "-m", "epochal.cli", "doctor", "--json"],
        env=environment(store),
        capture_output=True,
        text=True,
        check=True,
    )
    pid = json.loads(said.stdout)["host"].get("pid")
    return None if pid is None else int(pid)
