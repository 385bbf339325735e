"""What each event states: pure functions from an event to statements about entities.

The table of fields and keys is in docs/architecture.md ("From events to rows").
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from pydantic import BaseModel

from epochal import contract as c
from epochal_processors.cells import NOTHING, Cell, cell, path_key
from epochal_processors.decode import Event


@dataclass(frozen=True, slots=True)
class Statement:
    """One thing that an event says of one entity, before it has its place and times."""

    kind: str
    entity: UUID
    field: str
    key: str
    cell: Cell
    removed: bool = False


Says = Iterator[Statement]


def statements(event: Event) -> Says:
    """What an event states, in the order of its statements."""
    return _PROJECTIONS[event.type](event, event.data)


def _fields(data: BaseModel) -> dict[str, Any]:
    """All fields of the data that aren't None, defaults included, ids as text."""
    found = {name: getattr(data, name) for name in type(data).model_fields}
    return {name: str(v) if isinstance(v, UUID) else v for name, v in found.items() if v is not None}


def _attributes(kind: str, entity: UUID, data: BaseModel, names: tuple[str, ...]) -> Says:
    fields = _fields(data)
    for name in names:
        if name in fields:
            yield Statement(kind, entity, "attr", name, cell(fields[name]))


def _here(event: Event) -> str:
    return f"{event.writer}:{event.seq}"


def _writer(field: str) -> Callable[[Event, Any], Says]:
    """A statement of a writer about itself; writers of no component state nothing."""

    def say(event: Event, data: Any) -> Says:
        if data.component is not None:
            yield Statement("component", data.component, field, str(event.writer), _object(data))

    return say


def _object(data: BaseModel) -> Cell:
    return cell(_fields(data))


def _vanished(event: Event, data: c.WriterVanished) -> Says:
    if data.component is not None:
        yield Statement("component", data.component, "vanished", str(data.writer), _object(data))


def _experiment_created(event: Event, data: c.ExperimentCreated) -> Says:
    yield Statement("experiment", data.experiment, "opened", "", cell({"name": data.name}))
    yield from _attributes("experiment", data.experiment, data, ("name", "hypothesis", "objective", "variables"))


def _experiment_concluded(event: Event, data: c.ExperimentConcluded) -> Says:
    verdict = {"verdict": data.verdict, "note": data.note}
    yield Statement("experiment", data.experiment, "attr", "verdict", cell(verdict))


def _trial_created(event: Event, data: c.TrialCreated) -> Says:
    opened = {"experiment": str(data.experiment), "variables": data.variables}
    yield Statement("trial", data.trial, "opened", "", cell(opened))
    yield from _attributes("trial", data.trial, data, ("name",))


def _component_created(event: Event, data: c.ComponentCreated) -> Says:
    opened = {"key": data.key, "name": data.name, "kind": data.kind}
    yield Statement("component", data.component, "opened", "", cell(opened))
    yield from _attributes("component", data.component, data, ("display_name", "resources", "parent"))


def _attached(event: Event, data: c.ComponentAttached) -> Says:
    yield Statement("component", data.component, "member", str(data.trial), cell(True))


def _detached(event: Event, data: c.ComponentDetached) -> Says:
    yield Statement("component", data.component, "member", str(data.trial), NOTHING, removed=True)


def _started(event: Event, data: c.RunStarted) -> Says:
    yield Statement("component", data.component, "started", f"{data.rank}/{data.attempt}", _object(data))


def _finished(event: Event, data: c.RunFinished) -> Says:
    value = _fields(data)
    if data.error is not None:
        value["error"] = _fields(data.error)
    yield Statement("component", data.component, "finished", f"{data.rank}/{data.attempt}", cell(value))


def _rewound(event: Event, data: c.RunRewound) -> Says:
    value = {"rank": data.rank, "to_step": data.to_step, "abandoned": _abandoned(data.abandoned)}
    yield Statement("component", data.component, "rewound", _here(event), cell(value))


def _forked(event: Event, data: c.RunForked) -> Says:
    value: dict[str, object] = {"rank": data.rank, "of": str(data.of), "step": data.step}
    if data.past is not None:
        value["past"] = [[str(of), str(writer), *numbers] for of, writer, *numbers in data.past]
    yield Statement("component", data.component, "forked", _here(event), cell(value))


def _abandoned(pairs: list[c.Abandoned]) -> list[list[object]]:
    return [[str(writer), count] for writer, count in pairs]


def _params_logged(event: Event, data: c.ParamsLogged | c.ParamsCorrected) -> Says:
    for path, value in data.cells:
        yield Statement("component", data.component, "param", path_key(path), cell(value))


def _params_unset(event: Event, data: c.ParamsUnset) -> Says:
    for path in data.paths:
        yield Statement("component", data.component, "param", path_key(path), NOTHING, removed=True)


def _tags_set(event: Event, data: c.TagsSet) -> Says:
    for word in data.words:
        yield Statement(data.kind, data.entity, "tag", word, cell(True))
    for key, value in data.values.items():
        yield Statement(data.kind, data.entity, "tag", key, cell(value))


def _tags_removed(event: Event, data: c.TagsRemoved) -> Says:
    for key in data.keys:
        yield Statement(data.kind, data.entity, "tag", key, NOTHING, removed=True)


def _note(event: Event, data: c.NoteWritten) -> Says:
    yield Statement(data.kind, data.entity, "note", "", cell(data.text))


def _alert(event: Event, data: c.AlertRaised) -> Says:
    value = {"title": data.title, "text": data.text, "level": data.level}
    yield Statement("component", data.component, "alert", _here(event), cell(value))


def _defined(event: Event, data: c.MetricDefined) -> Says:
    value = {"step": data.step, "goal": data.goal, "summary": data.summary}
    yield Statement("component", data.component, "define", data.metric, cell(value))


def _artifact_logged(event: Event, data: c.ArtifactLogged) -> Says:
    value = {name: getattr(data, name) for name in ("uri", "digest", "media_type", "size", "stored")}
    yield Statement("component", data.component, "artifact", f"{data.direction}/{data.name}", cell(value))


def _artifact_failed(event: Event, data: c.ArtifactFailed) -> Says:
    key = f"{data.direction}/{data.name}"
    yield Statement("component", data.component, "artifact_failed", key, cell({"reason": data.reason}))


def _environment(event: Event, data: c.EnvironmentCaptured) -> Says:
    yield Statement("component", data.component, "env", f"{data.rank}/{data.section}", cell(data.values))


def _corrected(event: Event, data: c.PointsCorrected) -> Says:
    value = {**_fields(data), "covers": _abandoned(data.covers)}
    del value["component"]
    yield Statement("component", data.component, "corrected", _here(event), cell(value))


def _undone(event: Event, data: c.EventUndone) -> Says:
    yield Statement(data.kind, data.entity, "undone", data.event, cell({"reason": data.reason}))


def _redone(event: Event, data: c.EventRedone) -> Says:
    yield Statement(data.kind, data.entity, "undone", data.event, cell({"reason": data.reason}), removed=True)


def _deleted(event: Event, data: c.EntityDeleted) -> Says:
    value = {"abandoned": _abandoned(data.abandoned)}
    yield Statement(data.kind, data.entity, "deleted", _here(event), cell(value))


def _restored(event: Event, data: c.EntityRestored) -> Says:
    yield Statement(data.kind, data.entity, "restored", data.deletion, cell({}))


def _erased(event: Event, data: c.EntityErased) -> Says:
    yield Statement(data.kind, data.entity, "erased", _here(event), cell({"reason": data.reason}))


def _declared(event: Event, data: c.EntityDeclared) -> Says:
    yield Statement(data.kind, data.entity, "opened", "", cell({"name": data.name}))
    yield from _attributes(data.kind, data.entity, data, ("type", "properties"))


def _associated(event: Event, data: c.AssociationMade) -> Says:
    ends = {name: getattr(data, name) for name in ("relation", "source_kind", "source", "target_kind", "target")}
    yield Statement("association", data.association, "opened", "", cell({}))
    yield Statement("association", data.association, "ends", "", cell(ends))


def _dissociated(event: Event, data: c.AssociationRemoved) -> Says:
    yield Statement("association", data.association, "ends", "", NOTHING, removed=True)


def _console(event: Event, data: c.ConsoleCaptured) -> Says:
    """Console output is read from the events themselves: it states nothing."""
    return iter(())


_PROJECTIONS: dict[str, Callable[[Event, Any], Says]] = {
    "epochal.writer.opened": _writer("writer"),
    "epochal.writer.heartbeat": _writer("heartbeat"),
    "epochal.writer.closed": _writer("closed"),
    "epochal.writer.vanished": _vanished,
    "epochal.experiment.created": _experiment_created,
    "epochal.experiment.concluded": _experiment_concluded,
    "epochal.trial.created": _trial_created,
    "epochal.component.created": _component_created,
    "epochal.component.attached": _attached,
    "epochal.component.detached": _detached,
    "epochal.run.started": _started,
    "epochal.run.finished": _finished,
    "epochal.run.rewound": _rewound,
    "epochal.run.forked": _forked,
    "epochal.params.logged": _params_logged,
    "epochal.params.unset": _params_unset,
    "epochal.params.corrected": _params_logged,
    "epochal.tags.set": _tags_set,
    "epochal.tags.removed": _tags_removed,
    "epochal.note.written": _note,
    "epochal.alert.raised": _alert,
    "epochal.metric.defined": _defined,
    "epochal.artifact.logged": _artifact_logged,
    "epochal.artifact.failed": _artifact_failed,
    "epochal.environment.captured": _environment,
    "epochal.console.captured": _console,
    "epochal.points.corrected": _corrected,
    "epochal.event.undone": _undone,
    "epochal.event.redone": _redone,
    "epochal.entity.deleted": _deleted,
    "epochal.entity.restored": _restored,
    "epochal.entity.erased": _erased,
    "epochal.entity.declared": _declared,
    "epochal.association.made": _associated,
    "epochal.association.removed": _dissociated,
}
