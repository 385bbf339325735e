"""Who is meant: experiments, trials and components by name, id or handle, looked up in the present."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, cast
from uuid import UUID

from epochal_query.columns import decoded, ids, texts
from epochal_query.errors import FilterError, UnknownNameError
from epochal_query.names import unknown
from epochal_query.reading import Reading

Kind = Literal["experiment", "trial", "component"]
BOUNDS = "as_of = {as_of:String}, known_at = {known_at:String}"
SHOWN_MAX = 8

_LISTS: dict[Kind, str] = {
    "experiment": f"SELECT experiment AS id, name, '' AS label FROM experiments_at({BOUNDS}) WHERE project = {{project:String}}",
    "trial": f"SELECT trial AS id, name, variables AS label FROM trials_at({BOUNDS}) WHERE project = {{project:String}}",
    "component": (
        f"SELECT component AS id, name, display_name AS label FROM components_at({BOUNDS}) WHERE project = {{project:String}}"
    ),
}
_COLUMN: dict[Kind, str] = {"experiment": "experiment", "trial": "trial", "component": "component"}


@dataclass(frozen=True)
class Entity:
    """Something with an id and a name to show."""

    kind: Kind
    id: UUID
    name: str


def trial_label(name: str, variables: str) -> str:
    """What a trial is called: its display name, else its variables, else ``default`` (the empty set)."""
    if name:
        return name
    cells = decoded(variables or "{}")
    if not isinstance(cells, dict) or not cells:
        return "default"
    return ", ".join(f"{key}={value}" for key, value in sorted(cast("dict[str, object]", cells).items()))


def id_of(given: object) -> UUID | None:
    """The id that an id, its text, or a handle carries; None for a name."""
    if isinstance(given, UUID):
        return given
    if isinstance(given, str):
        try:
            return UUID(given) if len(given) == 36 else None
        except ValueError:
            return None
    carried: object = getattr(given, "id", None)
    return id_of(carried) if isinstance(carried, (UUID, str)) else None


def resolve(reading: Reading, kind: Kind, given: object) -> list[Entity]:
    """The entities that ``given`` means: an id, a handle, a name, a pattern, or a list of these.

    A trial may also be given as its variables (a mapping). Several entities may share a name: all are meant.

    Raises:
        UnknownNameError: something given is nothing in the project; the message has near names.
        FilterError: ``given`` is not something that can name an entity.
    """
    wanted: Sequence[object] = (
        list(cast("Iterable[object]", given)) if isinstance(given, (list, tuple, set, frozenset)) else [given]
    )
    known = _known(reading.present, kind, wanted)
    found: dict[UUID, Entity] = {}
    for one in wanted:
        matching = [entity for entity, names in known if _is(one, entity, names)]
        if not matching:
            raise _missing(reading.present, kind, one)
        found.update((entity.id, entity) for entity in matching)
    return list(found.values())


def resolve_one(reading: Reading, kind: Kind, given: object) -> Entity:
    """The one entity that ``given`` means.

    Raises:
        UnknownNameError: nothing is meant, or more than one thing; the message lists the ids then.
        FilterError: ``given`` is not something that can name an entity.
    """
    found = resolve(reading, kind, given)
    if len(found) == 1:
        return found[0]
    listed = ", ".join(str(entity.id) for entity in found[:SHOWN_MAX])
    more = f" and {len(found) - SHOWN_MAX:,} more" if len(found) > SHOWN_MAX else ""
    raise UnknownNameError(f"{len(found):,} {kind}s are named {given!r}; give the id of one: {listed}{more}")


def resolve_any(reading: Reading, given: object) -> Entity:
    """The one component, trial or experiment that ``given`` means, looked for in this order.

    Raises:
        UnknownNameError: nothing is meant, or more than one thing of a kind.
        FilterError: ``given`` is not something that can name an entity.
    """
    kinds: tuple[Kind, ...] = ("component", "trial", "experiment")
    if isinstance(given, Entity):
        kinds = (given.kind,)
    failures: list[UnknownNameError] = []
    for kind in kinds:
        try:
            return resolve_one(reading, kind, given)
        except UnknownNameError as error:
            if "give the id of one" in str(error):
                raise
            failures.append(error)
    raise UnknownNameError("; ".join(map(str, failures)))


def _known(reading: Reading, kind: Kind, wanted: Sequence[object]) -> list[tuple[Entity, tuple[str, ...]]]:
    """Entities with the names they answer to; narrowed in the engine where only ids are wanted."""
    sql = _LISTS[kind]
    meant = [id_of(one) for one in wanted]
    if all(one is not None for one in meant):
        sql += f" AND {_COLUMN[kind]} IN {{ids:Array(UUID)}}"
    elif kind == "component" and all(isinstance(one, str) for one in wanted):
        sql += " AND (name IN {names:Array(String)} OR display_name IN {names:Array(String)})"
    table = reading.rows(sql, ids=[one for one in meant if one], names=[one for one in wanted if isinstance(one, str)])
    rows = zip(ids(table, "id"), texts(table, "name"), texts(table, "label"), strict=True)
    return [_named(kind, id_, name, label) for id_, name, label in rows]


def _named(kind: Kind, id_: UUID, name: str, label: str) -> tuple[Entity, tuple[str, ...]]:
    if kind == "trial":
        shown = trial_label(name, label)
        return Entity(kind, id_, shown), (shown, label)
    return Entity(kind, id_, name), (name, label)


def _is(one: object, entity: Entity, names: tuple[str, ...]) -> bool:
    meant = id_of(one)
    if meant is not None:
        return entity.id == meant
    if isinstance(one, str):
        return one != "" and one in (names if entity.kind == "component" else names[:1])
    if isinstance(one, re.Pattern):
        pattern = cast("re.Pattern[str]", one)
        return any(pattern.fullmatch(name) for name in (names if entity.kind == "component" else names[:1]) if name)
    if isinstance(one, Mapping) and entity.kind == "trial":
        return bool(decoded(names[1] or "{}") == dict(cast("Mapping[str, object]", one)))
    raise FilterError(f"{one!r} names no {entity.kind}: give a name, an id, a handle, or re.compile(...)")


def _missing(reading: Reading, kind: Kind, one: object) -> UnknownNameError:
    where = f" in project {reading.project!r}"
    if id_of(one) is not None:
        return UnknownNameError(f"no {kind} has the id {id_of(one)}{where}")
    if isinstance(one, re.Pattern):
        return UnknownNameError(f"no {kind}'s name{where} matches the pattern {one.pattern!r} as a whole")
    if isinstance(one, Mapping):
        return UnknownNameError(f"no trial{where} has the variables {dict(cast('Mapping[str, object]', one))!r}")
    if not isinstance(one, str):
        raise FilterError(f"{one!r} names no {kind}: give a name, an id, a handle, or re.compile(...)")
    known = _known(reading, kind, [re.compile("")])
    shown = [name for _, names in known for name in (names if kind == "component" else names[:1]) if name]
    return unknown(kind, one, shown, where)
