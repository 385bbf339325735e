"""Catching up: jobs log and ship while no worker runs; one is started, and everything is readable so long after that.

A broker is started, or EPOCHAL_TEST_KAFKA names one.

    python benchmarks/kafka_pause.py [--points 10000000] [--jobs 5] [--json FILE]
"""

from __future__ import annotations

import time

from figures import arguments, save, wait_until_sealed
from kafka_path.load import Load, started
from kafka_path.path import KafkaPath, broker, row

BEFORE = 100_000
"""Points that are taken in before the pause, so that the worker that comes back goes on rather than begins."""


def measure(way: KafkaPath, load: Load) -> list[dict[str, object]]:
    """The pause, and how it is made up for."""
    worker = way.start_worker()
    before = Load(load.jobs, load.metrics, BEFORE, 0)
    way.carry(before)
    worker.stop()
    with started(load, way.environment) as jobs:
        begin = time.perf_counter()
        jobs.go()
        logged = jobs.end()
        shipped_s = time.perf_counter() - begin
    assert way.points() == before.total, "a worker was there in the pause"
    begin = time.perf_counter()
    way.begin_worker()
    first_s = way.wait_for(before.total + 1) - begin
    seconds = way.wait_for(before.total + load.total) - begin
    wait_until_sealed(way.field.client.query_df)
    spent = way.spent()  # the worker's start is a part of catching up
    return [
        row("kafka.pause.catch_up", seconds, "s"),
        row("kafka.pause.first", first_s, "s"),
        row("kafka.pause.points", load.total / seconds, "points/s"),
        row("kafka.pause.worker_cpu", 1e6 * spent.worker / load.total, "µs/point"),
        row("kafka.pause.shipped", load.total / shipped_s, "points/s"),
        row("kafka.pause.logged", load.total / logged.logged_s, "points/s"),
    ]


def main() -> None:
    """Measure and print; write JSON when asked to."""
    parser = arguments(__doc__)
    parser.add_argument("--points", type=int, default=10_000_000)
    parser.add_argument("--jobs", type=int, default=5)
    options = parser.parse_args()
    load = Load(options.jobs, 10, options.points, 0)
    print(f"-- {load}", flush=True)
    with broker() as (servers, folder):
        way = KafkaPath(servers, folder / "way")
        try:
            rows = measure(way, load)
        finally:
            way.close()
    save(options.json, rows)


if __name__ == "__main__":
    main()
