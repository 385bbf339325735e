"""What history costs in a large store, warm: the past beside now, lineage, the history of a value, proof, a correction.

The store is made for it (`history_store.py`) and removed afterwards: 100 million points take about 1 GB.

python benchmarks/history.py [--points 100000000] [--trials 10000] [--events 1000000] [--at-once] [--json FILE]
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Any

import pandas as pd
from figures import REPEATS, Row, arguments, paired, passing_store, row, save, seconds, timed
from history_store import EXPERIMENT, SERIES, Job, Size, fill, past

import epochal
from epochal_query.cli_progress import progress_bars
from epochal_query.store import Store

DEPTH = 50
STATS = [f"{SERIES[0]} - {stat}" for stat in ("Min", "Max", "Avg", "StdDev", "Last", "Count")]
SOME = 4_000_000
ROWS = f"SELECT component, metric, rank, step, value, writer, seq FROM metrics LIMIT {SOME}"
"""What verifying can't do without: rows out of the engine, with nothing computed of them."""
Read = Callable[[datetime | None], object]


class Reads:
    """The reads that are made now and as of a past instant."""

    def __init__(self, store: Store, size: Size) -> None:
        self._store = store
        self.job = Job(size, size.trials * 9 // 20)
        self.short, self.long = Job(size, size.trials), Job(size, size.trials + 1)

    def report(self, as_of: datetime | None) -> pd.DataFrame:
        """All trials with all metrics and parameters."""
        return self._store.report(EXPERIMENT, where="name = 'training'", as_of=as_of)

    def table(self, as_of: datetime | None) -> pd.DataFrame:
        """The first rows of a table of runs, filtered and sorted."""
        return self._store.report(
            EXPERIMENT,
            where="params.param-3 > 0.5 and metrics.metric-1.last > -1",
            order_by="metrics.metric-0.last desc",
            limit=200,
            as_of=as_of,
        )

    def state(self, as_of: datetime | None) -> dict[str, Any]:
        """All that is known of a run."""
        return self._store.state(str(self.job.component), as_of=as_of)

    def series(self, as_of: datetime | None) -> pd.DataFrame:
        """One series, exactly."""
        return self._store.metrics(component=str(self.short.component), metric=SERIES[0], as_of=as_of)

    def lineage(self, as_of: datetime | None) -> pd.DataFrame:
        """What an artifact comes from."""
        return self._store.lineage(self.job.made, depth=DEPTH, as_of=as_of).edges

    def history(self) -> pd.DataFrame:
        """Every value that a parameter ever had."""
        return self._store.history(str(self.job.component), "params.lr")

    def corrected(self) -> pd.Series[Any]:
        """The statistics of the series that is corrected."""
        of = {"number": self.long.number}
        return self._store.report(EXPERIMENT, trial=of, metrics=[SERIES[0]])[STATS].iloc[0]


def travel(reads: Reads, size: Size) -> list[Row]:
    """Each read now and in the past, by turns."""
    under = "history.at_once" if size.at_once else "history"
    assert len(reads.report(None)) == size.trials
    assert len(reads.series(None)) == size.short
    assert len(reads.lineage(past())) == DEPTH
    rows: list[Row] = []
    for name, read in (
        ("report", reads.report),
        ("table", reads.table),
        ("state", reads.state),
        ("series", reads.series),
        ("lineage", reads.lineage),
    ):
        now, then = paired(partial(read, None), partial(read, past()))
        ratios = [b / a for a, b in zip(now, then, strict=True)]
        rows.append(row(f"{under}.{name}.ratio", ratios, "x"))
        rows[-1]["value"] = statistics.median(then) / statistics.median(now)
        rows += [row(f"{under}.{name}.now", now), row(f"{under}.{name}.past", then)]
    return rows


def proof(store: Store, size: Size) -> list[Row]:
    """What verifying takes, and making again all that follows from the log; once each, with bars."""
    with progress_bars() as progress:
        points = int(store.sql("SELECT count() AS n FROM metrics")["n"][0])
        assert points == sum(Job(size, number).points for number in range(size.jobs)), points
        plain = min(points, SOME) / seconds(lambda: store.sql(ROWS))
        found: list[Any] = []
        verified = points / seconds(lambda: found.append(store.verify(progress=progress)))
        made = store.rebuild(progress=progress)
    assert found[0]["sound"], found[0].to_text()
    assert not made["changed"].any(), made
    rates = dict(zip(made["table"], made["read"] / made["seconds"], strict=True))
    return [
        row("proof.verify", [verified], "points/s", limit=plain, limit_is="rows read, no digests"),
        row("proof.rebuild", [rates["partials"]], "points/s", limit=plain, limit_is="rows read, no sums"),
        row("proof.rebuild_facts", [rates["facts"]], "events/s"),
    ]


def corrections(store: Store, reads: Reads) -> list[Row]:
    """Correct a long series, look and undo, again and again: how long until a report showed it, and until it was gone.

    Then what a chart of it takes, and the report of everything else, while it is corrected.
    """
    long, before = str(reads.long.component), reads.corrected()
    assert before[STATS[-1]] == reads.long.points, before
    rows = [row("corrections.before", timed(reads.corrected))]
    shown, gone = list[float](), list[float]()
    for _ in range(REPEATS):
        begin = time.perf_counter()
        event = store.correct(long, SERIES[0], scale=-2.0, reason="units")
        after = reads.corrected()
        corrected = time.perf_counter()
        assert after[STATS[4]] == before[STATS[4]] * -2.0, f"{after}\nbefore {before}"
        store.undo(event)
        assert reads.corrected().equals(before)
        shown.append(1e3 * (corrected - begin))
        gone.append(1e3 * (time.perf_counter() - corrected))
    rows += [row("corrections.visible", shown, "s"), row("corrections.undone", gone, "s")]
    store.correct(long, SERIES[0], scale=-2.0, reason="units")
    chart = timed(lambda: store.metrics(component=long, metric=SERIES[0], max_points=2_000))
    rest = timed(lambda: reads.report(None))
    return [*rows, row("corrections.chart", chart, "s"), row("corrections.report", rest, "s")]


def measure(size: Size, *, whole: bool) -> list[Row]:
    """Make a store and read it: only now and in the past, or everything."""
    with passing_store() as folder:
        took = seconds(lambda: fill(folder, size))
        disk = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file() and not path.is_symlink())
        print(f"{size}\nmade in {took:.0f} s, {disk / 1e9:.2f} GB", flush=True)
        with epochal.open(folder) as store:
            reads = Reads(store, size)
            rows = travel(reads, size)
            if whole:
                rows.append(row("proof.history", timed(reads.history)))
                rows += proof(store, size) + corrections(store, reads)
    return rows


def main() -> None:
    """Measure and print; write JSON when asked to."""
    parser = arguments(__doc__)
    parser.add_argument("--points", type=int, default=100_000_000)
    parser.add_argument("--trials", type=int, default=10_000)
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--at-once", action="store_true", help="only the store in which all jobs run the whole year")
    options = parser.parse_args()
    size = Size(options.points, options.trials, options.events)
    rows = [] if options.at_once else measure(size, whole=True)
    rows += measure(replace(size, at_once=True), whole=False)
    save(options.json, rows)


if __name__ == "__main__":
    main()
