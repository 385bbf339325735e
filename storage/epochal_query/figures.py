"""Figures: Matplotlib's, made without a screen and without its global state, so that a job can make them as well."""

from __future__ import annotations

import importlib
import io
import os
from typing import TYPE_CHECKING, Any

from epochal._errors import NotAvailableError
from epochal_query.errors import FilterError

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SIZE = (8.0, 4.5)
"""Inches."""
WIDEST = 60.0
ASIDE, AROUND = 2.0, 1.0
"""Of the width for names beside the axes, of the height for what is above and below them: the rest is added."""
NAMED_MAX = 50


def new_figure(title: str = "") -> Figure:
    """An empty figure that notebooks show by themselves; ``attrs`` is for where in both times it was read.

    Raises:
        NotAvailableError: Matplotlib is not installed.
    """
    figure: Figure = _load("epochal_query.notebook_figure").NotebookFigure(figsize=SIZE, layout="constrained")
    if title:
        figure.suptitle(title)
    return figure


def save(figure: Figure, path: str | os.PathLike[str]) -> None:
    """Save a figure, as what the name's ending says.

    Raises:
        OSError: the file can't be written. FilterError: Matplotlib can't write such files.
    """
    try:
        figure.savefig(path, dpi=150)
    except ValueError as error:
        raise FilterError(f"path={os.fspath(path)!r}: {error}") from None


def literal(text: object) -> str:
    """A text that comes from data, to be shown as it is: Matplotlib takes ``$`` for mathematics, and leaves a name that
    begins with ``_`` out of legends.
    """
    shown = str(text).replace("$", r"\$")
    return f"\u200b{shown}" if shown.startswith("_") else shown


def say_below(figure: Figure, *notes: str) -> None:
    """What a reader of the figure has to know, in small letters below it."""
    if notes:
        figure.supxlabel(literal("\n".join(notes)), fontsize="x-small", x=0.01, ha="left")


def grid(axes: Axes) -> None:
    """Lines to read values by."""
    axes.grid(visible=True, alpha=0.3)


def colours(count: int) -> list[Any]:
    """So many colours that can be told apart, as far as that is possible."""
    if count <= 20:
        some = colour_map("tab10" if count <= 10 else "tab20")
        return [some(place) for place in range(count)]
    return [colour_map("turbo")(place / (count - 1)) for place in range(count)]


def colour_map(name: str) -> Any:
    """A number from 0 to 1 to a colour."""
    return _load("matplotlib").colormaps[name]


def legend(axes: Axes, count: int) -> list[str]:
    """All the names beside the axes: there they cover nothing, and no place has to be searched for.

    The figure is as much larger as they need; of more than 50 none is written, which is what it then says.
    """
    if count > NAMED_MAX:
        return [f"not named: {count:,} in colours of their own; up to {NAMED_MAX} have a legend (where=, limit=)"]
    if count > 1:
        box = axes.legend(
            loc="upper left", bbox_to_anchor=(1.01, 1), borderaxespad=0, fontsize="small", ncols=-(-count // 25)
        )
        figure: Any = axes.get_figure(root=True)
        width, height = figure.get_size_inches()
        across, up = (length / figure.dpi for length in box.get_window_extent().size)
        figure.set_size_inches(min(width + max(across - ASIDE, 0), WIDEST), max(height, up + AROUND))
    return []


def opened_image(content: bytes) -> Any:
    """The image of Pillow. Raises NotAvailableError: Pillow is not installed."""
    return _load("PIL.Image", "pixels of an image need Pillow").open(io.BytesIO(content))


def plotly_figure(json: dict[str, Any]) -> Any:
    """The figure of Plotly. Raises NotAvailableError: it is not installed."""
    try:
        return importlib.import_module("plotly.graph_objects").Figure(json)
    except ImportError as error:
        raise NotAvailableError(f"a figure of Plotly needs Plotly: pip install plotly ({error})") from error


def _load(name: str, what: str = "figures need Matplotlib") -> Any:
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise NotAvailableError(f"{what}: pip install 'epochal[plot]' ({error})") from error
