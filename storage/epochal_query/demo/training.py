"""One training: build, fit, log every epoch, test once at the end, keep the model."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from types import ModuleType
from typing import Any, Protocol

from epochal_query.demo.models import build
from epochal_query.demo.preprocess import Digits


class Recorder(Protocol):
    """What a training needs of a run."""

    def log(self, metrics: Mapping[str, object], step: float | None = None) -> None:
        """Metric points at a step."""
        ...

    def log_output(self, name: str, *, path: Path) -> Any:
        """A file that came out."""
        ...


def train(
    keras: ModuleType,
    digits: Digits,
    variables: Mapping[str, Any],
    statics: dict[str, float],
    seed: int,
    run: Recorder,
    epoch_done: Callable[[], None],
) -> float:
    """Train one variable set and record it; returns the accuracy on the test images.

    The test images are looked at once, after the last epoch, so that nothing is chosen by them.
    """
    keras.utils.set_random_seed(seed)
    network = build(keras, variables["model"], variables["optimizer"], statics)

    def record(epoch: int, logs: Mapping[str, float]) -> None:
        run.log(
            {
                "loss": logs["loss"],
                "acc": logs["accuracy"],
                "val_loss": logs["val_loss"],
                "val_acc": logs["val_accuracy"],
            },
            step=epoch,
        )
        epoch_done()

    network.fit(
        digits.train.images,
        digits.train.labels,
        validation_data=(digits.validation.images, digits.validation.labels),
        batch_size=int(statics["batch-size"]),
        validation_batch_size=len(digits.validation),
        epochs=variables["epochs"],
        callbacks=[keras.callbacks.LambdaCallback(on_epoch_end=record)],
        verbose=0,
    )
    test_loss, test_acc = network.evaluate(
        digits.test.images, digits.test.labels, batch_size=len(digits.test), verbose=0
    )
    run.log({"test_loss": test_loss, "test_acc": test_acc}, step=variables["epochs"] - 1)
    with TemporaryDirectory() as folder:
        path = Path(folder) / "model.keras"
        network.save(path)
        run.log_output("model", path=path)
    return float(test_acc)
