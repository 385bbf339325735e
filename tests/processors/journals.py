"""Real journals for the tests of the follower, and followers over a store in memory."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

from processors.memory_store import MemoryStore

from epochal._ids import uuid7
from epochal._journal.process import ProcessLock
from epochal._journal.writer import JournalWriter
from epochal_processors.cleaning import Safety
from epochal_processors.follower import Clock
from epochal_processors.ingest import Ingest, open_ingest


def no_conversion(value: object) -> float:
    raise TypeError(f"{value!r} is no number")


@dataclass
class Job:
    """A writer as a training process would have it."""

    journals: Path
    lock: ProcessLock
    component: UUID = field(default_factory=uuid4)
    writer: UUID = field(default_factory=uuid7)
    segment_bytes: int = 16 << 20
    project: str = "p"

    def __post_init__(self) -> None:
        self.journal = JournalWriter(
            self.journals,
            self.writer,
            now_us=lambda: time.time_ns() // 1000,
            convert=no_conversion,
            report=lambda kind, text: None,
            max_segment_bytes=self.segment_bytes,
            sync_interval_s=0,
        )

    def say(self, event_type: str, **data: Any) -> None:
        """Write one event."""
        event = {"type": f"epochal.{event_type}", "v": 1, "project": self.project, "at": self.journal.now_us()}
        self.journal.append_event(json.dumps({**event, "data": data}).encode())

    def open(self, role: str = "main") -> Job:
        """Say who writes."""
        about = {"heartbeat_s": 10.0, "host": "h", "pid": 1, "process": str(self.lock.id), "version": "0"}
        self.say("writer.opened", component=str(self.component), attempt="a", role=role, **about)
        return self

    def log(self, count: int, names: tuple[str, ...] = ("loss",)) -> Job:
        """Log so many points, values telling their own number."""
        for _ in range(count):
            first = self.journal.counts[1]
            self.journal.append_points({name: float(first + i) for i, name in enumerate(names)}, None, None)
        return self

    def close(self) -> Job:
        """End properly."""
        lifecycle, metrics = self.journal.counts
        self.say("writer.closed", component=str(self.component), attempt="a", lifecycle=lifecycle + 1, metrics=metrics)
        self.journal.close()
        return self


@dataclass
class Bench:
    """A store in memory with its directory, whose hosts can be replaced at any time."""

    directory: Path
    store: MemoryStore = field(default_factory=MemoryStore)
    seconds: float = 0.0
    reports: list[str] = field(default_factory=list)
    synced: list[Callable[[], None]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.journals = self.directory / "journals"
        self.journals.mkdir(parents=True, exist_ok=True)
        self.locks: list[ProcessLock] = []
        self.ingests: list[Ingest] = []

    def job(self, **settings: Any) -> Job:
        """A new writer of a process that lives until `end`."""
        if not self.locks:
            self.locks.append(ProcessLock.hold(self.journals))
        return Job(self.journals, self.locks[0], **settings)

    def host(self) -> Ingest:
        """The next host of the store; the one before it is as if killed."""
        if self.ingests:
            self.ingests[-1].abandon()
        clock = Clock(lambda: time.time_ns() // 1000, lambda: self.seconds)
        ingest = open_ingest(self.directory, self.store, self.store, clock, self.reports.append, Safety(self._sync))
        self.ingests.append(ingest)
        return ingest

    def _sync(self, path: Path) -> None:
        assert path == self.directory
        for call in self.synced:
            call()

    def end(self) -> None:
        """Let go of everything."""
        for lock in self.locks:
            lock.release()
        if self.ingests:
            self.ingests[-1].abandon()

    def values(self, job: Job) -> list[float]:
        """The values of a job's points in sequence order."""
        mine = [row for row in self.store.final("metrics") if row["writer"] == job.writer.bytes]
        return [row["value"] for row in sorted(mine, key=lambda row: row["seq"])]

    def ranges(self, job: Job, channel: str = "metrics") -> list[tuple[int, int]]:
        """The ranges that the ledger has of a job's stream, in order."""
        mine = (row for row in self.store.final("ledger") if row["writer"] == job.writer.bytes)
        return sorted((row["first_seq"], row["count"]) for row in mine if row["channel"] == channel)

    def events(self, kind: str) -> list[dict[str, Any]]:
        """The data of all events of a type."""
        said = [json.loads(row["payload"]) for row in self.store.final("events")]
        return [event["data"] for event in said if event["type"] == f"epochal.{kind}"]
