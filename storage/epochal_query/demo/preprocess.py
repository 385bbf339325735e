"""From the raw digits to the arrays the models see: scaled, shuffled, split. Pure functions and one file format.

This file is recorded as an artifact of the demo's preprocessing, so that what happened to the data stays known.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

TEST_SHARE = 0.2
"""Of all images."""
VALIDATION_SHARE = 0.1
"""At least this share of what isn't for testing."""


@dataclass(frozen=True, slots=True)
class Split:
    """Images, shaped (n, 8, 8, 1) with values from 0 to 1, and the digit that each shows."""

    images: NDArray[np.float32]
    labels: NDArray[np.int32]

    def __len__(self) -> int:
        return len(self.labels)


@dataclass(frozen=True, slots=True)
class Digits:
    """The three parts of the data set; no image is in two of them."""

    train: Split
    validation: Split
    test: Split


def prepare(images: NDArray[Any], labels: NDArray[Any], seed: int, batch_size: int) -> Digits:
    """The data set from raw 8 x 8 images (values 0 to 16) and labels; the same seed gives the same parts.

    The training part is a whole number of batches: a shorter last one would be another shape, to be compiled again.
    """
    scaled = (np.asarray(images, dtype=np.float32) / np.float32(16.0))[..., np.newaxis]
    digits = np.asarray(labels, dtype=np.int32)
    order = np.random.default_rng(seed).permutation(len(digits))
    n_test = round(len(digits) * TEST_SHARE)
    n_train = int((len(digits) - n_test) * (1 - VALIDATION_SHARE)) // batch_size * batch_size
    test, train, validation = np.split(order, [n_test, n_test + n_train])
    return Digits(*(Split(scaled[part], digits[part]) for part in (train, validation, test)))


def save(digits: Digits, path: Path) -> None:
    """Write the data set as one ``.npz`` file; equal data give equal bytes."""
    arrays = {
        f"{name}_{field}": getattr(split, field)
        for name, split in (("train", digits.train), ("validation", digits.validation), ("test", digits.test))
        for field in ("images", "labels")
    }
    with path.open("wb") as file:
        np.savez(file, allow_pickle=False, **arrays)


def load(path: Path) -> Digits:
    """The data set that ``save`` wrote."""
    with np.load(path, allow_pickle=False) as arrays:
        return Digits(
            *(Split(arrays[f"{part}_images"], arrays[f"{part}_labels"]) for part in ("train", "validation", "test"))
        )
