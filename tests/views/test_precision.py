"""Summaries keep their digits: great offsets, huge and tiny values, from partial sums and from points alike."""

from __future__ import annotations

import math
import random
import uuid
from uuid import UUID

import pytest
from reference_fold import LoggedPoint, Stamp, summarize
from views.engine_of_tests import TestEngine
from views.taking_in import metrics_of, partials_of
from views.test_law import different
from views.worlds import BASE_US, Frame, World

DICE = random.Random(20240501)
SERIES: dict[str, list[float]] = {
    "a small spread on a great offset": [1e8 + DICE.random() for _ in range(9000)],
    "a spread of one unit in the last place": [1e15, 1e15 + 0.125] * 3000,
    "a mean near zero": [DICE.choice((-1, 1)) * 1e6 * (1 + DICE.random()) for _ in range(9000)],
    "huge": [1e307 * DICE.random() for _ in range(15)],
    "tiny": [5e-324 * DICE.randrange(1000) for _ in range(15)],
    "huge and tiny": [1e300, 1e-300, -1e300, 5e-324],
    "equal and huge": [1e300] * 5000,
    "infinite": [1.0, math.inf, 2.0],
    "both infinities": [math.inf, -math.inf, 2.0],
    "nothing but NaN": [math.nan] * 3,
    "NaN at both ends": [math.nan, 1.0, 2.0, math.nan],
    "NaN in a block of its own": [math.nan] * 4096 + [1.0, 3.0],
    "one value": [3.5],
    "ties": [2.0, 1.0, 2.0, 1.0] * 1100,
    "zeros of both signs": [0.0, -0.0, 0.0],
}


ORDERS = ("steps rise", "steps fall")
Summaries = dict[tuple[str, str], tuple[dict[str, object], World]]


@pytest.fixture(scope="module")
def summaries(engine: TestEngine) -> Summaries:
    """The summary of every series in either order, and what was taken in: one question for all takes as long as one."""
    run = str(uuid.uuid4())
    worlds = {
        (name, order): taken_in(engine, f"{run} {name} {order}", name, order) for name in SERIES for order in ORDERS
    }
    sql = "SELECT * FROM summaries WHERE startsWith(project, {run:String})"
    rows = {row["project"]: row for row in engine.rows(sql, run=run)}
    return {at: (rows[one.project], one) for at, one in worlds.items()}


def taken_in(engine: TestEngine, project: str, name: str, order: str) -> World:
    """One series."""
    writer, component, values = UUID(int=5), UUID(int=6), SERIES[name]
    steps = [float(i) for i in range(len(values))]
    points = tuple(
        LoggedPoint(
            project, component, "m", 0, step, value, BASE_US // 1000, BASE_US // 1000, writer, seq, Stamp("", 0, 0)
        )
        for seq, (step, value) in enumerate(zip(steps if order == "steps rise" else steps[::-1], values, strict=True))
    )
    world = World(project, (), (Frame(points, (Stamp("l", 0, BASE_US),)),))
    for table in metrics_of(world.frames[0]):
        engine.insert("metrics", table)
    engine.insert("partials", partials_of(world, random.Random(1))[0])
    return world


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("name", SERIES)
def test_a_summary_is_exact_to_the_last_digits(summaries: Summaries, name: str, order: str) -> None:
    """Rising steps are answered from partial sums, falling ones from the points: both as exact arithmetic says."""
    row, world = summaries[name, order]
    size = max((abs(v) for v in SERIES[name] if math.isfinite(v)), default=0.0)
    expected = summarize(world.points)
    assert different(expected, row, size) == [], f"{row}, expected {expected}"


def test_a_small_spread_on_a_great_offset_keeps_its_deviation(summaries: Summaries) -> None:
    """A sum of squares would lose every digit: here nine are left of a spread a hundred millionth of the values."""
    row, world = summaries["a small spread on a great offset", "steps rise"]
    std = summarize(world.points).std
    assert std is not None
    assert row["std"] == pytest.approx(std, rel=1e-9)
