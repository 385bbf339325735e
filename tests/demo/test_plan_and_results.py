"""The demo's pure parts: its space, its data and its pairs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from epochal_query.demo.plan import EPOCHS, NAME, Plan, scaled_epochs
from epochal_query.demo.preprocess import load, prepare, save
from epochal_query.demo.results import Training, paired_differences, trainings


def raw_digits(count: int = 100) -> tuple[np.ndarray, np.ndarray]:
    """Images that all differ, and labels."""
    return np.arange(count * 64, dtype=np.float64).reshape(count, 8, 8), np.arange(count) % 10


def test_every_image_is_in_exactly_one_part() -> None:
    """Nothing of the test set is trained on, and nothing is dropped."""
    images, labels = raw_digits()
    digits = prepare(images, labels, seed=1, batch_size=10)
    parts = [digits.train, digits.validation, digits.test]
    assert [len(part) for part in parts] == [70, 10, 20]
    seen = sorted(float(image[0, 0, 0]) * 16 for part in parts for image in part.images)
    assert seen == [float(image[0, 0]) for image in images]


def test_labels_stay_with_their_images() -> None:
    """Shuffling moves images and labels alike."""
    images, labels = raw_digits()
    digits = prepare(images, labels, seed=3, batch_size=10)
    for part in (digits.train, digits.validation, digits.test):
        for image, label in zip(part.images, part.labels, strict=True):
            assert label == labels[round(float(image[0, 0, 0]) * 16) // 64]


def test_the_same_seed_gives_the_same_file(tmp_path: Path) -> None:
    """Equal preprocessing gives equal bytes, hence the same artifact; another seed gives another."""
    images, labels = raw_digits()
    for name, seed in (("a", 7), ("b", 7), ("c", 8)):
        save(prepare(images, labels, seed, 10), tmp_path / name)
    contents = {name: (tmp_path / name).read_bytes() for name in "abc"}
    assert contents["a"] == contents["b"] != contents["c"]
    again = load(tmp_path / "a")
    assert np.array_equal(again.test.images, prepare(images, labels, 7, 10).test.images)


def test_a_scaled_plan_is_another_experiment_with_its_true_epochs(tmp_path: Path) -> None:
    """A rehearsal never mixes with the real history."""
    assert Plan(tmp_path).variables["epochs"] == list(EPOCHS)
    assert Plan(tmp_path).experiment == NAME
    assert scaled_epochs(EPOCHS, 0.02) == (1, 2, 3)
    assert scaled_epochs(EPOCHS, 0.5) == (15, 30, 60)
    assert Plan(tmp_path, epochs_scale=0.02).experiment == f"{NAME}-x0.02"


@pytest.mark.parametrize("scale", [0.0, -1.0, float("nan"), float("inf")])
def test_a_senseless_scale_is_named(scale: float) -> None:
    """The error has the value and what is accepted."""
    with pytest.raises(ValueError, match=r"positive number such as 0\.1"):
        scaled_epochs(EPOCHS, scale)


def frame(rows: list[tuple[str, str, str, int, float]]) -> pd.DataFrame:
    """A report as the query module returns it."""
    return pd.DataFrame(rows, columns=["ComponentId", "model", "optimizer", "epochs", "test_acc - Last"])


def test_only_the_named_trainings_are_judged() -> None:
    """Earlier runs of the demo stay in the report and out of the verdict."""
    report = frame(
        [("c", "resnet", "sgd", 30, 0.5), ("b", "custom", "sgd", 30, 0.75), ("old", "custom", "sgd", 30, 0.1)]
    )
    assert trainings(report, ["b", "c"]) == [
        Training("b", "custom", "sgd", 30, 0.75),
        Training("c", "resnet", "sgd", 30, 0.5),
    ]


def test_a_training_without_a_result_is_said() -> None:
    """A missing accuracy, or a missing row, would silently drop a pair."""
    report = frame([("a", "resnet", "sgd", 30, 0.5), ("b", "custom", "sgd", 30, float("nan"))])
    with pytest.raises(ValueError, match="2 of 3 trainings have no test accuracy"):
        trainings(report, ["a", "b", "missing"])


def test_pairs_are_counted_in_images() -> None:
    """0.1 of 360 images more is 36 images, whatever the floating point says."""
    rows = [
        Training("a", "custom", "adam", 30, 324 / 360),
        Training("b", "resnet", "adam", 30, 288 / 360),
        Training("c", "custom", "sgd", 30, 100 / 360),
        Training("d", "resnet", "sgd", 30, 101 / 360),
    ]
    assert paired_differences(rows, "custom", "resnet", 360) == [36, -1]


def test_an_incomplete_or_doubled_cell_is_an_error() -> None:
    """A pair is two models, each once."""
    one = Training("a", "custom", "adam", 30, 0.9)
    with pytest.raises(ValueError, match="with custom only"):
        paired_differences([one], "custom", "resnet", 360)
    with pytest.raises(ValueError, match="custom was trained twice with adam for 30 epochs"):
        paired_differences([one, one], "custom", "resnet", 360)
