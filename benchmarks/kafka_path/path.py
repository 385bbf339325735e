"""The whole way on this machine: jobs, the process that ships their spool, a broker, a worker, a store and its host."""

from __future__ import annotations

import contextlib
import random
import signal
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import psutil
from figures import PATIENCE_S, wait_until_sealed
from kafka_path.from_tests import BrokerError, Field, WorkerProcess, any_broker, end_shipper
from kafka_path.load import Load, Logged, started, without_settings
from run import LEFT_OUT

from epochal._kafka.migrate import migrate
from epochal._settings import Settings
from epochal._spool import shipper_pid
from epochal_storage.locate import find_host

NEWEST = """
SELECT component, toUnixTimestamp64Milli(max(logged_at)) AS ms, max(step) AS reached FROM metrics
WHERE project = 'default' AND component IN {components:Array(UUID)} AND metric = 'm0' AND rank = 0
  AND step >= {step:Float64}
GROUP BY component
"""
ON_DISK = "SELECT sum(bytes_on_disk) AS n FROM system.parts WHERE active AND database = currentDatabase()"


@contextlib.contextmanager
def broker() -> Iterator[tuple[str, Path]]:
    """The bootstrap servers of a broker, and a folder that goes with it; ends the program where there can be none."""
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stack:
        try:
            servers = stack.enter_context(any_broker(Path(folder) / "kafka"))
        except BrokerError as error:
            print(f"left out: {error}")
            raise SystemExit(LEFT_OUT) from None
        yield servers, Path(folder)


@dataclass(frozen=True)
class Spent:
    """Seconds of processor time by who spent them."""

    shipper: float
    worker: float
    host: float

    def since(self, before: Spent) -> Spent:
        """What was spent after ``before``."""
        return Spent(self.shipper - before.shipper, self.worker - before.worker, self.host - before.host)


@dataclass(frozen=True)
class Passed:
    """What a load took: what jobs say, processor time of the others, seconds from the first call until all was there.

    ``ages_s``, sorted: how old the newest readable point of a job was, asked at random moments. Their quantiles are
    those of the delay of single points, as long as jobs log evenly: the share of moments at which the newest point is
    older than d is the share of points that are readable only after d.
    """

    logged: Logged
    spent: Spent
    visible_s: float
    ages_s: list[float]

    def delay(self, share: float) -> float:
        """The delay in seconds within which this share of the points is readable."""
        return self.ages_s[min(len(self.ages_s) - 1, int(len(self.ages_s) * share))]


class KafkaPath:
    """Topics as ``epochal migrate`` makes them, one spool, one store, and a worker with the settings a user has."""

    def __init__(self, servers: str, directory: Path) -> None:
        prefix = f"bench{uuid4().hex[:8]}."
        migrate(Settings(kafka=servers, kafka_topic_prefix=prefix))
        self.field = _Field(servers, prefix, directory)
        self.spool = directory / "spool"
        self.environment = {
            **without_settings(),
            "EPOCHAL_KAFKA": servers,
            "EPOCHAL_KAFKA_TOPIC_PREFIX": prefix,
            "EPOCHAL_KAFKA_WAIT": str(PATIENCE_S),
            "EPOCHAL_STORE": str(self.field.store),
            "EPOCHAL_JOURNAL": str(self.spool),
            "EPOCHAL_CAPTURE": "none",
        }
        self.points()

    def start_worker(self) -> WorkerProcess:
        """Start a worker, and wait until it is one of the group."""
        return self.begin_worker().ready()

    def begin_worker(self) -> WorkerProcess:
        """Start a worker."""
        return self.field.worker(EPOCHAL_WORKER_AGE="0.5", EPOCHAL_WORKER_SESSION="30")

    def points(self) -> int:
        """Points that are readable now."""
        return self._number("SELECT count() AS n FROM metrics")

    def wait_for(self, points: int) -> float:
        """Wait until so many points are readable; when that was. Gives up when nothing moves for ten minutes."""
        seen, since = -1, time.perf_counter()
        while (now := self.points()) < points:
            if now > seen:
                seen, since = now, time.perf_counter()
            if time.perf_counter() - since > PATIENCE_S:
                raise SystemExit(f"{points - now:,} of {points:,} points never came: no figures")
            time.sleep(0.1)
        return time.perf_counter()

    def bytes_on_disk(self) -> int:
        """What all tables of the store take now."""
        return self._number(ON_DISK)

    def processes(self) -> dict[str, psutil.Process]:
        """Who is at work beside the jobs: shipper, worker and host."""
        host, shipper = find_host(self.field.store), shipper_pid(self.spool)
        assert host is not None, "the store has no host"
        pids = {"worker": self.field.workers[-1].process.pid, "host": host.pid}
        if shipper is not None:
            pids["shipper"] = shipper
        return {name: psutil.Process(pid) for name, pid in pids.items()}

    def spent(self) -> Spent:
        """Processor time so far."""
        times = {name: process.cpu_times() for name, process in self.processes().items()}
        used = {name: float(time_.user + time_.system) for name, time_ in times.items()}
        return Spent(used.get("shipper", 0.0), used["worker"], used["host"])

    def carry(self, load: Load, look: Callable[[], None] = lambda: None) -> Passed:
        """Log a load and wait until all of it is readable; ``look`` is called a few times a second meanwhile."""
        there = self.points()
        with started(load, self.environment) as jobs:
            before = self.spent()
            begin = time.perf_counter()
            jobs.go()
            ages = self._watch(jobs.components, jobs.logging, look)
            logged = jobs.end()
        visible = self.wait_for(there + load.total)
        wait_until_sealed(self.field.client.query_df)
        return Passed(logged, self.spent().since(before), visible - begin, sorted(ages))

    def close(self) -> None:
        """End everything that was started."""
        self.field.close()
        if self.spool.exists():
            end_shipper(self.spool, signal.SIGTERM)

    def _watch(self, components: list[str], going_on: Callable[[], bool], look: Callable[[], None]) -> list[float]:
        """The ages of the newest readable points, from when every job has one."""
        ages: list[float] = []
        step = 0.0
        while going_on():
            time.sleep(random.uniform(0.2, 0.5))
            look()
            answer = self.field.client.query_arrow(NEWEST, {"components": components, "step": step})
            now = time.time()
            if answer.num_rows == len(components) and going_on():
                ages += [now - ms / 1000 for ms in answer["ms"].to_pylist()]
                # the primary key finds what is newer than this at once, however many points there are
                step = min(answer["reached"].to_pylist())
        return ages

    def _number(self, query: str) -> int:
        return int(self.field.client.query_arrow(query)["n"][0].as_py())


class _Field(Field):
    """A field whose topics are there already."""

    def make_topics(self, *names: str, times: str = "LogAppendTime") -> None:
        """Leave them as ``epochal migrate`` made them."""


def row(key: str, value: float, unit: str, **more: object) -> dict[str, object]:
    """A figure as run.py reads it, printed."""
    print(f"{key:<36} {value:>14,.4g} {unit}  {more or ''}", flush=True)
    return {"key": key, "value": value, "unit": unit, **more}
