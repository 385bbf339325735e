"""How cost grows with the number of jobs, of metrics and of points on the way through Kafka, as a table and a plot.

A broker is started, or EPOCHAL_TEST_KAFKA names one. Each row is a load at a steady rate on topics and a store of its
own; one of the three numbers grows, the others stay. Costs are processor time, which a busy machine changes little; it
changes the delay a lot.

    python benchmarks/kafka_growth.py [--rate 50000] [--points 1000000] [--plot] [--busy] [--json FILE]

``--plot`` writes the table into docs/performance.md and the plot beside it; that needs matplotlib (epochal[plot]).
``--busy`` leaves the delays out, for a machine that has other things to do.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from figures import arguments, save
from kafka_path.load import Load
from kafka_path.path import KafkaPath, broker, row
from kafka_path.show import WHO, Cost, plot, table, written

DOCUMENT = Path(__file__).resolve().parents[1] / "docs" / "performance.md"
JOBS, METRICS = 10, 10


@dataclass(frozen=True)
class Series:
    """Loads of which one number grows."""

    grows: str
    loads: tuple[Load, ...]


def series(points: int, rate: float) -> Iterator[Series]:
    """What grows, and how."""
    yield Series("jobs", tuple(Load(jobs, METRICS, points, rate) for jobs in (1, 10, 50, 200)))
    yield Series("metrics", tuple(Load(JOBS, metrics, points, rate) for metrics in (1, 10, 100, 1000)))
    yield Series("points", tuple(Load(JOBS, METRICS, int(points * x), rate) for x in (0.5, 1, 2, 4)))


def cost(servers: str, folder: Path, grows: str, load: Load, *, busy: bool) -> Cost:
    """What one load costs; without the delay where the machine is busy."""
    print(f"-- {load}", flush=True)
    way = KafkaPath(servers, folder)
    try:
        way.start_worker()
        passed = way.carry(load)
        size = way.bytes_on_disk()
    finally:
        way.close()
    spent = {
        "job": passed.logged.cpu_s,
        "shipper": passed.spent.shipper,
        "worker": passed.spent.worker,
        "host": passed.spent.host,
    }
    per_point = {who: 1e6 * spent[who] / load.total for who in WHO}
    delays = (passed.delay(0.5), passed.delay(0.99)) if passed.ages_s and not busy else None
    print("   CPU s a million points:", {who: round(us, 2) for who, us in per_point.items()}, flush=True)
    return Cost(grows, load, per_point, delays, size / load.total)


def figures(costs: list[Cost]) -> list[dict[str, object]]:
    """For each number that grows: the whole cost of a point in the last load beside that in the first."""
    rows = []
    for grows in dict.fromkeys(one.grows for one in costs):
        whole = [sum(one.cpu_us.values()) for one in costs if one.grows == grows]
        beside = {"limit": whole[0], "limit_is": f"with the fewest {grows}"}
        rows.append(row(f"kafka.growth.{grows}", whole[-1], "µs/point", **beside))
    typical = [sum(one.cpu_us.values()) for one in costs if (one.load.jobs, one.load.metrics) == (JOBS, METRICS)]
    return [*rows, row("kafka.growth.typical", statistics.median(typical), "µs/point")]


def main() -> None:
    """Measure and print; write JSON, table and plot when asked to."""
    parser = arguments(__doc__)
    parser.add_argument("--points", type=int, default=1_000_000, help="of a load, where points aren't what grows")
    parser.add_argument("--rate", type=float, default=50_000, help="points/s of all jobs together")
    parser.add_argument("--plot", action="store_true", help=f"write the table into {DOCUMENT.name}, and the plot")
    parser.add_argument("--busy", action="store_true", help="leave the delays out: the machine has other things to do")
    options = parser.parse_args()
    with broker() as (servers, folder):
        asked = [(one.grows, load) for one in series(options.points, options.rate) for load in one.loads]
        # what several series have in common is measured once
        measured: dict[Load, Cost] = {}
        for grows, load in asked:
            if load not in measured:
                measured[load] = cost(servers, folder / str(len(measured)), grows, load, busy=options.busy)
        costs = [measured[load].under(grows) for grows, load in asked]
    print(table(costs))
    rows = figures(costs)
    if options.plot:
        picture = DOCUMENT.with_name("performance-growth.svg")
        plot(costs, picture)
        DOCUMENT.write_text(written(DOCUMENT.read_text(encoding="utf-8"), table(costs)), encoding="utf-8")
        print(f"written: {picture} and the table in {DOCUMENT}")
    save(options.json, rows)


if __name__ == "__main__":
    main()
