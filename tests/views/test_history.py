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
from reference_fold import Bounds, Fold, LoggedEvent, Statement, first_copies, ordered_at, statements
from views.engine_of_tests import AtTheEnd, TestEngine
from views.showing import exactly
from views.taking_in import take_in
from views.test_law import LATER_US, bounds_of
from views.worlds import World, world

from epochal_query.columns import decoded
from epochal_query.history import Asked, history_of
from epochal_query.history_fates import Correction, Cut, Point, Said, fates, point_fates
from epochal_query.history_fields import names_of
from epochal_query.history_points import correction_of
from epochal_query.param_paths import shown
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
    """All that anything was said of, but for associations, which are told of with their ends."""
    said = {(s.kind, s.entity) for s in statements(one.events, Bounds()) if s.kind != "association"}
    return sorted(said, key=str)  # type: ignore[arg-type]


def name_of(s: Statement) -> str:
    """What a history calls the field of a statement."""
    return names_of(s.kind, s.field, s.key, s.value)[0]  # type: ignore[arg-type]


def standing(fold: Fold, kind: str, entity: UUID) -> set[tuple[str, str, str]]:
    """Every field with the event that holds it and, of params and tags, the value; without heartbeats."""
    newest: dict[tuple[str, str], Statement] = {}
    for s in sorted((s for s in fold.alive if (s.kind, s.entity) == (kind, entity)), key=lambda s: s.order):
        if s.field != "heartbeat":
            newest[s.field, s.key] = s
    params = fold.params().get(entity, {}) if kind == "component" else {}
    return {
        (name_of(s), event_of(s), repr(decoded(json.dumps(s.value))) if s.field in ("param", "tag") else "")
        for s in newest.values()
        if not s.removed and (s.field != "param" or s.key in params)
    }


def in_effect(rows: Rows, kind: str) -> set[tuple[str, str, str]]:
    """The same of a history."""
    life = ("status.deleted", "status.restored")
    return {
        (row["field"], row["event"], repr(row["value"]) if row["field"].startswith(("params.", "tags.")) else "")
        for row in rows
        if row["fate"] == "in effect"
        and not row["removed"]
        and is_statement(row, kind)
        and not undoes(row)
        and not row["field"].startswith(life)
    }


def worlds_and_places(engine: TestEngine, seed: int) -> Iterator[tuple[World, Bounds, Fold, Reading]]:
    """One world at the present and one at a place in both times, with what the law says there."""
    dice = random.Random(seed)
    worlds = [world(dice, f"history-{uuid.uuid4()}", 60, 8) for _ in range(2)]
    take_in(engine, worlds, dice)
    for one, bounds in zip(worlds, [Bounds(now=LATER_US), bounds_of(dice)], strict=True):
        yield one, bounds, Fold.of(one.events, one.points, bounds), reading_at(engine, one, bounds)


@pytest.mark.long
@pytest.mark.parametrize("seed", [0, 1, *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(20, 26))])
def test_what_is_in_effect_is_what_the_law_shows(engine: TestEngine, seed: int) -> None:
    """Of every entity, deleted ones included, at any place in both times; and every statement within it has its row."""
    for one, bounds, fold, reading in worlds_and_places(engine, seed):
        said = statements(one.events, bounds)
        for kind, entity in entities(one):
            rows = history(reading, kind, entity)
            assert in_effect(rows, kind) == standing(fold, kind, entity), f"{kind} {entity} at {reading.bounds}"
            told = Counter((name_of(s), event_of(s)) for s in said if (s.kind, s.entity) == (kind, entity))
            shown = Counter((row["field"], row["event"]) for row in rows if row["field"] == "undone" or not undoes(row))
            assert {
                at: n for at, n in told.items() if not at[0].startswith("writers.heartbeat")
            }.items() <= shown.items()


@pytest.mark.long
def test_what_ended_a_value_did() -> None:
    """Without the event that is named, and all after it, the value is shown; with that event it isn't."""
    seen: Counter[str] = Counter()
    dice = random.Random(11)
    for one in (world(dice, "ended", 150, 0) for _ in range(40)):
        bounds = bounds_of(dice)
        found = sorted(statements(one.events, bounds), key=lambda s: s.order)
        place = {event_of(s): s.order[:3] for s in found}
        for kind, entity in entities(one):
            mine = [s for s in found if (s.kind, s.entity) == (kind, entity)]
            told = fates([Said(s.field, s.key, s.removed, event_of(s)) for s in mine])
            for s, fate in zip(mine, told, strict=True):
                seen[fate.word] += 1
                if s.removed or fate.by in (None, event_of(s)) or s.field in ("deleted", "heartbeat", "undone"):
                    continue
                if fate.word == "undone":
                    assert (kind, entity, *by_event(fate.by, found)) == (kind, entity, "undone", event_of(s), False)
                    continue
                before, after = (prefix(one, place, fate.by, bounds, with_it=which) for which in (False, True))
                if (kind, entity) in before.existing:
                    held = [{one[:2] for one in standing(fold, kind, entity)} for fold in (before, after)]
                    assert [(name_of(s), event_of(s)) in one for one in held] == [True, False], fate
                    seen[f"{fate.word}, checked"] += 1
    checked = {"superseded", "unset", "hidden", "deleted"}
    assert {"in effect", "undeclared", *checked, *(f"{word}, checked" for word in checked)} <= seen.keys()


def test_points_are_taken_out_as_the_law_says() -> None:
    """Deleted, rewound, retracted, or superseded at their step; what is left is the main line."""
    seen: Counter[str] = Counter()
    dice = random.Random(16)
    for one in (world(dice, "points", 60, 12) for _ in range(150)):
        bounds = bounds_of(dice)
        fold = Fold.of(one.events, one.points, bounds)
        left = {(p.component, p.writer, p.seq) for p in fold.points}
        logged = [p for p in first_copies(one.points) if bounds.keep(p.occurred_ms * 1000, p.stamp)]
        for component, metric, step in {(p.component, p.metric, p.step + 0.0) for p in logged}:
            mine = [p for p in logged if (p.component, p.metric, p.step + 0.0) == (component, metric, step)]
            mine.sort(key=lambda p: (p.rank, ordered_at(p.logged_ms * 1000, p.stamp), p.writer.bytes, p.seq))
            points = [Point(p.rank, step, str(p.writer), p.seq) for p in mine]
            told = point_fates(points, cuts(fold, component), corrections(fold, component, metric))
            assert [fate.word == "in effect" for fate in told] == [(component, p.writer, p.seq) in left for p in mine]
            seen.update(fate.word for fate in told)
    assert seen.keys() == {"in effect", "superseded", "rewound", "deleted", "retracted"}


def cuts(fold: Fold, component: UUID) -> list[Cut]:
    """What the fold takes out of a component's points."""
    found: list[Cut] = []
    for s in [*fold.deletions, *(s for s in fold.alive if s.field == "rewound")]:
        value: Any = s.value
        if s.entity == component:
            abandoned = tuple((writer, count) for writer, count in value["abandoned"])
            found.append(Cut(event_of(s), abandoned, value.get("rank"), value.get("to_step", 0.0)))
    return found


def corrections(fold: Fold, component: UUID, metric: str) -> list[Correction]:
    """What the fold corrects of a component's metric, in order."""
    found: list[Correction] = []
    for s in sorted((s for s in fold.alive if s.field == "corrected"), key=lambda s: s.order):
        value: Any = s.value
        if s.entity == component and value["metric"] == metric:
            found.append(correction_of(event_of(s), value))
    return found


def by_event(event: str, said: list[Statement]) -> tuple[str, str, bool]:
    """What an event that undoes another states: field, key, removed."""
    return next((s.field, s.key, s.removed) for s in said if event_of(s) == event)


def undoes(row: Mapping[str, Any]) -> bool:
    """Whether a row is a statement that undoes an event, or lets it count again."""
    return isinstance(row["value"], dict) and row["value"].keys() in ({"undone"}, {"redone"})


def event_of(s: Statement) -> str:
    """The event that made a statement."""
    return f"{s.writer}:{s.seq}"


def is_statement(row: Mapping[str, Any], kind: str) -> bool:
    """Whether a row is a statement under its first name."""
    concluded = row["field"].startswith("status.lost") or ":metrics:" in row["event"]
    return not concluded and (kind != "component" or row["field"] not in ("name", "kind"))


def prefix(one: World, place: Mapping[str, Any], by: str, bounds: Bounds, *, with_it: bool) -> Fold:
    """The fold of what comes before an event in order, and of that event; what undoes counts whenever it comes."""

    def kept(event: LoggedEvent) -> bool:
        at = place.get(f"{event.writer}:{event.seq}")
        restores = event.envelope.type in ("epochal.entity.restored", "epochal.event.undone", "epochal.event.redone")
        return at is not None and (restores or (at <= place[by] if with_it else at < place[by]))

    return Fold.of([event for event in one.events if kept(event)], [], bounds)


@pytest.mark.long
def test_points_in_effect_are_the_main_line(engine: TestEngine) -> None:
    """Counted by writer, and one by one at each step."""
    for one, bounds, fold, reading in worlds_and_places(engine, 4):
        logged = [p for p in first_copies(one.points) if bounds.keep(p.occurred_ms * 1000, p.stamp)]
        for component in {p.component for p in one.points}:
            left = {(p.writer, p.seq): exactly(p.value) for p in fold.points if p.component == component}
            mine = [p for p in logged if p.component == component]
            for metric in {p.metric for p in one.points if p.component == component}:
                rows = history(reading, "component", component, f"metrics.{metric}")
                series = Counter((p.rank, str(p.writer)) for p in mine if p.metric == metric)
                rows = [row for row in rows if ":metrics:" in row["event"]]
                counts = {(row["rank"], row["event"].split(":")[0]): row["value"]["points"] for row in rows}
                assert counts == series
                shown = sum(row["value"]["in_effect"] for row in rows)
                assert shown == len({(p.writer, p.seq) for p in mine if p.metric == metric} & left.keys())
                for step in {p.step + 0.0 for p in mine if p.metric == metric}:
                    points = history(reading, "component", component, f"metrics.{metric}", step)
                    here = [(p.writer, p.seq) for p in mine if (p.metric, p.step + 0.0) == (metric, step)]
                    expected = {f"{writer}:metrics:{seq}": left.get((writer, seq)) for writer, seq in here}
                    assert dict(last_values(points)) == expected


def last_values(rows: Rows) -> Iterator[tuple[str, str | None]]:
    """Each point with the value that is in effect after all corrections, None where none is."""
    chains: list[Rows] = []
    for row in rows:
        if ":metrics:" in row["event"]:
            chains.append([])
        chains[-1].append(row)
    for logged, *after in chains:
        assert all(row["fate"] == "corrected" for row in [logged, *after][:-1])
        last = [logged, *after][-1]
        yield logged["event"], exactly(last["value"]) if last["fate"] == "in effect" else None


@pytest.mark.long
def test_a_part_of_a_history_is_that_part(engine: TestEngine) -> None:
    """Asked for one field or a group, the rows are those that the whole history has of it."""
    dice = random.Random(8)
    for one, _, _, reading in worlds_and_places(engine, 7):
        for kind, entity in entities(one):
            whole = history(reading, kind, entity)
            params = sorted({row["field"] for row in whole if row["field"].startswith("params.")})
            logged = {row["field"] for row in whole if ":metrics:" in (row["event"] or "")}
            others = sorted({row["field"] for row in whole} - {*params})
            others = [field for field in others if not field.startswith("metrics.") or field in logged]
            for field in [
                *dice.sample(params, min(2, len(params))),
                *dice.sample(others, min(1, len(others))),
                "status",
            ]:
                rows = history(reading, kind, entity, field)
                expected = [row for row in whole if row["field"] == field or is_below(row["field"], field)]
                assert [repr(row) for row in rows] == [repr(row) for row in expected], field


def is_below(field: str, asked: str) -> bool:
    """Whether a field lies in the one that is asked for, as only params and groups have something in them, or is shown
    as it is written.
    """
    if field.startswith("params.") and shown(field) == asked:
        return True
    return field.startswith(f"{asked}.") and (asked in ("status", "tags") or asked.startswith("params."))
