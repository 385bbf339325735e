"""The law while a log grows: what was shown at a watermark is shown there for ever, whatever comes later."""

from __future__ import annotations

import random
import uuid
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test
from reference_fold import Bounds, Fold, LoggedEvent
from views.engine_of_tests import TestEngine
from views.taking_in import take_in
from views.test_law import LATER_US, bounds_of, check, check_folds
from views.worlds import LOGS, MAKERS, Frame, Making, World, said_event, sent_frame


class Travelling(RuleBasedStateMachine):
    """Writers say things; the log gets them late, again, in any order; readers look at any place and look back."""

    engine: TestEngine

    def __init__(self) -> None:
        super().__init__()
        self.sent: list[LoggedEvent | Frame] = []
        self.events: list[LoggedEvent] = []
        self.frames: list[Frame] = []
        self.remembered: list[tuple[dict[str, int], Fold]] = []

    @initialize(seed=st.integers(0, 2**32))
    def begin(self, seed: int) -> None:
        """A world in which nothing was said."""
        self.dice = random.Random(seed)
        self.making = Making(self.dice, f"travelling-{uuid.uuid4()}")
        for _ in range(3):
            self.speak()
        self.arrive()

    @rule()
    def speak(self) -> None:
        """A few events and points, which nobody knows of yet."""
        for _ in range(6):
            self.sent += said_event(self.making, self.making.one(MAKERS)(self.making))[:1]
        for _ in range(2):
            self.sent.append(sent_frame(self.making))

    @rule()
    def arrive(self) -> None:
        """Some of what was sent comes to the log, some of it not for the first time."""
        some = self.dice.sample(self.sent, len(self.sent) // 2)
        for one in some:
            if isinstance(one, LoggedEvent):
                self.events.append(replace(one, stamp=self.making.stamp()))
            else:
                place = self.making.writers.index(one.points[0].writer)
                self.frames.append(replace(one, stamps=(self.making.stamp(LOGS[place % 2]),)))
        self.sent = [one for one in self.sent if one not in some or self.dice.randrange(4) == 0]

    @rule()
    def remember(self) -> None:
        """What the log says so far, folded from what it has so far."""
        self.remembered.append((dict(self.making.offsets), self.folded(Bounds(now=LATER_US))))

    @rule()
    def look(self) -> None:
        """At any place in both times."""
        take_in(self.engine, [self.world], self.dice)
        check(self.engine, [self.world], bounds_of(self.dice))

    @precondition(lambda self: self.remembered)
    @rule()
    def look_back(self) -> None:
        """At a watermark that was remembered."""
        take_in(self.engine, [self.world], self.dice)
        watermark, fold = self.dice.choice(self.remembered)
        bounds = Bounds(known_at={log: watermark.get(log, -1) for log in LOGS}, now=LATER_US)
        check_folds(self.engine, {self.making.project: fold}, bounds)

    def teardown(self) -> None:
        """Look back once more, from the end."""
        if self.remembered:
            self.look_back()

    def folded(self, bounds: Bounds) -> Fold:
        """The law's word on what the log has so far."""
        return Fold.of(self.events, self.world.points, bounds)

    @property
    def world(self) -> World:
        """What the log has so far."""
        return World(self.making.project, tuple(self.events), tuple(self.frames))


def run(engine: TestEngine, examples: int, steps: int) -> None:
    """So many stories of so many steps; not shrunk, as each takes seconds in the engine."""
    how = settings(
        max_examples=examples,
        stateful_step_count=steps,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        phases=(Phase.generate,),
    )
    run_state_machine_as_test(type("Here", (Travelling,), {"engine": engine}), settings=how)


@pytest.mark.long
def test_what_was_shown_at_a_watermark_is_shown_for_ever(engine: TestEngine) -> None:
    """Beside looks at any place, while the log grows by late, doubled and shuffled pieces."""
    run(engine, examples=2, steps=8)


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_many_stories_of_a_growing_log(engine: TestEngine) -> None:
    """As above, more and longer ones."""
    run(engine, examples=20, steps=20)
