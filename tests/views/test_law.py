"""The law of views: a view is a fold over the set of (event, first stamp), and shows what the reference fold says."""

from __future__ import annotations

import json
import math
import random
import uuid
from collections import defaultdict
from collections.abc import Mapping
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from reference_fold import Bounds, Fold, LoggedPoint, Summary
from views.engine_of_tests import TestEngine
from views.showing import SHOWN
from views.taking_in import take_in
from views.worlds import BASE_US, LOGS, SECOND, World, world

pytestmark = pytest.mark.long

LATER_US = BASE_US * 10
"""When the tests run, as far as heartbeats are concerned: long after everything."""


def bounds_of(dice: random.Random) -> Bounds:
    """Nothing, a time, or a watermark on either axis; times on, just before and just after what happened."""
    near = [BASE_US + s * SECOND + d for s in (0, 2, 3, 5, 30, 64, 65, 66, 120, 700) for d in (-1, 0, 1)]
    as_of = dice.choice([None, *near])
    known = [None, *near, *(BASE_US + t * 250_000 for t in range(0, 120, 7))]
    watermark = {log: dice.randrange(60) for log in LOGS if dice.randrange(3)}
    known_at: int | Mapping[str, int] | None = dice.choice([*known, watermark, watermark, watermark])
    return Bounds(as_of=as_of, known_at=known_at, now=LATER_US)


def texts_of(bounds: Bounds) -> dict[str, str]:
    """The bounds as a view takes them."""
    known = bounds.known_at
    return {
        "as_of": _time(bounds.as_of),
        "known_at": json.dumps(known) if isinstance(known, Mapping) else _time(known),
    }


def shown_by(engine: TestEngine, view: str, bounds: Bounds, projects: list[str]) -> dict[str, list[dict[str, Any]]]:
    """The rows of a view, by project."""
    rows = engine.rows(
        f"SELECT * FROM {view}_at(as_of = {{as_of:String}}, known_at = {{known_at:String}}) "
        "WHERE has({projects:Array(String)}, project)",
        **texts_of(bounds),
        projects=projects,
    )
    found: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in rows:
        found[row["project"]].append({k: UUID(bytes=v) if _is_id(v) else v for k, v in row.items()})
    return found


def check(engine: TestEngine, worlds: list[World], bounds: Bounds) -> None:
    """Every view shows what the fold says, of every world."""
    check_folds(engine, {w.project: Fold.of(w.events, w.points, bounds) for w in worlds}, bounds)


def check_folds(engine: TestEngine, folds: Mapping[str, Fold], bounds: Bounds) -> None:
    """Every view shows at a place what these folds say, by project."""
    for view, (show, fold) in SHOWN.items():
        rows = shown_by(engine, view, bounds, list(folds))
        for project, folded in folds.items():
            expected, shown = fold(folded), show(rows[project])
            assert shown == expected, f"{view} at {texts_of(bounds)}: {difference(expected, shown)}"
            assert len(rows[project]) == len(shown) or view == "attempts", f"{view} shows something twice"
    summaries = shown_by(engine, "summaries", bounds, list(folds))
    for project, folded in folds.items():
        check_summaries(folded, summaries[project], bounds)
    check_summaries_of_some(engine, bounds, summaries)


def check_summaries_of_some(engine: TestEngine, bounds: Bounds, summaries: Mapping[str, list[dict[str, Any]]]) -> None:
    """`summaries_of` shows the rows of `summaries_at` that belong to the components listed."""
    wanted = sorted({str(row["component"]) for rows in summaries.values() for row in rows})[::2]
    (found,) = engine.rows(
        "SELECT count() AS n FROM summaries_of(as_of = {as_of:String}, known_at = {known_at:String}, "
        "components = {components:String}) WHERE has({projects:Array(String)}, project)",
        **texts_of(bounds),
        components=json.dumps(wanted),
        projects=list(summaries),
    )
    assert found["n"] == sum(str(row["component"]) in wanted for rows in summaries.values() for row in rows)


def check_summaries(fold: Fold, rows: list[dict[str, Any]], bounds: Bounds) -> None:
    """Counts, extremes and ends exactly; mean and deviation to 1e-12 of the size of the values."""
    expected = fold.summaries()
    series: dict[Any, list[LoggedPoint]] = defaultdict(list)
    for point in fold.points:
        series[point.component, point.metric, point.rank].append(point)
    shown = {(r["component"], r["metric"], r["rank"]): r for r in rows}
    assert set(shown) == set(expected), f"series at {texts_of(bounds)}"
    for at, summary in expected.items():
        size = max((abs(p.value) for p in series[at] if math.isfinite(p.value)), default=0.0)
        wrong = different(summary, shown[at], size)
        assert not wrong, f"{at} at {texts_of(bounds)}: {wrong} of {shown[at]}, expected {summary}"


def different(expected: Summary, shown: Mapping[str, Any], size: float) -> list[str]:
    """The statistics that differ."""
    wrong = [
        name
        for name in ("count", "nan_count", "min", "argmin", "max", "argmax", "first", "last")
        if not _same(getattr(expected, name), shown[name], 0.0)
    ]
    return wrong + [n for n in ("mean", "std") if not _same(getattr(expected, n), shown[n], 1e-12 * size)]


def difference(expected: Mapping[Any, Any], shown: Mapping[Any, Any]) -> str:
    """The entries that differ, for a person."""
    keys = [k for k in {**expected, **shown} if expected.get(k) != shown.get(k)]
    return "\n".join(f"{k}: expected {expected.get(k)}, shown {shown.get(k)}" for k in keys)


def _same(expected: float | None, shown: float | None, tolerance: float) -> bool:
    if expected is None or shown is None:
        return expected is shown
    if math.isnan(expected) or math.isnan(shown):
        return math.isnan(expected) and math.isnan(shown)
    return expected == shown or abs(expected - shown) <= tolerance


def _time(us: int | None) -> str:
    return "" if us is None else f"{us // 1_000_000}.{us % 1_000_000:06d}"


def _is_id(value: Any) -> bool:
    return isinstance(value, bytes) and len(value) == 16


def play(engine: TestEngine, dice: random.Random, worlds: list[World], places: int) -> None:
    """Take the worlds in and look at them from the present, and from some places in both times."""
    take_in(engine, worlds, dice)
    check(engine, worlds, Bounds(now=LATER_US))
    for _ in range(places):
        check(engine, worlds, bounds_of(dice))


def many_worlds(seed: int) -> tuple[random.Random, list[World]]:
    """Thirty worlds of a seed: many lives, attempts, rewinds, cells and overwritten steps in each."""
    dice = random.Random(seed)
    name = f"seed-{seed}-{uuid.uuid4()}"
    return dice, [world(dice, f"{name}-{i}", dice.choice((20, 60)), dice.choice((4, 12))) for i in range(30)]


# no shrinking: an example takes a second in the engine, so that it would outlast every patience
@settings(max_examples=3, deadline=None, suppress_health_check=list(HealthCheck), phases=(Phase.generate,))
@given(st.randoms(use_true_random=False))
def test_small_worlds_in_any_order_show_what_the_fold_says(engine: TestEngine, dice: random.Random) -> None:
    """Shuffled, doubled, cut and replayed, a world shows the same as its fold, at any place in both times."""
    play(engine, dice, [world(dice, f"small-{uuid.uuid4()}", events=8, frames=3)], places=1)


@pytest.mark.parametrize("seed", range(2))
def test_large_worlds_in_any_order_show_what_the_fold_says(engine: TestEngine, seed: int) -> None:
    """As above, thirty worlds at once."""
    dice, worlds = many_worlds(seed)
    play(engine, dice, worlds, places=1)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(100, 120))
def test_many_large_worlds_in_any_order_show_what_the_fold_says(engine: TestEngine, seed: int) -> None:
    """As above, with more seeds and more places in both times."""
    dice, worlds = many_worlds(seed)
    play(engine, dice, worlds, places=4)


@pytest.mark.slow
@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck), phases=(Phase.generate,))
@given(st.randoms(use_true_random=False))
def test_many_small_worlds_in_any_order_show_what_the_fold_says(engine: TestEngine, dice: random.Random) -> None:
    """As above, with more examples."""
    play(engine, dice, [world(dice, f"small-{uuid.uuid4()}", events=8, frames=3)], places=1)
