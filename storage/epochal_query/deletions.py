"""The deletions of a project that weren't undone, and which of them somebody means."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast
from uuid import UUID

import numpy as np
import pandas as pd

from epochal._ids import normal_text
from epochal_query.columns import decoded, ids, instants, texts
from epochal_query.errors import AmbiguousNameError, FilterError, UnknownNameError
from epochal_query.history_writers import writers_of
from epochal_query.names import unknown
from epochal_query.reading import Reading, block
from epochal_query.resolve import Entity, Kind, id_of, shortened, trial_label


@dataclass(frozen=True)
class Deletion:
    """One deletion of one entity; ``call`` is the writer that said it, and all else that went with it."""

    entity: Entity
    event: str
    call: UUID
    points: int
    at: Any
    """When it was so, UTC."""


def deletions_in(reading: Reading) -> list[Deletion]:
    """Those that stand, in the order that decides which is the newest."""
    said = f"""project = {{project:String}} AND kind IN ('experiment', 'trial', 'component')
               AND {block("within", "s | _at | ")}"""
    table = reading.rows(
        f"""SELECT kind, entity, key, writer, value, occurred_at FROM facts AS s FINAL
            WHERE {said} AND field = 'deleted' AND (kind, entity, key) NOT IN (
                SELECT kind, entity, key FROM facts AS s FINAL WHERE {said} AND field = 'restored')
            ORDER BY place"""
    )
    entities = ids(table, "entity")
    named = names_of(reading, entities)
    rows = zip(
        entities,
        texts(table, "kind"),
        texts(table, "key"),
        ids(table, "writer"),
        texts(table, "value"),
        instants(table, "occurred_at"),
        strict=True,
    )
    return [
        Deletion(named.get(id_, Entity(cast("Kind", kind), id_, "")), event, writer, _points(value), when)
        for id_, kind, event, writer, value, when in rows
    ]


def listed(reading: Reading) -> pd.DataFrame:
    """The deletions that stand, as a frame: kind, id, name, deleted, user, host, points, event."""
    found = deletions_in(reading)
    writers, _ = writers_of(reading, [str(one.call) for one in found], {})
    said_by = [writers[str(one.call)] for one in found]
    return pd.DataFrame(
        {
            "kind": pd.array([one.entity.kind for one in found], dtype="str"),
            "id": pd.array([str(one.entity.id) for one in found], dtype="str"),
            "name": pd.array([one.entity.name for one in found], dtype="str"),
            "deleted": pd.Series([one.at for one in found], dtype="datetime64[us, UTC]"),
            "user": pd.array([one.user for one in said_by], dtype="str"),
            "host": pd.array([one.host for one in said_by], dtype="str"),
            "points": np.array([one.points for one in found], dtype=np.int64),
            "event": pd.array([one.event for one in found], dtype="str"),
        }
    )


def call_of(reading: Reading, given: object) -> list[Deletion]:
    """All standing deletions of the call that last deleted what is meant: an id, a handle or a name.

    Raises:
        UnknownNameError: nothing is meant that is deleted.
        AmbiguousNameError: several things are, and different calls deleted them.
        FilterError: ``given`` can't mean anything.
    """
    known = deletions_in(reading)
    meant = id_of(given)
    if meant is None and not isinstance(given, str):
        raise FilterError(f"{given!r} names nothing that is deleted: give a name, an id or a handle")
    name = normal_text(given) if isinstance(given, str) else ""
    newest = {one.entity: one for one in known if one.entity.id == meant or (meant is None and one.entity.name == name)}
    calls = {one.call for one in newest.values()}
    if not calls:
        where = f" among what is deleted in project {reading.project!r}"
        raise (
            unknown("name", name, sorted({one.entity.name for one in known}), where)
            if meant is None
            else UnknownNameError(f"nothing has the id {meant}{where}")
        )
    if len(calls) > 1:
        lines = [f"  {one.entity.kind} {one.entity.id}, deleted {one.at}" for one in newest.values()]
        raise AmbiguousNameError(
            f"{len(lines):,} deleted things are named {given!r}; give the id of one:\n{shortened(lines)}"
        )
    return [one for one in known if one.call in calls]


def names_of(reading: Reading, wanted: Sequence[UUID]) -> Mapping[UUID, Entity]:
    """What entities are called, deleted ones included."""
    table = reading.rows(
        """SELECT kind, entity, argMaxIf(value, place, field = 'opened') AS opening,
                  argMaxIf(text, place, field = 'attr') AS shown FROM facts
           WHERE project = {project:String} AND kind IN ('experiment', 'trial', 'component')
             AND (field = 'opened' OR field = 'attr' AND key = 'name') AND entity IN {ids:Array(UUID)}
           GROUP BY kind, entity HAVING opening != ''""",
        ids=[str(one) for one in wanted],
    )
    rows = zip(ids(table, "entity"), texts(table, "kind"), texts(table, "opening"), texts(table, "shown"), strict=True)
    return {id_: Entity(cast("Kind", kind), id_, _called(kind, opening, shown)) for id_, kind, opening, shown in rows}


def _called(kind: str, opening: str, shown: str) -> str:
    said = decoded(opening)
    return trial_label(shown, json.dumps(said["variables"])) if kind == "trial" else str(said["name"])


def _points(value: str) -> int:
    return sum(count for _, count in decoded(value)["abandoned"])
