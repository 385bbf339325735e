"""What finding costs among 100,000 components, and what the reports of an experiment cost; warm.

python benchmarks/search.py [--components 100000] [--json FILE]
"""

from __future__ import annotations

import hashlib
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import numpy as np
from figures import Row, arguments, passing_store, row, save, surroundings, timed
from history_store import BEGIN, PROJECT, deliver

from epochal import _entity_events as about
from epochal import _events as said
from epochal._ids import component_id, experiment_id, trial_id
from epochal._journal.reader import POINT, Points, Record
from epochal._values import JSON
from epochal_processors.frames import EventFrame, PointFrame

EXPERIMENTS = 5
METRICS = ("loss", "accuracy")
MODELS = ("custom", "resnet", "vgg")
TEAMS = ("vision", "text")
FIVE = (
    "params.lr > 0.9 and params.model = 'custom' and tags.team = 'vision' and metrics.loss.last < 0.5 "
    "and input(name = 'train' and uri like 's3://bucket/%')"
)
SMALL = """
import sys, time, math, epochal
experiment = epochal.experiment(
    "article",
    variables={"model": ["resnet", "custom"], "optimizer": ["adam", "sgd", "rmsprop"], "epochs": [30, 60, 120]})
took = []
common = epochal.component("metadata", kind="metadata")
common.log_params({"batch-size": 128, "learning-rate": 1e-3, "weight-decay": 1e-6, "momentum": 0.9})
common.log_input("cifar10", "s3://bucket/cifar10", media_type="s3/uri")
for variables in experiment.grid():
    begin = time.perf_counter()
    trial = experiment.trial(variables)
    took.append((time.perf_counter() - begin) * 1e3)
    trial.attach(common)
    for name in ("training", "evaluation"):
        with trial.run(name) as run:
            run.log_params(variables)
            for epoch in range(variables["epochs"]):
                run.log({metric: math.exp(-epoch) for metric in ("loss", "acc", "val_loss", "val_acc")}, step=epoch)
            run.log_output("model", "s3://bucket/model", media_type="s3/uri")
common.finish()
print(*took)
"""


@dataclass(frozen=True)
class Job:
    """A run of its own trial: four params, a tag, two metrics of three points, what went in and what came out."""

    number: int
    at_us: int

    @property
    def component(self) -> UUID:
        """The id of what it writes."""
        return component_id(PROJECT, f"job-{self.number}")

    @property
    def writer(self) -> UUID:
        """Its writer: a UUIDv7 of its beginning."""
        noise = int.from_bytes(hashlib.blake2b(str(self.number).encode(), digest_size=10).digest(), "big")
        return UUID(
            int=(self.at_us // 1000) << 80 | 7 << 76 | (noise >> 64 & 0xFFF) << 64 | 2 << 62 | noise & 2**62 - 1
        )

    def frame(self) -> EventFrame:
        """All that it says."""
        records = tuple(
            Record(number, b"salt" * 4, said.encode(event, PROJECT, self.at_us + number))
            for number, event in enumerate(self._said())
        )
        return EventFrame(self.writer, PROJECT, 0, records)

    def _said(self) -> Iterator[said.Event]:
        who, number, writer = str(self.component), self.number, str(self.writer)
        experiment = experiment_id(PROJECT, f"bench-{number % EXPERIMENTS}")
        trial = str(trial_id(PROJECT, experiment, {"number": number}))
        yield said.writer_opened(
            component=who,
            rank=0,
            attempt=writer,
            role="main",
            world_size=1,
            heartbeat_s=30.0,
            host=f"node-{number % 50}",
            pid=number,
            process=writer,
            user="somebody",
            command=["python", "train.py"],
            python="3.12",
            version="1",
            launcher={},
        )
        if number < EXPERIMENTS:
            yield said.experiment_created(experiment=str(experiment), name=f"bench-{number}")
        yield said.trial_created(trial=trial, experiment=str(experiment), variables={"number": number})
        yield said.component_created(component=who, key=f"job-{number}", name="training", kind="training")
        yield said.component_attached(component=who, trial=trial)
        yield said.run_started(component=who, rank=0, attempt=writer, world_size=1)
        params: dict[str, JSON] = {"lr": number * 7919 % 1000 / 1000, "model": MODELS[number % 3]}
        params |= {"depth": number % 50, "bias": True}
        yield said.params_logged(component=who, rank=0, cells=[((name,), value) for name, value in params.items()])
        yield about.tags_set(kind="component", entity=who, words=[], values={"team": TEAMS[number // 7 % 2]})
        place = "s3://bucket" if number % 10 else "file:///data"
        for direction, name in (("in", "train"), ("out", "model")):
            yield about.artifact_logged(
                component=who,
                rank=0,
                name=name,
                direction=direction,
                uri=f"{place}/{name}-{number}",
                digest=None,
                media_type="application/octet-stream",
                size=number,
                files=None,
                stored=False,
            )
        yield said.run_finished(
            component=who, rank=0, attempt=writer, status="failed" if number % 20 == 0 else "completed"
        )
        yield said.writer_closed(component=who, rank=0, attempt=writer, lifecycle=12, metrics=3 * len(METRICS), lost={})


@dataclass(frozen=True)
class Logged:
    """The points of a job, which come in after what it says."""

    job: Job

    @property
    def at_us(self) -> int:
        """When they come in."""
        return self.job.at_us + 500

    def frame(self) -> PointFrame:
        """Its points."""
        rows = np.zeros(3 * len(METRICS), POINT)
        rows["seq"] = np.arange(len(rows))
        rows["name"], rows["step"] = rows["seq"] % len(METRICS), rows["seq"] // len(METRICS)
        rows["value"] = np.random.default_rng(self.job.number).random(len(rows))
        rows["logged_ms"] = rows["occurred_ms"] = self.job.at_us // 1000
        points = Points(self.job.writer, 0, METRICS, rows)
        return PointFrame(PROJECT, self.job.component, 0, self.job.writer, points)


def fill(folder: Path, components: int) -> None:
    """So many components, a second apart."""
    begin = int(BEGIN.timestamp() * 1_000_000)
    jobs = [Job(number, begin + number * 1_000_000) for number in range(components)]
    deliver(folder, f"search {components}", [one for job in jobs for one in (job, Logged(job))])


def expected(components: int) -> int:
    """How many of them satisfy the five conditions."""
    return sum(
        number * 7919 % 1000 > 900
        and number % 3 == 0
        and number // 7 % 2 == 0
        and number % 10 > 0
        and bool(np.random.default_rng(number).random(6)[4] < 0.5)
        for number in range(components)
    )


def measure_large(folder: Path, components: int) -> list[Row]:
    """Search and report of the large store."""
    import epochal

    fill(folder, components)
    with epochal.open(folder) as store:
        pages = store.search("run", where=FIVE, order_by="metrics.loss.last desc", page_size=50)
        assert pages.rows == expected(components), f"{pages.rows:,} and not {expected(components):,}"
        five = timed(
            lambda: next(iter(store.search("run", where=FIVE, order_by="metrics.loss.last desc", page_size=50)))
        )
        one = f"bench-{EXPERIMENTS - 1}"
        assert len(store.report(one)) == components // EXPERIMENTS
        report = timed(lambda: store.report(one))
        known = timed(lambda: store.search("run", where=FIVE))
    return [
        row("search.five", five, limit=sorted(known)[2], limit_is=f"all {pages.rows:,} rows, in one frame"),
        row("search.report.20000", report, "s"),
    ]


def measure_small(folder: Path) -> list[Row]:
    """Trials in a loop, and the report of the article."""
    import epochal

    done = subprocess.run(
        [sys.executable, "-c", SMALL], env=surroundings(folder), capture_output=True, text=True, check=True
    )
    took = [float(one) for one in done.stdout.split()]
    with epochal.open(folder) as store:
        assert store.report("article").shape[0] == 37
        report = timed(lambda: store.report("article"))
    return [row("search.trials", took), row("search.report.37", report)]


def main() -> None:
    """Measure and print; write JSON when asked to."""
    parser = arguments(__doc__)
    parser.add_argument("--components", type=int, default=100_000)
    options = parser.parse_args()
    with passing_store() as folder:
        rows = measure_small(folder)
    with passing_store() as folder:
        rows += measure_large(folder, options.components)
    save(options.json, rows)


if __name__ == "__main__":
    main()
