"""Pictures of frames: curves, bars, points, parallel coordinates. Pure, but for the figure that they draw on."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import numpy.typing as npt
import pandas as pd

from epochal_query import figures
from epochal_query.errors import FilterError

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Scales:
    """Which axes are logarithmic."""

    log: bool = False
    log_x: bool = False

    def apply(self, axes: Axes) -> None:
        """Set them."""
        if self.log:
            axes.set_yscale("log")
        if self.log_x:
            axes.set_xscale("log")


@dataclass(frozen=True)
class Line:
    """One curve."""

    label: str
    x: Any
    y: Floats


def automatic_labels(described: dict[str, tuple[str, str]]) -> dict[str, str]:
    """What tells components (id to trial and name) apart in a legend: trials, else names, else both, else ids, too."""
    if len(described) == 1:
        return {id_: name for id_, (_, name) in described.items()}
    ways: list[Callable[[str, str], str]] = [lambda trial, _: trial, lambda _, name: name]
    ways.append(lambda trial, name: f"{trial}, {name}" if trial else name)
    for way in ways:
        labels = {id_: way(trial, name) for id_, (trial, name) in described.items()}
        if all(labels.values()) and len(set(labels.values())) == len(labels):
            return labels
    return {id_: f"{trial or name} {id_[-8:]}" for id_, (trial, name) in described.items()}


def lines_of(points: pd.DataFrame, labels: dict[str, str], x: str) -> list[Line]:
    """A curve for each series of a frame of metric points, as far as its label has to tell it from the others."""
    key = ["component", "metric", "rank", *(["branch"] if "branch" in points else [])]
    several = {name: len(points[name].drop_duplicates()) > 1 for name in key}
    found: list[Line] = []
    for one, series in points.groupby(key, sort=False, dropna=False):
        told: dict[str, Any] = dict(zip(key, cast("tuple[Any, ...]", one), strict=True))
        words = [labels[told["component"]]] if several["component"] or not several["metric"] else []
        words += [told["metric"]] if several["metric"] else []
        words += [f"{name} {told[name]}" for name in key[2:] if several[name]]
        found.append(Line(", ".join(words), series[x].to_numpy(), series["value"].to_numpy(np.float64)))
    return found


def draw_lines(figure: Figure, lines: Sequence[Line], x: str, y: str, scales: Scales) -> list[str]:
    """Draw curves; says what isn't seen of them."""
    axes = figure.subplots()
    for line, colour in zip(lines, figures.colours(len(lines)), strict=True):
        # a point between two that can't be drawn has no line to either: it is seen by its mark
        alone = len(line.y) == 1 or not np.isfinite(line.y).all()
        axes.plot(
            line.x, line.y, color=colour, label=figures.literal(line.label), linewidth=1.5, marker="." if alone else ""
        )
    axes.set_xlabel(x)
    axes.set_ylabel(figures.literal(y))
    figures.grid(axes)
    notes = figures.legend(axes, len(lines))
    scales.apply(axes)
    unseen = [unseen_values(line.y, scales.log, "y") for line in lines]
    if scales.log_x and x == "step":
        unseen += [unseen_values(line.x, True, "x") for line in lines]
    return notes + _summed(unseen)


def unseen_values(values: Floats, log: bool, axis: str) -> dict[str, int]:
    """How many values have no place on an axis, and why."""
    finite = np.isfinite(values)
    return {
        "NaN": int(np.isnan(values).sum()),
        "infinite": int(np.isinf(values).sum()),
        f"not above 0, on a logarithmic {axis} axis": int((values[finite] <= 0).sum()) if log else 0,
    }


def _summed(counts: Sequence[dict[str, int]]) -> list[str]:
    total: dict[str, int] = {}
    for each in counts:
        for why, count in each.items():
            total[why] = total.get(why, 0) + count
    said = ", ".join(f"{count:,} {why}" for why, count in total.items() if count)
    return [f"not drawn: {said}"] if said else []


def draw_bars(figure: Figure, values: Floats, labels: Sequence[str], y: str, scales: Scales) -> list[str]:
    """A bar for each value, from the left; under each its label."""
    width, height = figures.SIZE
    figure.set_size_inches(
        min(max(width, 0.22 * len(values)), figures.WIDEST), height
    )  # labels that can be read, within reason
    axes = figure.subplots()
    places = np.arange(len(values))
    axes.bar(places, values)
    upright = len(labels) > 6 or any(len(label) > 12 for label in labels)
    axes.set_xticks(places, list(map(figures.literal, labels)), rotation=90 if upright else 0)
    axes.set_ylabel(figures.literal(y))
    axes.grid(visible=True, axis="y", alpha=0.3)
    scales.apply(axes)
    return _summed([unseen_values(values, scales.log, "y")])


def draw_points(
    figure: Figure, rows: pd.DataFrame, x: str, y: str, groups: Sequence[str] | None, scales: Scales
) -> list[str]:
    """A mark for each row, in the colour of its group."""
    axes = figure.subplots()
    labels = np.array([""] * len(rows) if groups is None else groups, dtype=object)
    across, up = on_axis(rows[x]), on_axis(rows[y])
    for name, axis, log, argument in ((x, across, scales.log_x, "log_x"), (y, up, scales.log, "log")):
        if log and axis.names:
            raise FilterError(f"{name!r} holds {axis.names[0]!r}, which has no logarithm: leave {argument}= out")
    names = list(dict.fromkeys(labels))
    for name, colour in zip(names, figures.colours(len(names)), strict=True):
        here = labels == name
        axes.scatter(across.places[here], up.places[here], color=colour, label=figures.literal(name))
    across.mark(axes.set_xticks)
    up.mark(axes.set_yticks)
    axes.set_xlabel(figures.literal(x))
    axes.set_ylabel(figures.literal(y))
    figures.grid(axes)
    notes = [] if groups is None else figures.legend(axes, max(len(names), 2))
    scales.apply(axes)
    return notes + _summed([unseen_values(across.places, scales.log_x, "x"), unseen_values(up.places, scales.log, "y")])


def draw_parallel(figure: Figure, rows: pd.DataFrame, columns: Sequence[str]) -> list[str]:
    """A line for each row through an axis for each column, coloured by the last one."""
    axes = figure.subplots()
    several = [on_axis(rows[name]) for name in columns]
    heights = np.array([one.heights for one in several])
    colour: Any = figures.colour_map("viridis")
    for row in range(len(rows)):
        axes.plot(range(len(columns)), heights[:, row], color=colour(heights[-1, row]), linewidth=1.2, alpha=0.8)
    for place, one in enumerate(several):
        axes.axvline(place, color="black", linewidth=0.8)
        for height, text in one.marks():
            axes.annotate(
                figures.literal(text),
                (place, height),
                (3, 0),
                textcoords="offset points",
                fontsize="small",
                va="center",
            )
    axes.set_xticks(range(len(columns)), list(map(figures.literal, columns)), rotation=90 if len(columns) > 8 else 0)
    axes.set_yticks([])
    axes.set_xlim(-0.1, len(columns) - 0.5)
    return _summed([unseen_values(one.places, False, "y") for one in several])


@dataclass(frozen=True)
class OnAxis:
    """Where values lie on an axis: numbers where they are, anything else in order, one step apart, with its name."""

    places: Floats
    names: tuple[str, ...] = ()

    @property
    def heights(self) -> Floats:
        """From 0, the smallest, to 1, the greatest."""
        low, high = self._ends
        return (self.places - low) / (high - low) if high > low else np.where(np.isfinite(self.places), 0.5, np.nan)

    @property
    def _ends(self) -> tuple[float, float]:
        finite = self.places[np.isfinite(self.places)]
        return (float(finite.min()), float(finite.max())) if len(finite) else (0.0, 0.0)

    def marks(self) -> list[tuple[float, str]]:
        """Heights with what to write at them: all names, or the least and the greatest number."""
        low, high = self._ends
        if self.names:
            count = len(self.names)
            return [(place / (count - 1) if count > 1 else 0.5, name) for place, name in enumerate(self.names)]
        return [(0.0, f"{low:.6g}"), (1.0, f"{high:.6g}")] if high > low else [(0.5, f"{low:.6g}")]

    def mark(self, set_ticks: Callable[..., object]) -> None:
        """Name the places of what are no numbers."""
        if self.names:
            set_ticks(range(len(self.names)), list(map(figures.literal, self.names)))


def on_axis(column: pd.Series[Any]) -> OnAxis:
    """Where the values of a column lie."""
    cells: list[Hashable] = column.tolist()
    if all(isinstance(cell, (int, float)) and not isinstance(cell, bool) for cell in cells):
        return OnAxis(np.array(cells, dtype=np.float64))
    texts = [word(cell) for cell in cells]
    names = sorted(set(texts))
    place = {name: number for number, name in enumerate(names)}
    return OnAxis(np.array([place[text] for text in texts], dtype=np.float64), tuple(names))


def word(cell: Any) -> str:
    """A value of the report as a label."""
    return (
        ", ".join(map(str, cell)) if isinstance(cell, list) else f"{cell:.6g}" if isinstance(cell, float) else str(cell)
    )


def numbers_in(column: pd.Series[Any]) -> Floats:
    """The values of a column as numbers. Raises FilterError: they are none."""
    found = on_axis(column)
    if found.names:
        raise FilterError(f"{str(column.name)!r} holds {found.names[0]!r}: the height of a bar is a number")
    return found.places
