"""Deleting and restoring: what is said, so that the views show it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from uuid import UUID

import pandas as pd

from epochal._entity_events import entity_deleted, entity_restored
from epochal._events import Event, component_attached, component_detached
from epochal._saying import Say
from epochal_query.columns import id_texts, ids, values
from epochal_query.deletion_extent import extent_of
from epochal_query.deletion_plan import Plan, check_confirmed, planned
from epochal_query.deletions import call_of, names_of
from epochal_query.reading import Reading, at
from epochal_query.resolve import Entity, resolve_any

COLUMNS = ("kind", "id", "name", "change", "reason", "points", "event")


def delete(reading: Reading, say: Say, given: object, confirm: str, *, cascade: bool) -> pd.DataFrame:
    """Delete what is meant: one row for each thing that is deleted, and for each that is concerned and stays.

    Raises:
        DeletionError: it isn't confirmed, something runs, or others depend on it and ``cascade`` wasn't asked for.
        UnknownNameError: nothing is meant, or several things are.
    """
    target = resolve_any(reading, given)
    check_confirmed(target, confirm)
    return carried_out(reading, say, planned(extent_of(reading, target), cascade=cascade))


def carried_out(reading: Reading, say: Say, plan: Plan) -> pd.DataFrame:
    """Say what a plan is: one row for each thing that is deleted, and for each that is concerned and stays."""
    logged = _logged(reading, [one.id for one in plan.deleted if one.kind == "component"])
    events = [component_detached(component=str(one), trial=str(trial)) for one, trial in plan.detached]
    first = len(events)
    for one in plan.deleted:
        abandoned = sorted(logged.get(one.id, {}).items())
        events.append(entity_deleted(kind=one.kind, entity=str(one.id), abandoned=abandoned))
    said = say(reading.project, events, _last_said(reading, plan))
    deleted = [
        (one.kind, str(one.id), one.name, "deleted", "", sum(logged.get(one.id, {}).values()), event)
        for one, event in zip(plan.deleted, said[first:], strict=True)
    ]
    kept = [(one.kind, str(one.id), one.name, "kept", why, 0, "") for one, why in plan.kept]
    return pd.DataFrame(deleted + kept, columns=list(COLUMNS))


def restore(reading: Reading, say: Say, given: object) -> pd.DataFrame:
    """Undo the newest deletion of what is meant, with all that the same call deleted; one row for each.

    Raises:
        UnknownNameError: nothing is meant that is deleted, or things that different calls deleted.
    """
    deletions = call_of(reading, given)
    attached = _detached_by(reading, deletions[0].call)
    events: list[Event] = [
        entity_restored(kind=one.entity.kind, entity=str(one.entity.id), deletion=one.event) for one in deletions
    ]
    events += [component_attached(component=str(one.id), trial=str(trial.id)) for one, trial in attached]
    said = say(reading.project, events, 0)
    rows = [(one.entity, "restored", "", one.points) for one in deletions]
    rows += [(one, "attached", f"to trial {trial.name!r} again", 0) for one, trial in attached]
    return pd.DataFrame(
        [
            (one.kind, str(one.id), one.name, change, why, points, event)
            for (one, change, why, points), event in zip(rows, said, strict=True)
        ],
        columns=list(COLUMNS),
    )


def _logged(reading: Reading, components: Sequence[UUID]) -> Mapping[UUID, Mapping[str, int]]:
    """By component and writer how many points there are, or will be when all that was said to be written is here."""
    asked = [str(one) for one in components]
    found: dict[UUID, dict[str, int]] = {}
    for sql in (
        """SELECT component, writer, max(seq) + 1 AS count FROM metrics
           WHERE project = {project:String} AND component IN {ids:Array(UUID)} GROUP BY component, writer""",
        f"""SELECT component, writer, metrics AS count FROM {at("writers")}
            WHERE project = {{project:String}} AND component IN {{ids:Array(UUID)}} AND count > 0""",
    ):
        table = reading.rows(sql, ids=asked)
        for one, writer, count in zip(
            ids(table, "component"), id_texts(table, "writer"), values(table, "count"), strict=True
        ):
            counts = found.setdefault(one, {})
            counts[writer] = max(count, counts.get(writer, 0))
    return found


def _last_said(reading: Reading, plan: Plan) -> int:
    """The instant (microseconds since 1970, UTC) of the newest statement that the deletion has to come after."""
    table = reading.rows(
        """SELECT ifNull(toUnixTimestamp64Micro(maxOrNull(ordered_at)), 0) AS last FROM facts
           WHERE project = {project:String} AND kind IN ('experiment', 'trial', 'component')
             AND entity IN {ids:Array(UUID)}""",
        ids=[str(one.id) for one in plan.deleted] + [str(one) for one, _ in plan.detached],
    )
    return int(values(table, "last")[0])


def _detached_by(reading: Reading, call: UUID) -> list[tuple[Entity, Entity]]:
    """The components that a call took out of trials, and the trials."""
    table = reading.rows(
        """SELECT entity, toUUIDOrZero(key) AS trial FROM facts FINAL
           WHERE project = {project:String} AND kind = 'component' AND field = 'member' AND removed
             AND writer = {writer:UUID} ORDER BY seq""",
        writer=str(call),
    )
    pairs = list(zip(ids(table, "entity"), ids(table, "trial"), strict=True))
    named = names_of(reading, [id_ for pair in pairs for id_ in pair])
    return [(named[one], named[trial]) for one, trial in pairs]
