"""What a rich result is once it is read: a frame, or one of these, each with its data and a picture of itself."""

from __future__ import annotations

import base64
import os
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from epochal_query import figures

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Floats = npt.NDArray[np.float64]
Label = bool | int | float | str


READABLE = 30
"""Of so many labels a confusion matrix has the counts in its cells, and names of them on each axis."""


class Text(str):
    """A text that was logged; ``attrs`` says where in both times it was read."""

    __slots__ = ("attrs", "media_type")

    def __new__(cls, text: str, media_type: str = "text/plain") -> Text:
        """The text and what it is."""
        made = super().__new__(cls, text)
        made.media_type = media_type
        made.attrs = {}
        return made

    media_type: str
    attrs: dict[str, object]

    def _repr_markdown_(self) -> str | None:
        return str(self) if self.media_type == "text/markdown" else None


@dataclass(frozen=True, repr=False)
class Image:
    """An image that was logged: ``content`` is the file, byte for byte."""

    name: str
    media_type: str
    content: bytes
    attrs: dict[str, object] = field(default_factory=dict[str, object])

    def array(self) -> npt.NDArray[Any]:
        """The pixels, height x width, or height x width x channels.

        Raises:
            NotAvailableError: Pillow is not installed.
        """
        return np.asarray(figures.opened_image(self.content))

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the file. Raises OSError: it can't be written."""
        place = Path(path)
        place.write_bytes(self.content)
        return place

    def __repr__(self) -> str:
        return f"<Image {self.name!r} {self.media_type} {len(self.content):,} bytes>"

    def _repr_html_(self) -> str:
        data = base64.b64encode(self.content).decode("ascii")
        return f'<img alt="{escape(self.name)}" src="data:{escape(self.media_type)};base64,{data}">'


@dataclass(frozen=True, repr=False)
class PlotlyFigure:
    """A figure of Plotly that was logged, as its own JSON; notebooks that know Plotly show it."""

    name: str
    json: dict[str, Any]
    attrs: dict[str, object] = field(default_factory=dict[str, object])

    def figure(self) -> Any:
        """The figure of Plotly. Raises NotAvailableError: it is not installed."""
        return figures.plotly_figure(self.json)

    def __repr__(self) -> str:
        return f"<PlotlyFigure {self.name!r}>"

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, Any]:
        return {"application/vnd.plotly.v1+json": self.json, "text/plain": repr(self)}


class Chart:
    """The base of what is drawn from data: ``plot`` makes a figure, or draws on axes of one's own."""

    name: str
    title: str
    attrs: dict[str, object]

    def plot(self, axes: Axes | None = None, *, label: str = "") -> Figure:
        """A figure of it; with ``axes`` it is drawn on these, and the figure is theirs. ``label`` says whose it is.

        Raises:
            NotAvailableError: Matplotlib is not installed.
        """
        if axes is None:
            figure = figures.new_figure()
            figure.attrs = dict(self.attrs)  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue]
            axes = figure.subplots()
        self._draw(axes, label)
        axes.set_title(figures.literal(self.title))
        found: Any = axes.figure
        return found  # type: ignore[no-any-return]

    def to_frame(self) -> pd.DataFrame:
        """Its figures as a frame."""
        raise NotImplementedError

    def _draw(self, axes: Axes, label: str) -> None:
        raise NotImplementedError

    def __repr__(self) -> str:
        return f"{self.title}\n{self.to_frame()}"

    def _repr_html_(self) -> str:
        return f"<p><b>{escape(self.title)}</b></p>{self.to_frame().to_html(max_rows=60)}"


@dataclass(frozen=True, eq=False, repr=False)
class Histogram(Chart):
    """How values are distributed: ``counts`` lie between ``edges``; NaN, and what lies outside, is counted beside."""

    name: str
    title: str
    counts: npt.NDArray[Any]
    edges: Floats
    nan: int
    below: int
    above: int
    min: float | None
    max: float | None
    attrs: dict[str, object] = field(default_factory=dict[str, object])

    def to_frame(self) -> pd.DataFrame:
        """One row a bin: low, high, count."""
        return pd.DataFrame({"low": self.edges[:-1], "high": self.edges[1:], "count": self.counts})

    def _draw(self, axes: Axes, label: str) -> None:
        if len(self.counts):
            axes.stairs(self.counts, self.edges, fill=True)
        outside = {"NaN": self.nan, "below": self.below, "above": self.above}
        words = [f"{count:,} {what}" for what, count in outside.items() if count]
        axes.set_xlabel(figures.literal(", ".join([label, *words] if label else words)))
        axes.set_ylabel("count")


@dataclass(frozen=True, eq=False, repr=False)
class ConfusionMatrix(Chart):
    """How often each label (rows, ``y_true``) was predicted as each (columns, ``y_pred``)."""

    name: str
    title: str
    labels: tuple[Label, ...]
    counts: npt.NDArray[np.int64]
    attrs: dict[str, object] = field(default_factory=dict[str, object])

    @property
    def accuracy(self) -> float:
        """The part of all examples that was predicted as what it is."""
        return float(np.trace(self.counts) / self.counts.sum())

    def to_frame(self) -> pd.DataFrame:
        """The counts, with the labels of y_true as index and those of y_pred as columns."""
        labels = np.empty(len(self.labels), dtype=object)
        labels[:] = self.labels
        return pd.DataFrame(self.counts, pd.Index(labels, name="y_true"), pd.Index(labels, name="y_pred"))

    def _draw(self, axes: Axes, label: str) -> None:
        cells: Any = axes.imshow(self.counts, cmap="Blues")
        if len(self.labels) > READABLE:
            whole: Any = axes.get_figure(root=True)
            whole.colorbar(cells, ax=axes, label="count")
        else:
            dark = self.counts.max() / 2
            for (row, column), count in np.ndenumerate(self.counts):
                colour = "white" if count > dark else "black"
                axes.text(column, row, f"{count:,}", ha="center", va="center", color=colour)
        every = -(-len(self.labels) // READABLE)
        places, names = list(range(len(self.labels))), [figures.literal(label) for label in self.labels]
        axes.set_xticks(places[::every], names[::every], rotation=90 if len(names) > 10 else 0)
        axes.set_yticks(places[::every], names[::every])
        named = f" (of {every} labels one is named)" if every > 1 else ""
        axes.set_xlabel(f"y_pred{named}\n{figures.literal(label)}" if label else f"y_pred{named}")
        axes.set_ylabel(f"y_true{named}")
