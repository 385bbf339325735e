"""Real training processes in little, and what they left in their journals."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from epochal._journal.reader import EventsReader, MetricsReader
from epochal.contract import EVENT_TYPES, parse_envelope

DEADLINE_S = 60


@dataclass(frozen=True)
class Said:
    """One event in a journal, checked against the contract."""

    writer: str
    seq: int
    type: str
    project: str
    at: int
    time: int | None
    data: dict[str, Any]


@dataclass(frozen=True)
class Point:
    """One metric point in a journal."""

    writer: str
    name: str
    step: float
    value: float
    logged_ms: int
    occurred_ms: int


@dataclass(frozen=True)
class Written:
    """All that lies in a directory of journals."""

    events: list[Said]
    points: list[Point]

    def of(self, kind: str) -> list[Said]:
        """Events of one type, by its last two words."""
        return [event for event in self.events if event.type == f"epochal.{kind}"]

    def data(self, kind: str) -> list[dict[str, Any]]:
        """The data of all events of one type."""
        return [event.data for event in self.of(kind)]

    def values(self, name: str) -> list[float]:
        """The values of one metric, in the order logged."""
        return [point.value for point in self.points if point.name == name]

    def params(self) -> dict[str, Any]:
        """Every cell logged, the last value of each path."""
        return {"/".join(path): value for data in self.data("params.logged") for path, value in data["cells"]}


@dataclass(frozen=True)
class Child:
    """A process that ended, and what it wrote."""

    code: int
    out: str
    err: str
    journals: Path

    @property
    def written(self) -> Written:
        """What lies in its journals."""
        return read(self.journals)


def environment(home: Path, **settings: str) -> dict[str, str]:
    """An environment with a store of its own, no host, no capture, and nothing of the caller's Epochal or launcher."""
    foreign = ("EPOCHAL_", "SLURM_", "OMPI_", "PMI", "RANK", "WORLD_SIZE", "TORCHELASTIC", "RAY_", "JOB_COMPLETION")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
    ours = {"EPOCHAL_STORE": str(home / "store"), "EPOCHAL_HOST": "none", "EPOCHAL_CAPTURE": "none"}
    return kept | {"HOME": str(home)} | ours | settings


def start(code: str, home: Path, **settings: str) -> subprocess.Popen[str]:
    """A process that runs this code; ``import epochal`` is there already."""
    script = home / f"script-{time.monotonic_ns()}.py"
    script.write_text("import epochal\n" + textwrap.dedent(code))
    return subprocess.Popen(
        [sys.executable, str(script)],
        cwd=home,
        env=environment(home, **settings),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def ended(process: subprocess.Popen[str], home: Path) -> Child:
    """The process when it has ended."""
    try:
        out, err = process.communicate(timeout=DEADLINE_S)
    finally:
        process.kill()
    return Child(process.returncode, out, err, home / "store" / "journals")


def run(
    code: str, home: Path, env: Mapping[str, str] | None = None, *, expect: int | None = 0, **settings: str
) -> Child:
    """Runs this code to its end; it must end with the code expected."""
    child = ended(start(code, home, **{**(env or {}), **settings}), home)
    assert expect is None or child.code == expect, f"ended with {child.code}\n{child.out}\n{child.err}"
    return child


def read(journals: Path) -> Written:
    """Everything in a directory of journals; each event must satisfy the contract, no journal may be damaged."""
    events: list[Said] = []
    points: list[Point] = []
    for directory in sorted(path.parent for path in journals.glob("*/events.bin")):
        reader = EventsReader(directory)
        for record in reader.read(10_000_000, final=True):
            envelope = parse_envelope(record.payload)
            EVENT_TYPES[envelope.type].model_validate_json(json.dumps(envelope.data))
            events.append(
                Said(
                    directory.name,
                    record.seq,
                    envelope.type,
                    envelope.project,
                    envelope.at,
                    envelope.time,
                    envelope.data,
                )
            )
        metrics = MetricsReader(directory)
        for part in metrics.read(100_000_000, final=True):
            for _, name, step, value, logged, occurred in part.rows.tolist():
                points.append(Point(directory.name, part.names[name], step, value, logged, occurred))
        assert not reader.damage, reader.damage
        assert not metrics.damage, metrics.damage
    return Written(events, points)


def wait_for(condition: Callable[[], bool], what: str) -> None:
    """Polls until the condition holds."""
    deadline = time.monotonic() + DEADLINE_S
    while not condition():
        assert time.monotonic() < deadline, f"waited {DEADLINE_S} s for {what}"
        time.sleep(0.01)
