"""The memory of a worker over a long run, and of the shipper and the host beside it: bounded, or growing?

A broker is started, or EPOCHAL_TEST_KAFKA names one. Jobs log steadily; resident memory is sampled a few times a
second, and the last third of the time is compared with the first.

    python benchmarks/kafka_memory.py [--seconds 240] [--rate 100000] [--jobs 20] [--json FILE]
"""

from __future__ import annotations

import statistics
import time

from figures import arguments, save
from kafka_path.load import Load
from kafka_path.path import KafkaPath, broker, row

PARTS = 12
WHO = ("worker", "shipper", "host")


class Memory:
    """Resident memory in MB by process, each sample with its second."""

    def __init__(self, way: KafkaPath) -> None:
        self._way = way
        self._begin: float | None = None
        self.samples: list[tuple[float, dict[str, float]]] = []

    def look(self) -> None:
        """Take a sample of all that run."""
        found = {name: process.memory_info().rss / 1e6 for name, process in self._way.processes().items()}
        now = time.perf_counter()
        self._begin = now if self._begin is None else self._begin
        self.samples.append((now - self._begin, found))

    def part(self, first: float, end: float, who: str) -> list[float]:
        """The samples of one process between two shares of the whole time."""
        whole = self.samples[-1][0]
        return [mb[who] for at, mb in self.samples if first * whole <= at <= end * whole and who in mb]

    def table(self) -> str:
        """Medians by part of the time, and each process's greatest."""
        lines = [f"{'second':>8}" + "".join(f"{who + ' MB':>14}" for who in WHO)]
        for i in range(PARTS):
            cells = [self.part(i / PARTS, (i + 1) / PARTS, who) for who in WHO]
            shown = "".join(f"{statistics.median(cell):>14,.0f}" if cell else f"{'':>14}" for cell in cells)
            lines.append(f"{(i + 1) / PARTS * self.samples[-1][0]:>8,.0f}{shown}")
        lines.append(f"{'greatest':>8}" + "".join(f"{max(self.part(0, 1, who)):>14,.0f}" for who in WHO))
        return "\n".join(lines)


def figures(memory: Memory) -> list[dict[str, object]]:
    """The last third beside the first, and the greatest, of each process."""
    rows = []
    for who in WHO:
        first, last = statistics.median(memory.part(0, 1 / 3, who)), statistics.median(memory.part(2 / 3, 1, who))
        beside = {"limit": first, "limit_is": "in the first third"}
        rows += [
            row(f"kafka.memory.{who}", last, "MB", high=max(memory.part(0, 1, who)), **beside),
            row(f"kafka.memory.{who}_ratio", last / first, "x"),
        ]
    return rows


def main() -> None:
    """Measure and print; write JSON when asked to."""
    parser = arguments(__doc__)
    parser.add_argument("--seconds", type=float, default=240)
    parser.add_argument("--rate", type=float, default=100_000, help="points/s of all jobs")
    parser.add_argument("--jobs", type=int, default=20)
    options = parser.parse_args()
    load = Load(options.jobs, 10, int(options.rate * options.seconds), options.rate)
    print(f"-- {load}", flush=True)
    with broker() as (servers, folder):
        way = KafkaPath(servers, folder / "way")
        try:
            way.start_worker()
            memory = Memory(way)
            way.carry(load, memory.look)
        finally:
            way.close()
    print(memory.table())
    rows = figures(memory)
    save(options.json, rows)


if __name__ == "__main__":
    main()
