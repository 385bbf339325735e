"""What comes in of something erased after its tombstone, and was said before: old journals that nobody knew of."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from uuid import UUID

from epochal_processors.tombstones import AHEAD_US, Erasures, Query, Tombstone
from epochal_processors.traces import Traces, stored_digests, traces_of

AT_ONCE = 1_000
"""So many entities are asked about in one query: a server takes no longer parameters."""


@dataclass(frozen=True)
class Late:
    """What came in late of one entity."""

    tombstone: Tombstone
    traces: Traces

    def stored(self, query: Query) -> tuple[set[str], set[str]]:
        """The contents of artifacts that only this has, and those that others have. Raises what ``query`` raises."""
        mine, others = stored_digests(query, [self.tombstone.entity], _limits([self.tombstone]))
        return set(mine), others


def late(query: Query, erased: Erasures, project: str | None = None) -> Iterator[Late]:
    """What a store has of erased entities (of all projects, or one) that was said more than a minute before.

    A minute, because a name that was erased is free for use again, by processes whose clocks may be behind by as much;
    what is said within it stays. Of a component, all that a process says that opened it before. Raises what ``query``
    raises.
    """
    by_project: dict[str, list[Tombstone]] = defaultdict(list)
    for one in sorted(erased.newest.values(), key=lambda one: (one.at_us, one.entity)):
        if project in (None, one.project):
            by_project[one.project].append(one)
    for inside, tombstones in sorted(by_project.items()):
        for first in range(0, len(tombstones), AT_ONCE):
            some = tombstones[first : first + AT_ONCE]
            limits = _limits(some)
            found = traces_of(query, inside, limits, limits)
            yield from (Late(one, found[one.entity]) for one in some if found[one.entity].lifecycle)


def _limits(tombstones: list[Tombstone]) -> Mapping[UUID, int]:
    return {one.entity: one.at_us - AHEAD_US for one in tombstones}
