"""One worker end to end: points that lie in Kafka, until they can be read; beside a bare Arrow insert of the same rows.

A broker is started, or EPOCHAL_TEST_KAFKA names one; the store is an embedded store's host. First the rows are inserted
as Arrow over HTTP into a store of their own by one process that does nothing else; then a worker catches up with the
same points, and the rows are inserted bare once more. Medians of several such runs.

    python benchmarks/kafka_worker.py [--points 10000000] [--jobs 5] [--runs 5] [--json FILE]
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import numpy as np
import psutil
from figures import arguments, save
from kafka_path.from_tests import Field
from kafka_path.path import broker, row

from epochal._host import spawn
from epochal._ids import uuid7
from epochal._journal.reader import POINT, Points
from epochal._kafka.wire import Outgoing, Owner, encode_points
from epochal_processors.columns import batch_of
from epochal_processors.frames import PointFrame, Position
from epochal_processors.points import metrics_table
from epochal_storage.locate import find_host
from epochal_storage.location import Embedded
from epochal_storage.remote import open_remote

FRAME = 20_000
BATCH = 500_000
METRICS = 10


def points_of(job: int, count: int) -> Points:
    """What a job logs: ten metrics in turn, noisy values, a thousand points a second."""
    rows = np.zeros(count, POINT)
    rows["seq"] = np.arange(count)
    rows["name"] = np.arange(count) % METRICS
    rows["step"] = np.arange(count) // METRICS
    rows["value"] = np.random.default_rng(job).normal(size=count)
    rows["logged_ms"] = 1_700_000_000_000 + np.arange(count)
    rows["occurred_ms"] = rows["logged_ms"]
    return Points(uuid7(), 0, tuple(f"metric/{i}" for i in range(METRICS)), rows)


def part(points: Points, first: int, end: int) -> Points:
    """A piece of a job's points."""
    return Points(points.writer, first, points.names, points.rows[first:end])


def messages(jobs: list[Points], frame: int = FRAME) -> Iterator[Outgoing]:
    """The jobs' points as messages, the jobs taking turns."""
    owners = [Owner("bench", uuid7(), 0) for _ in jobs]
    for first in range(0, len(jobs[0].rows), frame):
        for owner, points in zip(owners, jobs, strict=True):
            yield encode_points(owner, part(points, first, first + frame))


@dataclass(frozen=True)
class Cost:
    """Points a second, and microseconds of processor time a point that it took the host."""

    rate: float
    host_us: float


def bare_insert(jobs: list[Points]) -> Cost:
    """What one process achieves that inserts as Arrow, the rows made before the clock starts."""
    with tempfile.TemporaryDirectory() as folder:
        store = open_remote(Embedded(Path(folder) / "store"), spawn)
        store.query_arrow("SELECT 1")
        idle = processor_time(Path(folder) / "store")
        spent, points = 0.0, 0
        for points_ in jobs:
            component = uuid7()
            for first in range(0, len(points_.rows), BATCH):
                piece = part(points_, first, first + BATCH)
                frame = PointFrame("bench", component, 0, points_.writer, piece)
                table = metrics_table(batch_of([(Position("bare", first, 1_800_000_000_000_000 + first), frame)]))
                begun = time.perf_counter()
                store.insert("metrics", table)
                spent += time.perf_counter() - begun
                points += table.num_rows
        store.close()
        used = processor_time(Path(folder) / "store") - idle
        end_host(Path(folder) / "store")
    return Cost(points / spent, 1e6 * used / points)


def processor_time(store: Path) -> float:
    """Seconds of processor time that the host of a store has used."""
    found = find_host(store)
    assert found is not None
    times = psutil.Process(found.pid).cpu_times()
    return float(times.user + times.system)


def end_host(store: Path) -> None:
    """End the host of a store, and wait for it."""
    found = find_host(store)
    if found is not None:
        process = psutil.Process(found.pid)
        process.terminate()
        psutil.wait_procs([process], 30)


@dataclass(frozen=True)
class Sight:
    """A worker at work: seconds of a clock, points stored, processor time of the worker and of the store's host."""

    at: float
    points: float
    worker_s: float
    host_s: float


def catch_up(field: Field, points: int) -> dict[str, float]:
    """A worker takes in what lies in the topics: speed and processor time from its first batch to its last, memory."""
    field.client.watermark()
    worker = field.worker(EPOCHAL_WORKER_AGE="0.5").ready()
    process = psutil.Process(worker.process.pid)
    first: Sight | None = None
    rss = 0.0
    while True:
        now, done, cpu = time.perf_counter(), worker.metric("epochal_worker_points_total"), process.cpu_times()
        rss = max(rss, float(process.memory_info().rss))
        last = Sight(now, done, float(cpu.user + cpu.system), processor_time(field.store))
        if first is None and done:
            first = last
        if done >= points:
            break
        time.sleep(0.1)
    worker.stop()
    assert first is not None
    taken = last.points - first.points
    if not taken:
        raise SystemExit(f"{points:,} points are taken in at once, which nobody can time: give it more --points")
    return {
        "rate": taken / (last.at - first.at),
        "host_cpu_us": 1e6 * (last.host_s - first.host_s) / taken,
        "worker_cpu_us": 1e6 * (last.worker_s - first.worker_s) / taken,
        "rss_mb": rss / 1e6,
    }


def bytes_on_disk(field: Field) -> int:
    """What the points themselves take, in parts as they are now: some are merged later, and are smaller then."""
    parts = "system.parts WHERE active AND table = 'metrics' AND database = currentDatabase()"
    return int(field.client.query_arrow(f"SELECT sum(bytes_on_disk) AS n FROM {parts}")["n"][0].as_py())


@dataclass(frozen=True)
class Run:
    """One worker and the bare inserts before and after it."""

    caught: dict[str, float]
    bare: float
    bare_host_us: float
    bytes_a_point: float

    @property
    def ratio(self) -> float:
        """The worker's speed as a share of the bare insert's."""
        return self.caught["rate"] / self.bare


def one_run(servers: str, folder: Path, jobs: list[Points], made: list[Outgoing]) -> Run:
    """On topics and a store of its own: sent, inserted bare, taken in by a worker, inserted bare again."""
    points = sum(len(job.rows) for job in jobs)
    field = Field(servers, f"bench{uuid4().hex[:8]}.", folder)
    try:
        field.send(made)
        before = bare_insert(jobs)
        caught = catch_up(field, points)
        size = bytes_on_disk(field)
    finally:
        field.close()
    after = bare_insert(jobs)
    rate = statistics.mean([before.rate, after.rate])
    return Run(caught, rate, min(before.host_us, after.host_us), size / points)


def figures(runs: list[Run], wire: float) -> list[dict[str, object]]:
    """The medians of several runs, with their spread."""

    def median(key: str, values: list[float], unit: str, **more: object) -> dict[str, object]:
        return row(f"kafka.{key}", statistics.median(values), unit, low=min(values), high=max(values), **more)

    bare = {"limit": statistics.median(run.bare for run in runs), "limit_is": "bare Arrow insert"}
    least = {"limit": statistics.median(run.bare_host_us for run in runs), "limit_is": "bare Arrow insert"}
    return [
        median("worker", [run.caught["rate"] for run in runs], "points/s", **bare),
        median("worker_ratio", [run.ratio for run in runs], "x"),
        median("worker_cpu", [run.caught["worker_cpu_us"] for run in runs], "µs/point"),
        median("host_cpu", [run.caught["host_cpu_us"] for run in runs], "µs/point", **least),
        median("worker_memory", [run.caught["rss_mb"] for run in runs], "MB"),
        median("bytes_a_point.disk", [run.bytes_a_point for run in runs], "bytes"),
        row("kafka.bytes_a_point.wire", wire, "bytes"),
    ]


def main() -> None:
    """Measure, print, and write figures where asked."""
    parser = arguments(__doc__)
    parser.add_argument("--points", type=int, default=10_000_000)
    parser.add_argument("--jobs", type=int, default=5)
    parser.add_argument("--runs", type=int, default=5)
    options = parser.parse_args()
    with broker() as (servers, folder):
        jobs = [points_of(job, options.points // options.jobs) for job in range(options.jobs)]
        made = list(messages(jobs))
        wire = sum(one.size for one in made) / sum(one.count for one in made)
        runs = []
        for number in range(options.runs):
            runs.append(one_run(servers, folder / str(number), jobs, made))
            print(
                f"run {number + 1}: {runs[-1].caught['rate']:,.0f} points/s, {runs[-1].ratio:.2f} of bare", flush=True
            )
    rows = figures(runs, wire)
    save(options.json, rows)


if __name__ == "__main__":
    main()
