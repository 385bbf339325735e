"""History agrees with the views and the law: what is in effect in it is what they show, and what ended a value did."""

from __future__ import annotations

import json
import random
import uuid
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pandas as pd
import pytest
from reference_fold import Bounds, Fold, LoggedEvent, Statement, first_copies, statements
from views.engine_of_tests import AtTheEnd, TestEngine
from views.taking_in import take_in
from views.test_law import LATER_US, bounds_of
from views.worlds import World, world

from epochal_query.columns import decoded
from epochal_query.history import Asked, history_of
from epochal_query.history_fields import names_of
from epochal_query.reading import Reading
from epochal_query.resolve import Entity, Kind

NOW = datetime(2200, 1, 1, tzinfo=UTC)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
Rows = list[dict[str, Any]]


def reading_at(engine: TestEngine, one: World, bounds: Bounds) -> Reading:
    """The world at a place in both times."""
    known = bounds.known_at
    known_at = known if known is None or isinstance(known, Mapping) else EPOCH + timedelta(microseconds=known)
    as_of = None if bounds.as_of is None else EPOCH + timedelta(microseconds=bounds.as_of)
    return Reading.begin(AtTheEnd(engine), one.project, as_of, known_at, NOW)


def history(reading: Reading, kind: Kind, entity: UUID, field: str | None = None, step: float | None = None) -> Rows:
    """The rows; what is absent is None."""
    frame, _ = history_of(reading, Entity(kind, entity, "it"), Asked(field, step))
    rows = [dict(zip(frame.columns, row, strict=True)) for row in frame.itertuples(index=False)]
    return [{k: None if k != "value" and pd.isna(v) else v for k, v in row.items()} for row in rows]


def entities(one: World) -> list[tuple[Kind, UUID]]:
    """All that anything was said of."""
    return sorted({(s.kind, s.entity) for s in statements(one.events, Bounds())}, key=str)  # type: ignore[misc]


def name_of(s: Statement) -> str:
    """What a history calls the field of a statement."""
    return names_of(s.kind, s.field, s.key)[0]  # type: ignore[arg-type]


def standing(fold: Fold, kind: str, entity: UUID) -> dict[str, tuple[str, str]]:
    """Field to the event that holds it and, of params and tags, the value."""
    newest: dict[tuple[str, str], Statement] = {}
    for s in sorted((s for s in fold.alive if (s.kind, s.entity) == (kind, entity)), key=lambda s: s.order):
        newest[s.field, s.key] = s
    params = fold.params().get(entity, {}) if kind == "component" else {}
    return {
        name_of(s): (f"{s.writer}:{s.seq}", repr(decoded(json.dumps(s.value))) if s.field in ("param", "tag") else "")
        for s in newest.values()
        if not s.removed and (s.field != "param" or s.key in params)
    }


def in_effect(rows: Rows, kind: str) -> dict[str, tuple[str, str]]:
    """The same of a history."""
    life = ("status.deleted", "status.restored")
    return {
        row["field"]: (row["event"], repr(row["value"]) if row["field"].startswith(("params.", "tags.")) else "")
        for row in rows
        if row["fate"] == "in effect"
        and not row["removed"]
        and is_statement(row, kind)
        and not row["field"].startswith(life)
    }


def worlds_and_places(engine: TestEngine, seed: int, count: int = 4) -> Iterator[tuple[World, Bounds, Fold, Reading]]:
    """Worlds at the present and at three places in both times, with what the law says there."""
    dice = random.Random(seed)
    worlds = [world(dice, f"history-{uuid.uuid4()}", 60, 8) for _ in range(count)]
    take_in(engine, worlds, dice)
    for one in worlds:
        for bounds in [Bounds(now=LATER_US), *(bounds_of(dice) for _ in range(3))]:
            yield one, bounds, Fold.of(one.events, one.points, bounds), reading_at(engine, one, bounds)


@pytest.mark.parametrize("seed", range(2))
def test_what_is_in_effect_is_what_the_law_shows(engine: TestEngine, seed: int) -> None:
    """Of every entity, deleted ones included, at any place in both times; and every statement within it has its row."""
    for one, bounds, fold, reading in worlds_and_places(engine, seed):
        said = statements(one.events, bounds)
        for kind, entity in entities(one):
            rows = history(reading, kind, entity)
            assert in_effect(rows, kind) == standing(fold, kind, entity), f"{kind} {entity} at {reading.bounds}"
            told = Counter((name_of(s), f"{s.writer}:{s.seq}") for s in said if (s.kind, s.entity) == (kind, entity))
            shown = Counter((row["field"], row["event"]) for row in rows)
            assert {
                at: n for at, n in told.items() if not at[0].startswith("writers.heartbeat")
            }.items() <= shown.items()


@pytest.mark.parametrize("seed", range(2, 4))
def test_what_ended_a_value_did(engine: TestEngine, seed: int) -> None:
    """Without the event that is named, and all after it, the value is shown; with that event it isn't."""
    seen: Counter[str] = Counter()
    for one, bounds, _, reading in worlds_and_places(engine, seed):
        place = {f"{s.writer}:{s.seq}": s.order[:3] for s in statements(one.events, Bounds())}
        for kind, entity in entities(one):
            for row in history(reading, kind, entity):
                event, by = row["event"], row["ended_by"]
                if (
                    row["removed"]
                    or by is None
                    or by == event
                    or row["fate"] == "undone"
                    or not is_statement(row, kind)
                ):
                    continue
                before, after = (prefix(one, place, by, bounds, with_it=which) for which in (False, True))
                if (kind, entity) in before.existing:
                    assert standing(before, kind, entity)[row["field"]][0] == event, row
                    assert standing(after, kind, entity).get(row["field"], ("",))[0] != event, row
                    seen[row["fate"]] += 1
    assert {"superseded", "unset", "hidden", "deleted"} <= seen.keys()


def is_statement(row: Mapping[str, Any], kind: str) -> bool:
    """Whether a row is a statement under its first name."""
    concluded = row["field"].startswith(("metrics.", "status.lost"))
    return not concluded and (kind != "component" or row["field"] not in ("name", "kind"))


def prefix(one: World, place: Mapping[str, Any], by: str, bounds: Bounds, *, with_it: bool) -> Fold:
    """The fold of what comes before an event in order, and of that event; restorings count whenever they come."""

    def kept(event: LoggedEvent) -> bool:
        if event.envelope.type == "epochal.entity.restored":
            return True
        at = place.get(f"{event.writer}:{event.seq}")
        return at is not None and (at <= place[by] if with_it else at < place[by])

    return Fold.of([event for event in one.events if kept(event)], [], bounds)


@pytest.mark.parametrize("seed", range(4, 6))
def test_points_in_effect_are_the_main_line(engine: TestEngine, seed: int) -> None:
    """Counted by writer, and one by one at each step; what isn't in effect says why."""
    seen: Counter[str] = Counter()
    for one, bounds, fold, reading in worlds_and_places(engine, seed):
        logged = [p for p in first_copies(one.points) if bounds.keep(p.occurred_ms * 1000, p.stamp)]
        for component in {p.component for p in one.points}:
            left = {(p.writer, p.seq) for p in fold.points if p.component == component}
            mine = [p for p in logged if p.component == component]
            for metric in {p.metric for p in one.points if p.component == component}:
                rows = history(reading, "component", component, f"metrics.{metric}")
                series = Counter((p.rank, str(p.writer)) for p in mine if p.metric == metric)
                counts = {(row["rank"], row["event"].split(":")[0]): row["value"]["points"] for row in rows}
                assert counts == series
                shown = sum(row["value"]["in_effect"] for row in rows)
                assert shown == len({(p.writer, p.seq) for p in mine if p.metric == metric} & left)
                for step in {p.step + 0.0 for p in mine if p.metric == metric}:
                    points = history(reading, "component", component, f"metrics.{metric}", step)
                    here = [(p.writer, p.seq) for p in mine if (p.metric, p.step + 0.0) == (metric, step)]
                    expected = {f"{writer}:metrics:{seq}": (writer, seq) in left for writer, seq in here}
                    assert {row["event"]: row["fate"] == "in effect" for row in points} == expected
                    seen.update(row["fate"] for row in points)
    assert seen.keys() == {"in effect", "superseded", "rewound", "deleted"}


@pytest.mark.parametrize("seed", [6])
def test_lost_attempts_are_those_of_the_law(engine: TestEngine, seed: int) -> None:
    """They are concluded, so nobody said it."""
    seen = 0
    for _, _, fold, reading in worlds_and_places(engine, seed):
        lost = {
            (component, f"status.lost.{rank}/{attempt}")
            for (component, rank), attempts in fold.attempts().items()
            for attempt in attempts
            if fold.rank_status(component, rank, attempt) == "lost"
        }
        components = {component for component, _ in fold.attempts()}
        shown = {
            (component, row["field"])
            for component in components
            for row in history(reading, "component", component, "status")
            if row["field"].startswith("status.lost")
        }
        assert shown == lost
        seen += len(lost)
    assert seen


def test_a_part_of_a_history_is_that_part(engine: TestEngine) -> None:
    """Asked for one field or a group, the rows are those that the whole history has of it."""
    for one, _, _, reading in worlds_and_places(engine, 7, 2):
        for kind, entity in entities(one):
            whole = history(reading, kind, entity)
            for field in sorted({row["field"] for row in whole} | {"status", "tags", "note"}):
                rows = history(reading, kind, entity, field)
                expected = [row for row in whole if row["field"] == field or is_below(row["field"], field)]
                assert [repr(row) for row in rows] == [repr(row) for row in expected], field


def is_below(field: str, asked: str) -> bool:
    """Whether a field lies in the one that is asked for; only params and groups have something below them."""
    return field.startswith(f"{asked}.") and (asked in ("status", "tags") or asked.startswith("params."))
