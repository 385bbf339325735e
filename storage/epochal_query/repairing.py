"""Repairs of what a store holds, said by somebody who looks at it: which points are meant, and which event."""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass
from typing import Any, Literal, cast
from uuid import UUID

from epochal._entity_events import event_redone, event_undone
from epochal._repairs import Repair
from epochal._saying import Say
from epochal_query.columns import decoded, id_texts, texts, values
from epochal_query.errors import RepairError
from epochal_query.history_points import correction_of
from epochal_query.names import unknown
from epochal_query.reading import Reading, at, block
from epochal_query.resolve import Entity, Kind, resolve_one

_EVENT = re.compile(r"(?P<writer>[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}):(?P<seq>\d{1,19})")
_POINT = re.compile(r"[0-9a-f-]{36}:metrics:\d+(?:-\d+)?")

About = Kind | Literal["association"]
"""What an event that can be undone is about."""

UNDOABLE = {
    "epochal.points.corrected": "corrections and retractions",
    "epochal.event.undone": "undoing",
    "epochal.event.redone": "undoing",
    "epochal.params.logged": "params",
    "epochal.params.unset": "params",
    "epochal.params.corrected": "params",
    "epochal.tags.set": "tags",
    "epochal.tags.removed": "tags",
    "epochal.note.written": "notes",
    "epochal.artifact.logged": "artifacts",
    "epochal.component.attached": "attaching and detaching",
    "epochal.component.detached": "attaching and detaching",
    "epochal.experiment.concluded": "verdicts",
    "epochal.metric.defined": "definitions of metrics",
    "epochal.alert.raised": "alerts",
    "epochal.run.rewound": "rewinds",
    "epochal.association.made": "associations",
    "epochal.association.removed": "associations",
}
"""Types of events that can be taken back, in words."""


def repair(reading: Reading, say: Say, component: object, wanted: Repair) -> str:
    """Repair the points of a component that this reading sees, of all ranks; the id of the event.

    Raises:
        UnknownNameError: no component is meant, or several are, or it has no such metric; the message has near ones.
        RepairError: the metric has no point at these steps, or all of them are retracted.
    """
    meant = resolve_one(reading, "component", component)
    covers = _covers(reading, meant, wanted)
    if gone := _retracted_by(reading, meant, wanted, covers):
        raise RepairError(
            f"all points of {wanted.metric!r} at steps {_shown(wanted.first_step)} to {_shown(wanted.last_step)} of "
            f"component {meant.name!r} are retracted already, by {gone}; to let them count again, undo that"
        )
    event = wanted.event(str(meant.id), None, covers)
    return say(reading.project, [event], last_said(reading, meant.kind, meant.id))[0]


def checked_reason(reason: object) -> str:
    """The reason. Raises RepairError: it is no text."""
    if not isinstance(reason, str):
        raise RepairError(f"reason={reason!r}: a text is accepted")
    return reason


def _covers(reading: Reading, meant: Entity, wanted: Repair) -> list[tuple[str, int]]:
    """The writers of the metric's points, and how many of the points of each are known."""
    mine = "project = {project:String} AND component = {component:UUID}"
    series = f"{mine} AND metric = {{metric:String}}"
    bound: dict[str, object] = {"component": str(meant.id), "metric": wanted.metric}
    blocks = reading.rows(
        f"""SELECT writer, max(block) * 4096 AS last_block, min(first_step) AS low, max(last_step) AS high
            FROM partials AS p WHERE {series} AND {block("within", "p | _from | _from")} GROUP BY writer""",
        **bound,
    )
    if not blocks.num_rows:
        known = reading.rows(f"SELECT DISTINCT metric FROM partials WHERE {mine}", component=str(meant.id))
        names = [*texts(known, "metric"), *(_params(reading, meant) if wanted.operation == "set" else ())]
        raise unknown("metric", wanted.metric, names, f" in component {meant.name!r}")
    steps = {"first": (">=", wanted.first_step), "last": ("<=", wanted.last_step)}
    inside = [f"AND step {sign} {{{name}:Float64}}" for name, (sign, step) in steps.items() if step is not None]
    any_point = reading.rows(
        f"SELECT 1 FROM metrics AS p WHERE {series} AND {block('within', 'p | _at | ')} {' '.join(inside)} LIMIT 1",
        **bound,
        **{name: step for name, (_, step) in steps.items()},
    )
    if not any_point.num_rows:
        raise RepairError(
            f"component {meant.name!r} has no point of {wanted.metric!r} at steps {_shown(wanted.first_step)} to "
            f"{_shown(wanted.last_step)}: there are steps {min(values(blocks, 'low')):g} to "
            f"{max(values(blocks, 'high')):g}"
        )
    # the last points of a writer lie in its last block
    counts = reading.rows(
        f"""SELECT writer, max(seq) + 1 AS count FROM metrics AS p
            WHERE {series} AND seq >= {{last_block:UInt64}} AND {block("within", "p | _at | ")}
            GROUP BY writer ORDER BY writer""",
        **bound,
        last_block=min(values(blocks, "last_block")),
    )
    return list(zip(id_texts(counts, "writer"), map(int, values(counts, "count")), strict=True))


def _params(reading: Reading, meant: Entity) -> list[str]:
    """The params of a component, as they are corrected."""
    table = reading.rows(
        f"SELECT path FROM {at('params')} WHERE project = {{project:String}} AND component = {{component:UUID}}",
        component=str(meant.id),
    )
    return [f"params.{path}" for path in texts(table, "path")]


def _retracted_by(reading: Reading, meant: Entity, wanted: Repair, covers: list[tuple[str, int]]) -> str | None:
    """The one event that retracted all that is wanted, if there is one."""
    table = reading.rows(
        f"""SELECT concat(toString(writer), ':', toString(seq)) AS event, value FROM facts AS s FINAL
            WHERE project = {{project:String}} AND kind = 'component' AND entity = {{component:UUID}}
              AND field = 'corrected' AND {block("known", "s | _at | ")} AND {block("stands", "s")} ORDER BY place""",
        component=str(meant.id),
    )
    first = -math.inf if wanted.first_step is None else wanted.first_step
    last = math.inf if wanted.last_step is None else wanted.last_step
    for event, value in zip(texts(table, "event"), map(decoded, texts(table, "value")), strict=True):
        one, counts = correction_of(event, value), dict[str, int]()
        for writer, count in one.abandoned:
            counts[writer] = max(count, counts.get(writer, 0))
        if (
            (value["metric"], one.operation) == (wanted.metric, "retract")
            and one.first_step <= first
            and last <= one.last_step
            and all(counts.get(writer, 0) >= count for writer, count in covers)
        ):
            return event
    return None


def _shown(step: float | None) -> str:
    return "…" if step is None else f"{step:g}"


@dataclass(frozen=True)
class _Said:
    """An event, and what it is about."""

    type: str
    data: dict[str, Any]

    @property
    def about(self) -> tuple[About, UUID]:
        """Kind and id of its entity."""
        if "entity" in self.data:
            return self.data["kind"], UUID(self.data["entity"])
        kinds: tuple[About, ...] = ("component", "trial", "experiment", "association")
        kind: About = next(kind for kind in kinds if kind in self.data)
        return kind, UUID(self.data[kind])


def undo(reading: Reading, say: Say, event: object, reason: str, of: Entity | None) -> str:
    """Take an event back, as if it had never been said; the id of the event that does it.

    Undoing what undid another event lets that one count again.

    Raises:
        RepairError: there is no such event, it is of a type that can't be undone, it is not about ``of``, or it doesn't
            count already.
    """
    checked_reason(reason)
    said = _event(reading, event)
    kind, entity = said.about
    if of is not None and (of.kind, of.id) != (kind, entity):
        raise RepairError(
            f"event {event} is about {kind} {entity}, not about {of.kind} {of.name!r}: nothing was undone"
        )
    redo = said.type == "epochal.event.undone"
    meant = str(said.data["event"]) if said.type in ("epochal.event.undone", "epochal.event.redone") else str(event)
    by = _undone_by(reading, kind, entity, meant)
    if redo and by is None:
        raise RepairError(f"event {meant}, which {event} undid, counts again already: nothing is left to undo")
    if not redo and by is not None:
        raise RepairError(f"event {meant} is undone already, by {by}; to let it count again, undo that")
    say_it = event_redone if redo else event_undone
    saying = say_it(kind=kind, entity=str(entity), event=meant, reason=reason)
    return say(reading.project, [saying], last_said(reading, kind, entity))[0]


def _event(reading: Reading, event: object) -> _Said:
    """The event with this id, if it can be undone."""
    found = _EVENT.fullmatch(event) if isinstance(event, str) else None
    if found is None:
        if isinstance(event, str) and _POINT.fullmatch(event):
            raise RepairError(f"{event!r} are points: take them back by retract(metric, steps, reason)")
        raise RepairError(f"{event!r} is no event's id: these are <writer>:<number>, as history(...) has them")
    table = reading.rows(
        f"""SELECT type, payload FROM events AS e FINAL
            WHERE project = {{project:String}} AND writer = {{writer:UUID}} AND seq = {{seq:UInt64}}
              AND {block("within", "e | _at | ")}""",
        writer=found["writer"],
        seq=int(found["seq"]),
    )
    if not table.num_rows:
        raise RepairError(
            f"project {reading.project!r} has no event {event}: history(...) of what it is about has the ids"
        )
    said = _Said(texts(table, "type")[0], json.loads(texts(table, "payload")[0])["data"])
    if said.type not in UNDOABLE:
        instead = {"epochal.entity.deleted": "; restore what it deleted instead"}.get(said.type, "")
        raise RepairError(
            f"event {event} is {said.type}, which can't be undone{instead}. What can: "
            f"{', '.join(dict.fromkeys(UNDOABLE.values()))}"
        )
    return said


def _undone_by(reading: Reading, kind: About, entity: UUID, event: str) -> str | None:
    """What undid an event, if it is undone."""
    table = reading.rows(
        f"""SELECT argMax(removed, place) AS redone, concat(toString(argMax(writer, place)), ':',
                   toString(argMax(seq, place))) AS by
            FROM facts AS s FINAL
            WHERE project = {{project:String}} AND kind = {{kind:String}} AND field = 'undone'
              AND entity = {{entity:UUID}} AND key = {{event:String}} AND {block("known", "s | _at | ")}
            GROUP BY key""",
        kind=kind,
        entity=str(entity),
        event=event,
    )
    return texts(table, "by")[0] if table.num_rows and not values(table, "redone")[0] else None


def last_said(reading: Reading, kind: About, entity: UUID) -> int:
    """When the last thing was said of an entity, in microseconds: a repair comes after what it repairs."""
    table = reading.rows(
        """SELECT toInt64(toUnixTimestamp64Micro(max(ordered_at))) AS at FROM facts
           WHERE project = {project:String} AND kind = {kind:String} AND entity = {entity:UUID}""",
        kind=kind,
        entity=str(entity),
    )
    return cast("int", values(table, "at")[0])
