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
    Target("embedded.queryable", "logged → queryable, 8 processes", 1_000_000, "points/s", "more"),
    Target("embedded.points", "... in 60 s", 50_000_000, "points", "more"),
    Target("embedded.bytes_a_point", "... on disk", 10, "bytes"),
    Target("embedded.visible.p99", "visible after log(), at 100,000 points/s, p99", 1, "s"),
    Target("kafka.worker", "one worker, Kafka to queryable", 1_000_000, "points/s", "more"),
    Target("kafka.worker_ratio", "... times a bare Arrow insert of the same points", 0.6, "x", "more"),
    Target("kafka.bytes_a_point.disk", "... on disk", 10, "bytes"),
    Target("shipping.points", "shipping from one job", 1_000_000, "points/s", "more"),
    Target("kafka.visible.10000.p99", "visible through Kafka, 50 jobs, 10,000 points/s, p99", 3, "s"),
    Target("kafka.visible.100000.p99", "visible through Kafka, 50 jobs, 100,000 points/s, p99", 3, "s"),
    Target("kafka.pause.points", "catching up after a pause of 10 million points", 1_000_000, "points/s", "more"),
    Target("kafka.memory.worker_ratio", "a worker's memory, last third of a run times the first", 1.1, "x"),
    Target("views.series", "a series of 100,000 points, exactly, in SQL", 50, "ms"),
    Target("reading.series", "a series of 100,000 points, exactly, as a frame", 50, "ms"),
    Target("reading.chart", "1,000,000 points for a chart", 100, "ms"),
    Target("reading.first_rows", "10,000 trials x 20 metrics: first 200 rows", 500, "ms"),
    Target("reading.whole", "10,000 trials x 20 metrics: the whole frame", 2, "s"),
    Target("search.five", "100,000 components: a search with five conditions, its first 50 rows", 300, "ms"),
    Target("search.report.20000", "20,000 components of them: the whole report", 2, "s"),
    Target("search.report.37", "a report of 18 trials, 37 components", 50, "ms"),
    Target("search.trials", "18 trials created in a loop, each", 1, "ms"),
    Target("history.report.ratio", "100 million points: a report as of a past instant, times now", 2, "x"),
    Target("history.table.ratio", "... the first 200 rows, sorted and filtered", 2, "x"),
    Target("history.state.ratio", "... the state of a run", 2, "x"),
    Target("history.series.ratio", "... a series of 100,000 points", 2, "x"),
    Target("history.lineage.ratio", "... lineage", 2, "x"),
    Target("history.lineage.now", "... lineage, depth 50 over 100,000 edges, now", 200, "ms"),
    Target("proof.verify", "verifying a store", 1_000_000, "points/s", "more"),
    Target("proof.rebuild", "making the sums of all points again", 1_000_000, "points/s", "more"),
    Target("proof.history", "the history of one value", 50, "ms"),
    Target("corrections.visible", "a correction of 10 million points, in a report", 2, "s"),
    Target("lineage.depth_50", "lineage, depth 50 over 100,000 edges", 200, "ms"),
    Target("start.import", "import epochal", 60, "ms"),
    Target("start.import_memory", "import epochal, memory", 15, "MB"),
    Target("start.init", "epochal.init()", 50, "ms"),
    Target("start.open_first", "epochal.open(), the first", 3, "s"),
    Target("start.open_next", "epochal.open(), the next", 100, "ms"),
    Target("training.step_ratio.p99", "JAX training step with Epochal, p99, times without", 1.01, "x"),
    Target("shipping.process.step_ratio.p99", "... with Kafka, shipped by a process, p99", 1.01, "x"),
)
BESIDE_LIMIT = (
    "log.",
    "embedded.",
    "kafka.worker",
    "views.series",
    "reading.",
    "proof.verify",
    "proof.rebuild",
    "start.",
)
"""How the keys of DESIGN.md, section 11, begin; each is printed beside a limit of its run. A ratio holds its own."""


def needs_limit(target: Target) -> bool:
    """Whether a figure of this target says little without a limit beside it."""
    return target.unit != "x" and target.key.startswith(BESIDE_LIMIT)
