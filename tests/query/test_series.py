"""Metric series: every point, or for a chart so few that no spike is hidden."""

from __future__ import annotations

import math
import re
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from query.conftest import Bare

from epochal._ids import uuid7
from epochal_query.errors import FilterError, UnknownNameError
from epochal_query.store import Store
from epochal_storage.schemas import SCHEMAS

COLUMNS = ["component", "name", "trial", "experiment", "metric", "rank", "step", "value", "time"]


@pytest.fixture(scope="module")
def run(bare: Bare) -> str:
    """A component with a long series, a short one, and system metrics; in two trials."""
    log = bare.log("series")
    experiment = log.experiment("series")
    trials = [log.trial(experiment, {"n": n}) for n in range(2)]
    dice = np.random.default_rng(7)
    noisy = dice.normal(size=20_000)
    noisy[[777, 12_345]] = [1e9, -1e9]
    noisy[15_000] = math.nan
    long = [(float(step), float(value)) for step, value in enumerate(noisy)]
    short = [(0.0, math.nan), (0.5, math.inf), (1.0, -0.0), (2.0, 5e-324)]
    found = log.run(trials, metrics={"long": long, "short": short, "sys/cpu": [(0.0, 1.0)]})
    whole = [(float(step), float(value)) for step, value in enumerate(np.round(noisy * 4) / 4) if value == value]
    log.run([trials[0]], "other", metrics={"short": [(3.0, 4.0)], "whole": whole})
    log.flush()
    return str(found)


@pytest.fixture(scope="module")
def store(bare: Bare, run: str) -> Store:
    """The store that holds them."""
    return bare.open("series")


def test_every_point_bit_for_bit(store: Store, run: str) -> None:
    """NaN, infinities, the sign of zero and the smallest number; ordered by series, then step."""
    frame = store.metrics(component=run)
    assert list(frame.columns) == COLUMNS
    assert list(dict.fromkeys(frame["metric"])) == ["long", "short"]
    short = frame[frame["metric"] == "short"]
    assert list(short["step"]) == [0.0, 0.5, 1.0, 2.0]
    expected = np.array([math.nan, math.inf, -0.0, 5e-324])
    assert short["value"].to_numpy().tobytes() == expected.tobytes()
    assert len(frame) == 20_004
    assert str(frame["time"].dtype).endswith("UTC]")


def test_what_a_point_belongs_to(store: Store, run: str) -> None:
    """Each point once, however many trials its component is in."""
    frame = store.metrics(experiment="series", metric="short")
    assert len(frame) == 5
    mine = frame[frame["component"] == run].iloc[0]
    assert (mine["name"], mine["trial"], mine["experiment"]) == ("training", "n=0, n=1", "series")
    assert list(store.metrics(trial="n=0", metric=["short"])["name"].unique()) in (
        ["training", "other"],
        ["other", "training"],
    )
    assert set(store.metrics(component="other")["trial"]) == {"n=0"}


def test_choosing_metrics(store: Store, run: str) -> None:
    """System metrics only by name; patterns on whole names; unknown ones are errors with near names."""
    assert list(store.metrics(component=run, metric="sys/cpu")["value"]) == [1.0]
    assert set(store.metrics(component=run, metric=re.compile("sh.*"))["metric"]) == {"short"}
    assert len(store.metrics(component=run, metric=[])) == 0
    with pytest.raises(UnknownNameError, match="'short'"):
        store.metrics(component=run, metric="shrot")


@pytest.mark.parametrize("max_points", [5, 50, 999])
def test_a_chart_hides_no_spike(store: Store, run: str, max_points: int) -> None:
    """At most so many points, all of them real; the extremes, the ends and the NaN are among them."""
    every = store.metrics(component=run, metric="long")
    few = store.metrics(component=run, metric="long", max_points=max_points)
    assert len(few) <= max_points
    assert few["step"].is_monotonic_increasing
    values = dict(zip(every["step"], every["value"], strict=True))
    for step, value in zip(few["step"], few["value"], strict=True):
        assert values[step] == value or (math.isnan(value) and math.isnan(values[step]))
    assert {0.0, 19_999.0, 777.0, 12_345.0, 15_000.0} <= set(few["step"])
    assert few.attrs["epochal"]["max_points"] == max_points
    assert len(store.metrics(component=run, metric="short", max_points=max_points)) <= 4


@pytest.mark.parametrize("metric", ["long", "whole"])
def test_each_stretch_keeps_its_ends_and_extremes(store: Store, metric: str) -> None:
    """Every tenth of the series has its first, last, smallest and greatest point and a NaN in the chart; of several
    equal ones the first; and nothing else.
    """
    every = store.metrics(experiment="series", metric=metric)
    few = store.metrics(experiment="series", metric=metric, max_points=50)
    edges = np.floor(every["step"].to_numpy() / 19_999 * 10).clip(0, 9)
    shown: set[float] = set()
    for stretch in range(10):
        part = every[edges == stretch].set_index("step")["value"]
        shown |= {part.index[0], part.index[-1], part.idxmin(), part.idxmax(), *part.index[part.isna()][:1]}
    assert few["step"].tolist() == sorted(shown)
    assert few["time"].tolist() == every.set_index("step")["time"].loc[sorted(shown)].tolist()


def test_short_series_are_whole(store: Store, run: str) -> None:
    """A series that fits is not thinned out."""
    assert len(store.metrics(component=run, metric="short", max_points=6)) == 4


def test_points_that_are_stored_twice_count_once(bare: Bare) -> None:
    """The first copy, in a series and in a chart, whatever a later one says."""
    log = bare.log("copies")
    run = str(log.run([], metrics={"m": [(float(step), float(step % 7)) for step in range(5_000)]}))
    log.flush()
    store = bare.open("copies")
    bare.writer.command("SYSTEM STOP MERGES metrics")
    once = store.metrics(component=run, metric="m"), store.metrics(component=run, metric="m", max_points=50)
    rows = bare.writer.query_arrow("SELECT * FROM metrics WHERE project = 'copies'").cast(SCHEMAS["metrics"])
    copies = rows.slice(1_000, 100)
    offsets, times = (copies[name].to_numpy() for name in ("offset", "recorded_at"))
    later = {"value": np.full(100, 1e9), "offset": offsets + 1, "recorded_at": times + np.timedelta64(1, "us")}
    for name, values in later.items():
        place = copies.column_names.index(name)
        copies = copies.set_column(place, copies.field(name), pa.array(values, copies.field(name).type))
    bare.writer.insert("metrics", copies)
    bare.writer.command("SYSTEM START MERGES metrics")
    assert len(store.sql("SELECT 1 FROM metrics WHERE component = {id:UUID}", {"id": run})) == 5_100
    pd.testing.assert_frame_equal(store.metrics(component=run, metric="m"), once[0])
    pd.testing.assert_frame_equal(store.metrics(component=run, metric="m", max_points=50), once[1])


@pytest.mark.parametrize("metric", ["long", "never", None, re.compile("l.*"), ["long", "short"]])
def test_a_component_that_is_not_there_is_named(store: Store, metric: Any) -> None:
    """By an id that nobody ever had, whatever else is asked for."""
    nobody = "01890a5d-ac96-774b-bcce-b302099a8057"
    with pytest.raises(UnknownNameError, match=f"component.*{nobody}"):
        store.metrics(component=nobody, metric=metric)


def test_a_component_that_was_deleted_is_not_there(bare: Bare) -> None:
    """Its points are, in the table."""
    log = bare.log("removed")
    gone = log.run([], metrics={"m": [(0.0, 1.0)]})
    log.say("entity.deleted", uuid7(), kind="component", entity=gone, abandoned=[])
    log.flush()
    store = bare.open("removed")
    assert len(store.sql("SELECT 1 FROM metrics WHERE component = {id:UUID}", {"id": gone})) == 1
    for metric in ("m", None):
        with pytest.raises(UnknownNameError, match=str(gone)):
            store.metrics(component=gone, metric=metric)


@pytest.mark.parametrize("max_points", [0, 4, -1, 2.5, "10", True])
def test_max_points_is_checked(store: Store, run: str, max_points: Any) -> None:
    """A whole number from 5 on."""
    with pytest.raises(FilterError, match="max_points"):
        store.metrics(component=run, metric="long", max_points=max_points)
