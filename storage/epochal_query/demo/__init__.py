"""The demo: one whole experiment, from the hypothesis to the verdict, through the public front door only."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

import epochal
from epochal_query.demo import show
from epochal_query.demo.analysis import analyse, conclude
from epochal_query.demo.libraries import load_keras
from epochal_query.demo.plan import Plan
from epochal_query.demo.workflow import Trained, declare, train_all

__all__ = ["main"]


def main(*, store: str | None = None, output: str | Path = ".", epochs_scale: float = 1.0, seed: int = 7) -> None:
    """Run the whole workflow, print what it finds, save the winners' curves into ``output``.

    Guarantees: running it again with the same store adds to the history and fails on nothing.

    Args:
        store: where to keep everything; None for the user's default store.
        output: directory of the picture, created when it is not there.
        epochs_scale: factor on the numbers of epochs; not 1 makes it an experiment of its own name.
        seed: of the split of the data and of the networks' weights.

    Raises:
        NotAvailableError: Keras, JAX, scikit-learn or Matplotlib is not installed.
        ValueError: the scale is not a positive number.
    """
    plan = Plan(Path(output), seed, epochs_scale)
    total = _total_epochs(plan)  # also refuses a senseless scale before anything is written
    console = Console()
    if store is not None:
        os.environ["EPOCHAL_STORE"] = store
    with TemporaryDirectory() as cache:
        keras = load_keras(compiled=Path(cache))
        place = os.environ.get("EPOCHAL_STORE") or "your default store (epochal doctor says where that is)"
        show.opening(console, plan, place)
        experiment = declare(plan)
        with _progress(console) as bar:
            trained = _train(plan, experiment, keras, bar, total)
    opened = epochal.open(store)
    findings = analyse(plan, opened, trained)
    conclude(experiment, findings.verdict)
    show.closing(console, findings)
    program = Path(sys.executable).with_name("epochal")
    show.next_steps(console, plan, findings, show.command_name(program, shutil.which("epochal"), store))


def _total_epochs(plan: Plan) -> int:
    cells = len(plan.variables["model"]) * len(plan.variables["optimizer"])
    return cells * sum(plan.epochs)


def _train(plan: Plan, experiment: epochal.Experiment, keras: Any, bar: Progress, total: int) -> Trained:
    task = bar.add_task("preprocessing", total=total)

    def advance(variables: Mapping[str, Any], epochs_done: int, test_acc: float | None) -> None:
        title = f"{variables['model']}, {variables['optimizer']}, {variables['epochs']} epochs"
        if test_acc is None:
            bar.update(task, advance=1, description=title)
        else:
            bar.console.print(f"{title:<28} test accuracy {test_acc:.4f}", highlight=False)

    return train_all(plan, experiment, keras, advance)


def _progress(console: Console) -> Progress:
    return Progress(
        TextColumn("{task.description:<28}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("epochs"),
        TimeRemainingColumn(),
        console=console,
    )
