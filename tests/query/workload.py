"""A workload in simulated time: twenty writers say something in turns, and the log gets it late, twice, out of order.

What is true at each instant is kept as it is said, in plain mappings: the recording that reads at that instant have to
equal, whenever the log got what was said.
"""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import numpy as np
from query.written import START, micros

from epochal._ids import experiment_id, trial_id
from epochal._journal.reader import POINT, Points, Record
from epochal_processors.coverage import Coverage
from epochal_processors.frames import EventFrame, Frame, PointFrame, Position
from epochal_processors.history import SqlHistory
from epochal_processors.materialize import Materializer
from epochal_storage.client import StoreClient

WRITERS = 20
EXPERIMENT = "workload"
MS = timedelta(milliseconds=1)


@dataclass
class Truth:
    """What is true of one component."""

    params: dict[str, object] = field(default_factory=dict[str, object])
    tags: set[str] = field(default_factory=set[str])
    points: dict[str, dict[float, float]] = field(default_factory=dict[str, dict[float, float]])
    status: str = "running"


@dataclass
class Writer:
    """One writer, and how far its streams have come."""

    component: UUID = field(default_factory=uuid4)
    id: UUID = field(default_factory=uuid4)
    events: int = 0
    points: int = 0
    step: float = 0.0


class Workload:
    """Its clock is `now`; `act` lets somebody say something, `deliver` brings the log what is due."""

    def __init__(self, store: StoreClient, project: str, seed: int) -> None:
        self.project = project
        self.now = START
        self.truth: dict[str, Truth] = {}
        self._dice = random.Random(seed)
        self._materializer = Materializer(store, SqlHistory(store), Coverage())
        self._offset = -1
        self._waiting: list[tuple[datetime, Frame]] = []
        self._writers = [Writer() for _ in range(WRITERS)]
        session = Writer()
        self._experiment = experiment_id(project, EXPERIMENT)
        self._trial = trial_id(project, self._experiment, {})
        self._say(session, "experiment.created", experiment=self._experiment, name=EXPERIMENT)
        self._say(session, "trial.created", trial=self._trial, experiment=self._experiment, variables={})
        self.deliver(everything=True)

    def act(self) -> None:
        """One of them says something."""
        self.now += MS * self._dice.randrange(1, 400)
        writer = self._dice.choice(self._writers)
        truth = self.truth.get(str(writer.component))
        if truth is None:
            self._open(writer)
        elif truth.status == "running":
            acts = [self._params, self._params, self._unset, self._tag, self._log, self._log, self._log, self._rewind]
            self._dice.choice([*acts * 4, self._finish])(writer, truth)

    def deliver(self, *, everything: bool = False) -> datetime:
        """Bring the log what is due, in any order; the instant behind it."""
        due = [frame for when, frame in self._waiting if everything or when <= self.now]
        self._waiting = [] if everything else [one for one in self._waiting if one[0] > self.now]
        self._dice.shuffle(due)
        while due:
            some, due = due[:400], due[400:]
            self._materializer.apply([(self._position(place), frame) for place, frame in enumerate(some)])
            self.now += MS
        self.now += MS
        return self.now - timedelta(microseconds=1)

    def recorded(self) -> dict[str, Truth]:
        """What is true now."""
        return copy.deepcopy(self.truth)

    @property
    def watermark(self) -> dict[str, int]:
        """How far the log has come."""
        return {f"log:{self.project}": self._offset}

    def _position(self, place: int) -> Position:
        self._offset += 1
        return Position(f"log:{self.project}", self._offset, micros(self.now) + place)

    def _send(self, frame: Frame) -> None:
        """It arrives at once, or after a while, or twice."""
        delays = (0, 0, 3, 300, 4_000, 20_000)
        for _ in range(self._dice.choice((1, 1, 1, 2))):
            self._waiting.append((self.now + MS * self._dice.choice(delays), frame))

    def _say(self, writer: Writer, event: str, **data: Any) -> None:
        said = {"type": f"epochal.{event}", "v": 1, "project": self.project, "at": micros(self.now), "data": data}
        record = Record(writer.events, b"salt" * 4, json.dumps(said, default=str).encode())
        self._send(EventFrame(writer.id, self.project, writer.events, (record,)))
        writer.events += 1

    def _open(self, writer: Writer) -> None:
        run = {"component": writer.component, "rank": 0, "attempt": "one"}
        who = {"host": "here", "pid": 1, "process": uuid4(), "version": "0", "heartbeat_s": 1e5}
        self._say(writer, "writer.opened", **run, **who, role="main", world_size=1)
        key = str(writer.component)
        self._say(writer, "component.created", component=key, key=key, name="training", kind="training")
        self._say(writer, "component.attached", component=key, trial=self._trial)
        self._say(writer, "run.started", **run, world_size=1)
        self.truth[key] = Truth()

    def _params(self, writer: Writer, truth: Truth) -> None:
        said = {self._dice.choice(("lr", "depth")): self._dice.randrange(100), "model": self._dice.choice("abc")}
        self._say(writer, "params.logged", component=writer.component, cells=[[[k], v] for k, v in said.items()])
        truth.params |= said

    def _unset(self, writer: Writer, truth: Truth) -> None:
        gone = self._dice.choice(("lr", "depth", "model"))
        self._say(writer, "params.unset", component=writer.component, paths=[[gone]])
        truth.params.pop(gone, None)

    def _tag(self, writer: Writer, truth: Truth) -> None:
        word = self._dice.choice("xyz")
        entity: dict[str, Any] = {"kind": "component", "entity": writer.component}
        if word in truth.tags:
            self._say(writer, "tags.removed", **entity, keys=[word])
        else:
            self._say(writer, "tags.set", **entity, words=[word])
        truth.tags ^= {word}

    def _log(self, writer: Writer, truth: Truth) -> None:
        """Steps go on, or some are overwritten."""
        first = writer.step if self._dice.randrange(4) else max(0.0, writer.step - 2)
        steps = [first + i for i in range(self._dice.randrange(1, 6))]
        names = ("acc", "loss")
        rows = np.zeros(2 * len(steps), POINT)
        rows["seq"] = np.arange(writer.points, writer.points + len(rows))
        rows["name"] = np.tile([0, 1], len(steps))
        rows["step"] = np.repeat(steps, 2)
        rows["value"] = [self._dice.randrange(1000) / 8 for _ in rows]
        rows["logged_ms"] = rows["occurred_ms"] = micros(self.now) // 1000
        frame = PointFrame(self.project, writer.component, 0, writer.id, Points(writer.id, writer.points, names, rows))
        self._send(frame)
        writer.points += len(rows)
        writer.step = max(writer.step, steps[-1] + 1)
        for name, step, value in zip(rows["name"], rows["step"], rows["value"], strict=True):
            truth.points.setdefault(names[name], {})[float(step)] = float(value)

    def _rewind(self, writer: Writer, truth: Truth) -> None:
        to_step = max(0.0, writer.step - self._dice.randrange(1, 8))
        run = {"component": writer.component, "rank": 0, "attempt": "one"}
        self._say(writer, "run.rewound", **run, to_step=to_step, abandoned=[[writer.id, writer.points]])
        for name, line in list(truth.points.items()):
            truth.points[name] = {step: value for step, value in line.items() if step <= to_step}
        writer.step = to_step + 1

    def _finish(self, writer: Writer, truth: Truth) -> None:
        truth.status = self._dice.choice(("completed", "failed"))
        run = {"component": writer.component, "rank": 0, "attempt": "one"}
        self._say(writer, "run.finished", **run, status=truth.status)


def instants(seed: int, acts: int, count: int) -> Iterable[int]:
    """After which of so many acts a recording is made."""
    return sorted(random.Random(seed).sample(range(acts), count))
