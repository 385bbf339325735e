"""What the SDK asks of a store, and only when it must: to resume, for ``exp.missing()``, for ``run.undo()``."""

from __future__ import annotations

from typing import TypedDict
from uuid import UUID

from epochal_query.columns import floats, values
from epochal_query.opening import open_store
from epochal_query.reading import Reading, at


class ResumeInfo(TypedDict):
    """A component's past, as one rank goes on with it."""

    key: str
    name: str
    kind: str
    next_step: float
    attempts: int
    writers: list[tuple[str, int]]


def resume_info(component: str | UUID, *, project: str, rank: int = 0) -> ResumeInfo | None:
    """The past of a component, for one rank of it; None where the project has no such component.

    ``next_step`` is one more than the greatest step of the rank's main line (0 before any), ``writers`` are the rank's
    writers with how many points of each the log holds, ``attempts`` how often the rank was started.
    """
    store = open_store(project=project)
    try:
        return _resume_info(store.begin(), str(component), rank)
    finally:
        store.close()


def completed_trials(experiment: str | UUID, *, project: str) -> list[str]:
    """The ids of the experiment's trials that are completed; none where nothing of the experiment is known yet."""
    store = open_store(project=project)
    try:
        known = store.experiments()
        if str(experiment) not in set(known["id"]):
            return []
        trials = store.trials(UUID(str(experiment)))
        return [str(id_) for id_ in trials.loc[trials["status"] == "completed", "id"]]
    finally:
        store.close()


def undo(event: str, reason: str, *, component: str | UUID, project: str) -> None:
    """Takes an event about a component back; raises as ``Store.undo``."""
    store = open_store(project=project)
    try:
        store.undo(event, reason, of=UUID(str(component)))
    finally:
        store.close()


def _resume_info(reading: Reading, component: str, rank: int) -> ResumeInfo | None:
    mine = "project = {project:String} AND component = {component:UUID}"
    known = reading.rows(f"SELECT key, name, kind FROM {at('components')} WHERE {mine}", component=component)
    if not known.num_rows:
        return None
    # system metrics have a step of their own
    steps = reading.rows(
        f"SELECT maxOrNull(step) AS step FROM {at('metrics')} "
        f"WHERE {mine} AND rank = {{rank:UInt32}} AND NOT startsWith(metric, 'sys/')",
        component=component,
        rank=rank,
    )
    greatest = float(floats(steps, "step")[0])
    written = reading.rows(
        "SELECT toString(writer) AS writer, sum(n) AS points FROM partials FINAL "
        f"WHERE {mine} AND rank = {{rank:UInt32}} GROUP BY writer ORDER BY writer",
        component=component,
        rank=rank,
    )
    attempts = reading.rows(
        f"SELECT count() AS attempts FROM {at('attempts')} WHERE {mine} AND rank = {{rank:UInt32}}",
        component=component,
        rank=rank,
    )
    return ResumeInfo(
        key=values(known, "key")[0],
        name=values(known, "name")[0],
        kind=values(known, "kind")[0],
        next_step=0.0 if greatest != greatest else greatest + 1,
        attempts=int(values(attempts, "attempts")[0]),
        writers=list(zip(values(written, "writer"), map(int, values(written, "points")), strict=True)),
    )
