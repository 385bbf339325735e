"""A large store, made by the product's own stages and not by its SDK, which would take a year to fill it.

Frames of events and of points go through the intake and the materializer as those of the follower do, so that the
store has its ledger, digests, chains and sums, and verifying finds it sound. The intake's clock says the time that is
due. What is made follows from the size and the seed alone.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import itertools
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Protocol
from uuid import UUID

import numpy as np

from epochal import _entity_events as about
from epochal import _events as said
from epochal._ids import component_id, experiment_id, trial_id
from epochal._journal.reader import POINT, Points, Record
from epochal_processors.background import BackgroundWriter, SettledHistory
from epochal_processors.columns import BLOCK_SIZE
from epochal_processors.coverage import Coverage
from epochal_processors.delivery import Delivery
from epochal_processors.frames import EventFrame, Frame, PointFrame
from epochal_processors.history import SqlHistory
from epochal_processors.intake import Intake
from epochal_processors.materialize import Materializer, bounded
from epochal_processors.sealing import endings
from epochal_processors.store_file import read_or_create
from epochal_query.cli_progress import progress_bars
from epochal_storage.tables import open_tables

PROJECT, EXPERIMENT = "default", "bench"
BEGIN = datetime(2025, 1, 1, tzinfo=UTC)
YEAR_MS, DAY_MS = 365 * 86_400_000, 86_400_000
METRICS = tuple(f"metric-{number}" for number in range(20))
SERIES = ("long",)
OPENING, CLOSING = 8, 2
"""Events with which a job begins, and with which it ends."""
LAYERS = 100
"""Of jobs, each of which uses what one of the layer before it made."""


@dataclass(frozen=True)
class Size:
    """How much there is: jobs are of a trial each, and two more have one long series instead of twenty."""

    points: int = 100_000_000
    trials: int = 10_000
    events: int = 1_000_000
    at_once: bool = False
    seed: int = 1

    @property
    def short(self) -> int:
        """Points of the series that is read as a whole."""
        return min(100_000, self.points // 20)

    @property
    def long(self) -> int:
        """Points of the series that is corrected as a whole."""
        return min(10_000_000, self.points // 2)

    @property
    def jobs(self) -> int:
        """All of them, those with one series last."""
        return self.trials + 2


@dataclass(frozen=True)
class Job:
    """One run: what it writes, when, and how much."""

    size: Size
    number: int

    @property
    def metrics(self) -> tuple[str, ...]:
        """The names of its series."""
        return METRICS if self.number < self.size.trials else SERIES

    @functools.cached_property
    def points(self) -> int:
        """How many points it logs."""
        one = self.number - self.size.trials
        if one >= 0:
            return (self.size.short, self.size.long)[one]
        rest = self.size.points - self.size.short - self.size.long
        return rest // self.size.trials // len(METRICS) * len(METRICS)

    @functools.cached_property
    def events(self) -> int:
        """How many events it says."""
        return max(OPENING + CLOSING, self.size.events // self.size.jobs)

    @functools.cached_property
    def begin_ms(self) -> int:
        """When it begins: at its place in the year. The short series lies in its first half, the long in its second."""
        one = self.number - self.size.trials
        place = (0.25, 0.75)[one] if one >= 0 else self.number / self.size.trials
        spread = self.size.jobs if self.size.at_once else YEAR_MS - DAY_MS
        return int(BEGIN.timestamp() * 1000) + int(place * spread)

    @functools.cached_property
    def lasts_ms(self) -> int:
        """How long it runs: a day, or the whole year where all run at once."""
        return YEAR_MS if self.size.at_once else DAY_MS

    @functools.cached_property
    def component(self) -> UUID:
        """The id of what it writes."""
        return component_id(PROJECT, f"job-{self.number}")

    @functools.cached_property
    def writer(self) -> UUID:
        """Its writer: a UUIDv7 of its beginning."""
        noise = int.from_bytes(self._bytes("writer", 10), "big")
        return UUID(int=self.begin_ms << 80 | 7 << 76 | (noise >> 64 & 0xFFF) << 64 | 2 << 62 | noise & 2**62 - 1)

    def at_ms(self, share: float) -> int:
        """The time when it has done so much of its work."""
        return self.begin_ms + int(share * self.lasts_ms)

    def point_frame(self, first: int) -> PointFrame:
        """A block of its points; each of its metrics has one at each step."""
        count, width = min(BLOCK_SIZE, self.points - first), len(self.metrics)
        seq = np.arange(first, first + count, dtype=np.uint64)
        rows = np.zeros(count, POINT)
        noise = np.random.default_rng((self.size.seed, self.number, first)).standard_normal(count)
        rows["seq"], rows["name"] = seq, seq % np.uint64(width)
        rows["step"] = seq // np.uint64(width)
        rows["value"] = np.exp(-2 * rows["step"] * width / self.points) + 0.05 * noise
        rows["logged_ms"] = self.begin_ms + (seq * np.float64(self.lasts_ms / self.points)).astype(np.int64)
        rows["occurred_ms"] = rows["logged_ms"]
        return PointFrame(PROJECT, self.component, 0, self.writer, Points(self.writer, first, self.metrics, rows))

    def event_frame(self, first: int, count: int) -> EventFrame:
        """So many of its events."""
        records = tuple(
            Record(number, self._bytes(f"salt-{number}", 16), said.encode(event, PROJECT, at_ms * 1000))
            for number, (at_ms, event) in enumerate(self._said(first, count), first)
        )
        return EventFrame(self.writer, PROJECT, first, records)

    def _said(self, first: int, count: int) -> Iterator[tuple[int, said.Event]]:
        """Events and when they are said (milliseconds)."""
        if first < OPENING:
            return ((self.begin_ms, event) for event in self._opening())
        if first + count == self.events:
            return ((self.at_ms(1), event) for event in self._closing())
        return ((self.at_ms(number / self.events), self._middle(number)) for number in range(first, first + count))

    def _opening(self) -> list[said.Event]:
        """Who it is, what it is part of, its parameters, and what it uses: of a job of the layer before it."""
        who, experiment = str(self.component), experiment_id(PROJECT, EXPERIMENT)
        variables = {"number": self.number}
        trial = trial_id(PROJECT, experiment, variables)
        used = self.number - max(1, self.size.jobs // LAYERS)
        cells = [((f"param-{i}",), self.number * (i + 1) % 97 / 97) for i in range(20)]
        return [
            said.writer_opened(
                component=who,
                rank=0,
                attempt=str(self.writer),
                role="main",
                world_size=1,
                heartbeat_s=30.0,
                host=f"node-{self.number % 50}",
                pid=1000 + self.number,
                process=str(self.writer),
                user="somebody",
                command=["python", "train.py"],
                python="3.12",
                version="1",
                launcher={},
            ),
            said.experiment_created(experiment=str(experiment), name=EXPERIMENT),
            said.trial_created(trial=str(trial), experiment=str(experiment), variables=variables),
            said.component_created(
                component=who,
                key=f"job-{self.number}",
                name="training" if self.number < self.size.trials else "series",
                kind="training",
            ),
            said.component_attached(component=who, trial=str(trial)),
            said.run_started(component=who, rank=0, attempt=str(self.writer), world_size=1),
            said.params_logged(component=who, rank=0, cells=cells),
            self._artifact("in", "start", Job(self.size, used).made if used >= 0 else self._digest("given")),
        ]

    def _middle(self, number: int) -> said.Event:
        """What is said while it runs: mostly that it lives, what it made, and parameters that change."""
        who, kind = str(self.component), number % 10
        if kind in (4, 9):
            return said.params_logged(component=who, rank=0, cells=[(("lr",), 1e-3 * 0.9**number)])
        if kind == 8:
            return self._artifact("out", f"checkpoint-{number}", self._digest(number))
        if kind == 7:
            return about.tags_set(kind="component", entity=who, words=[], values={"phase": number // 10})
        if kind == 6:
            return about.metric_defined(
                component=who, metric=METRICS[number % 20], step=None, goal="min", summary="min"
            )
        reached = int(self.points * number / self.events)
        return said.writer_heartbeat(
            component=who, rank=0, attempt=str(self.writer), lifecycle=number, metrics=reached, lost={}
        )

    def _closing(self) -> list[said.Event]:
        who, attempt = str(self.component), str(self.writer)
        return [
            said.run_finished(component=who, rank=0, attempt=attempt, status="completed"),
            said.writer_closed(
                component=who, rank=0, attempt=attempt, lifecycle=self.events, metrics=self.points, lost={}
            ),
        ]

    @property
    def made(self) -> str:
        """The digest of the first thing that it makes."""
        return self._digest(OPENING)

    def _digest(self, of: object) -> str:
        return f"sha256:{self._bytes(f'content-{of}', 32).hex()}"

    def _artifact(self, direction: str, name: str, digest: str) -> said.Event:
        return about.artifact_logged(
            component=str(self.component),
            rank=0,
            name=name,
            direction=direction,
            uri=None,
            digest=digest,
            media_type="application/octet-stream",
            size=1,
            files=None,
            stored=False,
        )

    def _bytes(self, what: str, count: int) -> bytes:
        return hashlib.blake2b(f"{self.size.seed}/{self.number}/{what}".encode(), digest_size=count).digest()


@dataclass(frozen=True)
class Due:
    """A frame that isn't made yet, and when it comes in: after the last of what is in it."""

    at_us: int
    job: Job
    first: int
    events: int
    """So many; 0: a block of points."""

    def frame(self) -> Frame:
        """Make it."""
        return self.job.event_frame(self.first, self.events) if self.events else self.job.point_frame(self.first)


def schedule(size: Size) -> list[Due]:
    """All frames in the order of their coming."""
    return sorted(
        (due for number in range(size.jobs) for due in _of_job(Job(size, number))),
        key=lambda due: (due.at_us, due.job.number, due.first),
    )


def _of_job(job: Job) -> Iterator[Due]:
    """Its opening, its blocks of points and a tenth of its events at a time, and its end when all else is there."""
    middle = job.events - OPENING - CLOSING
    yield Due(job.at_ms(0) * 1000, job, 0, OPENING)
    cuts = [OPENING + middle * tenth // 10 for tenth in range(11)]
    for first, end in itertools.pairwise(cuts):
        if end > first:
            yield Due(job.at_ms(end / job.events) * 1000, job, first, end - first)
    for first in range(0, job.points, BLOCK_SIZE):
        yield Due(job.at_ms(min(first + BLOCK_SIZE, job.points) / job.points) * 1000, job, first, 0)
    yield Due(job.at_ms(1) * 1000 + 1, job, job.events - CLOSING, CLOSING)


def fill(folder: Path, size: Size) -> None:
    """Make the store in an empty folder."""
    deliver(folder, repr(size), schedule(size))


class Coming(Protocol):
    """A frame that isn't made yet, and when it comes in."""

    @property
    def at_us(self) -> int:
        """When."""
        ...

    def frame(self) -> Frame:
        """Make it."""
        ...


def deliver(folder: Path, what: str, due: Sequence[Coming]) -> None:
    """Make a store of these frames in an empty folder; its id follows from ``what``."""
    store = UUID(bytes=hashlib.blake2b(what.encode(), digest_size=16).digest(), version=4)
    clock = deque[int]()
    intake = Intake(folder / "intake" / "intake.log", store, clock.popleft)
    assert read_or_create(folder, BEGIN) == store
    with contextlib.closing(open_tables(folder / "engine")) as engine:
        writer, coverage = BackgroundWriter(engine), Coverage()
        history = SettledHistory(SqlHistory(engine), writer.settle)
        materializer = Materializer(writer, history, coverage)
        delivery = Delivery(intake, materializer, writer, coverage)
        try:
            _deliver(due, clock, delivery, materializer)
        finally:
            writer.close()
            intake.close()


def _deliver(due: Sequence[Coming], clock: deque[int], delivery: Delivery, materializer: Materializer) -> None:
    done = 0
    made = ((one, one.frame()) for one in due)
    with progress_bars() as progress:
        for batch in bounded(made, lambda pair: pair[1]):
            clock.extend(one.at_us for one, _ in batch)
            frames: Sequence[Frame] = [frame for _, frame in batch]
            delivery.take(frames, [])
            materializer.finish(end for frame in frames if isinstance(frame, EventFrame) for end in endings(frame))
            progress("frames", done := done + len(batch), len(due))
    delivery.settle()


def past() -> datetime:
    """The instant that reads of the past are about: the middle of the year."""
    return BEGIN + timedelta(milliseconds=YEAR_MS / 2)
