"""Reads at a past instant equal what was recorded at that instant, in both senses."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta
from typing import Any, cast
from uuid import uuid4

import pandas as pd
import pytest
from query.conftest import Bare
from query.workload import EXPERIMENT, Truth, Workload, instants
from query.written import START

from epochal_query.store import Store

PARAMS = ("lr", "depth", "model")
TAGS = """SELECT toString(entity) AS component, tag FROM tags_at(as_of = {as_of:String}, known_at = {known_at:String})
          WHERE project = {project:String}"""


def state(store: Store, **at: Any) -> dict[str, Truth]:
    """Everything that the store shows of the workload."""
    report = store.report(EXPERIMENT, **at)
    found = {row["ComponentId"]: Truth(status=row["Status"]) for _, row in report.iterrows()}
    for _, row in report.iterrows():
        found[row["ComponentId"]].params = {key: row[key] for key in PARAMS if key in row and not pd.isna(row[key])}
    for component, tag in store.sql(TAGS, {"project": store.project}, **at).itertuples(index=False):
        if component in found:  # that it belongs to a trial may come later
            found[component].tags.add(tag)
    points = store.metrics(experiment=EXPERIMENT, **at)
    for key, line in points.groupby(["component", "metric"]):
        component, metric = map(str, cast("tuple[str, str]", key))
        found[component].points[metric] = dict(zip(line["step"], line["value"], strict=True))
        row = report[report["ComponentId"] == component].iloc[0]
        values = line["value"]
        assert row[f"{metric} - Count"] == len(line)
        assert (row[f"{metric} - Min"], row[f"{metric} - Max"]) == (values.min(), values.max())
        assert row[f"{metric} - Last"] == values.iloc[-1]
    return found


def travel(bare: Bare, seed: int, acts: int, count: int) -> None:
    """Record at so many instants of a workload of so many acts; at its end, go back to each."""
    project = f"workload-{seed}-{uuid.uuid4()}"
    work, store = Workload(bare.writer, project, seed), bare.open(project)
    recorded: list[tuple[datetime, dict[str, Truth], dict[str, int], dict[str, Truth]]] = []
    moments = set(instants(seed, acts, count))
    for act in range(acts):
        work.act()
        if act in moments or not act % 10:
            said = work.recorded()
            when = work.deliver()
            if act in moments:
                recorded.append((when, said, work.watermark, state(store)))
    work.deliver(everything=True)
    late = 0
    for when, said, watermark, known in recorded:
        assert shown(state(store, as_of=when)) == shown(said), f"as of {when}, seed {seed}"
        assert state(store, known_at=watermark) == known, f"known at {watermark}, seed {seed}"
        assert shown(state(store, known_at=when), status=False) == shown(known, status=False), f"known at {when}"
        late += shown(said) != shown(known)
    assert late > count // 2, "what is known lags behind what is true, else this tells nothing"


def shown(states: dict[str, Truth], *, status: bool = True) -> dict[str, Any]:
    """What to compare: a line with no points isn't there, and a status depends on the instant that it is seen from."""
    return {
        component: (one.params, one.tags, {k: v for k, v in one.points.items() if v}, status and one.status)
        for component, one in states.items()
    }


@pytest.mark.long
def test_any_instant_equals_its_recording(bare: Bare) -> None:
    """Twenty writers in turns; what they say comes late, twice and out of order."""
    travel(bare, 1, acts=250, count=4)


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_two_hundred_instants_equal_their_recordings(bare: Bare) -> None:
    """As above, for longer."""
    travel(bare, 2, acts=3000, count=200)


def test_a_rank_that_was_offline_for_two_hours(bare: Bare) -> None:
    """What it logged meanwhile was true then, though nobody knew it; both stay so, whatever comes later."""
    log = bare.log("offline")
    run, writer = log.run([log.trial(log.experiment("offline"), {})], status=None), uuid4()
    left, back = START + timedelta(hours=1), START + timedelta(hours=3)
    for half_hour in range(4):
        log.now = left + timedelta(minutes=30 * half_hour)
        log.points(run, writer, {"loss": [(half_hour, half_hour)]}, recorded=back)
    log.now = back
    for _ in range(2):
        log.tick(3600)
        log.points(run, uuid4(), {"acc": [(log.now.hour, 1.0)]})
        log.flush()
        store, halfway = bare.open("offline"), left + timedelta(hours=1)
        lines = {
            "then": store.metrics(component=run, metric="loss", as_of=halfway),
            "known then": store.metrics(component=run, metric="loss", known_at=halfway),
            "both": store.metrics(component=run, metric="loss", as_of=halfway, known_at=halfway),
            "then, as known later": store.metrics(component=run, metric="loss", as_of=halfway, known_at=log.now),
            "now": store.metrics(component=run, metric="loss"),
        }
        assert {name: list(line["value"]) for name, line in lines.items()} == {
            "then": [0, 1, 2],
            "known then": [],
            "both": [],
            "then, as known later": [0, 1, 2],
            "now": [0, 1, 2, 3],
        }
