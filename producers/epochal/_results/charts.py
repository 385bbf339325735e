"""The charts of a classifier, computed by scikit-learn: confusion matrix, ROC curve, precision and recall."""

from __future__ import annotations

import importlib
import math
from collections.abc import Callable, Sequence
from typing import Any, cast

from epochal._errors import NotAvailableError
from epochal._results.documents import CONFUSION, PRECISION_RECALL, ROC, document, number, numbers
from epochal._results.labels import Label, OneVersusRest, labels_of, named_labels, one_versus_rest, union
from epochal._values import JSON

__all__ = ["confusion_document", "precision_recall_document", "roc_document"]


def confusion_document(title: str, y_true: object, y_pred: object, labels: object) -> tuple[bytes, str]:
    """How often each label was taken for each; in the order of ``labels``, else sorted.

    Raises:
        TypeError, ValueError: the labels can't be counted, or ``labels`` lacks one that occurs.
        NotAvailableError: scikit-learn is not installed.
    """
    truth, predicted = labels_of("y_true", y_true), labels_of("y_pred", y_pred)
    if len(truth) != len(predicted):
        raise ValueError(f"y_true has {len(truth):,} labels and y_pred {len(predicted):,}: give one of each an example")
    found = union(truth, predicted)
    known = found if labels is None else named_labels(labels, found, "y_true or y_pred")
    place = {label: number for number, label in enumerate(known)}
    # by their places: scikit-learn would make other types of some labels
    counted = _metrics().confusion_matrix(
        [place[label] for label in truth], [place[label] for label in predicted], labels=list(range(len(known)))
    )
    return document(CONFUSION, title, labels=cast("list[JSON]", known), counts=counted.tolist())


def roc_document(
    title: str, y_true: object, y_score: object, labels: object, positive_label: Label | None
) -> tuple[bytes, str]:
    """False and true positive rates by threshold, and the area under the curve; of several classes each against the
    rest, and the mean of their areas.

    Raises:
        TypeError, ValueError: labels and scores don't fit together. NotAvailableError: no scikit-learn.
    """
    metrics = _metrics()

    def curve(one: OneVersusRest) -> dict[str, JSON]:
        false, true, thresholds = metrics.roc_curve(one.truth, one.score)
        return {
            "auc": number(float(metrics.roc_auc_score(one.truth, one.score))),
            "fpr": numbers(false),
            "tpr": numbers(true),
            "thresholds": numbers(thresholds),
        }

    classes = one_versus_rest(y_true, y_score, labels, positive_label)
    curves = _curves(classes, curve, ("auc",), ("fpr", "tpr", "thresholds"))
    return document(ROC, title, auc=_mean(curves, "auc"), curves=cast("list[JSON]", curves))


def precision_recall_document(
    title: str, y_true: object, y_score: object, labels: object, positive_label: Label | None
) -> tuple[bytes, str]:
    """Precision and recall by threshold, the average precision and that without skill; of several classes each against
    the rest, and the mean of their average precisions.

    Raises:
        TypeError, ValueError: labels and scores don't fit together. NotAvailableError: no scikit-learn.
    """
    metrics = _metrics()

    def curve(one: OneVersusRest) -> dict[str, JSON]:
        precision, recall, thresholds = metrics.precision_recall_curve(one.truth, one.score, drop_intermediate=True)
        return {
            "average_precision": number(float(metrics.average_precision_score(one.truth, one.score))),
            "no_skill": one.positives / len(one.truth),
            "precision": numbers(precision),
            "recall": numbers(recall),
            "thresholds": numbers(thresholds),
        }

    classes = one_versus_rest(y_true, y_score, labels, positive_label)
    curves = _curves(classes, curve, ("average_precision", "no_skill"), ("precision", "recall", "thresholds"))
    mean = _mean(curves, "average_precision")
    return document(PRECISION_RECALL, title, average_precision=mean, curves=cast("list[JSON]", curves))


def _curves(
    classes: Sequence[OneVersusRest],
    curve: Callable[[OneVersusRest], dict[str, JSON]],
    single: Sequence[str],
    several: Sequence[str],
) -> list[dict[str, JSON]]:
    """The curve of each class; of one that no example is of it is empty, and its figures are NaN.

    Raises:
        ValueError: that is the only one.
    """
    if len(classes) == 1 and not classes[0].positives:
        raise ValueError(f"no example of y_true has the label {classes[0].label!r}: there is no curve of it")
    undefined: dict[str, JSON] = {**dict.fromkeys(single, "nan"), **{name: [] for name in several}}
    return [
        {
            "label": one.label,
            "positives": one.positives,
            "negatives": one.negatives,
            **(curve(one) if one.positives else undefined),
        }
        for one in classes
    ]


def _mean(curves: Sequence[dict[str, JSON]], of: str) -> JSON:
    """The mean over the classes that there are examples of."""
    known = [cast("float", curve[of]) for curve in curves if curve["positives"]]
    return math.fsum(known) / len(known)


def _metrics() -> Any:
    try:
        return importlib.import_module("sklearn.metrics")
    except ImportError as error:
        raise NotAvailableError(
            f"confusion matrices, ROC and precision-recall curves need scikit-learn: pip install 'epochal[metrics]' "
            f"({error})"
        ) from error
