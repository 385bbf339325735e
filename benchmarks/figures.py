"""What the benchmarks have in common: how they are called, how they time, and the figures that `run.py` reads."""

from __future__ import annotations

import argparse
import json
import os
import signal
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

REPEATS = 5
PATIENCE_S = 600.0
SEALED = """
SELECT (SELECT sum(count) FROM blocks FINAL) = (
    SELECT sum(JSONExtractUInt(payload, 'data', 'lifecycle') + JSONExtractUInt(payload, 'data', 'metrics'))
    FROM events FINAL WHERE type = 'epochal.writer.closed'
) AS sealed
"""
Row = dict[str, object]


def arguments(about: str | None) -> argparse.ArgumentParser:
    """The arguments of a benchmark: `--json`, and what it adds."""
    parser = argparse.ArgumentParser(description=about, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    return parser


def save(path: Path | None, rows: Sequence[Mapping[str, object]]) -> None:
    """Write figures where that was asked for."""
    if path is not None:
        path.write_text(json.dumps({"rows": rows}), encoding="utf-8")


def surroundings(store: Path) -> dict[str, str]:
    """The environment of a process that writes to a store: nothing captured, nobody's settings."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("EPOCHAL_")}
    return kept | {"EPOCHAL_STORE": str(store), "EPOCHAL_CAPTURE": "none"}


@contextmanager
def passing_store() -> Iterator[Path]:
    """A store's place, removed afterwards, when the host of the store has ended."""
    from epochal_storage.hostfile import published_host

    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        try:
            yield Path(folder)
        finally:
            if host := published_host(Path(folder)):
                os.kill(host.pid, signal.SIGTERM)
                while Path(f"/proc/{host.pid}").exists():
                    time.sleep(0.05)


def wait_until_sealed(query: Callable[[str], pd.DataFrame]) -> None:
    """Wait until the blocks of all writers, which have ended, hold all their rows."""
    end = time.perf_counter() + PATIENCE_S
    while not query(SEALED)["sealed"][0]:
        if time.perf_counter() > end:
            raise SystemExit("blocks were never sealed: no figures")
        time.sleep(0.05)


def seconds(action: Callable[[], object]) -> float:
    """How long it takes."""
    begin = time.perf_counter()
    action()
    return time.perf_counter() - begin


def timed(action: Callable[[], object]) -> list[float]:
    """Milliseconds of each repetition, after one to warm up."""
    action()
    return [1e3 * seconds(action) for _ in range(REPEATS)]


def paired(one: Callable[[], object], other: Callable[[], object]) -> tuple[list[float], list[float]]:
    """Milliseconds of each repetition of two things by turns, after one to warm up: what disturbs one disturbs both."""
    one(), other()
    times = [(1e3 * seconds(one), 1e3 * seconds(other)) for _ in range(REPEATS)]
    return [first for first, _ in times], [second for _, second in times]


def row(key: str, times: Sequence[float], unit: str = "ms", **more: object) -> Row:
    """One figure of times in milliseconds, or of what has another unit, printed at once."""
    scale = 1e-3 if unit == "s" else 1.0
    values = [value * scale for value in times]
    figure = {"key": key, "value": statistics.median(values), "unit": unit, "low": min(values), "high": max(values)}
    limit = more.get("limit")
    beside = f"   {more['limit_is']}: {told(limit)} {unit}" if isinstance(limit, float) else ""
    spread = f"({told(min(values))} to {told(max(values))})"
    print(f"{key:<30} {told(statistics.median(values))} {unit} {spread}{beside}", flush=True)
    return figure | more


def told(value: float) -> str:
    """A number for people: four digits, or all of a greater one."""
    return f"{value:,.0f}" if value >= 1000 else f"{value:.4g}"
