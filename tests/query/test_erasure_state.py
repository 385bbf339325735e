"""When what Kafka keeps of something erased is gone: by where its partitions begin, never by the date alone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from epochal._kafka.kept import Partition, Place
from epochal_query.erasure_state import EPOCH, State, remarks, state_of

AT = datetime(2026, 3, 1, tzinfo=UTC)
AT_US = (AT - EPOCH) // timedelta(microseconds=1)
DAY_MS = 86_400_000
EVENTS, METRICS = "kafka:c/p.events/3", "kafka:c/p.metrics/0"
PLACES = [Place(EVENTS, 41, AT_US), Place(METRICS, 7, AT_US + 5_000_000)]


def test_it_is_done_when_every_partition_begins_behind_the_last_message() -> None:
    """One that still has the last one is enough to be pending, long after the date too."""
    begun = {EVENTS: Partition(42, 90, DAY_MS), METRICS: Partition(8, 8, DAY_MS)}
    assert state_of(PLACES, begun) == State((), None)
    assert state_of(PLACES, begun).name == "done"
    for log, begin in ((EVENTS, 41), (METRICS, 0)):
        state = state_of(PLACES, begun | {log: Partition(begin, 90, DAY_MS)})
        assert (state.name, [place.log for place in state.left]) == ("pending", [log])


def test_the_date_is_that_of_the_last_message_to_go() -> None:
    """Of each what its topic keeps; of messages that are gone nothing."""
    there = {EVENTS: Partition(0, 90, 3 * DAY_MS), METRICS: Partition(0, 8, DAY_MS)}
    assert state_of(PLACES, there).until == AT + timedelta(days=3)
    assert state_of(PLACES, there | {EVENTS: Partition(42, 90, 3 * DAY_MS)}).until == AT + timedelta(days=1, seconds=5)


def test_what_does_not_go_by_itself_has_no_date_and_says_what_to_do() -> None:
    """Topics that keep messages for ever, with the offsets up to which they are to be removed; and unknown ones."""
    ever = {EVENTS: Partition(0, 90, None), METRICS: Partition(0, 8, DAY_MS)}
    states = [state_of(PLACES, ever), state_of([Place(EVENTS, 60, AT_US)], ever)]
    assert [state.until for state in states] == [None, None]
    (said,) = remarks(states, ever)
    assert said.startswith("topic p.events keeps messages for ever")
    assert said.endswith("(kafka-delete-records.sh): 3: 61")
    unknown = state_of(PLACES, {METRICS: Partition(8, 8, DAY_MS)})
    assert (unknown.name, unknown.until) == ("pending", None)
    (said,) = remarks([unknown], {METRICS: Partition(8, 8, DAY_MS)})
    assert said.startswith("whether kafka:c/p.events still has messages of it can't be seen from here")
