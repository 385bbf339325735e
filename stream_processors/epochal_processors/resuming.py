"""Where a group of workers begins: what it committed, compared with what the store really holds. Pure.

The store says how far it got: its ledger has every offset that was taken in. A group that committed more than that
did so for another store, or for one that lost what it had not yet on the disk.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from epochal._errors import EpochalError

Partition = tuple[str, int]
"""A topic, and the number of one of its partitions."""


class RemadeError(EpochalError):
    """A topic isn't the one that the store has taken in; the text says what to do."""


@dataclass(frozen=True, slots=True)
class Extent:
    """A partition: where it begins and ends now, and what the group committed (the next to read; None: nothing)."""

    begin: int
    end: int
    committed: int | None


@dataclass(frozen=True, slots=True)
class Resumption:
    """``rewind``: partitions of which the store lacks what was committed, with where to read on.

    ``gone``: ranges [first, end) that the store lacks and Kafka doesn't keep any more.
    """

    rewind: dict[Partition, int] = field(default_factory=dict)
    gone: dict[Partition, tuple[int, int]] = field(default_factory=dict)


def resumption(extents: Mapping[Partition, Extent], stored: Mapping[Partition, int]) -> Resumption:
    """What has to be read again.

    Args:
        extents: every partition.
        stored: the greatest offset that the store has of each; nothing where it has none.

    Raises:
        RemadeError: the store has offsets that a partition hasn't come to yet.
    """
    made = Resumption()
    for where, extent in sorted(extents.items()):
        following = stored.get(where, -1) + 1
        if following > extent.end:
            topic, partition = where
            raise RemadeError(
                f"partition {partition} of {topic} ends before offset {extent.end}, but the store has taken in offset "
                f"{following - 1} of it: the topic was deleted and made anew, or lost what it had acknowledged. New "
                "messages would get the places of old ones; use topics of another name (EPOCHAL_KAFKA_TOPIC_PREFIX)"
            )
        if following < extent.begin:
            made.gone[where] = (following, extent.begin)
        if extent.committed is not None and max(following, extent.begin) < extent.committed:
            made.rewind[where] = max(following, extent.begin)
    return made
