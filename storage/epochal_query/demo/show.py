"""What the demo prints: tables and text for a person, built from what the analysis found."""

from __future__ import annotations

import shlex
from pathlib import Path

import pandas as pd
from rich.console import Console
from rich.table import Table

from epochal_query.demo.analysis import Findings, describe
from epochal_query.demo.plan import HYPOTHESIS, STATICS, Plan

_COLUMNS = {
    "model": "model",
    "optimizer": "optimizer",
    "epochs": "epochs",
    "Status": "status",
    "loss - Last": "loss",
    "val_acc - Max": "best val_acc",
    "test_acc - Last": "test_acc",
}


def opening(console: Console, plan: Plan, place: str) -> None:
    """Steps 1 to 3, before anything is trained."""
    sets = 1
    for values in plan.variables.values():
        sets *= len(values)
    _step(console, 1, "The hypothesis")
    console.print(HYPOTHESIS, highlight=False)
    console.print(f"Experiment [bold]{plan.experiment}[/bold], kept in {place}", highlight=False)
    _step(console, 2, "The variables")
    for name, values in plan.variables.items():
        console.print(f"{name:<10} {', '.join(map(str, values))}", highlight=False)
    console.print(f"{sets} variable sets: {sets} trials", highlight=False)
    _step(console, 3, "What all trials share (component experiment-metadata)")
    for name, value in {**STATICS, "seed": plan.seed}.items():
        console.print(f"{name:<14} {value:g}", highlight=False)
    _step(console, 4, "A trial for each set of variables (Keras on JAX)")


def closing(console: Console, findings: Findings) -> None:
    """Steps 5 and 6."""
    _step(console, 5, "The results, and the verdict")
    console.print(report_table(findings.report))
    if findings.trainings_ever > len(findings.report):
        console.print(
            f"(this run; the experiment holds {findings.trainings_ever} trainings from several runs)", highlight=False
        )
    console.print()
    for best in findings.best:
        console.print(
            f"Best {best.group:<14} {best.model}, {best.optimizer}, {best.epochs} epochs: "
            f"test accuracy {best.test_acc:.4f}",
            highlight=False,
        )
    console.print()
    console.print(f"Verdict: the hypothesis is [bold]{_VERDICTS[findings.verdict.outcome]}[/bold].", highlight=False)
    console.print(f"Why: {describe(findings.verdict)}.", highlight=False)
    _step(console, 6, "The curves of the winners")
    console.print("Validation accuracy, epoch by epoch, of the best model at each number of epochs:", highlight=False)
    console.print(f"{findings.plot}", highlight=False, soft_wrap=True)
    _heading(console, "A year later: where the winning model comes from")
    console.print(findings.lineage, highlight=False, markup=False, soft_wrap=True)


_VERDICTS = {
    "accepted": "accepted",
    "rejected": "rejected: the custom model is worse",
    "inconclusive": "neither accepted nor rejected: the difference is not significant",
}


def report_table(report: pd.DataFrame) -> Table:
    """The demo's columns of the report, one row a training."""
    table = Table()
    for title in _COLUMNS.values():
        table.add_column(title, justify="left" if title in {"model", "optimizer", "status"} else "right")
    for row in report[list(_COLUMNS)].itertuples(index=False, name=None):
        table.add_row(*(f"{value:.4f}" if isinstance(value, float) else str(value) for value in row))
    return table


def next_steps(console: Console, plan: Plan, findings: Findings, command: str) -> None:
    """What to type next; every line can be pasted as it is."""
    _heading(console, "What to type next")
    for arguments in (
        ("ls",),
        ("report", plan.experiment, "--where", f"params.epochs = {plan.epochs[0]}"),
        ("best", plan.experiment, "test_acc", "--mode", "max"),
        ("lineage", findings.model_digest),
        ("sql", "SELECT metric, count() AS points FROM metrics GROUP BY metric ORDER BY metric"),
    ):
        console.print(f"  {command} {shlex.join(arguments)}", highlight=False, markup=False, soft_wrap=True)
    _heading(console, "Cleaning up")
    console.print("All of it goes in one call, but for what another experiment shares, and comes back in one:")
    for arguments in (
        ("delete", plan.experiment, "--cascade", "--confirm", plan.experiment),
        ("restore", plan.experiment),
    ):
        console.print(f"  {command} {shlex.join(arguments)}", highlight=False, markup=False, soft_wrap=True)


def command_name(program: Path, on_path: str | None, store: str | None) -> str:
    """How the user can call ``epochal`` from where they are, and with the same store.

    Args:
        program: the ``epochal`` beside the running Python.
        on_path: what the shell finds as ``epochal``, if anything.
        store: the store given for this run, None for the user's default one.
    """
    name = "epochal" if on_path is not None and Path(on_path) == program else shlex.quote(_short(program))
    return name if store is None else f"EPOCHAL_STORE={shlex.quote(store)} {name}"


def _short(path: Path) -> str:
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else str(path)


def _step(console: Console, step: int, title: str) -> None:
    _heading(console, f"Step {step}: {title}")


def _heading(console: Console, title: str) -> None:
    console.print()
    console.rule(f"[bold]{title}", align="left")
