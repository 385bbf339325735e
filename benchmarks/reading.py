"""What reading costs where there is much to read: 10,000 trials, long series; through the public reads, warm.

python benchmarks/reading.py [--trials 10000] [--json FILE]
"""

from __future__ import annotations

import argparse
import json
import math
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

REPEATS = 5
WRITE = """
import math, sys, epochal
kind, count, offset = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
experiment = epochal.experiment("bench")
if kind == "trials":
    for number in range(offset, offset + count):
        with experiment.trial({"number": number}).run("training") as run:
            run.log_params({f"param-{i}": number * (i + 1) % 97 / 97 for i in range(20)})
            for step in range(3):
                run.log({f"metric-{i}": math.sin(number * (i + 1) + step) for i in range(20)}, step=step)
else:
    with experiment.trial({"points": count}).run("series") as run:
        for step in range(count):
            run.log({"long": math.sin(step / 1000)}, step=step)
    print(run.id)
"""


def write(store: Path, kind: str, count: int, offset: int = 0) -> str:
    """Write trials or one series in a process of its own; what it prints."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("EPOCHAL_")}
    environment = kept | {"EPOCHAL_STORE": str(store), "EPOCHAL_CAPTURE": "none"}
    command = [sys.executable, "-c", WRITE, kind, str(count), str(offset)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def timed(action: Callable[[], object]) -> list[float]:
    """Milliseconds of each repetition, after one to warm up."""
    action()
    found: list[float] = []
    for _ in range(REPEATS):
        begin = time.perf_counter()
        action()
        found.append((time.perf_counter() - begin) * 1e3)
    return found


def row(key: str, times: list[float], unit: str = "ms", **more: object) -> dict[str, object]:
    """One figure, printed at once."""
    scale = 1e-3 if unit == "s" else 1.0
    values = [value * scale for value in times]
    figure = {"key": key, "value": statistics.median(values), "unit": unit, "low": min(values), "high": max(values)}
    print(f"{key:<20} {figure['value']:.4g} {unit} ({figure['low']:.4g} to {figure['high']:.4g})", flush=True)
    return figure | more


def measure(folder: Path, trials: int) -> list[dict[str, object]]:
    """Fill a store, then read it."""
    import epochal

    write(folder, "trials", trials // 2)
    middle = datetime.now(UTC)
    write(folder, "trials", trials - trials // 2, trials // 2)
    short, long = write(folder, "series", 100_000), write(folder, "series", 1_000_000)
    with epochal.open(folder) as store:
        frame = store.report("bench", where="name = 'training'")
        assert len(frame) == trials, f"{len(frame)} of {trials} rows"
        now = timed(lambda: store.report("bench", where="name = 'training'"))
        past = timed(lambda: store.report("bench", where="name = 'training'", as_of=middle))
        first = timed(
            lambda: store.report(
                "bench",
                where="params.param-3 > 0.5 and metrics.metric-1.last > 0",
                order_by="metrics.metric-0.last desc",
                limit=200,
            )
        )
        assert len(store.metrics(component=short, metric="long")) == 100_000
        series = timed(lambda: store.metrics(component=short, metric="long"))
        bare = timed(
            lambda: store.sql(
                "SELECT step, value FROM metrics WHERE component = {component:String} ORDER BY step",
                {"component": short},
            )
        )
        chart = timed(lambda: store.metrics(component=long, metric="long", max_points=2_000))
    beside: dict[str, Any] = {"limit": statistics.median(bare), "limit_is": "step and value from the table"}
    ratio = statistics.median(past) / statistics.median(now)
    return [
        row("reading.first_rows", first),
        row("reading.whole", now, "s"),
        {"key": "reading.past_ratio", "value": ratio if math.isfinite(ratio) else 0.0, "unit": "x"},
        row("reading.series", series, **beside),
        row("reading.chart", chart),
    ]


def main() -> None:
    """Measure and print; write JSON when asked to."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, default=10_000)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        rows = measure(Path(folder), options.trials)
    if options.json:
        options.json.write_text(json.dumps({"rows": rows}), encoding="utf-8")


if __name__ == "__main__":
    main()
