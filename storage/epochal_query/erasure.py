"""Erasing: what was said is destroyed, its digests and a tombstone stay."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any
from uuid import UUID

import pandas as pd

from epochal._entity_events import entity_erased
from epochal._errors import NotAvailableError
from epochal._events import component_detached
from epochal._sent import FROM_KAFKA
from epochal_processors.traces import Traces, stored_digests, traces_of
from epochal_query.connection import Opened
from epochal_query.deletion import COLUMNS
from epochal_query.deletion_extent import extent_of
from epochal_query.deletion_plan import Plan, check_confirmed, planned
from epochal_query.deletions import call_of
from epochal_query.erasure_extent import is_exported, query_of, remains, still_open
from epochal_query.erasures import states_of
from epochal_query.errors import AmbiguousNameError, DeletionError, UnknownNameError, WaitTimeoutError
from epochal_query.reading import Reading
from epochal_query.resolve import Entity, id_of, resolve_any, shortened
from epochal_query.waiting import SENT_WITHIN_S, reached, wait_until


def erase(
    reading: Reading,
    opened: Opened,
    given: object,
    confirm: str,
    reason: str,
) -> tuple[pd.DataFrame, dict[UUID, Traces], list[str]]:
    """Erase what is meant, with all that is only its own: one row for each thing that goes, or is concerned and stays;
    what has to be gone when everything said is taken in; and remarks.

    The reading is of after :func:`check_possible` and :func:`check_taken_in`.

    Raises:
        DeletionError: it isn't confirmed, there is no reason, or something of it is still being written.
        UnknownNameError: nothing is meant, or several things are.
    """
    target, entities, plan = _meant(reading, given)
    check_confirmed(target, confirm)
    if not reason.strip():
        raise DeletionError(f"{target.kind} {target.name!r} isn't erased without a reason, which its tombstone keeps")
    traces = traces_of(query_of(reading), reading.project, [one.id for one in entities])
    _check_ended(reading, target, list(traces.values()))
    # first what may refuse: Kafka has these journals whole, so that nothing is lost where the rest then fails
    kept = _remove_spooled(opened, list(traces.values()))
    contents = _remove_contents(reading, opened, entities)
    events = [component_detached(component=str(one), trial=str(trial)) for one, trial in plan.detached]
    first = len(events)
    for one in entities:
        events.append(entity_erased(kind=one.kind, entity=str(one.id), reason=reason, **traces[one.id].named()))
    said = opened.say(reading.project, events, 0)
    rows: list[tuple[str, str, str, str, str, int, str]] = [
        (one.kind, str(one.id), one.name, "erased", "", traces[one.id].points, event)
        for one, event in zip(entities, said[first:], strict=True)
    ]
    rows += [("artifact", digest, name, change, why, 0, "") for digest, name, change, why in contents]
    rows += [(one.kind, str(one.id), one.name, "kept", why, 0, "") for one, why in plan.kept]
    return pd.DataFrame(rows, columns=list(COLUMNS)), traces, kept


def not_yet(reading: Reading, opened: Opened, traces: Mapping[UUID, Traces]) -> Iterator[str]:
    """What of it isn't gone yet, and why, in a sentence each."""
    if left := remains(reading, traces, traces.values()):
        yield f"{left:,} events and points aren't gone yet: the host goes on (host.log), or the worker that gets to it"
    if is_exported(reading):
        yield "an export that is under way has it, on the disk until it ends and in what it writes"
    states, _ = states_of(reading, opened, list(traces.values()))
    if any(one.left for one in states):
        ends = [one.until for one in states if one.left]
        known = [one for one in ends if one is not None]
        when = f" until {max(known):%Y-%m-%d %H:%M} UTC at the latest" if len(known) == len(ends) else ""
        yield f"Kafka has messages of it{when}: it is pending, `epochal erase` lists what becomes of it"


def check_possible(reading: Reading, opened: Opened) -> None:
    """Raises NotAvailableError: Kafka has what is here, and isn't known here; or nothing can be said to the store."""
    if opened.topics is not None:
        return
    if opened.directory is None:
        raise NotAvailableError(
            "nothing can be erased from a server but through Kafka, with which its workers learn of it: set "
            "EPOCHAL_KAFKA, with what else the jobs have that log to it, and leave EPOCHAL_MODE on"
        )
    if any(log.startswith(FROM_KAFKA) for log in reading.watermark):
        raise NotAvailableError(
            f"{opened.directory} is fed by Kafka, whose topics have what is erased here as well: set EPOCHAL_KAFKA, "
            "with what else the jobs have that log to it, and leave EPOCHAL_MODE on"
        )


def check_taken_in(opened: Opened, watermark: Callable[[], Mapping[str, int]], done: str) -> None:
    """What Kafka has that isn't in the store can't be found, and would come in when all is done.

    Raises:
        DeletionError: some of it isn't there after a while.
        KafkaAwayError: Kafka doesn't answer.
    """
    if opened.topics is None:
        return
    wanted = opened.topics.kept((), ()).ends
    try:
        wait_until(lambda: reached(watermark(), wanted), SENT_WITHIN_S, "workers")
    except WaitTimeoutError:
        found = watermark()
        behind = sum(last - found.get(log, -1) for log, last in wanted.items() if found.get(log, -1) < last)
        raise DeletionError(
            f"nothing is {done}, because {behind:,} messages that Kafka has aren't in the store yet, and may be of it: "
            "see that workers run (epochal process), and try again when they have caught up"
        ) from None


def _remove_spooled(opened: Opened, traces: Sequence[Traces]) -> list[str]:
    """Remove journals that hold any of it and that Kafka has; what there is to say of others."""
    if opened.topics is None:
        return []
    try:
        left = opened.topics.forget({writer for one in traces for writer in (*one.lifecycle, *one.metrics)})
    except OSError as error:
        raise DeletionError(
            f"nothing is erased, because a journal that has some of it can't be removed: {error}"
        ) from None
    return [f"{one} has some of it, and stays until Kafka has had all of it for a day" for one in left]


def _meant(reading: Reading, given: object) -> tuple[Entity, list[Entity], Plan]:
    """What is meant, and all that goes with it: of what is there what a cascade deletes, of what was deleted what the
    same call deleted with it.
    """
    try:
        target = resolve_any(reading, given)
    except AmbiguousNameError:
        raise
    except UnknownNameError:
        return (*_meant_of_deleted(reading, given), Plan((), (), ()))
    plan = planned(extent_of(reading, target), cascade=True)
    return target, list(plan.deleted), plan


def _meant_of_deleted(reading: Reading, given: object) -> tuple[Entity, list[Entity]]:
    gone = [one.entity for one in call_of(reading, given)]
    asked = id_of(given)
    named = [one for one in gone if (one.id == asked if asked else one.name == given)]
    if len(named) > 1:
        lines = [f"  {one.kind} {one.id}" for one in named]
        raise AmbiguousNameError(f"{len(named):,} deleted things are named {given!r}:\n{shortened(lines)}")
    (target,) = named
    if target.kind == "component":
        return target, [target]
    if target != gone[-1]:
        raise DeletionError(
            f"{target.kind} {target.name!r} was deleted with {gone[-1].kind} {gone[-1].name!r}: erase that, or restore "
            "it first"
        )
    return target, gone


def _check_ended(reading: Reading, target: Entity, traces: Sequence[Traces]) -> None:
    writers = {writer for one in traces for writer in (*one.lifecycle, *one.metrics)}
    open_ = still_open(reading, writers)
    if open_:
        raise DeletionError(
            f"{target.kind} {target.name!r} isn't erased, because who wrote of it still has it open, and could write "
            f"more:\n{shortened([f'  {one}' for one in open_])}\nend these processes first"
        )


def _remove_contents(reading: Reading, opened: Opened, entities: Sequence[Entity]) -> list[tuple[str, str, str, str]]:
    """Remove the contents of artifacts that nothing else has: digest, name, change, reason."""
    mine, others = stored_digests(query_of(reading), [one.id for one in entities if one.kind == "component"])
    if not mine:
        return []
    store: Any = opened.contents()
    gone: set[str] = set(store.remove(mine, others))
    shared = "something that stays has the same content"
    return [
        (digest, name, "erased", "") if digest in gone else (digest, name, "kept", shared)
        for digest, name in mine.items()
    ]
