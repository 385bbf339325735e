"""What Epochal is meant to cost: one row for each figure of docs/performance.md."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Target:
    """A figure, its target and which side of it is good; ``key`` is what the scripts call it in their JSON."""

    key: str
    what: str
    bound: float
    unit: str
    better: Literal["less", "more"] = "less"

    def met(self, value: float) -> bool:
        """Whether a measured value keeps the target."""
        return value <= self.bound if self.better == "less" else value >= self.bound


TARGETS = (
    Target("log.one.median", "log(), one metric", 1.5, "µs"),
    Target("log.one.p99", "log(), one metric, p99", 10, "µs"),
    Target("log.ten.median", "log(), ten metrics", 6, "µs"),
    Target("log.ten.p99", "log(), ten metrics, p99", 10, "µs"),
    Target("embedded.throughput", "logged → queryable, 8 processes", 1_000_000, "points/s", "more"),
    Target("embedded.visible.p99", "visible after log(), at 100,000 points/s, p99", 1, "s"),
    Target("read.series_100k", "a series of 100,000 points, read exactly", 50, "ms"),
    Target("read.chart_1m", "1,000,000 points for a chart", 100, "ms"),
    Target("read.first_200", "10,000 trials x 20 metrics: first 200 rows", 500, "ms"),
    Target("read.whole_frame", "10,000 trials x 20 metrics: the whole frame", 2, "s"),
    Target("read.as_of_ratio", "as of a past instant, times now", 2, "x"),
    Target("start.import", "import epochal", 60, "ms"),
    Target("start.import_memory", "import epochal, memory", 15, "MB"),
    Target("start.init", "epochal.init()", 50, "ms"),
    Target("start.open_first", "epochal.open(), the first", 3, "s"),
    Target("start.open_next", "epochal.open(), the next", 100, "ms"),
    Target("training.step_p99_ratio", "JAX training step with Epochal, p99, times without", 1.01, "x"),
)
