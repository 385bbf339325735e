"""All of it at once: jobs that log, what ships for them, a broker, workers, the store's host; and what must be read."""

from __future__ import annotations

import contextlib
import itertools
import random
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from kafka_field import Field
from promises.job import value
from promises.jobs import Job, job
from shipping.jobs import ending_shippers, kafka, spool_of
from worker_process import PATIENCE_S, WorkerProcess

from epochal._spool import is_shipped
from epochal_query.errors import UnknownNameError
from epochal_query.store import Store

EXPERIMENT = "promises"
SESSION_S = 3.0
STALL_S = 60.0
"""Well below how long the tests wait: a worker that stands still is replaced, as in life."""
ENDED_BY_US = -signal.SIGKILL


@dataclass
class Watched:
    """A job, whether it was killed, and how many calls it was to make."""

    name: str
    job: Job
    calls: int
    killed: bool = False

    @property
    def runs(self) -> bool:
        """Whether it still does."""
        return self.job.process.poll() is None


@dataclass
class Estate:
    """So many jobs and workers, always: one that ends is followed by another until :meth:`finish`. ``base`` has the
    topics and the store.

    ``job_servers`` and ``worker_servers`` are where these begin, if not where the base itself does.
    """

    base: Field
    home: Path
    dice: random.Random
    job_servers: str
    worker_servers: str
    jobs: int = 3
    workers: int = 2
    calls: int = 4_000
    pause_s: float = 0.002
    every_job: list[Watched] = field(default_factory=list)
    at_work: list[WorkerProcess] = field(default_factory=list)

    def __enter__(self) -> Estate:
        self._ending = contextlib.ExitStack()
        self._ending.callback(self.base.close)
        self._ending.enter_context(ending_shippers(self.home))
        self._numbers = itertools.count()
        self.at_work = [self.worker() for _ in range(self.workers)]
        self.wait(lambda: all(worker.is_ready() for worker in self.at_work), "workers are there", jobs=False)
        return self

    def __exit__(self, *exception: object) -> None:
        self._ending.close()

    @property
    def spool(self) -> Path:
        """Where the jobs' journals wait for Kafka."""
        return spool_of(self.home)

    @property
    def running(self) -> list[Watched]:
        """The jobs that run now."""
        return [one for one in self.every_job if one.runs]

    def worker(self) -> WorkerProcess:
        """Start a worker."""
        return self.base.worker(
            EPOCHAL_KAFKA=self.worker_servers,
            EPOCHAL_WORKER_SESSION=str(SESSION_S),
            EPOCHAL_WORKER_STALL=str(STALL_S),
        )

    def start_job(self, calls: int | None = None) -> Watched:
        """Start a job; returns when it is about to log."""
        number, calls = next(self._numbers), calls or self.calls
        settings = kafka(self.job_servers, self.base.prefix, HOME=str(self.home), EPOCHAL_HOST="none")
        started = job(self.base.store, f"job-{number}", number, calls, EXPERIMENT, self.pause_s, **settings)
        self.every_job.append(Watched(f"job-{number}", self._ending.enter_context(started), calls))
        return self.every_job[-1]

    def tend(self, jobs: bool = True) -> None:
        """As a supervisor does: replace workers that ended, and jobs, too, while they are to go on."""
        for i, worker in enumerate(self.at_work):
            status = worker.process.poll()
            if status is not None:
                assert status in (75, ENDED_BY_US), worker.log.read_text()[-3000:]
                self.at_work[i] = self.worker()
        while jobs and len(self.running) < self.jobs:
            self.start_job()

    def pass_time(self, seconds: float) -> None:
        """Let so much time pass."""
        end = time.monotonic() + seconds
        self.tend()
        while time.monotonic() < end:
            time.sleep(min(0.1, max(0.0, end - time.monotonic())))
            self.tend()

    def wait(self, condition: Callable[[], bool], what: str, jobs: bool = True) -> None:
        """Wait for something while everything goes on."""
        end = time.monotonic() + PATIENCE_S
        while not condition():
            assert time.monotonic() < end, f"waited {PATIENCE_S:.0f} s in vain: {what}\n{self.words()}"
            self.tend(jobs)
            time.sleep(0.05)

    def words(self) -> str:
        """The last words of everybody who writes any, for whoever has to find out why nothing goes on."""
        last = [one.log for one in self.base.workers[-4:]]
        others = [*self.base.store.glob("*.log"), *self.spool.glob("*.log")]
        running = [one.name for one in self.running]
        texts = [f"--- {log.name}\n{log.read_text(errors='replace')[-2000:]}" for log in others + last]
        return "\n".join([*texts, f"jobs that run: {running}; workers' statuses: {self._statuses()}"])

    def _statuses(self) -> list[int | None]:
        return [one.process.poll() for one in self.base.workers]

    def finish(self) -> None:
        """Let the jobs come to their end, and check what is read of each: its certificate, and every point."""
        self.wait(lambda: not self.running, "jobs end", jobs=False)
        for one in self.every_job:
            assert one.killed or one.job.wait() == 0, f"{one.name} ended with {one.job.process.returncode}"
        store = self.base.open()
        for one in self.every_job:
            self.wait_until_certified(store, one)
            check_points(store, one)
        check_report(store, self.every_job)
        assert self.base.client.query_arrow("SELECT count() AS n FROM dead_letters").to_pylist() == [{"n": 0}]
        store.close()

    def wait_until_certified(self, store: Store, one: Watched, jobs: bool = False) -> None:
        """Wait until the store has all that there will ever be of a job."""
        wanted = {"recovered", "closed"} if one.killed else {"closed"}

        def certified() -> bool:
            if not is_shipped(self.spool):  # it was killed when no job was left to start the next one
                self.start_job(calls=1).job.wait()
            return state_of(store, one.job.component) in wanted

        self.wait(certified, f"the certificate of {one.name} ({one.job.component}) is {wanted}", jobs)


def state_of(store: Store, component: str) -> str:
    """What is certified of a component; nothing of one that the store hasn't heard of yet."""
    try:
        return str(store.certificate(component)["state"])
    except UnknownNameError:
        return ""


def check_points(store: Store, one: Watched) -> None:
    """Every call that had returned is there, once, value for value, and nothing that never was."""
    frame = store.metrics(component=one.job.component, metric=["loss", "half"])
    seed = one.job.seed
    for metric, factor in (("loss", 1.0), ("half", 0.5)):
        part = frame[frame["metric"] == metric]
        assert part["step"].tolist() == list(map(float, range(len(part)))), one.name
        assert part["value"].tolist() == [value(seed, call) * factor for call in range(len(part))], one.name
        assert len(part) >= one.job.acknowledged if one.killed else len(part) == one.calls, one.name


def check_report(store: Store, jobs: list[Watched]) -> None:
    """Sums say the same as points, and every job's end is told."""
    report = store.report(EXPERIMENT, metrics=["loss"]).set_index("ComponentId")
    assert len(report) == len(jobs)
    points = store.metrics(experiment=EXPERIMENT, metric="loss").groupby("component")["value"]
    for column, summed in (("Count", points.count()), ("Min", points.min()), ("Max", points.max())):
        assert report[f"loss - {column}"].dropna().to_dict() == summed.to_dict()
    for one in jobs:
        statuses = ("lost", "completed") if one.killed else ("completed",)
        assert report["Status"][one.job.component] in statuses, one.name
