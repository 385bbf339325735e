"""Repairs where a reader knows something of the series: fewer questions, the same answers as the law."""

from __future__ import annotations

import random
import uuid
from collections import Counter, defaultdict
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest
from reference_fold import Bounds, Fold, LoggedEvent, LoggedPoint, Stamp, summarize
from views.engine_of_tests import TestEngine
from views.showing import folded_points, points
from views.taking_in import take_in
from views.test_history import reading_at
from views.test_law import LATER_US, bounds_of, different
from views.test_readings import REPAIRS, plain
from views.worlds import BASE_US, LOGS, NAMES, World, world

from epochal.contract import EVENT_TYPES, Envelope
from epochal_query.reading import Reading, at, block
from epochal_query.scope import Scope
from epochal_query.tidiness import Extent, extent, of_series

METRIC = "metric = {metric:String}"
REST = frozenset(name.removeprefix("epochal.") for name in EVENT_TYPES) - REPAIRS - {"component.created"}


@pytest.mark.long
@pytest.mark.parametrize("seed", range(2))
def test_what_is_known_of_series_changes_no_answer(engine: TestEngine, seed: int) -> None:
    """Points and summaries of single series, in which nothing, a little or much was corrected, in both times."""
    look(engine, seed, metrics=2, places=1)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(2, 6))
def test_what_is_known_of_any_series_changes_no_answer(engine: TestEngine, seed: int) -> None:
    """As above, all series of each world from the present and from another place."""
    look(engine, seed, metrics=len(NAMES), places=2)


def look(engine: TestEngine, seed: int, metrics: int, places: int) -> None:
    """At so many metrics of every component of four worlds, from so many places each."""
    dice, seen = random.Random(seed), Counter[tuple[str, ...]]()
    worlds = [corrected(world(dice, f"repairs-{uuid.uuid4()}", 60, 6, REST), dice) for _ in range(4)]
    take_in(engine, worlds, dice)
    for one in worlds:
        for bounds in dice.sample([Bounds(now=LATER_US), bounds_of(dice)], places):
            fold, reading = Fold.of(one.events, one.points, bounds), reading_at(engine, one, bounds)
            for component in {p.component for p in one.points}:
                scope = Scope("component IN {components:Array(UUID)}", {"components": [str(component)]}, "it")
                for metric in dice.sample(NAMES, metrics):
                    mine = [p for p in fold.points if (p.component, p.metric) == (component, metric)]
                    found = extent(reading, scope, METRIC, metric=metric)
                    seen[tuple(sorted(found.facts)) if found.series else ("none",)] += 1
                    check(reading, scope, found, metric, mine)
    assert {("single",), ("few", "single"), ("single", "tidy")} <= seen.keys(), seen


def corrected(one: World, dice: random.Random) -> World:
    """The world with corrections that begin, end and stop counting at one of its points, or just beside."""
    writer = UUID(int=7)
    events = [_correction(dice.choice(one.points), dice, one.project) for _ in range(dice.choice((2, 4, 8)))]
    said = [
        LoggedEvent(writer, seq, event, Stamp(LOGS[0], 100 + seq, BASE_US + seq)) for seq, event in enumerate(events)
    ]
    return replace(one, events=(*one.events, *said))


def _correction(point: LoggedPoint, dice: random.Random, project: str) -> Envelope:
    operation, operand = dice.choice((("scale", 2.0), ("shift", 0.5), ("set", -7.0), ("retract", None)))
    data: dict[str, Any] = {
        "component": str(point.component),
        "metric": point.metric,
        "rank": dice.choice((None, None, point.rank, 1 - point.rank)),
        "first_step": dice.choice((None, None, point.step, point.step + 0.5)),
        "last_step": dice.choice((None, point.step, point.step, point.step)),
        "operation": operation,
        "operand": operand,
        "covers": [[str(point.writer), point.seq + dice.choice((0, 1, 2, 10, 10))]],
        "reason": "",
    }
    return Envelope(type="epochal.points.corrected", v=1, project=project, at=BASE_US + 8_000_000, data=data)


def check(reading: Reading, scope: Scope, found: Extent, metric: str, expected: list[LoggedPoint]) -> None:
    """The points of the main line, to the bit, and their summaries."""
    where = f"project = {{project:String}} AND {scope.sql} AND {METRIC}"
    bound: dict[str, Any] = {**found.bound, **scope.parameters, "metric": metric}
    table = reading.rows(f"SELECT * FROM {at('metrics')} WHERE {where}", found.facts, **bound)
    fold = Fold([], set(), [], Bounds(), expected)
    assert points(plain(table.to_pylist())) == folded_points(fold), found
    sql = f"SELECT * FROM ({block('summaries', of_series(scope, METRIC))})"
    summaries = {row["rank"]: row for row in reading.rows(sql, found.facts, **bound).to_pylist()}
    series: dict[int, list[LoggedPoint]] = defaultdict(list)
    for point in expected:
        series[point.rank].append(point)
    assert summaries.keys() == series.keys(), found
    for rank, logged in series.items():
        size = max((abs(p.value) for p in logged if abs(p.value) < float("inf")), default=0.0)
        assert not different(summarize(logged), summaries[rank], size), (found, summarize(logged), summaries[rank])
