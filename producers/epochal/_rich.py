"""Rich results of a component: tables, images, figures, histograms, texts and the charts of a classifier.

Each is an artifact whose content is made here, by name, media type and digest as any other; docs/rich-results.md says
how they are written and read back.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Literal

from ._contents import named
from ._errors import MisuseError
from ._statements import Statements
from ._values import without_lone_surrogates

if TYPE_CHECKING:
    from ._artifacts.artifact import Artifact
    from ._ending import Ending
    from ._results.labels import Label

__all__ = ["Rich"]

BINS = 64
"""Of a histogram, unless said otherwise."""


class Rich(Statements):
    """What :class:`epochal.Run` can log besides numbers, params and files.

    A name stands for one result of a component: a later one supersedes, the earlier ones stay readable in the past.
    ``is_output=False`` records what went in. The content is made before a call returns, and stored in the background;
    the artifact that is returned waits for its digest.
    """

    _ending: Ending | None

    def _finished_text(self) -> str:
        raise NotImplementedError

    def log_table(self, name: str, table: object, *, is_output: bool = True) -> Artifact:
        """Records a table: a pandas frame, a NumPy array of two dimensions or with fields, a mapping of names to
        columns, or a list of mappings, one a row. Values keep their types; NaN, infinities and what is missing stay
        apart.
        """

        def made() -> tuple[bytes, str]:
            from ._results.tables import table_document

            return table_document(name, table)

        return self._result("log_table", name, made, is_output)

    def log_image(self, name: str, image: object, *, is_output: bool = True) -> Artifact:
        """Records an image: a path, the bytes of an image file, an image of Pillow, or an array (height x width, or
        height x width x 3 or 4: whole numbers from 0 to 255, floats from 0 to 1, or bools).
        """

        def made() -> tuple[bytes, str]:
            from ._results.pictures import image_content

            return image_content(image)

        return self._result("log_image", name, made, is_output)

    def log_figure(
        self, name: str, figure: object, *, format: Literal["png", "svg"] = "png", is_output: bool = True
    ) -> Artifact:
        """Records a figure of Matplotlib, as PNG or SVG, or one of Plotly, as its JSON."""

        def made() -> tuple[bytes, str]:
            from ._results.pictures import figure_content

            return figure_content(figure, format)

        return self._result("log_figure", name, made, is_output)

    def log_histogram(
        self,
        name: str,
        values: object = None,
        *,
        bins: int | Sequence[float] = BINS,
        counts: object = None,
        edges: object = None,
        is_output: bool = True,
    ) -> Artifact:
        """Records how values are distributed, in so many bins, or bins with these edges; or counts made elsewhere, with
        their edges. NaN, infinities and values outside given edges are counted beside the bins.
        """

        def made() -> tuple[bytes, str]:
            from ._results.histograms import histogram_document

            return histogram_document(name, values, bins, counts, edges)

        return self._result("log_histogram", name, made, is_output)

    def log_text(self, name: str, text: str, *, markdown: bool = False, is_output: bool = True) -> Artifact:
        """Records a text, plain or Markdown, of any length."""

        def made() -> tuple[bytes, str]:
            if not isinstance(text, str):  # pyright: ignore[reportUnnecessaryIsInstance]
                raise TypeError(f"text={text!r} is no text")
            whole = without_lone_surrogates(text)
            if whole != text:
                said = f"text {name!r}: U+FFFD stands in the place of half a character, which UTF-8 can't carry"
                self._session.warn.report("text", said, str(name))
            return whole.encode(), "text/markdown" if markdown else "text/plain"

        return self._result("log_text", name, made, is_output)

    def log_confusion_matrix(
        self,
        y_true: object,
        y_pred: object,
        name: str | None = None,
        *,
        labels: Sequence[Label] | None = None,
        title: str | None = None,
        is_output: bool = True,
    ) -> Artifact:
        """Records how often each label (text, number or bool) was predicted for each; in the order of ``labels``, else
        sorted. Without a name it has its title for one, or "confusion-matrix". Needs scikit-learn.
        """

        def made() -> tuple[bytes, str]:
            from ._results.charts import confusion_document

            return confusion_document(_title(title, shown), y_true, y_pred, labels)

        shown = _shown(name, title, "confusion-matrix")
        return self._result("log_confusion_matrix", shown, made, is_output)

    def log_roc_curve(
        self,
        y_true: object,
        y_score: object,
        name: str | None = None,
        *,
        positive_label: Label | None = None,
        labels: Sequence[Label] | None = None,
        title: str | None = None,
        is_output: bool = True,
    ) -> Artifact:
        """Records the ROC curve of scores, and the area under it; of more than two classes each against the rest.

        Of two classes the positive one is the greater label, unless ``positive_label`` says otherwise. Scores are those
        of the positive class, or have a column a class, in the order of ``labels``, else sorted. Without a name it has
        its title for one, or "roc-curve". Needs scikit-learn.
        """

        def made() -> tuple[bytes, str]:
            from ._results.charts import roc_document

            return roc_document(_title(title, shown), y_true, y_score, labels, positive_label)

        shown = _shown(name, title, "roc-curve")
        return self._result("log_roc_curve", shown, made, is_output)

    def log_precision_recall(
        self,
        y_true: object,
        y_score: object,
        name: str | None = None,
        *,
        positive_label: Label | None = None,
        labels: Sequence[Label] | None = None,
        title: str | None = None,
        is_output: bool = True,
    ) -> Artifact:
        """Records precision and recall by threshold, the average precision, and that of no skill; arguments are those
        of :meth:`log_roc_curve`. Without a name it has its title for one, or "precision-recall". Needs scikit-learn.
        """

        def made() -> tuple[bytes, str]:
            from ._results.charts import precision_recall_document

            return precision_recall_document(_title(title, shown), y_true, y_score, labels, positive_label)

        shown = _shown(name, title, "precision-recall")
        return self._result("log_precision_recall", shown, made, is_output)

    def _result(self, call: str, name: object, made: Callable[[], tuple[bytes, str]], is_output: bool) -> Artifact:
        from ._artifacts.artifact import Artifact

        direction: Literal["in", "out"] = "out" if is_output else "in"
        blank = Artifact(str(name), direction)
        if self.disabled:
            return blank
        try:
            if self._ending is not None:
                raise MisuseError(self._finished_text())
            text = named(name)
            content, media_type = made()
            record = self._record(direction, text, None, media_type)
        except Exception as error:  # noqa: BLE001  the border: no argument may end a training
            self._refuse(call, error, str(name))
            return blank
        try:
            kept = self._contents.keep(record, content)
            self._contents.warn_unkept(text)
        except Exception as error:  # noqa: BLE001  the border: no state of a disk may end a training
            with contextlib.suppress(MisuseError):  # the run may have been finished meanwhile, by another thread
                self._say(record.failed(str(error)))
            self._refuse(call, error, text)
            return blank
        self._session.warn.raise_first()
        return kept


def _shown(name: str | None, title: str | None, kind: str) -> str:
    return name if name is not None else title if title is not None else kind


def _title(title: object, shown: str) -> str:
    """What is drawn above a chart: its title, or its name.

    Raises:
        TypeError: it is no text.
    """
    if title is not None and not isinstance(title, str):
        raise TypeError(f"title={title!r} is no text")
    return shown if title is None else title
