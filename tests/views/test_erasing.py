"""Erasing and the law of views: what is left shows what it would show if what was erased had never been said."""

from __future__ import annotations

import random
import uuid
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from uuid import UUID

import pytest
from reference_fold import Bounds, Fold, LoggedEvent
from views.engine_of_tests import TestEngine
from views.taking_in import take_in
from views.test_law import LATER_US, bounds_of, check_folds
from views.worlds import BASE_US, SECOND, Making, World, world

from epochal.contract import Envelope
from epochal_processors.erasing import Eraser
from epochal_processors.tombstones import erasures

TABLES = ("events", "facts", "metrics", "partials", "dead_letters")


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestEngine]:
    """An engine for one world at a time: all worlds have the same writers, and what is erased is named by them."""
    directory: Path = tmp_path_factory.mktemp("alone")
    found = TestEngine(directory)
    yield found
    found.close()


def tombstones(dice: random.Random, of: World) -> list[LoggedEvent]:
    """Some, of numbers of any writers; each of something else, said when everything had been said."""
    said = sorted({(event.writer, event.seq) for event in of.events})
    points = sorted({(frame.points[0].writer, point.seq) for frame in of.frames for point in frame.points})
    making = Making(dice, of.project, offsets={"intake:a": 1_000}, tick=200)
    made = []
    for number in range(dice.choice((1, 2, 3))):
        lifecycle = dice.sample(said, min(len(said), dice.choice((0, 1, 5, 20))))
        metrics = dice.sample(points, min(len(points), dice.choice((0, 1, 3))))
        named = {
            channel: [[str(writer), seq, 1] for writer, seq in some]
            for channel, some in (("lifecycle", lifecycle), ("metrics", metrics))
        }
        envelope = Envelope(
            type="epochal.entity.erased",
            v=1,
            project=of.project,
            at=BASE_US + 900 * SECOND,
            data={**making.entity(), "reason": "r", **named},
        )
        made.append(LoggedEvent(UUID(int=77), number, envelope, making.stamp("intake:a")))
    return made


def spared(of: World, engine: TestEngine) -> World:
    """What is left of a world, by what the tombstones name."""
    gone = erasures(engine.query_arrow)
    events = tuple(one for one in of.events if not gone.of(one.writer, "lifecycle").within(one.seq, 1))
    frames = tuple(
        replace(frame, points=points)
        for frame in of.frames
        if (points := tuple(one for one in frame.points if not gone.of(one.writer, "metrics").within(one.seq, 1)))
    )
    return World(of.project, events, frames)


@pytest.mark.long
@pytest.mark.parametrize("seed", range(3))
def test_views_show_what_is_left(alone: TestEngine, seed: int) -> None:
    """At any place in both times, whatever was erased, in whatever order all of it came in; and nothing else is left
    of that but empty events.
    """
    dice = random.Random(seed)
    for table in TABLES:
        alone.command(f"TRUNCATE TABLE {table}")
    whole = world(dice, f"erased-{seed}-{uuid.uuid4()}", events=60, frames=12)
    named = tombstones(dice, whole)
    take_in(alone, [replace(whole, events=(*whole.events, *named))], dice)
    Eraser(alone).run()
    left = spared(whole, alone)
    assert len(left.events) < len(whole.events) or len(left.frames) < len(whole.frames)
    for bounds in (Bounds(now=LATER_US), *(bounds_of(dice) for _ in range(2))):
        check_folds(alone, {whole.project: Fold.of([*left.events, *named], left.points, bounds)}, bounds)
    there = {(row["writer"], row["seq"]) for row in alone.rows("SELECT writer, seq FROM events WHERE payload != ''")}
    assert there == {(event.writer, event.seq) for event in (*left.events, *named)}
