"""Erasing: what was said is destroyed, its digests and a tombstone stay."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from epochal._entity_events import entity_erased
from epochal._errors import NotAvailableError
from epochal._events import component_detached
from epochal._sent import FROM_KAFKA
from epochal_query.columns import decoded, id_texts, instants, texts
from epochal_query.connection import Opened
from epochal_query.deletion import COLUMNS
from epochal_query.deletion_extent import extent_of
from epochal_query.deletion_plan import Plan, check_confirmed, planned
from epochal_query.deletions import call_of
from epochal_query.erasure_extent import Numbers, Traces, still_open, stored_digests, traces_of
from epochal_query.errors import AmbiguousNameError, DeletionError, UnknownNameError
from epochal_query.history_writers import writers_of
from epochal_query.reading import Reading, block
from epochal_query.resolve import Entity, id_of, resolve_any, shortened


def erase(
    reading: Reading, opened: Opened, given: object, confirm: str, reason: str
) -> tuple[pd.DataFrame, list[Traces]]:
    """Erase what is meant, with all that is only its own: one row for each thing that goes, or is concerned and stays;
    and what has to be gone when everything said is taken in.

    Raises:
        DeletionError: it isn't confirmed, there is no reason, or something of it is still being written.
        UnknownNameError: nothing is meant, or several things are.
        NotAvailableError: the store isn't a directory, or its log is Kafka's.
    """
    _check_possible(reading, opened)
    target, entities, plan = _meant(reading, given)
    check_confirmed(target, confirm)
    if not reason.strip():
        raise DeletionError(f"{target.kind} {target.name!r} isn't erased without a reason, which its tombstone keeps")
    traces = traces_of(reading, entities)
    _check_ended(reading, target, list(traces.values()))
    contents = _remove_contents(reading, opened, entities)
    events = [component_detached(component=str(one), trial=str(trial)) for one, trial in plan.detached]
    first = len(events)
    for one in entities:
        lifecycle, metrics = (_listed(numbers) for numbers in (traces[one.id].lifecycle, traces[one.id].metrics))
        events.append(
            entity_erased(kind=one.kind, entity=str(one.id), reason=reason, lifecycle=lifecycle, metrics=metrics)
        )
    said = opened.say(reading.project, events, 0)
    rows: list[tuple[str, str, str, str, str, int, str]] = [
        (one.kind, str(one.id), one.name, "erased", "", _count(traces[one.id].metrics), event)
        for one, event in zip(entities, said[first:], strict=True)
    ]
    rows += [("artifact", digest, name, change, why, 0, "") for digest, name, change, why in contents]
    rows += [(one.kind, str(one.id), one.name, "kept", why, 0, "") for one, why in plan.kept]
    return pd.DataFrame(rows, columns=list(COLUMNS)), list(traces.values())


def listed(reading: Reading) -> pd.DataFrame:
    """The tombstones, as a frame: kind, id, erased, reason, user, host, event."""
    table = reading.rows(
        f"""SELECT kind, entity, key, value, writer, occurred_at FROM facts AS s FINAL
            WHERE project = {{project:String}} AND field = 'erased' AND {block("within", "s | _at | ")}
            ORDER BY place"""
    )
    writers = id_texts(table, "writer")
    known = writers_of(reading, writers, {})
    return pd.DataFrame(
        {
            "kind": pd.array(texts(table, "kind"), dtype="str"),
            "id": pd.array(id_texts(table, "entity"), dtype="str"),
            "erased": instants(table, "occurred_at"),
            "reason": pd.array([decoded(value)["reason"] for value in texts(table, "value")], dtype="str"),
            "user": pd.array([known[one].user for one in writers], dtype="str"),
            "host": pd.array([known[one].host for one in writers], dtype="str"),
            "event": pd.array(texts(table, "key"), dtype="str"),
        }
    )


def _check_possible(reading: Reading, opened: Opened) -> None:
    if opened.directory is None:
        raise NotAvailableError(
            "nothing can be erased from a server in this version, only from a store in a directory: delete it, and "
            "remove it from the server's tables and backups by hand"
        )
    if any(log.startswith(FROM_KAFKA) for log in reading.watermark):
        raise NotAvailableError(
            f"{opened.directory} is fed by Kafka, whose topics would still have what is erased here: in this version "
            "nothing can be erased from it"
        )


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
    mine, others = stored_digests(reading, [str(one.id) for one in entities if one.kind == "component"])
    if not mine:
        return []
    store: Any = opened.contents()
    gone: set[str] = set(store.remove(mine, others))
    shared = "something that stays has the same content"
    return [
        (digest, name, "erased", "") if digest in gone else (digest, name, "kept", shared)
        for digest, name in mine.items()
    ]


def _listed(numbers: Numbers) -> list[tuple[str, int, int]]:
    return [(str(writer), first, count) for writer, ranges in sorted(numbers.items()) for first, count in ranges]


def _count(numbers: Numbers) -> int:
    return int(np.sum([count for ranges in numbers.values() for _, count in ranges], dtype=np.int64))
