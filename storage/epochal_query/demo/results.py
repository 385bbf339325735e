"""From the report's frame to the pairs that the verdict compares. Pure functions."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import pandas as pd


@dataclass(frozen=True, slots=True)
class Training:
    """One finished training; ``test_acc`` is the share of the test images it got right."""

    component: str
    model: str
    optimizer: str
    epochs: int
    test_acc: float


def trainings(report: pd.DataFrame, components: Collection[str]) -> list[Training]:
    """The trainings among the rows of a report that are named in ``components``, in order of their variables.

    Raises:
        ValueError: a training is not in the report, or has no test accuracy.
    """
    wanted = set(components)
    rows = [
        Training(str(identity), str(model), str(optimizer), int(epochs), float(test_acc))
        for identity, model, optimizer, epochs, test_acc in zip(
            report["ComponentId"],
            report["model"],
            report["optimizer"],
            report["epochs"],
            report["test_acc - Last"],
            strict=True,
        )
        if str(identity) in wanted
    ]
    complete = {row.component for row in rows if row.test_acc == row.test_acc}  # NaN: never measured
    if complete != wanted:
        raise ValueError(f"{len(wanted - complete)} of {len(wanted)} trainings have no test accuracy in the report")
    return sorted(rows, key=lambda row: (row.epochs, row.optimizer, row.model))


def paired_differences(rows: Sequence[Training], first: str, second: str, test_images: int) -> list[int]:
    """For each (optimizer, epochs): how many more test images ``first`` got right than ``second``.

    Counted in images because equal counts are then equal, which shares in floating point need not be.

    Raises:
        ValueError: a cell lacks one of the models or has one twice.
    """
    correct: dict[tuple[int, str], dict[str, int]] = {}
    for row in rows:
        cell = correct.setdefault((row.epochs, row.optimizer), {})
        if row.model in cell:
            raise ValueError(f"{row.model} was trained twice with {row.optimizer} for {row.epochs} epochs")
        cell[row.model] = round(row.test_acc * test_images)
    for (epochs, optimizer), cell in correct.items():
        if cell.keys() != {first, second}:
            found = ", ".join(sorted(cell))
            raise ValueError(f"{optimizer} for {epochs} epochs was trained with {found} only; it needs both models")
    return [cell[first] - cell[second] for _, cell in sorted(correct.items())]
