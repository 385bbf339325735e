"""What a picture shows: read in one state of the store, then drawn."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, cast
from uuid import UUID

import pandas as pd

from epochal_query import figures, param_paths
from epochal_query.choosing import Choice
from epochal_query.errors import FilterError
from epochal_query.names import Selection, unknown
from epochal_query.plots import (
    Scales,
    automatic_labels,
    draw_bars,
    draw_lines,
    draw_parallel,
    draw_points,
    lines_of,
    numbers_in,
    word,
)
from epochal_query.reading import Reading
from epochal_query.report import build_report
from epochal_query.report_cells import Wanted
from epochal_query.report_columns import HEAD, STATISTICS, TAIL
from epochal_query.result_curves import PrecisionRecall, RocCurves
from epochal_query.result_kinds import Chart
from epochal_query.results import read_result, results_frame
from epochal_query.scope import Scope, param_keys, scope_of
from epochal_query.series import Series, metric_frame

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from epochal._artifacts.artifact import Artifact

Kind = Literal["line", "bar", "scatter", "parallel", "result"]
Columns = str | Sequence[str]


@dataclass(frozen=True)
class Picture:
    """What is asked for: ``what`` and ``x`` are metrics, columns of the report, or a result, as ``kind`` has it."""

    what: Selection
    kind: Kind
    x: str | None
    label: Columns | None
    scales: Scales
    title: str | None
    choice: Choice
    series: Series
    find: Callable[[Reading, str, UUID, Any], Artifact]
    """Finds an artifact of a component by its name and direction."""


_TAKES: dict[str, tuple[str, ...]] = {
    "line": ("x", "label", "log", "log_x", "branch", "max_points"),
    "bar": ("label", "log"),
    "scatter": ("x", "label", "log", "log_x"),
    "parallel": (),
    "result": ("label",),
}
"""Kind to what it takes of the arguments that not all kinds take."""


def _given(asked: Picture) -> list[str]:
    """Which of these were given."""
    given = {
        "x": asked.x is not None,
        "label": asked.label is not None,
        "log": asked.scales.log,
        "log_x": asked.scales.log_x,
        "branch": asked.series.branch is not None,
        "max_points": asked.series.max_points is not None,
    }
    return [name for name, is_given in given.items() if is_given]


def draw(reading: Reading, scope: Scope, asked: Picture) -> Figure:
    """The figure.

    Raises:
        UnknownNameError: a name that nobody ever logged, or a column that the report hasn't.
        FilterError: an argument can't be understood, or doesn't fit the kind.
        NotAvailableError: Matplotlib is not installed.
    """
    kinds = {"line": _lines, "bar": _bars, "scatter": _points, "parallel": _parallel, "result": _results}
    if asked.kind not in kinds:
        raise FilterError(f"kind={asked.kind!r}: accepted are {', '.join(kinds)}")
    if wrong := [name for name in _given(asked) if name not in _TAKES[asked.kind]]:
        accepted = " ".join(f"{name}=" for name in _TAKES[asked.kind]) or "none of the kind"
        raise FilterError(f"kind={asked.kind!r} takes no {wrong[0]}=: leave it out (it takes {accepted})")
    figure = figures.new_figure(asked.title or "")
    notes = kinds[asked.kind](figure, reading, scope, asked)
    figures.say_below(figure, *notes)
    told = reading.attrs
    if notes:
        told = {**told, "remarks": [*cast("list[str]", told.get("remarks", [])), *notes]}
    cast("Any", figure).attrs["epochal"] = told
    return figure


def _lines(figure: Figure, reading: Reading, scope: Scope, asked: Picture) -> list[str]:
    if asked.x not in (None, "step", "time"):
        raise FilterError(f"x={asked.x!r}: a curve is drawn over 'step' or 'time'; a scatter takes any column")
    if asked.x == "time" and asked.scales.log_x:
        raise FilterError("time has no logarithmic axis: leave log_x= out")
    rows = _report(reading, scope, asked, _listed(asked.label))
    if len(rows) and asked.choice != Choice(ranks=asked.choice.ranks):
        scope = scope_of(reading, component=rows["ComponentId"].tolist())
    points = metric_frame(reading, scope, asked.series)
    points = points[points["component"].isin(rows["ComponentId"])]
    shown = rows[rows["ComponentId"].isin(points["component"])]
    labels = _labels(shown, asked.label)
    points = _as_in_report(points, labels)
    metrics = list(dict.fromkeys(points["metric"]))
    x = asked.x or "step"
    notes = draw_lines(
        figure, lines_of(points, labels, x), x, metrics[0] if len(metrics) == 1 else "value", asked.scales
    )
    most = asked.series.max_points
    if most is None:
        return notes
    return [f"at most {most:,} points a series: of every stretch the first, last, smallest and greatest", *notes]


def _bars(figure: Figure, reading: Reading, scope: Scope, asked: Picture) -> list[str]:
    (value,) = _columns(asked, 1)
    rows = _report(reading, scope, asked, [value, *_listed(asked.label)])
    shown, notes = _complete(rows, [value])
    labels = _labels(shown, asked.label)
    height = numbers_in(shown[value])
    return notes + draw_bars(figure, height, [labels[id_] for id_ in shown["ComponentId"]], value, asked.scales)


def _points(figure: Figure, reading: Reading, scope: Scope, asked: Picture) -> list[str]:
    (y,) = _columns(asked, 1)
    if asked.x is None:
        raise FilterError(f"a scatter of {y!r} needs x=, a column of the report, such as a param")
    rows = _report(reading, scope, asked, [asked.x, y, *_listed(asked.label)])
    shown, notes = _complete(rows, [asked.x, y])
    labels = _labels(shown, asked.label) if asked.label else None
    groups = None if labels is None else [labels[id_] for id_ in shown["ComponentId"]]
    return notes + draw_points(figure, shown, asked.x, y, groups, asked.scales)


def _parallel(figure: Figure, reading: Reading, scope: Scope, asked: Picture) -> list[str]:
    columns = _columns(asked, 2)
    shown, notes = _complete(_report(reading, scope, asked, columns), columns)
    return notes + draw_parallel(figure, shown, columns)


def _results(figure: Figure, reading: Reading, scope: Scope, asked: Picture) -> list[str]:
    """The charts of this name, of all components in scope: curves on one pair of axes, others beside one another."""
    (name,) = _columns(asked, 1)
    rows = _report(reading, scope, asked, _listed(asked.label))
    labels = _labels(rows, asked.label)
    every = results_frame(reading, scope)
    found = every[(every["result"] == name) & every["component"].isin(list(labels))]
    found = _as_in_report(found, labels)
    if found.empty:
        raise unknown("result", name, every["result"], f" in {scope.words}")
    artifacts = [
        asked.find(reading, name, UUID(component), direction)
        for component, direction in found[["component", "direction"]].itertuples(index=False, name=None)
    ]
    several = [read_result(artifact, reading.attrs) for artifact in artifacts]
    charts = [one for one in several if isinstance(one, Chart)]
    if len(charts) < len(several):
        raise FilterError(f"{name!r} is no chart: store.result({name!r}) has it as it is")
    words = [labels[id_] for id_ in found["component"]] if len(charts) > 1 else [""]
    if all(isinstance(chart, (RocCurves, PrecisionRecall)) for chart in charts):
        axes = figure.subplots()
        for chart, word in zip(charts, words, strict=True):
            chart.plot(axes, label=word)
        if len(charts) > 1:
            axes.set_title(figures.literal(name))
        return []
    width = min(len(charts), 3)
    height = -(-len(charts) // width)
    figure.set_size_inches(figures.SIZE[0], figures.SIZE[1] * height)
    cells = list(figure.subplots(height, width, squeeze=False).flat)
    for chart, word, axes in zip(charts, words, cells, strict=False):
        chart.plot(axes, label=word)
    for axes in cells[len(charts) :]:
        axes.set_axis_off()
    return []


def _as_in_report(rows: pd.DataFrame, labels: Mapping[str, str]) -> pd.DataFrame:
    """Rows about components in the order of the report, and not that of ids or times."""
    place = {id_: number for number, id_ in enumerate(labels)}
    return rows.sort_values("component", key=lambda column: column.map(place), kind="stable")


def _columns(asked: Picture, least: int) -> list[str]:
    """What is drawn, where that are columns of the report or a result."""
    if isinstance(asked.what, (str, list, tuple)):
        found = _listed(cast("Columns", asked.what))
        if all(isinstance(name, str) for name in found) and (len(found) == 1 if least == 1 else len(found) >= least):  # pyright: ignore[reportUnnecessaryIsInstance]
            return found
    number = "one column of the report" if least == 1 else f"a list of {least} or more columns of the report"
    number = "the name of one result" if asked.kind == "result" else number
    raise FilterError(f"kind={asked.kind!r} draws {number}, such as 'loss - Last'; got {asked.what!r}")


def _listed(columns: Columns | None) -> list[str]:
    return [] if columns is None else [columns] if isinstance(columns, str) else list(columns)


def _report(reading: Reading, scope: Scope, asked: Picture, columns: Sequence[str]) -> pd.DataFrame:
    """The report with these columns, and with what labels are made of.

    Raises:
        UnknownNameError: nobody ever logged what a column is about.
    """
    several = [name for name in dict.fromkeys(columns) if name not in {*HEAD, *TAIL}]
    keys = {param_paths.shown(key) for key in param_keys(*scope.naming(reading))} if several else set[str]()
    metrics, params, artifacts = list[str](), list[str](), list[str | re.Pattern[str]]()
    for name in several:
        (metric, stat), (artifact, word) = _parted(name, STATISTICS.values()), _parted(name, ("MediaType", "Value"))
        if stat:
            metrics.append(metric)
        elif name in keys or not word:
            params.append(name if name in keys else name.removeprefix("params."))
        else:
            bare = re.sub(r" \((in|out)\)$", "", artifact)
            either = re.compile(f"{re.escape(bare)}|{re.escape(artifact)}")
            artifacts.append(artifact if bare == artifact else either)
    wanted = Wanted(metrics, params, artifacts, asked.choice.ranks, False)
    frame = build_report(reading, scope, wanted, asked.choice)
    if missing := [name for name in columns if name not in frame]:
        raise unknown("column", missing[0], map(str, frame.columns), " in the report")
    return frame


def _parted(column: str, words: Collection[str]) -> tuple[str, str]:
    """What a column is about, and which of these words of it; empty texts where it is none."""
    name, _, word = column.rpartition(" - ")
    return (name, word) if name and word in words else ("", "")


def _complete(rows: pd.DataFrame, columns: Sequence[str]) -> tuple[pd.DataFrame, list[str]]:
    """The rows that have a value in each of the columns, and how many haven't."""
    whole = rows[list(columns)].notna().all(axis=1)
    without = int((~whole).sum())
    note = f"not drawn: {without:,} components without {' or '.join(columns)}"
    return rows[whole], [note] if without else []


def _labels(rows: pd.DataFrame, by: Columns | None) -> dict[str, str]:
    """Component to what it is called: the values of these columns, or what tells it from the others."""
    columns = _listed(by)
    if columns:
        cells = [rows[name].tolist() for name in columns]
        return dict(
            zip(rows["ComponentId"], [", ".join(map(word, row)) for row in zip(*cells, strict=True)], strict=True)
        )
    trials = [", ".join(names) for names in rows["Trials"]]
    names = [display or name for display, name in zip(rows["DisplayName"], rows["Name"], strict=True)]
    return automatic_labels(dict(zip(rows["ComponentId"], zip(trials, names, strict=True), strict=True)))
