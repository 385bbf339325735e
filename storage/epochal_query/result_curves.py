"""The curves of a classifier: ROC, precision and recall. Of several classes there is one for each, against the rest."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Generic, TypeVar

import pandas as pd

from epochal_query import figures
from epochal_query.errors import FilterError
from epochal_query.result_kinds import Chart, Floats, Label

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@dataclass(frozen=True, eq=False)
class RocCurve:
    """One class against the rest; where no example is of it, the arrays are empty and ``auc`` is NaN."""

    label: Label
    positives: int
    negatives: int
    auc: float
    fpr: Floats
    tpr: Floats
    thresholds: Floats


@dataclass(frozen=True, eq=False)
class PrecisionRecallCurve:
    """One class against the rest; where no example is of it, the arrays are empty and the figures NaN."""

    label: Label
    positives: int
    negatives: int
    average_precision: float
    no_skill: float
    precision: Floats
    recall: Floats
    thresholds: Floats


Curve = TypeVar("Curve", RocCurve, PrecisionRecallCurve)


@dataclass(frozen=True, eq=False, repr=False)
class Curves(Chart, Generic[Curve]):
    """The curves of all classes; of two classes that of the positive one, whose figures are also those of this."""

    name: str
    title: str
    curves: tuple[Curve, ...]
    attrs: dict[str, object] = field(default_factory=dict[str, object])

    def of(self, label: Label) -> Curve:
        """The curve of a class. Raises FilterError: there is none of it."""
        for curve in self.curves:
            if curve.label == label and isinstance(curve.label, str) == isinstance(label, str):
                return curve
        raise FilterError(f"{self.name!r} has no class {label!r}; there are {_labels(self.curves)}")

    def _only(self) -> Curve:
        if len(self.curves) == 1:
            return self.curves[0]
        raise FilterError(f"{self.name!r} has a curve for each of {_labels(self.curves)}: choose with .of(label)")

    @property
    def label(self) -> Label:
        """The positive label. Raises FilterError: there are several curves."""
        return self._only().label

    @property
    def thresholds(self) -> Floats:
        """Of the only curve. Raises FilterError: there are several."""
        return self._only().thresholds


@dataclass(frozen=True, eq=False, repr=False)
class RocCurves(Curves[RocCurve]):
    """ROC curves; ``auc`` is the area under the only one, or the mean of all that there are examples of."""

    auc: float = float("nan")

    @property
    def fpr(self) -> Floats:
        """False positive rates of the only curve. Raises FilterError: there are several."""
        return self._only().fpr

    @property
    def tpr(self) -> Floats:
        """True positive rates of the only curve. Raises FilterError: there are several."""
        return self._only().tpr

    def to_frame(self) -> pd.DataFrame:
        """One row a curve: label, positives, negatives, auc."""
        return _frame(self.curves, "auc")

    def _draw(self, axes: Axes, label: str) -> None:
        for curve in self.curves:
            axes.plot(curve.fpr, curve.tpr, label=_named(label, curve.label, f"AUC {curve.auc:.4g}"))
        axes.plot([0, 1], [0, 1], color="grey", linestyle="--")
        axes.set_xlabel("false positive rate")
        axes.set_ylabel("true positive rate")
        figures.grid(axes)
        axes.legend(loc="lower right")


@dataclass(frozen=True, eq=False, repr=False)
class PrecisionRecall(Curves[PrecisionRecallCurve]):
    """Precision and recall; ``average_precision`` is that of the only curve, or the mean of all with examples."""

    average_precision: float = float("nan")

    @property
    def precision(self) -> Floats:
        """Precisions of the only curve. Raises FilterError: there are several."""
        return self._only().precision

    @property
    def recall(self) -> Floats:
        """Recalls of the only curve. Raises FilterError: there are several."""
        return self._only().recall

    @property
    def no_skill(self) -> float:
        """The precision of whoever guesses: the part of positives. Raises FilterError: there are several curves."""
        return self._only().no_skill

    def to_frame(self) -> pd.DataFrame:
        """One row a curve: label, positives, negatives, average_precision, no_skill."""
        return _frame(self.curves, "average_precision", "no_skill")

    def _draw(self, axes: Axes, label: str) -> None:
        for curve in self.curves:
            named = _named(label, curve.label, f"AP {curve.average_precision:.4g}")
            (line,) = axes.step(curve.recall, curve.precision, where="post", label=named)
            axes.axhline(curve.no_skill, color=line.get_color(), linestyle="--", linewidth=0.8)
        axes.set_xlabel("recall")
        axes.set_ylabel("precision (dashed: no skill)")
        figures.grid(axes)
        axes.legend(loc="lower left")


def _frame(curves: Sequence[RocCurve | PrecisionRecallCurve], *what: str) -> pd.DataFrame:
    names = ("label", "positives", "negatives", *what)
    return pd.DataFrame([[getattr(curve, name) for name in names] for curve in curves], columns=list(names))


def _labels(curves: Sequence[RocCurve | PrecisionRecallCurve]) -> str:
    return ", ".join(repr(curve.label) for curve in curves)


def _named(whose: str, label: Label, figure: str) -> str:
    return figures.literal(f"{whose}: {label} ({figure})" if whose else f"{label} ({figure})")
