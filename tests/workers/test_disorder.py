"""Messages in any order, any number of times, as late as may be: what is stored is what was said."""

from __future__ import annotations

import pytest
from injecting import Chaos
from kafka_field import Field
from worker_process import until
from workers.worlds import World, check

pytestmark = pytest.mark.kafka


@pytest.mark.chaos("frames doubled, reordered, very late")
def test_what_comes_again_out_of_order_and_very_late_changes_nothing(field: Field, chaos: Chaos) -> None:
    """A part of the messages, endings of writers and middles of streams among them, comes when all else is stored and
    known, with copies of what came before; in between workers come that know of nothing.
    """
    world = World(chaos.dice, jobs=4 + chaos.times // 4)
    waves = world.pieces(2 * chaos.times)
    worker = field.worker()
    for wave in waves[chaos.times :]:
        field.send(wave)
    for wave in waves[: chaos.times]:
        until(lambda: not field.behind(), "all before is stored")
        if chaos.dice.random() < 0.5:
            assert worker.stop() == 0
            worker = field.worker()
        late = wave + world.some()
        chaos.dice.shuffle(late)
        field.send(late)
        chaos.note()
    check(field, world)
    assert worker.stop() == 0
