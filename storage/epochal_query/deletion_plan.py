"""What a deletion takes along, what it spares, and whether it may happen. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from epochal_query.errors import DeletionError
from epochal_query.resolve import Entity, shortened

_RUNNING: Final = "it runs, or a process has it open"


@dataclass(frozen=True)
class Part:
    """A component that a deletion is about: the trials it is in with their names, and what depends on it."""

    entity: Entity
    trials: Mapping[UUID, str]
    running: bool
    users: tuple[Entity, ...]
    """Other components that an output of it went into, or that continue it as a fork."""


@dataclass(frozen=True)
class Extent:
    """What is to be deleted, and all that belongs to it: its trials (a trial is its own), and the components of those
    (a component is its own).
    """

    target: Entity
    trials: tuple[Entity, ...]
    components: tuple[Part, ...]


@dataclass(frozen=True)
class Plan:
    """What is deleted, the inner before the outer; what stays though it is concerned, and why; and of what stays the
    memberships (component, trial) that end.
    """

    deleted: tuple[Entity, ...]
    kept: tuple[tuple[Entity, str], ...]
    detached: tuple[tuple[UUID, UUID], ...]


def planned(extent: Extent, *, cascade: bool) -> Plan:
    """What happens when it is deleted.

    Raises:
        DeletionError: others depend on it, and ``cascade`` wasn't asked for; or something of it still runs.
    """
    target = extent.target
    inside = {trial.id for trial in extent.trials}
    going = [part for part in extent.components if part.entity == target or part.trials.keys() <= inside]
    staying = [part for part in extent.components if part not in going]
    if not cascade:
        _check_nothing_depends(extent)
    _check_nothing_runs(target, going)
    gone = {part.entity.id for part in going}
    return Plan(
        tuple(part.entity for part in going)
        + tuple(trial for trial in extent.trials if trial != target)
        + ((target,) if target.kind != "component" else ()),
        tuple((part.entity, _elsewhere(part, inside)) for part in staying) + tuple(_left_behind(going, gone)),
        tuple((part.entity.id, trial) for part in staying for trial in part.trials if trial in inside),
    )


def cleared(parts: Iterable[Part], *, cascade: bool) -> Plan:
    """What goes of components that are in no trial: all but what is running, and, unless ``cascade`` is asked for, what
    others that stay use or continue.
    """
    going = {part.entity.id: part for part in parts}
    kept: list[tuple[Entity, str]] = []
    why = {id_: _RUNNING for id_, part in going.items() if part.running}
    while True:
        kept += [(going.pop(id_).entity, reason) for id_, reason in why.items()]
        why = {} if cascade else {id_: used for id_, part in going.items() if (used := _used(part, going.keys()))}
        if not why:  # else what stays now keeps what it uses
            break
    return Plan(tuple(part.entity for part in going.values()), tuple(kept), ())


def check_counted(plan: Plan, confirm: int | None) -> None:
    """Raises DeletionError: the number given isn't how many components would be deleted."""
    count = len(plan.deleted)
    if confirm != count:
        lines = [f"  component {one.name!r} ({one.id})" for one in plan.deleted]
        why = "how many has to be said for that" if confirm is None else f"they are not {confirm!r}"
        listed = f":\n{shortened(lines)}\n" if lines else "; "
        raise DeletionError(
            f"{count:,} components that are in no trial aren't deleted, because {why}{listed}"
            f"confirm={count} (--confirm {count}) deletes them"
        )


def check_confirmed(target: Entity, confirm: str) -> None:
    """Raises DeletionError: the name given isn't exactly that of what would be deleted."""
    if confirm != target.name:
        why = f"{confirm!r} isn't its name" if confirm else "its name has to be said for that"
        raise DeletionError(
            f"{target.kind} {target.name!r} ({target.id}) isn't deleted, because {why}: confirm={target.name!r}"
        )


def _check_nothing_depends(extent: Extent) -> None:
    target = extent.target
    lines = [f"  trial {trial.name!r}" for trial in extent.trials if trial != target]
    lines += [f"  component {part.entity.name!r} ({part.entity.id})" for part in extent.components]
    if target.kind == "component":
        (part,) = extent.components
        lines = [f"  component {user.name!r} ({user.id}) uses an output of it, or continues it" for user in part.users]
    if lines:
        goes = {
            "component": "deletes it all the same",
            "trial": "deletes the components that are in no other trial, too",
        }
        along = goes.get(target.kind, "deletes the trials, and the components that are in no other, too")
        raise DeletionError(
            f"{target.kind} {target.name!r} isn't deleted, because others depend on it:\n{shortened(lines)}\n"
            f"cascade=True (--cascade) {along}"
        )


def _check_nothing_runs(target: Entity, going: Iterable[Part]) -> None:
    lines = [f"  component {part.entity.name!r} ({part.entity.id})" for part in going if part.running]
    if lines:
        raise DeletionError(
            f"{target.kind} {target.name!r} isn't deleted, because what is running would go on writing to it:\n"
            f"{shortened(lines)}\nend it first; a run that died counts as lost a minute after its last sign of life"
        )


def _used(part: Part, going: Collection[UUID]) -> str:
    """Which component that stays uses an output of it, or continues it; the empty text where none does."""
    staying = [user for user in part.users if user.id not in going]
    return f"component {staying[0].name!r} ({staying[0].id}) uses an output of it, or continues it" if staying else ""


def _elsewhere(part: Part, inside: set[UUID]) -> str:
    names = sorted(name for trial, name in part.trials.items() if trial not in inside)
    more = f" and {len(names) - 1:,} more" if len(names) > 1 else ""
    return f"it is in trial {names[0]}{more}, too"


def _left_behind(going: Iterable[Part], gone: set[UUID]) -> Iterator[tuple[Entity, str]]:
    for part in going:
        for user in part.users:
            if user.id not in gone:
                yield user, f"it used or continues {part.entity.name!r} ({part.entity.id}), which is deleted"
