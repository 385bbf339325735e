"""Logged to readable through Kafka: the delay of points that 50 jobs log at two rates, shipped, taken in, read back.

A broker is started, or EPOCHAL_TEST_KAFKA names one. The jobs are real runs with a journal each, in four processes; one
process ships them, one worker takes them in, and a reader asks the store for the newest point of every job.

    python benchmarks/kafka_delay.py [--rates 10000 100000] [--jobs 50] [--seconds 20] [--json FILE]
"""

from __future__ import annotations

from pathlib import Path

from figures import arguments, save
from kafka_path.load import Load
from kafka_path.path import KafkaPath, broker, row


def measure(servers: str, folder: Path, load: Load) -> list[dict[str, object]]:
    """Median and 99th percentile at one rate, on topics and a store of their own."""
    way = KafkaPath(servers, folder)
    try:
        way.start_worker()
        print(f"-- {load}", flush=True)
        passed = way.carry(load)
    finally:
        way.close()
    if not passed.ages_s:
        raise SystemExit("the jobs were done before anything of all of them was readable: give them more --seconds")
    key = f"kafka.visible.{load.rate:.0f}"
    return [row(f"{key}.p50", passed.delay(0.5), "s"), row(f"{key}.p99", passed.delay(0.99), "s")]


def main() -> None:
    """Measure and print; write JSON when asked to."""
    parser = arguments(__doc__)
    parser.add_argument("--rates", type=float, nargs="+", default=[10_000, 100_000], help="points/s of all jobs")
    parser.add_argument("--jobs", type=int, default=50)
    parser.add_argument("--seconds", type=float, default=20)
    options = parser.parse_args()
    rows: list[dict[str, object]] = []
    with broker() as (servers, folder):
        for rate in options.rates:
            load = Load(options.jobs, 10, int(rate * options.seconds), rate)
            rows += measure(servers, folder / f"{rate:.0f}", load)
    save(options.json, rows)


if __name__ == "__main__":
    main()
