"""Writing into a store as the processors do, with a clock of the test's own: events and points at chosen instants."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import numpy as np

from epochal._ids import experiment_id, trial_id
from epochal._journal.reader import POINT, Points, Record
from epochal_processors.coverage import Coverage
from epochal_processors.frames import EventFrame, Frame, PointFrame, Position
from epochal_processors.history import SqlHistory
from epochal_processors.materialize import Materializer
from epochal_storage.client import StoreClient

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
START = datetime(2024, 5, 1, 12, tzinfo=UTC)
LOG = "intake:test"


def micros(when: datetime) -> int:
    """Microseconds since the epoch."""
    return (when - EPOCH) // timedelta(microseconds=1)


class Log:
    """What a store's log holds; `now` moves on by a second with every event unless it is set."""

    def __init__(self, store: StoreClient, project: str = "default", start: datetime = START, offset: int = 0) -> None:
        self.project = project
        self.now = start
        self._materializer = Materializer(store, SqlHistory(store), Coverage())
        self._offset = offset - 1
        self._frames: list[tuple[Position, Frame]] = []
        self._taken: list[tuple[Position, Frame]] = []
        self._events: dict[UUID, int] = {}
        self._points: dict[UUID, int] = {}

    def tick(self, seconds: float = 1) -> None:
        """Let time go on."""
        self.now += timedelta(seconds=seconds)

    def say(
        self, event: str, writer: UUID, /, *, time: datetime | None = None, ahead_s: float = 0, **data: Any
    ) -> None:
        """One event, recorded now, and logged now by a clock that is so many seconds ahead."""
        envelope: dict[str, Any] = {
            "type": f"epochal.{event}",
            "v": 1,
            "project": self.project,
            "at": micros(self.now + timedelta(seconds=ahead_s)),
            "data": data,
        }
        if time is not None:
            envelope["time"] = micros(time)
        seq = self._events.get(writer, 0)
        self._events[writer] = seq + 1
        record = Record(seq, b"salt" * 4, json.dumps(envelope, default=str).encode())
        self._take(EventFrame(writer, self.project, seq, (record,)))
        self.tick()

    def events_of(self, writer: UUID) -> int:
        """How many events a writer said so far."""
        return self._events.get(writer, 0)

    def points(
        self,
        component: UUID,
        writer: UUID,
        metrics: dict[str, Sequence[tuple[float, float]]],
        rank: int = 0,
        *,
        recorded: datetime | None = None,
    ) -> None:
        """Metric points (step, value) of one writer, logged now, recorded now or later."""
        names = tuple(metrics)
        count = sum(map(len, metrics.values()))
        rows = np.zeros(count, POINT)
        first = self._points.get(writer, 0)
        self._points[writer] = first + count
        rows["seq"] = np.arange(first, first + count)
        rows["name"] = np.repeat(np.arange(len(names)), [len(metrics[name]) for name in names])
        pairs = np.array([pair for name in names for pair in metrics[name]], dtype=np.float64).reshape(-1, 2)
        rows["step"], rows["value"] = pairs[:, 0], pairs[:, 1]
        rows["logged_ms"] = rows["occurred_ms"] = micros(self.now) // 1000
        self._take(PointFrame(self.project, component, rank, writer, Points(writer, first, names, rows)), recorded)

    def flush(self) -> dict[str, int]:
        """Bring everything said so far into the store; the watermark reached."""
        self._materializer.apply(self._frames)
        self._taken, self._frames = self._frames, []
        return {LOG: self._offset}

    def resend(self) -> None:
        """Bring what was flushed last once more, at later places."""
        for _, frame in self._taken:
            self._take(frame)
        self.flush()

    def _take(self, frame: Frame, recorded: datetime | None = None) -> None:
        self._offset += 1
        self._frames.append((Position(LOG, self._offset, micros(recorded or self.now) + self._offset % 1000), frame))

    # --- stories -------------------------------------------------------------------------------------------------

    def experiment(self, name: str, **data: Any) -> UUID:
        """An experiment."""
        found, writer = experiment_id(self.project, name), uuid4()
        self.say("experiment.created", writer, experiment=found, name=name, **data)
        return found

    def trial(self, experiment: UUID, variables: dict[str, Any], name: str | None = None) -> UUID:
        """A trial of it."""
        found, writer = trial_id(self.project, experiment, variables), uuid4()
        self.say("trial.created", writer, trial=found, experiment=experiment, variables=variables, name=name)
        return found

    def run(
        self,
        trials: Iterable[UUID],
        name: str = "training",
        *,
        kind: str = "training",
        params: dict[str, Any] | None = None,
        cells: list[Any] | None = None,
        metrics: dict[str, Sequence[tuple[float, float]]] | None = None,
        status: str | None = "completed",
        rank: int = 0,
        world_size: int = 1,
        component: UUID | None = None,
    ) -> UUID:
        """A component that runs (or, with `status=None`, still does) with params and metrics."""
        found, writer = component or uuid4(), uuid4()
        where: dict[str, Any] = {"component": found, "rank": rank, "attempt": "one"}
        self.say(
            "writer.opened",
            writer,
            **where,
            role="main",
            world_size=world_size,
            heartbeat_s=10,
            host="here",
            pid=1,
            process=uuid4(),
            user="ada",
            version="0",
        )
        self.say("component.created", writer, component=found, key=str(found), name=name, kind=kind)
        for trial in trials:
            self.say("component.attached", writer, component=found, trial=trial)
        if status != "never":
            self.say("run.started", writer, **where, world_size=world_size)
        told = cells if cells is not None else [[[key], value] for key, value in (params or {}).items()]
        if told:
            self.say("params.logged", writer, component=found, rank=rank, cells=told)
        if metrics:
            self.points(found, writer, metrics, rank)
        if status not in (None, "never"):
            self.say("run.finished", writer, **where, status=status)
        if status is not None:
            total = self._events[writer] + 1
            self.say("writer.closed", writer, **where, lifecycle=total, metrics=self._points.get(writer, 0))
        return found
