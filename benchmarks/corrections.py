"""How soon a correction of a long series shows, and what reading it costs from then on.

python benchmarks/corrections.py [--points 10000000] [--json FILE]
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from pathlib import Path
from typing import Any

import pandas as pd
from reading import row, timed, write

import epochal
from epochal_query.store import Store

REPEATS = 5
STATS = [f"long - {stat}" for stat in ("Min", "Max", "Avg", "StdDev", "Last", "Count")]


def summary(store: Store) -> pd.Series[Any]:
    """The statistics of the one series there is."""
    return store.report("bench", metrics=["long"])[STATS].iloc[0]


def visible(store: Store, component: str) -> tuple[list[float], list[float]]:
    """Correct, look and undo, again and again: how long it took until a report showed it, and until it was gone."""
    before, shown, gone = summary(store), list[float](), list[float]()
    for _ in range(REPEATS):
        begin = time.perf_counter()
        event = store.correct(component, "long", scale=-2.0, reason="units")
        after = summary(store)
        corrected = time.perf_counter()
        assert after["long - Last"] == before["long - Last"] * -2.0, f"{after}\nbefore {before}"
        store.undo(event)
        assert summary(store).equals(before)
        shown.append((corrected - begin) * 1e3)
        gone.append((time.perf_counter() - corrected) * 1e3)
    return shown, gone


def measure(folder: Path, points: int) -> list[dict[str, object]]:
    """Fill a store with one series; correct all of it, undo that, and read it while it is corrected."""
    component = write(folder, "series", points)
    with epochal.open(folder) as store:
        assert summary(store)["long - Count"] == points
        before = timed(lambda: summary(store))
        shown, gone = visible(store, component)
        store.correct(component, "long", scale=-2.0, reason="units")
        chart = timed(lambda: store.metrics(component=component, metric="long", max_points=2_000))
    return [
        row("corrections.before", before),
        row("corrections.visible", shown, "s"),
        row("corrections.undone", gone, "s"),
        row("corrections.chart", chart, "s"),
    ]


def main() -> None:
    """Measure and print; write JSON when asked to."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--points", type=int, default=10_000_000)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        rows = measure(Path(folder), options.points)
    if options.json:
        options.json.write_text(json.dumps({"rows": rows}), encoding="utf-8")


if __name__ == "__main__":
    main()
