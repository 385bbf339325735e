"""What reading costs where there is much to read: 10,000 trials, long series; through the public reads, warm.

python benchmarks/reading.py [--trials 10000] [--json FILE]
"""

from __future__ import annotations

import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any

from figures import Row, arguments, passing_store, row, save, surroundings, timed

WRITE = """
import math, sys, epochal
kind, count = sys.argv[1], int(sys.argv[2])
experiment = epochal.experiment("bench")
if kind == "trials":
    for number in range(count):
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

SUMS = "SELECT component, metric, n, min, max, mean, m2, last FROM partials WHERE startsWith(metric, 'metric-')"
PARAMS = "SELECT entity, key, number FROM facts WHERE kind = 'component' AND field = 'param'"
FIRST = f"""(
    SELECT component FROM partials
    WHERE metric = 'metric-0' AND component IN (SELECT entity FROM ({PARAMS} AND key = 'param-3' AND number > 0.5))
      AND component IN (SELECT component FROM partials WHERE metric = 'metric-1' AND last > 0)
    ORDER BY last DESC LIMIT 200
)"""
SERIES = "SELECT step, value FROM metrics WHERE component = {component:String} ORDER BY step"
STRETCHES = """
SELECT intDiv(step, 2500) AS stretch, min(value), max(value) FROM metrics WHERE component = {component:String}
GROUP BY stretch
"""


def write(store: Path, kind: str, count: int) -> str:
    """Write trials or one series in a process of its own; what it prints."""
    command = [sys.executable, "-c", WRITE, kind, str(count)]
    done = subprocess.run(command, env=surroundings(store), capture_output=True, text=True, check=True)
    return done.stdout.strip()


def measure(folder: Path, trials: int) -> list[Row]:
    """Fill a store, then read it, and beside each read what it needs from the plain tables through the same client."""
    import epochal

    write(folder, "trials", trials)
    short, long = write(folder, "series", 100_000), write(folder, "series", 1_000_000)
    with epochal.open(folder) as store:

        def beside(limit_is: str, *queries: str, component: str = short) -> dict[str, Any]:
            bare = timed(lambda: [store.sql(query, {"component": component}) for query in queries])
            return {"limit": statistics.median(bare), "limit_is": limit_is}

        frame = store.report("bench", where="name = 'training'")
        assert len(frame) == trials, f"{len(frame)} of {trials} rows"
        now = timed(lambda: store.report("bench", where="name = 'training'"))
        cells = beside("the same cells from the tables", SUMS, PARAMS)
        first = timed(
            lambda: store.report(
                "bench",
                where="params.param-3 > 0.5 and metrics.metric-1.last > 0",
                order_by="metrics.metric-0.last desc",
                limit=200,
            )
        )
        few = beside(
            "the same cells from the tables", f"{SUMS} AND component IN {FIRST}", f"{PARAMS} AND entity IN {FIRST}"
        )
        assert len(store.metrics(component=short, metric="long")) == 100_000
        series = timed(lambda: store.metrics(component=short, metric="long"))
        bare = beside("step and value from the table", SERIES)
        chart = timed(lambda: store.metrics(component=long, metric="long", max_points=2_000))
        stretches = beside("extremes of 400 stretches from the table", STRETCHES, component=long)
    return [
        row("reading.first_rows", first, **few),
        row("reading.whole", now, "s", **(cells | {"limit": cells["limit"] / 1e3})),
        row("reading.series", series, **bare),
        row("reading.chart", chart, **stretches),
    ]


def main() -> None:
    """Measure and print; write JSON when asked to."""
    parser = arguments(__doc__)
    parser.add_argument("--trials", type=int, default=10_000)
    options = parser.parse_args()
    with passing_store() as folder:
        rows = measure(folder, options.trials)
    save(options.json, rows)


if __name__ == "__main__":
    main()
