"""What belongs to an entity, and depends on it: read for a deletion."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import chain
from uuid import UUID

from epochal_query.columns import ids, texts
from epochal_query.deletion_plan import Extent, Part
from epochal_query.reading import Reading, at
from epochal_query.resolve import Entity, trial_label

_MINE = "WHERE project = {project:String}"


def extent_of(reading: Reading, target: Entity) -> Extent:
    """What its deletion is about."""
    trials: tuple[Entity, ...] = (target,) if target.kind == "trial" else ()
    if target.kind == "experiment":
        trials = _trials(reading, "experiment", [target.id])
    members = [target.id] if target.kind == "component" else _members(reading, trials)
    return Extent(target, trials, parts_of(reading, members))


def unassigned(reading: Reading) -> tuple[Part, ...]:
    """The components that are in no trial; what somebody still has open counts as running, whatever its kind."""
    alone = reading.rows(
        f"""SELECT component FROM {at("components")} {_MINE}
            AND component NOT IN (SELECT component FROM {at("memberships")} {_MINE})"""
    )
    found = ids(alone, "component")
    held = reading.rows(
        f"""SELECT DISTINCT component FROM {at("writers")} {_MINE} AND component IN {{ids:Array(UUID)}}
            AND ended = 'open' AND last_seen + toIntervalSecond(greatest(60, 3 * heartbeat_s)) >= now64(6, 'UTC')""",
        ids=[str(one) for one in found],
    )
    open_ = set(ids(held, "component"))
    return tuple(replace(part, running=part.running or part.entity.id in open_) for part in parts_of(reading, found))


def _members(reading: Reading, trials: Sequence[Entity]) -> list[UUID]:
    table = reading.rows(
        f"SELECT DISTINCT component FROM {at('memberships')} {_MINE} AND trial IN {{trials:Array(UUID)}}",
        trials=[str(one.id) for one in trials],
    )
    return ids(table, "component")


def _trials(reading: Reading, column: str, wanted: Sequence[UUID]) -> tuple[Entity, ...]:
    table = reading.rows(
        f"""SELECT trial, name, variables FROM {at("trials")} {_MINE} AND {column} IN {{wanted:Array(UUID)}}
            ORDER BY created_at, trial""",
        wanted=[str(one) for one in wanted],
    )
    rows = zip(ids(table, "trial"), texts(table, "name"), texts(table, "variables"), strict=True)
    return tuple(Entity("trial", id_, trial_label(name, variables)) for id_, name, variables in rows)


def _whole_names(reading: Reading, trials: Iterable[UUID]) -> dict[UUID, str]:
    table = reading.rows(
        f"""SELECT t.trial AS trial, t.name AS name, t.variables AS variables, e.name AS experiment
            FROM (SELECT * FROM {at("trials")} {_MINE} AND trial IN {{trials:Array(UUID)}}) AS t
            LEFT JOIN (SELECT experiment, name FROM {at("experiments")} {_MINE}) AS e ON t.experiment = e.experiment""",
        trials=[str(one) for one in trials],
    )
    columns = (texts(table, "name"), texts(table, "variables"), texts(table, "experiment"))
    return {
        id_: f"{trial_label(name, variables)!r} of {experiment!r}"
        for id_, name, variables, experiment in zip(ids(table, "trial"), *columns, strict=True)
    }


def parts_of(reading: Reading, wanted: Sequence[UUID]) -> tuple[Part, ...]:
    """What a deletion has to know of components."""
    asked, mine = [str(one) for one in wanted], set(wanted)
    pairs = reading.rows(
        f"SELECT component, trial FROM {at('memberships')} {_MINE} AND component IN {{ids:Array(UUID)}}", ids=asked
    )
    inside: dict[UUID, list[UUID]] = defaultdict(list)
    for component, trial in zip(ids(pairs, "component"), ids(pairs, "trial"), strict=True):
        inside[component].append(trial)
    trials = _whole_names(reading, {*chain(*inside.values())})
    # not the status of the component: that is "running" as well where a rank never began
    running = reading.rows(
        f"""SELECT DISTINCT component FROM {at("attempts")} {_MINE} AND component IN {{ids:Array(UUID)}}
            AND newest AND status = 'running'""",
        ids=asked,
    )
    runs = set(ids(running, "component"))
    uses = _uses(reading, asked)
    named = {one.id: one for one in _components(reading, {*wanted, *chain(*uses.values())})}
    return tuple(
        Part(
            one,
            {trial: trials[trial] for trial in inside[one.id]},
            one.id in runs,
            tuple(named[user] for user in uses[one.id]),
        )
        for one in named.values()
        if one.id in mine
    )


def _uses(reading: Reading, makers: Sequence[str]) -> dict[UUID, list[UUID]]:
    """By component others that used an output of it, or continue it as a fork."""
    table = reading.rows(
        f"""SELECT DISTINCT o.component AS maker, i.component AS user
            FROM (SELECT component, artifact FROM {at("edges")} {_MINE} AND relation = 'Produced'
                  AND component IN {{ids:Array(UUID)}}) AS o
            INNER JOIN (SELECT component, artifact FROM {at("edges")} {_MINE} AND relation = 'ContributedTo') AS i
                ON o.artifact = i.artifact
            WHERE o.component != i.component
            UNION DISTINCT
            SELECT toUUIDOrZero(source) AS maker, toUUIDOrZero(target) AS user FROM {at("edges")}
            {_MINE} AND relation = 'DerivedFrom' AND source_kind = 'component' AND target_kind = 'component'
              AND toUUIDOrZero(source) IN {{ids:Array(UUID)}}
            ORDER BY maker, user""",
        ids=list(makers),
    )
    uses: dict[UUID, list[UUID]] = defaultdict(list)
    for maker, user in zip(ids(table, "maker"), ids(table, "user"), strict=True):
        uses[maker].append(user)
    return uses


def _components(reading: Reading, wanted: Iterable[UUID]) -> list[Entity]:
    table = reading.rows(
        f"""SELECT component, name FROM {at("components")} {_MINE} AND component IN {{ids:Array(UUID)}}
            ORDER BY created_at, component""",
        ids=[str(one) for one in wanted],
    )
    return [
        Entity("component", id_, name) for id_, name in zip(ids(table, "component"), texts(table, "name"), strict=True)
    ]
