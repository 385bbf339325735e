"""What comes in of something erased after its tombstone, and was said before: old journals that nobody knew of."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from uuid import UUID

from epochal_processors.tombstones import AHEAD_US, Erasures, Query, Tombstone
from epochal_processors.traces import Traces, traces_of


def late_traces(query: Query, erased: Erasures) -> Iterator[tuple[Tombstone, Traces]]:
    """What a store has of erased entities that was said more than a minute before they were erased.

    A minute, because a name that was erased is free for use again, by processes whose clocks may be behind by as much;
    what is said within it stays. Of a component, all that a process says that opened it before. Raises what ``query``
    raises.
    """
    by_project: dict[str, dict[UUID, Tombstone]] = defaultdict(dict)
    for one in erased.newest.values():
        by_project[one.project][one.entity] = one
    for project, tombstones in sorted(by_project.items()):
        before = {entity: one.at_us - AHEAD_US for entity, one in tombstones.items()}
        for entity, traces in traces_of(query, project, before, before).items():
            if traces.lifecycle:
                yield tombstones[entity], traces
