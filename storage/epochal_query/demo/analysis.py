"""Steps 5 and 6: the report, the best models, the verdict, the lineage of the winner, its curves."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

import epochal
from epochal_query.demo.plan import Plan
from epochal_query.demo.results import paired_differences, trainings
from epochal_query.demo.verdict import ALPHA, Verdict, judge
from epochal_query.demo.workflow import Trained


@dataclass(frozen=True, slots=True)
class Best:
    """The best training of a group, by its accuracy on the test images."""

    group: str
    component: str
    model: str
    optimizer: str
    epochs: int
    test_acc: float


@dataclass(frozen=True, slots=True)
class Findings:
    """What the demo found out; ``report`` holds this run's trainings, ``trainings_ever`` counts all runs'."""

    report: pd.DataFrame
    trainings_ever: int
    best: tuple[Best, ...]
    verdict: Verdict
    model_digest: str
    lineage: str
    plot: Path


def analyse(plan: Plan, store: epochal.Store, trained: Trained) -> Findings:
    """Read the results back from the store, as anyone could later, and judge them."""
    every = store.report(
        plan.experiment,
        metrics=["loss", "val_acc", "test_acc"],
        params=["model", "optimizer", "epochs"],
        where="kind = 'training'",
        order_by="metrics.test_acc.last desc",
    )
    rows = trainings(every, trained.components)
    verdict = judge(paired_differences(rows, "custom", "resnet", trained.test_images))
    winners = [_best(plan, store, "overall", None)]
    winners += [_best(plan, store, f"at {epochs} epochs", epochs) for epochs in reversed(plan.epochs)]
    digest = str(store.component(winners[0].component).output("model").digest)
    return Findings(
        report=every[every["ComponentId"].astype(str).isin(trained.components)],
        trainings_ever=len(every),
        best=tuple(winners),
        verdict=verdict,
        model_digest=digest,
        lineage=store.lineage(digest, direction="ascendants").to_text(),
        plot=_plot(plan, store, winners[1:]),
    )


def conclude(experiment: epochal.Experiment, verdict: Verdict) -> None:
    """Write the verdict on the hypothesis, with the test that it rests on."""
    experiment.conclude(verdict.outcome, note=describe(verdict))


def describe(verdict: Verdict) -> str:
    """The test, its result and its limits, in words that can stand alone."""
    pairs = len(verdict.differences)
    more = "more" if verdict.mean_difference >= 0 else "fewer"
    return (
        f"paired over {pairs} (optimizer, epochs) cells, custom got {abs(verdict.mean_difference):.1f} test images "
        f"{more} right than resnet on average; exact sign-flip permutation test over {2**pairs} patterns: "
        f"p = {float(verdict.p_better):.4f} against 'custom is no better', p = {float(verdict.p_worse):.4f} against "
        f"'custom is no worse'; level {float(ALPHA):g} for each direction, smallest possible "
        f"p = {float(verdict.smallest_p):.4f}"
    )


def _best(plan: Plan, store: epochal.Store, group: str, epochs: int | None) -> Best:
    where = "kind = 'training'" if epochs is None else f"kind = 'training' and params.epochs = {epochs}"
    best = store.best(plan.experiment, "test_acc", mode="max", by="last", where=where)
    row = {str(name): value for name, value in best.iloc[0].items()}
    return Best(
        group, str(row["ComponentId"]), row["model"], row["optimizer"], int(row["epochs"]), row["test_acc - Last"]
    )


def _plot(plan: Plan, store: epochal.Store, winners: list[Best]) -> Path:
    path = plan.output / f"{plan.experiment}.png"
    path.parent.mkdir(parents=True, exist_ok=True)
    store.plot(
        "val_acc",
        component=[best.component for best in winners],
        order_by="params.epochs",
        label=["model", "optimizer", "epochs"],
        title="The best model at each number of epochs",
        path=path,
    )
    return path
