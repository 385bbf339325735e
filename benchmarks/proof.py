"""What it costs to verify a store, to make its sums again from the log, and to tell the history of one value, warm.

python benchmarks/proof.py [--series 4] [--trials 1000] [--json FILE]
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from reading import row, timed, write

import epochal
from epochal_query.store import Store

POINTS_A_SERIES = 1_000_000
REPEATS = 5


def rates(points: int, action: Callable[[], object]) -> list[float]:
    """Points a second of each repetition, after one to warm up."""
    action()
    found: list[float] = []
    for _ in range(REPEATS):
        begin = time.perf_counter()
        action()
        found.append(points / (time.perf_counter() - begin))
    return found


def rate(key: str, values: list[float], **more: object) -> dict[str, object]:
    """One figure in points a second, printed at once."""
    figure = {"key": key, "value": statistics.median(values), "unit": "points/s"}
    figure |= {"low": min(values), "high": max(values), **more}
    print(f"{key:<20} {figure['value']:,.0f} points/s ({min(values):,.0f} to {max(values):,.0f})", flush=True)
    return figure


def read_all(store: Store) -> None:
    """What verifying can't do without: every row out of the engine once, with nothing computed of it."""
    store.sql("SELECT component, metric, rank, step, value, writer, seq FROM metrics")


def verify(store: Store) -> None:
    """All of it, which must be sound."""
    found = store.verify()
    assert found["sound"], found.to_text()


def rebuild(store: Store) -> None:
    """The partial sums of all points, which nobody has altered."""
    (changed,) = store.rebuild("partials")["changed"]
    assert not changed


def measure(folder: Path, series: int, trials: int) -> list[dict[str, object]]:
    """Fill a store; verify it, and ask for the history of a value of one of its components."""
    write(folder, "trials", trials)
    for _ in range(series):
        write(folder, "series", POINTS_A_SERIES)
    with epochal.open(folder) as store:
        component = str(store.components(trial={"number": trials // 2})["id"][0])
        points = int(store.sql("SELECT count() AS n FROM metrics")["n"][0])
        beside = statistics.median(rates(points, lambda: read_all(store)))
        return [
            rate("proof.verify", rates(points, lambda: verify(store)), limit=beside, limit_is="rows read, no digests"),
            rate("proof.rebuild", rates(points, lambda: rebuild(store)), limit=beside, limit_is="rows read, no sums"),
            row("proof.history", timed(lambda: store.history(component, "params.param-3"))),
        ]


def main() -> None:
    """Measure and print; write JSON when asked to."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--series", type=int, default=4)
    parser.add_argument("--trials", type=int, default=1_000)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        rows = measure(Path(folder), options.series, options.trials)
    if options.json:
        options.json.write_text(json.dumps({"rows": rows}), encoding="utf-8")


if __name__ == "__main__":
    main()
