"""Confusion matrices, ROC curves, precision and recall: scikit-learn's figures, typed labels, nothing left out."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import pytest
from results.axes import axes_of
from sklearn import metrics  # type: ignore[import-untyped, unused-ignore]

from epochal._results.charts import confusion_document, precision_recall_document, roc_document
from epochal._results.documents import document
from epochal_query.errors import FilterError, ReadError
from epochal_query.result_curves import PrecisionRecall, RocCurves
from epochal_query.result_kinds import ConfusionMatrix
from epochal_query.results import from_document

DICE = np.random.default_rng(7)
TRUTH = (DICE.random(200) < 0.3).astype(int)
SCORE = np.clip(TRUTH * 0.3 + DICE.random(200) * 0.7, 0, 1)
CLASSES = DICE.integers(0, 3, 200)
SCORES = DICE.dirichlet([1, 1, 1], 200) + np.eye(3)[CLASSES] * 0.3


def confusion(y_true: Any, y_pred: Any, labels: Any = None) -> ConfusionMatrix:
    content, media_type = confusion_document("c", y_true, y_pred, labels)
    assert media_type == "application/vnd.epochal.confusion-matrix+json"
    found = from_document("c", content)
    assert isinstance(found, ConfusionMatrix)
    return found


def roc(y_true: Any, y_score: Any, labels: Any = None, positive: Any = None) -> RocCurves:
    content, media_type = roc_document("r", y_true, y_score, labels, positive)
    assert media_type == "application/vnd.epochal.roc-curve+json"
    found = from_document("r", content)
    assert isinstance(found, RocCurves)
    return found


def precision_recall(y_true: Any, y_score: Any, labels: Any = None, positive: Any = None) -> PrecisionRecall:
    content, media_type = precision_recall_document("p", y_true, y_score, labels, positive)
    assert media_type == "application/vnd.epochal.precision-recall+json"
    found = from_document("p", content)
    assert isinstance(found, PrecisionRecall)
    return found


def test_a_confusion_matrix() -> None:
    """Rows are what is, columns what was predicted."""
    found = confusion(["cat", "dog", "dog", "cat"], ["cat", "cat", "dog", "dog"])
    assert found.labels == ("cat", "dog")
    assert found.counts.tolist() == [[1, 1], [1, 1]]
    assert found.accuracy == 0.5
    frame = found.to_frame()
    assert frame.loc["dog", "cat"] == 1
    assert (frame.index.name, frame.columns.name) == ("y_true", "y_pred")


@pytest.mark.parametrize(
    ("labels", "types"),
    [([0, 1], int), ([False, True], bool), (["0", "1"], str), ([0.5, 1.5], float), (np.array([0, 1], "int8"), int)],
)
def test_labels_keep_their_type(labels: Any, types: type) -> None:
    """Text stays text, a bool a bool, and a number of NumPy is one of Python."""
    found = confusion(labels, labels)
    assert [type(label) for label in found.labels] == [types, types]
    assert list(found.labels) == list(labels)


def test_labels_in_an_order_of_ones_own_and_without_examples() -> None:
    """A class that doesn't occur is there if it is named."""
    found = confusion([1, 2], [1, 1], labels=[3, 2, 1])
    assert found.labels == (3, 2, 1)
    assert found.counts.tolist() == [[0, 0, 0], [0, 0, 1], [0, 0, 1]]


def test_a_roc_curve_is_scikit_learns() -> None:
    """Bit for bit, with its infinite first threshold."""
    found = roc(TRUTH, SCORE)
    fpr, tpr, thresholds = metrics.roc_curve(TRUTH, SCORE)
    for mine, theirs in ((found.fpr, fpr), (found.tpr, tpr), (found.thresholds, thresholds)):
        assert mine.tobytes() == np.asarray(theirs, dtype=np.float64).tobytes()
    assert found.thresholds[0] == math.inf
    assert found.auc == metrics.roc_auc_score(TRUTH, SCORE)
    assert (found.label, found.curves[0].positives, found.curves[0].negatives) == (1, TRUTH.sum(), 200 - TRUTH.sum())


def test_precision_and_recall_are_scikit_learns() -> None:
    """With average precision, and the precision of no skill."""
    found = precision_recall(TRUTH, SCORE)
    precision, recall, thresholds = metrics.precision_recall_curve(TRUTH, SCORE, drop_intermediate=True)
    for mine, theirs in ((found.precision, precision), (found.recall, recall), (found.thresholds, thresholds)):
        assert mine.tobytes() == np.asarray(theirs, dtype=np.float64).tobytes()
    assert found.average_precision == metrics.average_precision_score(TRUTH, SCORE)
    assert found.no_skill == TRUTH.mean()


def test_label_0_can_be_the_positive_one() -> None:
    """With the scores of label 0, or with a column a class; SageMaker took 0 for "not given"."""
    for given in (1 - SCORE, np.column_stack([1 - SCORE, SCORE]), (1 - SCORE).reshape(-1, 1)):
        curve = roc(TRUTH, given, positive=0)
        assert curve.label == 0
        assert curve.curves[0].positives == (TRUTH == 0).sum()
        assert curve.auc == metrics.roc_auc_score(TRUTH == 0, 1 - SCORE)
        other = precision_recall(TRUTH, given, positive=0)
        assert other.average_precision == metrics.average_precision_score(TRUTH == 0, 1 - SCORE)
        assert other.no_skill == (TRUTH == 0).mean()


@pytest.mark.parametrize("zero", [np.int64(0), np.bool_(False), 0.0])
def test_a_positive_label_of_numpy_is_one_of_the_labels(zero: Any) -> None:
    """And stands in the document as that label."""
    for given in (1 - SCORE, np.column_stack([1 - SCORE, SCORE])):
        curve = roc(TRUTH, given, positive=zero)
        assert (curve.label, type(curve.label)) == (0, int)
        assert curve.auc == metrics.roc_auc_score(TRUTH == 0, 1 - SCORE)


def test_labels_give_the_order_of_columns_alone() -> None:
    """The positive class is the greater label, wherever it was named."""
    for given in (SCORE, np.column_stack([SCORE, 1 - SCORE])):
        found = roc(TRUTH, given, labels=[1, 0])
        assert found.label == 1
        assert found.auc == metrics.roc_auc_score(TRUTH, SCORE)


def test_the_greater_of_two_labels_is_the_positive_one() -> None:
    """Whatever their type, as scikit-learn's classifiers have it in the second column."""
    words = np.where(TRUTH == 1, "yes", "no")
    for given in (SCORE, np.column_stack([1 - SCORE, SCORE])):
        found = roc(words, given)
        assert found.label == "yes"
        assert found.auc == metrics.roc_auc_score(TRUTH, SCORE)


def test_several_classes_are_each_against_the_rest() -> None:
    """The one figure is their mean, and none of the curves stands for all."""
    found = roc(CLASSES, SCORES)
    assert [curve.label for curve in found.curves] == [0, 1, 2]
    for number in range(3):
        assert found.of(number).auc == metrics.roc_auc_score(number == CLASSES, SCORES[:, number])
    assert found.auc == pytest.approx(np.mean([curve.auc for curve in found.curves]), rel=1e-15)
    with pytest.raises(FilterError, match="a curve for each of 0, 1, 2"):
        _ = found.fpr
    with pytest.raises(FilterError, match="has no class 7"):
        found.of(7)
    assert list(found.to_frame()["label"]) == [0, 1, 2]
    one = precision_recall(CLASSES, SCORES, positive=0)
    assert one.average_precision == metrics.average_precision_score(CLASSES == 0, SCORES[:, 0])


def test_a_class_without_examples_has_no_curve() -> None:
    """Its figures are NaN, and the mean is over the others."""
    found = precision_recall([0, 1, 0, 1], np.eye(3)[[0, 1, 1, 1]], labels=[0, 1, 2])
    assert math.isnan(found.of(2).average_precision)
    assert len(found.of(2).precision) == 0
    assert found.average_precision == (found.of(0).average_precision + found.of(1).average_precision) / 2


def test_pictures_hold_the_data() -> None:
    """One line a curve, with its figure in the legend; a cell a count."""
    found = roc(CLASSES, SCORES)
    axes = axes_of(found.plot())[0]
    assert axes.lines[1].get_xdata().tolist() == found.of(1).fpr.tolist()
    assert axes.lines[1].get_ydata().tolist() == found.of(1).tpr.tolist()
    assert f"1 (AUC {found.of(1).auc:.4g})" in [text.get_text() for text in axes.get_legend().get_texts()]
    both = precision_recall(TRUTH, SCORE)
    axes = axes_of(both.plot())[0]
    assert axes.lines[0].get_xdata().tolist() == both.recall.tolist()
    assert set(axes.lines[1].get_ydata()) == {both.no_skill}
    matrix = confusion([1, 2, 2], [1, 1, 2])
    axes = axes_of(matrix.plot())[0]
    assert [text.get_text() for text in axes.texts] == ["1", "0", "1", "1"]
    assert axes.get_title() == "c"


def test_a_confusion_matrix_of_many_classes() -> None:
    """Has colours with a scale in the place of a text a cell, and names some of the labels."""
    figure = confusion([f"_${number}$" for number in range(300)], [f"_${number}$" for number in range(300)]).plot()
    axes, scale = axes_of(figure)
    assert len(axes.texts) == 0
    assert len(axes.get_xticklabels()) == len(axes.get_yticklabels()) == 30
    assert scale.get_ylabel() == "count"
    assert axes.get_ylabel() == "y_true (of 10 labels one is named)"
    shown: Any = figure
    assert shown._repr_png_().startswith(b"\x89PNG")


def test_html_is_escaped() -> None:
    """Whatever somebody called a chart or a class."""
    content, _ = confusion_document("<script>alert(1)</script>", ["<b>", "c"], ["<b>", "c"], None)
    found = from_document("x", content)
    assert isinstance(found, ConfusionMatrix)
    html = found._repr_html_()
    assert "<script>" not in html
    assert "<b>&lt;script&gt;" in html
    assert "&lt;b&gt;" in html


def test_a_document_of_a_newer_version() -> None:
    """Says which is needed."""
    content, _ = document("roc-curve", "r")
    newer = json.dumps({**json.loads(content), "version": 2}).encode()
    with pytest.raises(ReadError, match="written in version 2"):
        from_document("r", newer)


WRONG: dict[str, tuple[Any, tuple[Any, ...], str]] = {
    "empty": (roc, ([], []), "y_true is empty"),
    "no list": (confusion, (1, [1]), "y_true is a list of labels"),
    "text": (confusion, ("abc", ["a"]), "y_true is a list of labels"),
    "lengths": (confusion, ([1, 2], [1]), "y_true has 2 labels and y_pred 1"),
    "labels that lack one": (confusion, ([1, 2], [1, 3], [1, 2]), "lacks [3]"),
    "labels twice": (confusion, ([1, 2], [1, 2], [1, 2, 2]), "names a label twice"),
    "mixed": (confusion, ([1, "a"], [1, 1]), "mixes text and numbers"),
    "kinds": (confusion, ([1, 2], ["1", "2"]), "text or numbers"),
    "nan label": (confusion, ([1, math.nan], [1, 1]), "the label nan"),
    "none": (confusion, ([1, None], [1, 1]), "the label None"),
    "two dimensions": (roc, ([[0, 1], [1, 0]], [[0, 1], [1, 0]]), "for one example"),
    "one class": (roc, ([1, 1], [0.1, 0.2]), "the label 1 alone"),
    "nan score": (roc, ([0, 1], [0.1, math.nan]), "1 values that are NaN or infinite"),
    "rows": (roc, ([0, 1], [0.1, 0.2, 0.3]), "shape (3,)"),
    "columns": (roc, ([0, 1, 2], np.zeros((3, 2))), "2 columns, and there are 3 classes"),
    "one score of three classes": (roc, ([0, 1, 2], [0.1, 0.2, 0.3]), "one score an example"),
    "positive label": (roc, ([0, 1], [0.1, 0.2], None, 2), "positive_label=2 is none of the labels [0, 1]"),
    "positive without examples": (roc, ([0, 1], np.zeros((2, 3)), [0, 1, 2], 2), "no example of y_true"),
    "labels of the curve": (precision_recall, ([0, 1], [0.1, 0.2], [0, 2]), "lacks [1], which y_true has"),
    "labels of the curve twice": (roc, ([0, 1], [0.1, 0.2], [0, 1, 1]), "names a label twice"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_can_not_be_drawn(name: str) -> None:
    """Is refused with its value, and what is accepted."""
    call, arguments, text = WRONG[name]
    with pytest.raises((TypeError, ValueError)) as raised:
        call(*arguments)
    assert text in str(raised.value)
