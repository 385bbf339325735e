"""Pictures hold the data that they should, and say what they don't show."""

from __future__ import annotations

import io
import math
import pickle
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import numpy as np
import pandas as pd
import pytest
from query.conftest import Bare
from results.axes import axes_of

from epochal_query.errors import FilterError, UnknownNameError
from epochal_query.plots import automatic_labels, on_axis
from epochal_query.store import Store

TRIALS = [f"model={model}, optimizer={optimizer}" for model in ("custom", "resnet") for optimizer in ("adam", "sgd")]
"""In the order of creation."""


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bare]:
    """A store of this file's own."""
    found = Bare(tmp_path_factory.mktemp("plot"))
    yield found
    found.end()


@pytest.fixture(scope="module")
def store(bare: Bare) -> Store:
    """Four trainings, in trials of their own, and a component of metadata without metrics."""
    log = bare.log("plots")
    experiment = log.experiment("plots")
    log.run([log.trial(experiment, {"meta": 1})], "metadata", kind="metadata")
    for number, (model, optimizer) in enumerate((m, o) for m in ("custom", "resnet") for o in ("adam", "sgd")):
        trial = log.trial(experiment, {"model": model, "optimizer": optimizer})
        params = {"model": model, "optimizer": optimizer, "lr": 10.0**-number}
        points = [(float(step), math.exp(-step) + number) for step in range(5)]
        log.run([trial], params=params, metrics={"loss": points, "acc": [(0.0, 0.5), (1.0, 0.5 + number / 10)]})
    odd = [(0.0, 1.0), (1.0, math.nan), (2.0, math.inf), (3.0, -1.0), (4.0, 0.5)]
    long = [(float(step), math.sin(step)) for step in range(1000)]
    log.run([], "odd", metrics={"odd": odd, "long": long})
    log.flush()
    return bare.open("plots")


@pytest.fixture(scope="module")
def odd(bare: Bare) -> Store:
    """Sixty components whose names Matplotlib would take for something else."""
    log = bare.log("odd")
    for number in range(60):
        cells = [[["params", "lr"], number / 10], [["loss - Value"], number], [["price"], "$5 to $6"]]
        found = log.run([], f"_$x_{number}$", cells=cells, metrics={"_$y$": [(0.0, 1.0), (1.0, number + 1.0)]})
        for name, way in (("m", "out"), ("both", "in"), ("both", "out")):
            said: dict[str, Any] = {"direction": way, "uri": f"file:///{name}{number % 2}", "media_type": "text/csv"}
            log.say("artifact.logged", uuid4(), component=found, name=name, **said)
    log.flush()
    return bare.open("odd")


def ydata(line: Any) -> list[float]:
    """The heights of a line."""
    found: list[float] = line.get_ydata().tolist()
    return found


def labels(axes: Any) -> list[str]:
    """The names in its legend."""
    return [text.get_text() for text in axes.get_legend().get_texts()]


def below(figure: Any) -> str:
    """What is said below a figure."""
    return figure.get_supxlabel()  # type: ignore[no-any-return]


def test_a_curve_for_each_component(store: Store) -> None:
    """Every point, named by trial; nothing is said below as nothing is left out."""
    figure = store.plot("loss", experiment="plots", title="All")
    (axes,) = axes_of(figure)
    assert len(axes.lines) == 4
    points = store.metrics(metric="loss")
    for line, trial in zip(axes.lines, TRIALS, strict=True):
        series = points[points["trial"] == trial]
        assert ydata(line) == series["value"].tolist()
        assert line.get_xdata().tolist() == series["step"].tolist()
    assert labels(axes) == TRIALS
    assert (axes.get_xlabel(), axes.get_ylabel(), figure.get_suptitle()) == ("step", "loss", "All")
    assert below(figure) == ""
    told: Any = figure
    assert told.attrs["epochal"]["watermark"] == store.last_watermark


@pytest.mark.long
def test_components_are_chosen_ordered_and_named_as_in_a_report(store: Store) -> None:
    """By filter, order, limit and columns of the report."""
    figure = store.plot(
        ["loss"], experiment="plots", where="params.lr <= 0.1", order_by="params.lr", limit=2, label=["model", "lr"]
    )
    (axes,) = axes_of(figure)
    assert labels(axes) == ["resnet, 0.001", "resnet, 0.01"]
    assert ydata(axes.lines[0])[0] == 4.0
    some = store.report("plots", where="params.lr < 1")["ComponentId"].tolist()
    figure = store.plot("acc", component=some, order_by="params.lr desc", label=["model", "optimizer", "Trials"])
    assert labels(axes_of(figure)[0])[2] == "resnet, sgd, model=resnet, optimizer=sgd"
    assert len(axes_of(store.plot("loss", where="params.lr < 0.0001"))[0].lines) == 0


def test_several_metrics_of_one_component(store: Store) -> None:
    """Named by metric; time can be the axis."""
    one = str(store.report("plots", where="params.lr = 1")["ComponentId"].item())
    figure = store.component(one).plot(["loss", "acc"], x="time")
    (axes,) = axes_of(figure)
    assert labels(axes) == ["acc", "loss"]
    assert axes.get_ylabel() == "value"
    assert axes.get_xlabel() == "time"


def test_what_is_not_drawn_is_said(store: Store) -> None:
    """NaN, infinities, and on a logarithmic axis what isn't above 0; points left out where that was asked for."""
    figure = store.plot("odd")
    assert below(figure) == "not drawn: 1 NaN, 1 infinite"
    assert axes_of(figure)[0].lines[0].get_marker() == "."
    figure = store.plot("odd", log=True)
    assert below(figure) == "not drawn: 1 NaN, 1 infinite, 1 not above 0, on a logarithmic y axis"
    assert axes_of(figure)[0].get_yscale() == "log"
    told: Any = figure
    assert told.attrs["epochal"]["remarks"] == [below(figure)]
    assert below(store.plot("odd", log_x=True)).endswith("1 not above 0, on a logarithmic x axis")
    whole, few = store.plot("long"), store.plot("long", max_points=50)
    assert len(ydata(axes_of(whole)[0].lines[0])) == 1000
    assert len(ydata(axes_of(few)[0].lines[0])) <= 50
    assert max(ydata(axes_of(few)[0].lines[0])) == max(ydata(axes_of(whole)[0].lines[0]))
    assert below(few).startswith("at most 50 points a series")
    assert below(whole) == ""


def test_bars(store: Store) -> None:
    """Step 5 of the article: model and optimizer against the last accuracy, best first; metadata has no bar."""
    figure = store.plot(
        "acc - Last",
        "bar",
        experiment="plots",
        label=["model", "optimizer"],
        order_by="metrics.acc.last desc",
    )
    (axes,) = axes_of(figure)
    assert [bar.get_height() for bar in axes.patches] == pytest.approx([0.8, 0.7, 0.6, 0.5], abs=1e-15)
    names = [text.get_text() for text in axes.get_xticklabels()]
    assert names == ["resnet, sgd", "resnet, adam", "custom, sgd", "custom, adam"]
    assert below(figure) == "not drawn: 1 components without acc - Last"


def test_points(store: Store) -> None:
    """A param against a statistic, coloured by a column; text has places of its own."""
    figure = store.plot("acc - Max", "scatter", x="lr", label="model", log_x=True, experiment="plots")
    (axes,) = axes_of(figure)
    assert [collection.get_offsets().tolist() for collection in axes.collections] == [
        [[1.0, 0.5], [0.1, 0.6]],
        [[0.01, 0.7], [0.001, 0.8]],
    ]
    assert labels(axes) == ["custom", "resnet"]
    assert axes.get_xscale() == "log"
    figure = store.plot("loss - Min", "scatter", x="optimizer", experiment="plots")
    assert [text.get_text() for text in axes_of(figure)[0].get_xticklabels()] == ["adam", "sgd"]
    assert [x for x, _ in axes_of(figure)[0].collections[0].get_offsets().tolist()] == [0, 1, 0, 1]


def test_parallel_coordinates(store: Store) -> None:
    """A line a component through every column, each from its least to its greatest value."""
    figure = store.plot(["optimizer", "lr", "acc - Last"], "parallel", experiment="plots")
    (axes,) = axes_of(figure)
    ways = [ydata(line) for line in axes.lines[:4]]
    assert [way[0] for way in ways] == [0, 1, 0, 1]
    assert [way[1] for way in ways] == pytest.approx([1, (0.1 - 0.001) / 0.999, (0.01 - 0.001) / 0.999, 0])
    assert [way[2] for way in ways] == pytest.approx([0, 1 / 3, 2 / 3, 1])
    assert [text.get_text() for text in axes.get_xticklabels()] == ["optimizer", "lr", "acc - Last"]
    written = [text.get_text() for text in axes.texts]
    assert written[:4] == ["adam", "sgd", "0.001", "1"]


def test_names_are_shown_as_they_are(odd: Store) -> None:
    """No mathematics, and none is left out of a legend; the figure can be saved."""
    figure = odd.plot("_$y$", limit=3)
    shown: Any = figure
    assert shown._repr_png_().startswith(b"\x89PNG")
    names = [name.removeprefix("\u200b").replace("\\$", "$") for name in labels(axes_of(figure)[0])]
    assert names == ["_$x_0$", "_$x_1$", "_$x_2$"]
    for kind, x in (("bar", None), ("scatter", "price")):
        more: Any = odd.plot("_$y$ - Last", kind, x=x, label="price", limit=3)  # type: ignore[arg-type]
        assert more._repr_png_().startswith(b"\x89PNG")
    most: Any = odd.plot(["price", "_$y$ - Last"], "parallel")
    assert most._repr_png_().startswith(b"\x89PNG")


def test_names_beside_many_curves_leave_room_for_them(odd: Store) -> None:
    """The figure is larger for them; of more than fifty there are none, which is said."""
    few, many, all_ = (odd.plot("_$y$", limit=count) for count in (2, 50, None))
    shapes = []
    for figure in (few, many, all_):
        whole: Any = figure
        whole.savefig(io.BytesIO())
        shapes.append(axes_of(figure)[0].get_position().size * whole.get_size_inches())
    for shape in shapes:
        assert (shape > 0.9 * np.array([4.0, 3.5])).all()
    assert len(labels(axes_of(many)[0])) == 50
    assert below(many) == ""
    assert axes_of(all_)[0].get_legend() is None
    assert below(all_).startswith("not named: 60 in colours of their own")
    assert len(axes_of(all_)[0].lines) == 60


def test_every_column_of_the_report_can_be_drawn(odd: Store) -> None:
    """Params whose keys begin with "params." or end as artifacts do, and artifacts."""
    report = odd.report()
    for column in ("params.lr", "loss - Value"):
        figure = odd.plot(column, "bar")
        assert [bar.get_height() for bar in axes_of(figure)[0].patches] == report[column].tolist()
    figure = odd.plot("params.lr", "scatter", x="_$y$ - Last", label=["m - Value", "m - MediaType"])
    assert labels(axes_of(figure)[0]) == ["file:///m0, text/csv", "file:///m1, text/csv"]
    figure = odd.plot("params.lr", "bar", label="both (in) - Value", limit=2)
    assert [text.get_text() for text in axes_of(figure)[0].get_xticklabels()] == ["file:///both0", "file:///both1"]
    with pytest.raises(UnknownNameError, match="'mm'"):
        odd.plot("params.lr", "bar", label="mm - Value")


def test_a_figure_can_be_pickled(store: Store) -> None:
    """So that a process can send it to another; it still says where in both times it was read."""
    figure: Any = store.plot("loss")
    found = pickle.loads(pickle.dumps(figure))
    assert found.attrs == figure.attrs
    assert found._repr_png_().startswith(b"\x89PNG")


def test_a_picture_is_saved_and_shown_without_a_screen(store: Store, tmp_path: Path) -> None:
    """As what the name's ending says; pyplot and its global state are never loaded; a notebook gets a PNG."""
    figure = store.plot("loss", path=tmp_path / "loss.png")
    assert (tmp_path / "loss.png").read_bytes().startswith(b"\x89PNG")
    store.plot("loss", path=str(tmp_path / "loss.svg"))
    assert b"<svg" in (tmp_path / "loss.svg").read_bytes()
    shown: Any = figure
    assert shown._repr_png_().startswith(b"\x89PNG")
    assert "matplotlib.pyplot" not in sys.modules
    with pytest.raises(FilterError, match=r"nothing.xyz"):
        store.plot("loss", path=tmp_path / "nothing.xyz")


def test_the_past(store: Store) -> None:
    """as_of as in every read."""
    assert len(axes_of(store.plot("loss", as_of="2000-01-01"))[0].lines) == 0


WRONG: dict[str, tuple[dict[str, Any], type[Exception], str]] = {
    "kind": ({"what": "loss", "kind": "pie"}, FilterError, "kind='pie': accepted are line, bar"),
    "metric": ({"what": "los"}, UnknownNameError, "near: 'loss'"),
    "x of a line": ({"what": "loss", "x": "lr"}, FilterError, "'step' or 'time'"),
    "statistic": ({"what": "los - Last", "kind": "bar"}, UnknownNameError, "near: 'loss'"),
    "column": ({"what": "modle", "kind": "bar"}, UnknownNameError, "near: 'model'"),
    "text as height": ({"what": "model", "kind": "bar"}, FilterError, "'model' holds 'custom'"),
    "two bars": ({"what": ["acc - Last", "lr"], "kind": "bar"}, FilterError, "one column of the report"),
    "scatter without x": ({"what": "acc - Last", "kind": "scatter"}, FilterError, "needs x="),
    "one coordinate": ({"what": "lr", "kind": "parallel"}, FilterError, "a list of 2 or more columns"),
    "logarithmic coordinates": ({"what": ["lr", "acc - Last"], "kind": "parallel", "log": True}, FilterError, "log="),
    "coordinates with labels": (
        {"what": ["lr", "acc - Last"], "kind": "parallel", "label": "lr"},
        FilterError,
        "label=",
    ),
    "coordinates over one": ({"what": ["lr", "acc - Last"], "kind": "parallel", "x": "lr"}, FilterError, "takes no x="),
    "bars over a column": ({"what": "acc - Last", "kind": "bar", "x": "lr"}, FilterError, "it takes label= log="),
    "bars on a logarithm": ({"what": "acc - Last", "kind": "bar", "log_x": True}, FilterError, "takes no log_x="),
    "logarithmic result": ({"what": "roc", "kind": "result", "log": True}, FilterError, "takes no log="),
    "result over a column": ({"what": "roc", "kind": "result", "x": "lr"}, FilterError, "takes no x="),
    "logarithm of text": (
        {"what": "acc - Last", "kind": "scatter", "x": "model", "log_x": True},
        FilterError,
        "'model' holds 'custom', which has no logarithm: leave log_x= out",
    ),
    "points of bars": ({"what": "acc - Last", "kind": "bar", "max_points": 50}, FilterError, "max_points="),
    "filter": ({"what": "loss", "where": "params.zzz = 1"}, UnknownNameError, "zzz"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_can_not_be_drawn(name: str, store: Store) -> None:
    """Each error has the value and what is accepted."""
    given, error, text = WRONG[name]
    with pytest.raises(error) as raised:
        store.plot(experiment="plots", **given)
    assert text in str(raised.value)


def test_names_that_tell_apart() -> None:
    """Trials, else names, else both, else the end of the id as well."""
    assert automatic_labels({"1": ("", "a")}) == {"1": "a"}
    assert automatic_labels({"1": ("t", "a"), "2": ("u", "a")}) == {"1": "t", "2": "u"}
    assert automatic_labels({"1": ("t", "a"), "2": ("t", "b")}) == {"1": "a", "2": "b"}
    assert automatic_labels({"1": ("t", "a"), "2": ("t", "b"), "3": ("u", "a")})["3"] == "u, a"
    twins = automatic_labels({"x-00000001": ("t", "a"), "x-00000002": ("t", "a")})
    assert twins == {"x-00000001": "t 00000001", "x-00000002": "t 00000002"}


def test_places_on_an_axis() -> None:
    """Numbers are where they are, bools and texts one beside the other."""
    assert on_axis(pd.Series([1, 2.5])).places.tolist() == [1.0, 2.5]
    assert on_axis(pd.Series([True, False, True])).names == ("False", "True")
    alone = on_axis(pd.Series([3.0]))
    assert alone.heights.tolist() == [0.5]
    assert alone.marks() == [(0.5, "3")]
    assert np.isnan(on_axis(pd.Series([math.nan, 1.0, 2.0])).heights[0])
