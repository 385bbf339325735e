"""How far an erasure is where the store isn't the only one that had it: Kafka keeps messages for its own time. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from epochal._kafka.kept import Partition, Place

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
DONE, PENDING = "done", "pending"


@dataclass(frozen=True)
class State:
    """``left`` are the messages that may be there still; they are gone by ``until``, where that is known."""

    left: Sequence[Place] = ()
    until: datetime | None = None

    @property
    def name(self) -> str:
        """In a word."""
        return PENDING if self.left else DONE


def state_of(places: Iterable[Place], partitions: Mapping[str, Partition]) -> State:
    """The state of what lies, or lay, in these places: of each log the last.

    A partition that begins behind a place doesn't have it any more. One that isn't known may have all.
    """
    left = tuple(one for one in places if one.log not in partitions or partitions[one.log].begin <= one.offset)
    kept = [partitions[one.log].kept_ms if one.log in partitions else None for one in left]
    ends = [
        EPOCH + timedelta(microseconds=one.at_us, milliseconds=ms)
        for one, ms in zip(left, kept, strict=True)
        if ms is not None
    ]
    return State(left, max(ends) if left and len(ends) == len(left) else None)


def remarks(states: Iterable[State], partitions: Mapping[str, Partition]) -> Iterator[str]:
    """What has to be done for what doesn't go by itself, or can't be seen."""
    ever: dict[str, dict[str, int]] = defaultdict(dict)
    unseen: set[str] = set()
    for place in (one for state in states for one in state.left):
        topic, _, number = place.log.rpartition("/")
        if place.log not in partitions:
            unseen.add(topic)
        elif partitions[place.log].kept_ms is None:
            ever[topic][number] = max(place.offset + 1, ever[topic].get(number, 0))
    for log, offsets in sorted(ever.items()):
        topic = log.rpartition("/")[2]
        listed = ", ".join(
            f"{number}: {offset}" for number, offset in sorted(offsets.items(), key=lambda one: int(one[0]))
        )
        yield (
            f"topic {topic} keeps messages for ever, and what was erased with them: give it a retention.ms "
            "(kafka-configs.sh), or remove what lies before these offsets of its partitions, also what isn't erased "
            f"(kafka-delete-records.sh): {listed}"
        )
    if unseen:
        yield (
            f"whether {', '.join(sorted(unseen))} still has messages of it can't be seen from here: set EPOCHAL_KAFKA "
            "to the cluster of these topics"
        )
