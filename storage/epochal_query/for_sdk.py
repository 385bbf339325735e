"""What the SDK asks of a store, and only when it must: on resume, fork, ``run.use()`` by name and ``run.undo()``, for
``exp.missing()``.
"""

from __future__ import annotations

from typing import TypedDict
from uuid import UUID

from epochal._artifacts.artifact import Artifact
from epochal._ids import experiment_id, normal_text
from epochal_query.columns import id_texts, ids, instants, texts, values
from epochal_query.forking import Piece, chain_of, continued_by, forks_of, past_of, reached_by, writers_of
from epochal_query.memberships import Members
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
    trials: list[tuple[str, str]]


def resume_info(component: str | UUID, *, project: str, rank: int = 0) -> ResumeInfo | None:
    """The past of a component, for one rank of it; None where the project has no such component.

    ``next_step`` is one more than the greatest step of the rank's main line (0 before any), ``writers`` are the rank's
    writers with how many points of each the log holds, after those whose points it continues as a fork, ``attempts``
    how often the rank was started, ``trials`` those that the component is in, each after its experiment's name.
    """
    with open_store(project=project) as store:
        return _resume_info(store.begin(), str(component), rank)


class ForkInfo(TypedDict):
    """A component's past, as one rank of another continues it."""

    reached: float | None
    past: list[Piece]
    chain: list[str]
    again: bool


def fork_info(
    component: str | UUID, step: float, *, project: str, rank: int = 0, into: str | UUID | None = None
) -> ForkInfo | None:
    """What one rank of a fork at a step continues; None where the project has no such component.

    ``reached`` is the greatest step of its main line (None before any), ``past`` its points up to the fork's step,
    ``chain`` the ids of it and of all that it continues; ``again``: ``into`` said already what it continues.
    """
    with open_store(project=project) as store:
        reading, of = store.begin(), str(component)
        known = "project = {project:String} AND component = {component:UUID}"
        if not reading.rows(f"SELECT key FROM {at('components')} WHERE {known}", component=of).num_rows:
            return None
        return ForkInfo(
            reached=reached_by(reading, of, rank),
            past=past_of(reading, of, rank, step),
            chain=sorted(chain_of(forks_of(reading), of)),
            again=into is not None and bool(continued_by(reading, str(into), rank)),
        )


def named(name: str, experiment: str, *, project: str) -> list[tuple[str, str]]:
    """The components with this name, the oldest first: their ids, and what tells them apart. Of one experiment where
    ``experiment`` names one; none where the store doesn't know it.
    """
    mine = f"""AND component IN (
        SELECT component FROM {at("memberships")} WHERE project = {{project:String}} AND trial IN (
            SELECT trial FROM {at("trials")}
            WHERE project = {{project:String}} AND experiment = {{experiment:UUID}}))"""
    with open_store(project=project) as store:
        table = store.begin().rows(
            f"""SELECT component, kind, status, created_at FROM {at("components")}
                WHERE project = {{project:String}} AND name = {{name:String}} {mine if experiment else ""}
                ORDER BY created_at, component""",
            name=normal_text(name),
            experiment=str(experiment_id(project, experiment)) if experiment else "",
        )
        told = zip(texts(table, "kind"), texts(table, "status"), instants(table, "created_at"), strict=True)
        shown = [f"[{kind}] {status}, of {created:%Y-%m-%d %H:%M:%S} UTC" for kind, status, created in told]
        return list(zip(id_texts(table, "component"), shown, strict=True))


def artifact(given: str, *, project: str) -> Artifact:
    """The artifact with this digest, URI, alias or name; raises as ``Store.artifact``."""
    with open_store(project=project) as store:
        return store.artifact(given)


def completed_trials(experiment: str | UUID, *, project: str) -> list[str]:
    """The ids of the experiment's trials that are completed; none where nothing of the experiment is known yet."""
    with open_store(project=project) as store:
        known = store.experiments()
        if str(experiment) not in set(known["id"]):
            return []
        trials = store.trials(UUID(str(experiment)))
        return [str(id_) for id_ in trials.loc[trials["status"] == "completed", "id"]]


def undo(event: str, reason: str, *, component: str | UUID, project: str) -> None:
    """Takes an event about a component back; raises as ``Store.undo``."""
    with open_store(project=project) as store:
        store.undo(event, reason, of=UUID(str(component)))


def _resume_info(reading: Reading, component: str, rank: int) -> ResumeInfo | None:
    mine = "project = {project:String} AND component = {component:UUID}"
    known = reading.rows(f"SELECT key, name, kind FROM {at('components')} WHERE {mine}", component=component)
    if not known.num_rows:
        return None
    greatest = reached_by(reading, component, rank, alone=True)
    attempts = reading.rows(
        f"SELECT count() AS attempts FROM {at('attempts')} WHERE {mine} AND rank = {{rank:UInt32}}",
        component=component,
        rank=rank,
    )
    continued = [(piece.writer, piece.until) for piece in continued_by(reading, component, rank)]
    return ResumeInfo(
        key=values(known, "key")[0],
        name=values(known, "name")[0],
        kind=values(known, "kind")[0],
        next_step=0.0 if greatest is None else greatest + 1,
        attempts=int(values(attempts, "attempts")[0]),
        writers=[*continued, *writers_of(reading, component, rank)],
        trials=_trials(reading, component),
    )


def _trials(reading: Reading, component: str) -> list[tuple[str, str]]:
    inside = Members.of_few(reading, [component])
    pairs = zip(ids(inside.table, "experiment"), id_texts(inside.table, "trial"), strict=True)
    return [(inside.experiments[of], trial) for of, trial in pairs if of in inside.experiments]
