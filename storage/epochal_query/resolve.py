"""Who is meant: experiments, trials and components by name, id or handle, looked up in the present; what isn't there
any more, at the instant that is read.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, cast
from uuid import UUID

from epochal._ids import experiment_id, normal_text, normal_variables
from epochal_query.columns import decoded, ids, texts
from epochal_query.errors import AmbiguousNameError, FilterError, UnknownNameError
from epochal_query.names import unknown, unknown_among
from epochal_query.reading import Reading, at

Kind = Literal["experiment", "trial", "component", "action", "context"]
SHOWN_MAX = 8

_LISTS: dict[Kind, str] = {
    "experiment": f"""SELECT experiment AS id, name, '' AS label FROM {at("experiments")}
        WHERE project = {{project:String}} AND <which> AND (<named>)""",
    "trial": f"""SELECT trial AS id, name, variables AS label FROM {at("trials")}
        WHERE project = {{project:String}} AND <which> AND (<named>)""",
    # not from `components`: the names of components are to be had without folding how they ran
    "component": f"""
        SELECT entity AS id, JSONExtractString(maxIf(value, field = 'opened'), 'name') AS name,
               maxIf(text, field = 'attr' AND key = 'display_name') AS label
        FROM {at("cells")}
        WHERE project = {{project:String}} AND kind = 'component' AND field IN ('opened', 'attr') AND <which>
        GROUP BY entity HAVING countIf(field = 'opened') > 0 AND (<named>)""",
    "action": f"""SELECT action AS id, name, '' AS label FROM {at("actions")}
        WHERE project = {{project:String}} AND <which> AND (<named>)""",
    "context": f"""SELECT context AS id, name, '' AS label FROM {at("contexts")}
        WHERE project = {{project:String}} AND <which> AND (<named>)""",
}
_COLUMN: dict[Kind, str] = {
    "experiment": "experiment",
    "trial": "trial",
    "component": "entity",
    "action": "action",
    "context": "context",
}


@dataclass(frozen=True)
class Entity:
    """Something with an id and a name to show."""

    kind: Kind
    id: UUID
    name: str


def shortened(lines: Sequence[str]) -> str:
    """Lines of an error; of many the first, and how many more there are."""
    more = [f"  and {len(lines) - SHOWN_MAX:,} more"] if len(lines) > SHOWN_MAX else []
    return "\n".join([*lines[:SHOWN_MAX], *more])


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
    found, missing = _found(reading, kind, given)
    for one in missing:
        later = _not_yet(reading, one, [kind])
        if not later:
            raise _missing(reading.present, kind, one)
        found += later
    return found


def resolve_one(reading: Reading, kind: Kind, given: object) -> Entity:
    """The one entity that ``given`` means.

    Raises:
        UnknownNameError: nothing is meant; AmbiguousNameError: more than one thing, whose ids the message lists.
        FilterError: ``given`` is not something that can name an entity.
    """
    return _one(reading, kind, given, resolve(reading, kind, given))


def _one(reading: Reading, kind: Kind, given: object, found: Sequence[Entity]) -> Entity:
    if len(found) == 1:
        return found[0]
    if not found:
        raise FilterError(f"{given!r} names no {kind}: give one name, id or handle")
    where = whereabouts(reading.present, kind, found)
    known = sorted((where.get(entity.id, ""), str(entity.id)) for entity in found)
    listed = shortened([f"  {id_}  {place}".rstrip() for place, id_ in known])
    raise AmbiguousNameError(f"{len(found):,} {kind}s are named {given!r}; give the id of one:\n{listed}")


def resolve_any(reading: Reading, given: object, besides: Mapping[str, Iterable[str]] | None = None) -> Entity:
    """The one component, trial, experiment, action or context that ``given`` means, looked for in this order.

    ``besides`` are names of other kinds that the caller has looked for already, for the error.

    Raises:
        UnknownNameError: nothing is meant, or more than one thing of a kind.
        FilterError: ``given`` is not something that can name an entity.
    """
    kinds: tuple[Kind, ...] = ("component", "trial", "experiment", "action", "context")
    if isinstance(given, Entity):
        kinds = (given.kind,)
    for kind in kinds:
        found, missing = _found(reading, kind, given)
        if not missing:
            return _one(reading, kind, given, found)
    if later := _not_yet(reading, given, kinds):
        return _one(reading, later[0].kind, given, later)
    if isinstance(given, str) and id_of(given) is None:
        known: dict[str, Iterable[str]] = {kind: _names(reading.present, kind) for kind in kinds}
        raise unknown_among(given, {**known, **(besides or {})}, _where(reading))
    if id_of(given) is not None:
        raise UnknownNameError(f"nothing has the id {id_of(given)}{_where(reading)}")
    raise UnknownNameError("; ".join(str(_missing(reading.present, kind, given)) for kind in kinds))


def whereabouts(reading: Reading, kind: Kind, found: Sequence[Entity]) -> dict[UUID, str]:
    """What tells entities of one name apart: the trials of components, the experiments of trials."""
    if kind not in ("component", "trial"):
        return {}
    mine = f"{{{kind}s:Array(UUID)}}"
    members, trials = f"SELECT trial AS id, trial FROM {at('trials')}", mine
    if kind == "component":
        members = f"SELECT component AS id, trial FROM {at('memberships')}"
        # of all trials only those that these were ever in are folded
        trials = f"""(SELECT toUUIDOrZero(key) FROM facts WHERE project = {{project:String}}
                      AND kind = 'component' AND field = 'member' AND entity IN {mine})"""
    table = reading.rows(
        f"""SELECT m.id AS id, t.name AS name, t.variables AS variables, e.name AS experiment
            FROM ({members} WHERE project = {{project:String}} AND id IN {mine}) AS m
            INNER JOIN (SELECT * FROM {at("trials")} WHERE project = {{project:String}} AND trial IN {trials}) AS t
                ON m.trial = t.trial
            INNER JOIN (SELECT experiment, name FROM {at("experiments")} WHERE project = {{project:String}}) AS e
                ON t.experiment = e.experiment ORDER BY t.created_at""",
        **{f"{kind}s": [str(entity.id) for entity in found]},
    )
    said: dict[UUID, list[str]] = {}
    columns = (texts(table, "name"), texts(table, "variables"), texts(table, "experiment"))
    for id_, name, variables, experiment in zip(ids(table, "id"), *columns, strict=True):
        shown = "" if kind == "trial" else f"{trial_label(name, variables)} of "
        said.setdefault(id_, []).append(f"{shown}{experiment}")
    return {id_: "; ".join(one[:2]) + (f" and {len(one) - 2:,} more" if one[2:] else "") for id_, one in said.items()}


def _found(reading: Reading, kind: Kind, given: object) -> tuple[list[Entity], list[object]]:
    """The entities that are meant, and what of it means none."""
    wanted: Sequence[object] = (
        list(cast("Iterable[object]", given)) if isinstance(given, (list, tuple, set, frozenset)) else [given]
    )
    by_id = _by_id(reading, kind, wanted)
    if by_id is not None:
        return by_id, []
    known = _known(reading.present, kind, wanted)
    found: dict[UUID, Entity] = {}
    missing: list[object] = []
    for one in wanted:
        matching = [entity for entity, names in known if _is(one, entity, names)] or _then(reading, kind, one)
        found.update((entity.id, entity) for entity in matching)
        missing += [] if matching else [one]
    return list(found.values()), missing


def _not_yet(reading: Reading, given: object, kinds: Sequence[Kind]) -> list[Entity]:
    """What wasn't there yet at the place in time that is read, and was deleted since.

    Raises UnknownNameError: it was there, and is deleted or erased; the message says how to see it.
    """
    # deletions are read by a module that needs this one
    from epochal_query.resolve_gone import gone, not_yet

    later = not_yet(reading, given, kinds)
    if not later and (told := gone(reading.present, given, kinds)):
        raise UnknownNameError(told)
    return later


def _by_id(reading: Reading, kind: Kind, wanted: Sequence[object]) -> list[Entity] | None:
    """The entities where their ids follow from what was given and nothing was ever deleted; None: look them up.

    An experiment's name makes its id. What was said of a few ids is found at once by primary key.
    """
    meant = [_id_from(reading, kind, one) for one in wanted]
    if kind == "trial" or not meant or not all(meant):
        return None
    table = reading.rows(
        """SELECT entity AS id, JSONExtractString(argMaxIf(value, place, field = 'opened'), 'name') AS name FROM facts
           WHERE project = {project:String} AND kind = {kind:String} AND field IN ('opened', 'deleted')
             AND entity IN {ids:Array(UUID)}
           GROUP BY entity HAVING countIf(field = 'deleted') = 0""",
        kind=kind,
        ids=[str(one) for one in meant],
    )
    found = {id_: Entity(kind, id_, name) for id_, name in zip(ids(table, "id"), texts(table, "name"), strict=True)}
    return [found[one] for one in dict.fromkeys(meant) if one] if found.keys() == set(meant) else None


def _then(reading: Reading, kind: Kind, one: object) -> list[Entity]:
    """What was there at the place in time that is read, and was deleted since."""
    if reading.is_present:
        return []
    return [entity for entity, names in _known(reading, kind, [one]) if _is(one, entity, names)]


def _id_from(reading: Reading, kind: Kind, one: object) -> UUID | None:
    meant = id_of(one)
    if meant is None and kind == "experiment" and isinstance(one, str) and one:
        return experiment_id(reading.project, one)
    return meant


def _known(reading: Reading, kind: Kind, wanted: Sequence[object]) -> list[tuple[Entity, tuple[str, ...]]]:
    """Entities with the names they answer to; narrowed in the engine where only ids are wanted."""
    sql = _LISTS[kind]
    meant = [id_of(one) for one in wanted]
    if all(one is not None for one in meant):
        sql = sql.replace("<which>", f"{_COLUMN[kind]} IN {{ids:Array(UUID)}}").replace("<named>", "1")
    elif all(isinstance(one, str) for one in wanted) and kind != "trial":
        sql = sql.replace("<which>", "1").replace(
            "<named>", "has({names:Array(String)}, name) OR has({names:Array(String)}, label)"
        )
    else:
        sql = sql.replace("<which>", "1").replace("<named>", "1")
    names = [normal_text(one) for one in wanted if isinstance(one, str)]
    table = reading.rows(sql, ids=[str(one) for one in meant if one], names=names)
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
        return one != "" and normal_text(one) in (names if entity.kind == "component" else names[:1])
    if isinstance(one, re.Pattern) and isinstance(cast(object, one.pattern), str):
        pattern = cast("re.Pattern[str]", one)
        return any(pattern.fullmatch(name) for name in (names if entity.kind == "component" else names[:1]) if name)
    if isinstance(one, Mapping) and entity.kind == "trial":
        return bool(decoded(names[1] or "{}") == normal_variables(cast("Mapping[str, object]", one)))
    raise FilterError(f"{one!r} names no {entity.kind}: give a name, an id, a handle, or re.compile(...)")


def _missing(reading: Reading, kind: Kind, one: object) -> UnknownNameError:
    where = _where(reading)
    if id_of(one) is not None:
        return UnknownNameError(f"no {kind} has the id {id_of(one)}{where}")
    if isinstance(one, re.Pattern):
        return UnknownNameError(f"no {kind}'s name{where} matches the pattern {one.pattern!r} as a whole")
    if isinstance(one, Mapping):
        asked = trial_label("", json.dumps(normal_variables(cast("Mapping[str, object]", one)), ensure_ascii=False))
        return unknown("trial", asked, _names(reading, "trial"), where)
    if not isinstance(one, str):
        raise FilterError(f"{one!r} names no {kind}: give a name, an id, a handle, or re.compile(...)")
    return unknown(kind, one, _names(reading, kind), where)


def _names(reading: Reading, kind: Kind) -> list[str]:
    known = _known(reading, kind, [re.compile("")])
    return [name for _, names in known for name in (names if kind == "component" else names[:1]) if name]


def _where(reading: Reading) -> str:
    return emptiness(reading) or f" in project {reading.project!r}"


def emptiness(reading: Reading) -> str:
    """Where a project is empty: the project, and those that aren't; else the empty text."""
    table = reading.rows("SELECT DISTINCT project FROM facts WHERE field = 'opened' ORDER BY project")
    others = texts(table, "project")
    if reading.project in others:
        return ""
    listed = f"what is here lies in {', '.join(map(repr, others[:SHOWN_MAX]))}" if others else "and so is the store"
    return f" in project {reading.project!r}, which is empty ({listed})"
