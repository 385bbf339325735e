"""What the demo's experiment is: its hypothesis, its space of variables, what all its trials share."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from epochal_query.demo.models import MODELS, OPTIMIZERS

NAME = "digits-custom-vs-resnet"
HYPOTHESIS = "A small custom CNN reaches a better test accuracy than a small residual network on 8 x 8 digits"
OBJECTIVE = "test accuracy"
EPOCHS = (30, 60, 120)
STATICS: dict[str, float] = {"batch-size": 128, "learning-rate": 1e-3, "weight-decay": 1e-6, "momentum": 0.9}


@dataclass(frozen=True, slots=True)
class Plan:
    """One run of the demo.

    ``epochs_scale`` shortens (or lengthens) every training. A scaled run is another experiment, with its true
    numbers of epochs as variables: a training of two epochs never poses as one of 120.
    """

    output: Path
    seed: int = 7
    epochs_scale: float = 1.0

    @property
    def experiment(self) -> str:
        """The experiment's name."""
        return NAME if self.epochs_scale == 1.0 else f"{NAME}-x{self.epochs_scale:g}"

    @property
    def epochs(self) -> tuple[int, ...]:
        """Numbers of epochs to train for, increasing, each at least 1."""
        return scaled_epochs(EPOCHS, self.epochs_scale)

    @property
    def variables(self) -> dict[str, list[str | int]]:
        """The declared space; the first factor is the outermost of the grid."""
        return {"model": list(MODELS), "optimizer": list(OPTIMIZERS), "epochs": list(self.epochs)}


def scaled_epochs(epochs: tuple[int, ...], scale: float) -> tuple[int, ...]:
    """The numbers of epochs times ``scale``, rounded, kept apart so that each stays a variable of its own.

    Raises:
        ValueError: the scale is not a positive number.
    """
    if not 0 < scale < float("inf"):
        raise ValueError(f"the scale of the epochs is {scale}; it has to be a positive number such as 0.1")
    scaled: list[int] = []
    for number in sorted(epochs):
        scaled.append(max(round(number * scale), scaled[-1] + 1 if scaled else 1))
    return tuple(scaled)
