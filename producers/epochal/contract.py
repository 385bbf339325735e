"""The event contract: every lifecycle event there is, as a closed union of pydantic models.

Readers validate with it; writers (the SDK) build the same JSON without importing pydantic, and a test
holds both to the same schema. Metric points are not here: they travel as columns (docs/architecture.md).

All times are integer microseconds since the Unix epoch, UTC. Free values (params, tags, ...) are JSON in which
``{"$float": "nan"}`` stands for a float that JSON lacks; see ``epochal._values``.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, JsonValue, TypeAdapter, model_validator

Kind = Literal["experiment", "trial", "component", "action", "context"]
Undoable = Literal["experiment", "trial", "component", "action", "context", "association"]
"""What events that can be undone are about."""
End = Literal["artifact", "component", "trial", "experiment", "action", "context"]
"""What an edge of lineage can join."""
Relation = Literal["ContributedTo", "Produced", "DerivedFrom", "AssociatedWith", "SameAs"]
Status = Literal["completed", "failed", "stopped"]
Direction = Literal["in", "out"]
Count = Annotated[int, Field(ge=0)]
Abandoned = tuple[UUID, Count]
"""A writer, and how many of its metric points (from the first on) are meant."""
Piece = tuple[UUID, UUID, Count, Count, float]
"""Of a component and a writer of it the metric points numbered from (included) until (excluded), up to a step."""


def _float_named(value: object) -> object:
    match value:
        case {"$float": "nan" | "inf" | "-inf" as name, **rest} if not rest:
            return float(name)
        case _:
            return value


Number = Annotated[float, BeforeValidator(_float_named)]
"""Any float; one that JSON lacks is ``{"$float": …}``."""


class _Data(BaseModel):
    """Base of all payloads: frozen, and closed against unknown fields."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class WriterOpened(_Data):
    """A process began to write: the first event of every lifecycle stream."""

    component: UUID | None
    rank: Count = 0
    attempt: str = ""
    role: Literal["main", "helper", "session", "host"]
    world_size: Annotated[int, Field(ge=1)] = 1
    heartbeat_s: Annotated[float, Field(gt=0)]
    host: str
    pid: int
    process: UUID
    user: str = ""
    command: list[str] = []
    python: str = ""
    version: str
    launcher: dict[str, JsonValue] = {}


class WriterHeartbeat(_Data):
    """The writer lives and has reached these sequence numbers (exclusive)."""

    component: UUID | None
    rank: Count = 0
    attempt: str = ""
    lifecycle: Count
    metrics: Count
    lost: dict[str, Count] = {}


class WriterClosed(_Data):
    """The last event of a stream that ended properly: both final counts, this event included."""

    component: UUID | None
    rank: Count = 0
    attempt: str = ""
    lifecycle: Count
    metrics: Count
    lost: dict[str, Count] = {}


class WriterVanished(_Data):
    """Written by the host: this writer's process is gone and its journal was read to the end."""

    writer: UUID
    component: UUID | None
    rank: Count = 0
    attempt: str = ""
    lifecycle: Count
    metrics: Count
    lost: dict[str, Count] = {}


class ExperimentCreated(_Data):
    """An experiment was declared. What is absent (None) says nothing and changes nothing."""

    experiment: UUID
    name: Annotated[str, Field(min_length=1)]
    hypothesis: str | None = None
    objective: str | None = None
    variables: dict[str, list[JsonValue]] | None = None


class ExperimentConcluded(_Data):
    """The verdict on the hypothesis."""

    experiment: UUID
    verdict: Literal["accepted", "rejected", "inconclusive"]
    note: str = ""


class TrialCreated(_Data):
    """A trial was declared; its variables are what identifies it."""

    trial: UUID
    experiment: UUID
    variables: dict[str, JsonValue]
    name: str | None = None


class ComponentCreated(_Data):
    """A component was declared (again, by every writer that joins it)."""

    component: UUID
    key: str
    name: Annotated[str, Field(min_length=1)]
    kind: Annotated[str, Field(min_length=1)]
    display_name: str | None = None
    resources: dict[str, JsonValue] | None = None
    parent: UUID | None = None


class ComponentAttached(_Data):
    """The component belongs to the trial from now on."""

    component: UUID
    trial: UUID


class ComponentDetached(_Data):
    """The component belongs to the trial no more."""

    component: UUID
    trial: UUID


class RunStarted(_Data):
    """A rank of a component began an attempt."""

    component: UUID
    rank: Count = 0
    attempt: str
    world_size: Annotated[int, Field(ge=1)] = 1


class ErrorInfo(_Data):
    """The exception that ended a run."""

    type: str
    message: str


class RunFinished(_Data):
    """A rank of a component ended an attempt."""

    component: UUID
    rank: Count = 0
    attempt: str
    status: Status
    error: ErrorInfo | None = None


class RunRewound(_Data):
    """A rank restarted from a checkpoint: its points after ``to_step`` left the main line."""

    component: UUID
    rank: Count = 0
    attempt: str = ""
    to_step: float
    abandoned: list[Abandoned]


class RunForked(_Data):
    """A rank continues the past of another component (`of`), up to `step`: the points of `past` are read as its own.

    Components in `past` come in the order of their generations, the oldest first; at the same step the younger wins,
    the rank's own points over all. Absent where the store couldn't be read: then nothing is continued.
    """

    component: UUID
    rank: Count = 0
    attempt: str = ""
    of: UUID
    step: float
    past: list[Piece] | None = None


class ParamsLogged(_Data):
    """Parameters as cells: a path (the keys from the outside in) and its value."""

    component: UUID
    rank: Count = 0
    cells: list[tuple[list[str], JsonValue]]


class ParamsUnset(_Data):
    """Parameters removed, with everything below them."""

    component: UUID
    rank: Count = 0
    paths: list[list[str]]


class ParamsCorrected(_Data):
    """Parameters were wrong: this is what they have been since the envelope's `time`, that of what it corrects."""

    component: UUID
    rank: Count = 0
    cells: list[tuple[list[str], JsonValue]]
    reason: str = ""


class Correction(_Data):
    """Says that what an event states has been so since the envelope's `time`, that of the event ``of``, which it
    corrects.
    """

    of: str
    reason: str = ""


class TagsSet(_Data):
    """Words, and keys with values."""

    kind: Kind
    entity: UUID
    words: list[str] = []
    values: dict[str, JsonValue] = {}
    correction: Correction | None = None


class TagsRemoved(_Data):
    """Words and keys taken away."""

    kind: Kind
    entity: UUID
    keys: list[str]


class NoteWritten(_Data):
    """Free text; a later note supersedes, history keeps all."""

    kind: Kind
    entity: UUID
    text: str
    correction: Correction | None = None


class AlertRaised(_Data):
    """Something a person should look at."""

    component: UUID
    rank: Count = 0
    title: str
    text: str = ""
    level: Literal["info", "warning", "error"] = "warning"


class MetricDefined(_Data):
    """Which metric is the x axis of a metric, which way is better, what summarises it."""

    component: UUID
    metric: Annotated[str, Field(min_length=1)]
    step: str | None = None
    goal: Literal["min", "max"] | None = None
    summary: str | None = None


class ArtifactLogged(_Data):
    """A named thing went in or came out: by reference, by content, or both."""

    component: UUID
    rank: Count = 0
    name: Annotated[str, Field(min_length=1)]
    direction: Direction
    uri: str | None = None
    digest: str | None = None
    """``sha256:<hex>`` of the content; of a directory, of its manifest."""
    media_type: str | None = None
    size: Count | None = None
    files: Count | None = None
    stored: bool = False
    """Whether the content lies in the artifact store."""
    correction: Correction | None = None


class ArtifactFailed(_Data):
    """Content that was to be stored could not be, with the reason."""

    component: UUID
    rank: Count = 0
    name: str
    direction: Direction
    reason: str


class EnvironmentCaptured(_Data):
    """One section (code, packages, env, host, ...) of what surrounded a rank."""

    component: UUID
    rank: Count = 0
    section: str
    values: dict[str, JsonValue]


class ConsoleCaptured(_Data):
    """A piece of console output."""

    component: UUID
    rank: Count = 0
    stream: Literal["stdout", "stderr"]
    text: str


class PointsCorrected(_Data):
    """Points were wrong: this is what they are, from their own time on, or (``retract``) they never were.

    It covers the points that its author could see, at steps from ``first_step`` to ``last_step``, both included
    (absent: without end), of one rank or of all. Several corrections of a point apply one after the other.
    """

    component: UUID
    metric: Annotated[str, Field(min_length=1)]
    rank: Count | None = None
    first_step: float | None = None
    last_step: float | None = None
    operation: Literal["scale", "shift", "set", "retract"]
    operand: Number | None = None
    """What values are multiplied by, what is added to them, what they are; of a retraction absent."""
    covers: list[Abandoned]
    reason: str = ""

    @model_validator(mode="after")
    def _has_its_operand(self) -> PointsCorrected:
        if (self.operand is None) != (self.operation == "retract"):
            raise ValueError("scale, shift and set have an operand, retract has none")
        return self


class EventUndone(_Data):
    """An event ``<writer>:<seq>`` about the entity counts as if it had never been said."""

    kind: Undoable
    entity: UUID
    event: str
    reason: str = ""


class EventRedone(_Data):
    """An event that was undone counts again."""

    kind: Undoable
    entity: UUID
    event: str
    reason: str = ""


class EntityDeleted(_Data):
    """Hides what was said of the entity up to now, and the points named."""

    kind: Kind
    entity: UUID
    abandoned: list[Abandoned] = []


class EntityRestored(_Data):
    """Undoes one deletion, named by its event id ``<writer>:<seq>``."""

    kind: Kind
    entity: UUID
    deletion: str


Erased = tuple[UUID, Count, Count]


class EntityErased(_Data):
    """The tombstone of what was said of the entity: these ranges (writer, first number, count) are destroyed."""

    kind: Kind
    entity: UUID
    reason: Annotated[str, Field(min_length=1)]
    lifecycle: list[Erased] = []
    metrics: list[Erased] = []


class EntityDeclared(_Data):
    """An action (an approval, a deployment) or a context (an endpoint, an alias). What is None says nothing."""

    kind: Literal["action", "context"]
    entity: UUID
    name: Annotated[str, Field(min_length=1)]
    type: str | None = None
    properties: dict[str, JsonValue] | None = None


class AssociationMade(_Data):
    """An edge of lineage, in the direction of time, from now on; it takes the place of the last one with its id.

    An end is given by its id; an artifact by its digest, else by its URI.
    """

    association: UUID
    relation: Relation
    source_kind: End
    source: Annotated[str, Field(min_length=1)]
    target_kind: End
    target: Annotated[str, Field(min_length=1)]


class AssociationRemoved(_Data):
    """The edge is no more, from now on."""

    association: UUID


EVENT_TYPES: dict[str, type[_Data]] = {
    "epochal.writer.opened": WriterOpened,
    "epochal.writer.heartbeat": WriterHeartbeat,
    "epochal.writer.closed": WriterClosed,
    "epochal.writer.vanished": WriterVanished,
    "epochal.experiment.created": ExperimentCreated,
    "epochal.experiment.concluded": ExperimentConcluded,
    "epochal.trial.created": TrialCreated,
    "epochal.component.created": ComponentCreated,
    "epochal.component.attached": ComponentAttached,
    "epochal.component.detached": ComponentDetached,
    "epochal.run.started": RunStarted,
    "epochal.run.finished": RunFinished,
    "epochal.run.rewound": RunRewound,
    "epochal.run.forked": RunForked,
    "epochal.params.logged": ParamsLogged,
    "epochal.params.unset": ParamsUnset,
    "epochal.params.corrected": ParamsCorrected,
    "epochal.tags.set": TagsSet,
    "epochal.tags.removed": TagsRemoved,
    "epochal.note.written": NoteWritten,
    "epochal.alert.raised": AlertRaised,
    "epochal.metric.defined": MetricDefined,
    "epochal.artifact.logged": ArtifactLogged,
    "epochal.artifact.failed": ArtifactFailed,
    "epochal.environment.captured": EnvironmentCaptured,
    "epochal.console.captured": ConsoleCaptured,
    "epochal.points.corrected": PointsCorrected,
    "epochal.event.undone": EventUndone,
    "epochal.event.redone": EventRedone,
    "epochal.entity.deleted": EntityDeleted,
    "epochal.entity.restored": EntityRestored,
    "epochal.entity.erased": EntityErased,
    "epochal.entity.declared": EntityDeclared,
    "epochal.association.made": AssociationMade,
    "epochal.association.removed": AssociationRemoved,
}
"""The closed union: event type to the model of its data (newest version)."""

SCHEMA_VERSION: dict[str, int] = dict.fromkeys(EVENT_TYPES, 1)
"""Newest schema version of each type; older ones are brought up by the upcasters."""


class Envelope(BaseModel):
    """What surrounds the data of every lifecycle event.

    ``at`` is the writer's clock (never running backwards within a writer); ``time`` is given where the caller
    said when it happened.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    type: str
    v: Annotated[int, Field(ge=1)]
    project: Annotated[str, Field(min_length=1)]
    at: int
    time: int | None = None
    data: dict[str, Any]


_ENVELOPE: TypeAdapter[Envelope] = TypeAdapter(Envelope)


def parse_envelope(payload: bytes) -> Envelope:
    """The envelope of one event.

    Raises:
        pydantic.ValidationError: the bytes are not such an envelope.
    """
    return _ENVELOPE.validate_json(payload)
