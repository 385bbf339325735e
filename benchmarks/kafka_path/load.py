"""Processes that pose as jobs, started together and ended whatever happens."""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

JOB = Path(__file__).with_name("job.py")
MOST_PROCESSES = 4


@dataclass(frozen=True)
class Load:
    """``points`` of ``jobs`` together, each job with ``metrics`` metrics a call; ``rate`` is in points a second of all
    jobs together, 0 for full speed. Four processes pose as the jobs, or as many as there are jobs where that is less.
    """

    jobs: int
    metrics: int
    points: int
    rate: float

    @property
    def calls(self) -> int:
        """Calls of each job."""
        return max(1, self.points // self.jobs // self.metrics)

    @property
    def total(self) -> int:
        """The points that are logged in the end: whole calls of all jobs."""
        return self.calls * self.jobs * self.metrics

    @property
    def processes(self) -> int:
        """How many processes pose as the jobs."""
        return min(self.jobs, MOST_PROCESSES)

    def __str__(self) -> str:
        pace = f"{self.rate:,.0f} points/s" if self.rate else "full speed"
        return f"{self.total:,} points, {self.jobs} jobs ({self.processes} processes), {self.metrics} metrics, {pace}"


@dataclass(frozen=True)
class Logged:
    """What the jobs say: processor time of their logging, the time it took, and what Kafka acknowledged."""

    cpu_s: float
    logged_s: float
    points: int


class Jobs:
    """Jobs whose runs are open; they log when told to."""

    def __init__(self, processes: list[subprocess.Popen[str]]) -> None:
        self._processes = processes
        self.components: list[str] = [one for said in self._said() for one in said["components"]]

    def go(self) -> None:
        """Let all of them begin."""
        for process in self._processes:
            assert process.stdin is not None
            process.stdin.write("go\n")
            process.stdin.flush()

    def logging(self) -> bool:
        """Whether nobody has come to the end of what it logs."""
        return not any(_has_said(process) for process in self._processes)

    def end(self) -> Logged:
        """Wait until everything is logged, acknowledged by Kafka and finished."""
        spent, ends = self._said(), self._said()
        if not all(end["acknowledged"] for end in ends):
            raise SystemExit("Kafka didn't acknowledge everything in the time given: no figures")
        for process in self._processes:
            process.wait()
        cpu_s = sum(said["cpu_s"] for said in spent)
        return Logged(cpu_s, max(said["logged_s"] for said in spent), sum(end["points"] for end in ends))

    def _said(self) -> list[dict[str, Any]]:
        lines = []
        for process in self._processes:
            assert process.stdout is not None
            line = process.stdout.readline()
            if not line:
                raise SystemExit(f"a job ended with status {process.wait()} before it was done: no figures")
            lines.append(json.loads(line))
        return lines


@contextmanager
def started(load: Load, environment: Mapping[str, str]) -> Iterator[Jobs]:
    """The jobs of a load, their runs open, waiting for ``go``."""
    processes = []
    try:
        for number in range(load.processes):
            mine = list(range(number, load.jobs, load.processes))
            asked = {"jobs": mine, "calls": load.calls, "rate": load.rate / load.jobs / load.metrics}
            command = [sys.executable, str(JOB), json.dumps(asdict(load) | asked)]
            pipe = subprocess.PIPE
            processes.append(subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, env=dict(environment)))
        yield Jobs(processes)
    finally:
        for process in processes:
            if process.poll() is None:
                process.kill()
            process.wait()


def _has_said(process: subprocess.Popen[str]) -> bool:
    assert process.stdout is not None
    return bool(select.select([process.stdout], [], [], 0)[0])


def without_settings() -> dict[str, str]:
    """The environment without settings of Epochal that somebody may have."""
    return {name: value for name, value in os.environ.items() if not name.startswith("EPOCHAL_")}
