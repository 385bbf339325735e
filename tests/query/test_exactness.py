"""Reads are exact at size: no sampling, no limit of rows that nobody asked for."""

from __future__ import annotations

from uuid import uuid4

import numpy as np
import pytest
from query.conftest import Bare

COMPONENTS = 20_000
POINTS = 1_000_000


@pytest.mark.slow
def test_twenty_thousand_components_give_as_many_rows(bare: Bare) -> None:
    """Each with its own params and statistics, in a report, a filtered one, and a list."""
    log = bare.log("many")
    trial = log.trial(log.experiment("many"), {})
    writer, known = uuid4(), [uuid4() for _ in range(COMPONENTS)]
    for n, component in enumerate(known):
        log.say("component.created", writer, component=component, key=str(n), name=f"c{n:05}", kind="training")
        log.say("component.attached", writer, component=component, trial=trial)
        log.say("params.logged", writer, component=component, cells=[[["n"], n], [["half"], n / 2]])
    series = uuid4()
    for n, component in enumerate(known):
        log.points(component, series, {"m": [(0.0, float(n)), (1.0, n + 0.5)]})
    log.flush()
    store = bare.open("many")
    frame = store.report("many")
    assert len(frame) == COMPONENTS
    assert frame["ComponentId"].nunique() == COMPONENTS
    assert list(frame["n"]) == list(range(COMPONENTS))
    assert list(frame["half"]) == [n / 2 for n in range(COMPONENTS)]
    assert list(frame["m - Last"]) == [n + 0.5 for n in range(COMPONENTS)]
    assert frame["m - Count"].sum() == 2 * COMPONENTS
    some = store.report("many", where="params.n >= 5000 and metrics.m.last < 15000", order_by="params.n desc")
    assert list(some["n"]) == list(range(14_999, 4_999, -1))
    assert len(store.components(experiment="many")) == COMPONENTS
    assert len(store.metrics(experiment="many", metric="m")) == 2 * COMPONENTS


@pytest.mark.slow
def test_a_series_of_a_million_points_gives_a_million(bare: Bare) -> None:
    """Every value, bit for bit; and for a chart the one spike among them."""
    log = bare.log("long")
    trial = log.trial(log.experiment("long"), {})
    values = np.random.default_rng(3).normal(size=POINTS)
    values[654_321] = 1e6
    run = log.run([trial], metrics={"m": list(zip(range(POINTS), values.tolist(), strict=True))})
    log.flush()
    store = bare.open("long")
    frame = store.metrics(component=run, metric="m")
    assert len(frame) == POINTS
    assert frame["value"].to_numpy().tobytes() == values.tobytes()
    assert (frame["step"].to_numpy() == np.arange(POINTS)).all()
    chart = store.metrics(component=run, metric="m", max_points=1000)
    assert len(chart) <= 1000
    assert 654_321 in set(chart["step"])
    assert store.report("long")["m - Count"][0] == POINTS
