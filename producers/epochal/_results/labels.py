"""The labels and scores of a classifier, checked: typed as they were given, none left out in silence."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    import numpy as np

__all__ = ["Label", "OneVersusRest", "labels_of", "named_labels", "one_versus_rest", "union"]

Label = bool | int | float | str


@dataclass(frozen=True)
class OneVersusRest:
    """One class against all others: whether each example is of it, and the score that it is."""

    label: Label
    truth: np.ndarray[Any, Any]
    score: np.ndarray[Any, Any]

    @property
    def positives(self) -> int:
        """Examples of the class."""
        return int(self.truth.sum())

    @property
    def negatives(self) -> int:
        """All others."""
        return len(self.truth) - self.positives


def labels_of(what: str, given: object) -> list[Label]:
    """Labels as Python has them: bool, int, float or text.

    Raises:
        TypeError: they are no list of labels of one kind. ValueError: there is none, or one is NaN.
    """
    if isinstance(given, (str, bytes)) or not isinstance(given, Iterable):
        raise TypeError(f"{what} is a list of labels, one an example; got {given!r}")
    if hasattr(given, "tolist"):
        labels: list[Any] = cast("Any", given).tolist()
    else:
        several: Iterable[Any] = given
        labels = [label.item() if hasattr(label, "item") else label for label in several]
    if not labels:
        raise ValueError(f"{what} is empty: there is nothing to count")
    if deep := next((label for label in labels if isinstance(label, (list, tuple))), None):
        raise TypeError(f"{what} has {deep!r} for one example: accepted is one label an example, in one dimension")
    different = set(labels)
    for label in different:
        if not isinstance(label, (bool, int, float, str)):
            raise TypeError(f"{what} has the label {label!r}: accepted are text, numbers and bools")
        if isinstance(label, float) and not math.isfinite(label):
            raise ValueError(f"{what} has the label {label!r}: leave those examples out, or give them a label")
    if len({isinstance(label, str) for label in different}) > 1:
        raise TypeError(f"{what} mixes text and numbers: give labels of one kind")
    return labels


def union(*several: Sequence[Label]) -> list[Label]:
    """The different labels of all of them, in order.

    Raises:
        TypeError: some are text and some are numbers.
    """
    different = {label for labels in several for label in labels}
    try:
        return sorted(different)  # pyright: ignore[reportArgumentType]
    except TypeError:
        some = [next(iter(labels)) for labels in several]
        raise TypeError(f"labels are of one kind, text or numbers; there are {some}") from None


def named_labels(labels: object, found: Sequence[Label], whose: str) -> list[Label]:
    """The labels in the order in which they were named.

    Raises:
        TypeError: they are no list of labels. ValueError: one of those found is not among them, or one is there twice.
    """
    known = labels_of("labels", labels)
    if missing := [label for label in found if label not in known]:
        raise ValueError(f"labels={known!r} lacks {missing!r}, which {whose} has: name all of them")
    if len(set(known)) < len(known):
        raise ValueError(f"labels={known!r} names a label twice")
    return known


def one_versus_rest(
    y_true: object, y_score: object, labels: object, positive_label: Label | None
) -> list[OneVersusRest]:
    """Each class with its scores: of two classes the positive one, of more all of them (or the positive one).

    Of two classes the positive one is the greater label, 1 of 0 and 1, unless ``positive_label`` says otherwise.
    Scores are of the positive class, or have one column a class, in the order of ``labels`` (else sorted).

    Raises:
        TypeError, ValueError: labels and scores don't fit together, or there is nothing to tell apart.
    """
    import numpy as np

    truth = labels_of("y_true", y_true)
    found = union(truth)
    known = found if labels is None else named_labels(labels, found, "y_true")
    if len(found) < 2:
        raise ValueError(f"y_true holds the label {truth[0]!r} alone: a curve tells two classes apart")
    positive = union(known)[-1] if len(known) == 2 else None
    if positive_label is not None:
        # as it is among the labels: NumPy's 0 equals it, but has no place in JSON
        positive = next((label for label in known if label == positive_label), None)
        if positive is None:
            raise ValueError(f"positive_label={positive_label!r} is none of the labels {known!r}")
    scores = _scores(y_score, len(truth), known)
    if scores.ndim == 1 or scores.shape[1] == 1:
        if positive is None:
            raise ValueError(
                f"y_true has {len(known)} classes, and y_score one score an example: give one column a class "
                f"({known!r}), or positive_label="
            )
        chosen = [(positive, scores.reshape(-1))]
    else:
        whole = list(zip(known, scores.T, strict=True))
        chosen = [pair for pair in whole if positive is None or pair[0] == positive]
    return [
        OneVersusRest(label, np.array([each == label for each in truth]), np.ascontiguousarray(score))
        for label, score in chosen
    ]


def _scores(given: Any, examples: int, labels: Sequence[Label]) -> np.ndarray[Any, Any]:
    import numpy as np

    if hasattr(given, "detach"):  # torch
        given = given.detach().cpu()
    scores = np.asarray(given, dtype=np.float64)
    if scores.ndim not in (1, 2) or len(scores) != examples:
        raise ValueError(f"y_score has the shape {scores.shape}, and y_true {examples:,} examples: one row an example")
    if scores.ndim == 2 and scores.shape[1] not in (1, len(labels)):
        raise ValueError(
            f"y_score has {scores.shape[1]} columns, and there are {len(labels)} classes ({labels!r}): give one column "
            "a class, and labels= with their order where y_true lacks some"
        )
    if wrong := int((~np.isfinite(scores)).sum()):
        raise ValueError(f"y_score has {wrong:,} values that are NaN or infinite: they can't be put in order")
    return scores
