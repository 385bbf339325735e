"""One worker end to end: points that lie in Kafka, until they can be read; beside a bare Arrow insert of the same rows.

A broker is started, or EPOCHAL_TEST_KAFKA names one; the store is an embedded store's host. First the rows are inserted
as Arrow over HTTP into a store of their own by one process that does nothing else; then a worker catches up with the
same points. Then the delay from the broker's append until a point is readable, at two rates from 50 jobs.

    python benchmarks/kafka_worker.py [--points 10000000] [--jobs 5] [--seconds 15] [--json FILE]
"""

from __future__ import annotations

import argparse
import json
import random
import re
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import numpy as np
import psutil

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from kafka_broker import any_broker
from kafka_field import Field
from worker_process import WorkerProcess

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
        used = processor_time(Path(folder) / "store")
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


def catch_up(field: Field, points: int) -> dict[str, float]:
    """A worker takes in what lies in the topics: points a second from its first batch to its last, CPU and memory."""
    field.client.watermark()
    idle = processor_time(field.store)
    worker = field.worker(EPOCHAL_WORKER_AGE="0.5").ready()
    process = psutil.Process(worker.process.pid)
    first: tuple[float, float] | None = None
    rss = 0.0
    while True:
        now, done = time.perf_counter(), worker.metric("epochal_worker_points_total")
        rss = max(rss, float(process.memory_info().rss))
        if first is None and done:
            first = (now, done)
        if done >= points:
            break
        time.sleep(0.1)
    assert first is not None
    cpu, host = process.cpu_times(), processor_time(field.store) - idle
    worker.stop()
    return {
        "rate": (done - first[1]) / (now - first[0]),
        "host_cpu_us": 1e6 * host / points,
        "worker_cpu_us": 1e6 * (cpu.user + cpu.system) / points,
        "rss_mb": rss / 1e6,
    }


def visible_delay(field: Field, rate: int, seconds: float) -> dict[str, float]:
    """Half and 99 of a hundred messages are readable so many seconds after their append, at a rate from 50 jobs."""
    worker = field.worker().ready()
    jobs = [points_of(job, int(rate * seconds / 50)) for job in range(50)]
    each = max(1, rate // 50 // 5)  # every job sends five times a second
    begun, sent = time.perf_counter(), 0
    for message in messages(jobs, each):
        ahead = sent / rate - (time.perf_counter() - begun)
        if ahead > 0:
            threading.Event().wait(ahead)
        field.producer.send(f"{field.prefix}metrics", key=message.key, value=message.value, headers=message.headers)
        sent += message.count
    field.producer.flush()
    while worker.metric("epochal_worker_points_total") < sent:
        time.sleep(0.05)
    found = {"p50": quantile(worker, 0.5), "p99": quantile(worker, 0.99)}
    worker.stop()
    return found


def quantile(worker: WorkerProcess, share: float) -> float:
    """A quantile of the visible delay, linear within the buckets of the histogram."""
    _, text = worker.get("/metrics")
    found = re.findall(r'^epochal_worker_visible_delay_seconds_bucket\{le="([^"]+)"\} (\S+)$', text, re.MULTILINE)
    buckets = [(float(bound), float(count)) for bound, count in found]
    wanted, low, before = share * buckets[-1][1], 0.0, 0.0
    for bound, count in buckets:
        if count >= wanted:
            return (
                bound if bound == float("inf") else low + (bound - low) * (wanted - before) / max(1.0, count - before)
            )
        low, before = bound, count
    return low


def main() -> None:
    """Measure, print, and write figures where asked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--points", type=int, default=10_000_000)
    parser.add_argument("--jobs", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=15, help="of each rate at which the delay is measured")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    random.seed(1)
    figures: list[dict[str, Any]] = []

    def say(key: str, value: float, unit: str, **more: object) -> None:
        figures.append({"key": f"kafka.{key}", "value": value, "unit": unit, **more})
        print(f"kafka.{key:<28} {value:>14,.4g} {unit}  {more or ''}", flush=True)

    with tempfile.TemporaryDirectory() as folder, any_broker(Path(folder) / "kafka") as servers:
        jobs = [points_of(job, options.points // options.jobs) for job in range(options.jobs)]
        points = sum(len(job.rows) for job in jobs)
        bare = [bare_insert(jobs)]
        field = Field(servers, f"bench{uuid4().hex[:8]}.", Path(folder) / "field")
        try:
            made = list(messages(jobs))
            field.send(made)
            say("wire", sum(one.size for one in made) / points, "bytes/point")
            del made
            caught = catch_up(field, points)
            bare.append(bare_insert(jobs))
            limit = sum(one.rate for one in bare) / len(bare)
            least = sum(one.host_us for one in bare) / len(bare)
            say("worker", caught["rate"], "points/s", limit=limit, limit_is="bare Arrow insert")
            say("worker_ratio", caught["rate"] / limit, "x")
            say("worker_cpu", caught["worker_cpu_us"], "µs/point")
            say("host_cpu", caught["host_cpu_us"], "µs/point", limit=least, limit_is="bare Arrow insert")
            say("worker_memory", caught["rss_mb"], "MB")
            for rate in (10_000, 100_000):
                delay = visible_delay(field, rate, options.seconds)
                say(f"visible.{rate}.p50", delay["p50"], "s")
                say(f"visible.{rate}.p99", delay["p99"], "s")
        finally:
            field.close()
    if options.json is not None:
        options.json.write_text(json.dumps({"rows": figures}), encoding="utf-8")


if __name__ == "__main__":
    main()
