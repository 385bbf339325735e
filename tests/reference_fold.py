"""The law of views in plain Python: what every view must show, folded from the set of events and points.

This is the specification (docs/architecture.md, "From events to rows"); the SQL views are held to it by
tests/views/test_law.py. It is slow, direct, and imports nothing but the event contract.

An *event* or *point* here is what the log holds: what the writer said, and the stamp of one copy of it.
Order of arrival, duplication and cutting must not matter: only the set of (event, first stamp) does.
"""

from __future__ import annotations

import json
import math
import statistics
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TypeVar
from uuid import UUID

from epochal.contract import EVENT_TYPES, Envelope

CLOCK_ALLOWANCE_US = 60_000_000
SIGNS_OF_LIFE = ("writer", "started", "heartbeat", "finished", "closed")
"""Statements that a writer makes of itself."""
LOST_AFTER_US = 60_000_000
SEVERITY = ("failed", "lost", "stopped", "running")
REPAIRS = ("epochal.points.corrected", "epochal.event.undone", "epochal.event.redone")
"""Events that are true from the time of what they repair, whenever they were said."""

OWN = 2**32 - 1
"""The generation of a component's own points: they win over all that it continues."""

Order = tuple[int, bytes, int, int]
"""(ordered_at, writer, seq, ord): who wins among statements that compete."""


@dataclass(frozen=True)
class Stamp:
    """Where the log holds one copy, and since when (microseconds, UTC)."""

    log: str
    offset: int
    recorded_at: int


@dataclass(frozen=True)
class LoggedEvent:
    """One copy of a lifecycle event."""

    writer: UUID
    seq: int
    envelope: Envelope
    stamp: Stamp


@dataclass(frozen=True)
class LoggedPoint:
    """One copy of a metric point; its times are milliseconds, UTC."""

    project: str
    component: UUID
    metric: str
    rank: int
    step: float
    value: float
    logged_ms: int
    occurred_ms: int
    writer: UUID
    seq: int
    stamp: Stamp


@dataclass(frozen=True)
class Bounds:
    """``as_of`` in microseconds; ``known_at`` in microseconds or a watermark; ``now`` when nothing is bounded."""

    as_of: int | None = None
    known_at: int | Mapping[str, int] | None = None
    now: int = 0

    def keep(self, occurred_at: int, stamp: Stamp) -> bool:
        """Whether a fact with these times is visible."""
        return (self.as_of is None or occurred_at <= self.as_of) and self.know(stamp)

    def know(self, stamp: Stamp) -> bool:
        """Whether a repair with this stamp is visible."""
        if isinstance(self.known_at, Mapping):
            return stamp.offset <= self.known_at.get(stamp.log, -1)
        return self.known_at is None or stamp.recorded_at <= self.known_at

    @property
    def reference(self) -> int:
        """The instant at which a heartbeat may be overdue."""
        instants = [t for t in (self.as_of, self.known_at) if isinstance(t, int)]
        return min(instants) if instants else self.now


@dataclass(frozen=True)
class Statement:
    """One thing said of one entity; ``value`` is None where it was taken away."""

    kind: str
    entity: UUID
    field: str
    key: str
    value: object
    removed: bool
    order: Order
    occurred_at: int
    logged_at: int
    writer: UUID
    seq: int


T = TypeVar("T", LoggedEvent, LoggedPoint)
Said = tuple[str, UUID, str, str, object, bool]


def path_key(path: Iterable[str]) -> str:
    """A param's path as its key: parts joined by '.', '.' and '\\' inside a part escaped by '\\'."""
    return ".".join(part.replace("\\", "\\\\").replace(".", "\\.") for part in path)


def said_by(event: LoggedEvent) -> Iterator[Said]:
    """What an event states, in the order of its statements: (kind, entity, field, key, value, removed)."""
    kind = event.envelope.type.removeprefix("epochal.")
    d = EVENT_TYPES[event.envelope.type].model_validate(event.envelope.data).model_dump(mode="json", exclude_none=True)
    here = f"{event.writer}:{event.seq}"
    match kind:
        case "experiment.created":
            yield "experiment", UUID(d["experiment"]), "opened", "", {"name": d["name"]}, False
            for key in ("name", "hypothesis", "objective", "variables"):
                if key in d:
                    yield "experiment", UUID(d["experiment"]), "attr", key, d[key], False
        case "experiment.concluded":
            verdict = {"verdict": d["verdict"], "note": d["note"]}
            yield "experiment", UUID(d["experiment"]), "attr", "verdict", verdict, False
        case "trial.created":
            opened = {"experiment": d["experiment"], "variables": d["variables"]}
            yield "trial", UUID(d["trial"]), "opened", "", opened, False
            if "name" in d:
                yield "trial", UUID(d["trial"]), "attr", "name", d["name"], False
        case "component.created":
            opened = {"key": d["key"], "name": d["name"], "kind": d["kind"]}
            yield "component", UUID(d["component"]), "opened", "", opened, False
            for key in ("display_name", "resources", "parent"):
                if key in d:
                    yield "component", UUID(d["component"]), "attr", key, d[key], False
        case "component.attached":
            yield "component", UUID(d["component"]), "member", d["trial"], True, False
        case "component.detached":
            yield "component", UUID(d["component"]), "member", d["trial"], None, True
        case "run.started" | "run.finished":
            yield "component", UUID(d["component"]), kind.split(".")[1], f"{d['rank']}/{d['attempt']}", d, False
        case "writer.opened" | "writer.heartbeat" | "writer.closed" | "writer.vanished":
            name = {"opened": "writer"}.get(kind.split(".")[1], kind.split(".")[1])
            if "component" in d:
                yield "component", UUID(d["component"]), name, d.get("writer", str(event.writer)), d, False
        case "params.logged" | "params.corrected":
            for path, value in d["cells"]:
                yield "component", UUID(d["component"]), "param", path_key(path), value, False
        case "params.unset":
            for path in d["paths"]:
                yield "component", UUID(d["component"]), "param", path_key(path), None, True
        case "tags.set":
            for word in d["words"]:
                yield d["kind"], UUID(d["entity"]), "tag", word, True, False
            for key, value in d["values"].items():
                yield d["kind"], UUID(d["entity"]), "tag", key, value, False
        case "tags.removed":
            for key in d["keys"]:
                yield d["kind"], UUID(d["entity"]), "tag", key, None, True
        case "note.written":
            yield d["kind"], UUID(d["entity"]), "note", "", d["text"], False
        case "alert.raised":
            alert = {"title": d["title"], "text": d["text"], "level": d["level"]}
            yield "component", UUID(d["component"]), "alert", here, alert, False
        case "metric.defined":
            definition = {key: d.get(key) for key in ("step", "goal", "summary")}
            yield "component", UUID(d["component"]), "define", d["metric"], definition, False
        case "artifact.logged":
            kept = {key: d.get(key) for key in ("uri", "digest", "media_type", "size", "stored")}
            yield "component", UUID(d["component"]), "artifact", f"{d['direction']}/{d['name']}", kept, False
        case "artifact.failed":
            failure = {"reason": d["reason"]}
            yield "component", UUID(d["component"]), "artifact_failed", f"{d['direction']}/{d['name']}", failure, False
        case "environment.captured":
            yield "component", UUID(d["component"]), "env", f"{d['rank']}/{d['section']}", d["values"], False
        case "run.rewound":
            rewind = {key: d[key] for key in ("rank", "to_step", "abandoned")}
            yield "component", UUID(d["component"]), "rewound", here, rewind, False
        case "points.corrected":
            correction = {key: value for key, value in d.items() if key != "component"}
            yield "component", UUID(d["component"]), "corrected", here, correction, False
        case "event.undone" | "event.redone":
            yield d["kind"], UUID(d["entity"]), "undone", d["event"], {"reason": d["reason"]}, kind == "event.redone"
        case "run.forked":
            fork = {key: d[key] for key in ("rank", "of", "step", "past") if key in d}
            yield "component", UUID(d["component"]), "forked", here, fork, False
        case "entity.deleted":
            yield d["kind"], UUID(d["entity"]), "deleted", here, {"abandoned": d["abandoned"]}, False
        case "entity.restored":
            yield d["kind"], UUID(d["entity"]), "restored", d["deletion"], {}, False
        case "entity.erased":
            yield d["kind"], UUID(d["entity"]), "erased", here, {"reason": d["reason"]}, False
        case "entity.declared":
            yield d["kind"], UUID(d["entity"]), "opened", "", {"name": d["name"]}, False
            for key in ("type", "properties"):
                if key in d:
                    yield d["kind"], UUID(d["entity"]), "attr", key, d[key], False
        case "association.made":
            ends = {key: d[key] for key in ("relation", "source_kind", "source", "target_kind", "target")}
            yield "association", UUID(d["association"]), "opened", "", {}, False
            yield "association", UUID(d["association"]), "ends", "", ends, False
        case "association.removed":
            yield "association", UUID(d["association"]), "ends", "", None, True
        case "console.captured":
            pass  # read from the events themselves
        case _:
            raise AssertionError(f"the reference fold does not know {event.envelope.type}")


def first_copies(copies: Iterable[T]) -> list[T]:
    """Of every (writer, seq) the copy with the first stamp."""
    first: dict[tuple[UUID, int], T] = {}
    for copy in copies:
        known = first.get((copy.writer, copy.seq))
        stamp = (copy.stamp.recorded_at, copy.stamp.offset)
        if known is None or stamp < (known.stamp.recorded_at, known.stamp.offset):
            first[copy.writer, copy.seq] = copy
    return list(first.values())


def ordered_at(logged_at: int, stamp: Stamp) -> int:
    """The clock that decides conflicts: the writer's, unless it runs more than a minute ahead of the log's."""
    return stamp.recorded_at if logged_at > stamp.recorded_at + CLOCK_ALLOWANCE_US else logged_at


def clocks_ahead(events: Iterable[LoggedEvent], bounds: Bounds) -> dict[UUID, int]:
    """By how many microseconds at most the clock of a writer was ahead, as its events show that count as logged when
    they were recorded; that is when they are known, and since when it was so.
    """
    found: dict[UUID, int] = defaultdict(int)
    for event in first_copies(events):
        ahead = event.envelope.at - event.stamp.recorded_at
        if ahead > CLOCK_ALLOWANCE_US and bounds.keep(event.stamp.recorded_at, event.stamp):
            found[event.writer] = max(ahead, found[event.writer])
    return found


def statements(events: Iterable[LoggedEvent], bounds: Bounds) -> list[Statement]:
    """What the events within the bounds state."""
    found = []
    for event in first_copies(events):
        logged_at = event.envelope.at
        occurred_at = logged_at if event.envelope.time is None else event.envelope.time
        repairs = event.envelope.type in REPAIRS
        if not (bounds.know(event.stamp) if repairs else bounds.keep(occurred_at, event.stamp)):
            continue
        for ord_, (kind, entity, name, key, value, removed) in enumerate(said_by(event)):
            order = (ordered_at(logged_at, event.stamp), event.writer.bytes, event.seq, ord_)
            found.append(
                Statement(
                    kind, entity, name, key, value, removed, order, occurred_at, logged_at, event.writer, event.seq
                )
            )
    return found


def standing(said: list[Statement]) -> list[Statement]:
    """The statements without those of events that are undone; of undoing and redoing an event the last word counts."""
    last: dict[tuple[str, UUID, str], Statement] = {}
    for s in sorted((s for s in said if s.field == "undone"), key=lambda s: s.order):
        last[s.kind, s.entity, s.key] = s
    undone = {at for at, s in last.items() if not s.removed}
    return [s for s in said if s.field == "undone" or (s.kind, s.entity, f"{s.writer}:{s.seq}") not in undone]


def corrects(event: LoggedEvent) -> bool:
    """Whether what it states corrects what was said before."""
    return event.envelope.type == "epochal.params.corrected" or event.envelope.data.get("correction") is not None


def ended_by(s: Statement, said: list[Statement]) -> str:
    """The event by which a repair counts no more: the last word about its event, if that undoes it; of a word about an
    event the next one about the same.
    """
    about = (s.kind, s.entity, s.key if s.field == "undone" else f"{s.writer}:{s.seq}")
    words = sorted(
        (w for w in said if w.field == "undone" and (w.kind, w.entity, w.key) == about), key=lambda w: w.order
    )
    if s.field == "undone":
        words = [w for w in words if w.order > s.order][:1]
    elif not words or words[-1].removed:
        words = []
    return f"{words[-1].writer}:{words[-1].seq}" if words else ""


def corrected(p: LoggedPoint, corrections: Iterable[Statement]) -> float | None:
    """The value of a point after all corrections that cover it, in order; None where it was retracted."""
    value = p.value
    for s in corrections:
        c = s.value
        assert isinstance(c, dict)
        if not (
            s.entity == p.component
            and c["metric"] == p.metric
            and c.get("rank", p.rank) == p.rank
            and c.get("first_step", -math.inf) <= p.step <= c.get("last_step", math.inf)
            and any(UUID(str(writer)) == p.writer and p.seq < count for writer, count in c["covers"])
        ):
            continue
        match c["operation"]:
            case "retract":
                return None
            case "set":
                value = c["operand"]
            case "scale":
                value *= c["operand"]
            case "shift":
                value += c["operand"]
    return value


Entity = tuple[str, UUID]


@dataclass
class Fold:
    """Every view of one project at one place in both times."""

    alive: list[Statement]
    existing: set[Entity]
    deletions: list[Statement]
    bounds: Bounds
    points: list[LoggedPoint] = field(default_factory=list)
    branches: dict[tuple[UUID, int, int], list[LoggedPoint]] = field(default_factory=lambda: defaultdict(list))
    """(component, rank, branch) to the line of that branch; the one begun last is the main line."""
    ahead: Mapping[UUID, int] = field(default_factory=dict[UUID, int])
    """Writer to `clocks_ahead`."""
    repairs: list[tuple[Statement, str]] = field(default_factory=list[tuple["Statement", str]])
    """What repairs something, of what exists, in its life; and the event by which it counts no more, or ''."""

    @classmethod
    def of(cls, events: Iterable[LoggedEvent], points: Iterable[LoggedPoint], bounds: Bounds) -> Fold:
        """Fold the set of events and points."""
        events = list(events)
        everything = statements(events, bounds)
        said = standing(everything)
        restored = {(s.kind, s.entity, s.key) for s in said if s.field == "restored"}
        deletions = [s for s in said if s.field == "deleted" and (s.kind, s.entity, s.key) not in restored]
        horizon: dict[Entity, Order] = {}
        for s in deletions:
            horizon[s.kind, s.entity] = max(s.order, horizon.get((s.kind, s.entity), s.order))
        alive = [
            s
            for s in said
            if s.field not in ("deleted", "restored", "undone")
            and ((s.kind, s.entity) not in horizon or s.order > horizon[s.kind, s.entity])
        ]
        existing = {(s.kind, s.entity) for s in alive if s.field == "opened"}
        alive = [s for s in alive if (s.kind, s.entity) in existing]
        fold = cls(alive, existing, deletions, bounds, ahead=clocks_ahead(events, bounds))
        correcting = {(e.writer, e.seq) for e in events if corrects(e)}
        repairs = [
            s
            for s in everything
            if (s.field in ("corrected", "undone") or (s.writer, s.seq) in correcting)
            and (s.kind, s.entity) in existing
            and ((s.kind, s.entity) not in horizon or s.order > horizon[s.kind, s.entity])
        ]
        fold.repairs = [(s, ended_by(s, everything)) for s in repairs]
        fold.points = list(fold._main_line(points))
        return fold

    def _main_line(self, points: Iterable[LoggedPoint]) -> Iterator[LoggedPoint]:
        """The points that are left: not deleted, rewound or retracted, newest of each step; as corrected.

        Branch by branch: `branches`.
        """
        rewinds = self.rewinds()
        deleted: dict[tuple[UUID, UUID], int] = {}
        for s in self.deletions:
            assert isinstance(s.value, dict)
            for writer, count in s.value["abandoned"]:
                which = (s.entity, UUID(str(writer)))
                deleted[which] = max(count, deleted.get(which, 0))
        lines: dict[tuple[UUID, str, int, float, int], tuple[tuple[int, Order], LoggedPoint]] = {}
        kept = list(self._as_corrected(points))
        for generation, p in [*((OWN, p) for p in kept), *self._continued(kept)]:
            if p.seq < deleted.get((p.component, p.writer), 0):
                continue
            order = (generation, (ordered_at(p.logged_ms * 1000, p.stamp), p.writer.bytes, p.seq, 0))
            for branch in branches_of(p, rewinds[p.component, p.rank]):
                at = (p.component, p.metric, p.rank, p.step + 0.0, branch)
                if at not in lines or order > lines[at][0]:
                    lines[at] = (order, p)
        for (component, _, rank, _, branch), (_, p) in lines.items():
            self.branches[component, rank, branch].append(p)
            if branch == len(rewinds[component, rank]):
                yield p

    def _as_corrected(self, points: Iterable[LoggedPoint]) -> Iterator[LoggedPoint]:
        """The points within the bounds that were not retracted, with the values that corrections gave them.

        A correction is of points, wherever these are shown.
        """
        corrections = sorted((s for s in self.alive if s.field == "corrected"), key=lambda s: s.order)
        for p in first_copies(points):
            if self.bounds.keep(p.occurred_ms * 1000, p.stamp):
                value = corrected(p, corrections)
                if value is not None:
                    yield replace(p, value=value)

    def _continued(self, points: list[LoggedPoint]) -> Iterator[tuple[int, LoggedPoint]]:
        """The points that forks continue, as points of theirs, with their generation; system metrics are nobody's past.

        A fork names components, writers and numbers: what becomes of these components later changes nothing here.
        """
        for (component, rank), s in self.forks().items():
            assert isinstance(s.value, dict)
            pieces = s.value.get("past", [])
            sources = [of for of, *_ in pieces]
            for p in points:
                if any(
                    (p.component, p.writer, p.rank) == (UUID(of), UUID(writer), rank)
                    and first <= p.seq < until
                    and p.step <= to_step
                    for of, writer, first, until, to_step in pieces
                ) and not p.metric.startswith("sys/"):
                    yield sources.index(str(p.component)), replace(p, component=component)

    def forks(self) -> dict[tuple[UUID, int], Statement]:
        """(component, rank) to its fork: the first that names what it continues; else the first."""
        found: dict[tuple[UUID, int], Statement] = {}
        for s in sorted(self.alive, key=lambda s: s.order):
            if s.field == "forked":
                assert isinstance(s.value, dict)
                known = found.setdefault((s.entity, s.value["rank"]), s)
                assert isinstance(known.value, dict)
                if "past" in s.value and "past" not in known.value:
                    found[s.entity, s.value["rank"]] = s
        return found

    def rewinds(self) -> dict[tuple[UUID, int], list[Statement]]:
        """(component, rank) to its rewinds in their order. The n-th one begins branch n; branch 0 had no beginning."""
        found: dict[tuple[UUID, int], list[Statement]] = defaultdict(list)
        for s in sorted(self.alive, key=lambda s: s.order):
            if s.field == "rewound":
                assert isinstance(s.value, dict)
                found[s.entity, s.value["rank"]].append(s)
        return found

    def ranks(self) -> set[tuple[UUID, int]]:
        """(component, rank) of whom a writer, a start or a rewind tells: each has a branch 0."""
        return {
            (s.entity, s.value["rank"])
            for s in self.alive
            if s.field in ("writer", "started", "rewound") and isinstance(s.value, dict)
        }

    def cells(self, field_name: str) -> dict[tuple[str, UUID, str], Statement]:
        """The newest statement of each (kind, entity, key) of a field; removed ones are gone."""
        newest: dict[tuple[str, UUID, str], Statement] = {}
        for s in self.alive:
            at = (s.kind, s.entity, s.key)
            if s.field == field_name and (at not in newest or s.order > newest[at].order):
                newest[at] = s
        return {at: s for at, s in newest.items() if not s.removed}

    def entities(self, kind: str) -> dict[UUID, dict[str, object]]:
        """Existing entities with what their newest opening and their attributes say."""
        found: dict[UUID, dict[str, object]] = {}
        for (k, entity, _), s in self.cells("opened").items():
            if k == kind:
                assert isinstance(s.value, dict)
                first = min(o.order for o in self.alive if o.field == "opened" and (o.kind, o.entity) == (k, entity))
                found[entity] = {**s.value, "created_at": first[0]}
        for (k, entity, key), s in self.cells("attr").items():
            if k == kind and entity in found:
                found[entity][key] = s.value
        return found

    def memberships(self) -> set[tuple[UUID, UUID]]:
        """(component, trial), both existing."""
        return {(c, UUID(t)) for _, c, t in self.cells("member") if ("trial", UUID(t)) in self.existing}

    def associations(self) -> dict[UUID, Statement]:
        """Standing associations between what exists; artifacts always do."""
        return {
            entity: s
            for (_, entity, _), s in self.cells("ends").items()
            if all(kind == "artifact" or (kind, UUID(id_)) in self.existing for kind, id_ in ends_of(s))
        }

    def edges(self) -> set[tuple[str, Node, Node, str]]:
        """Lineage in the direction of time: (relation, source, target, the artifact's name for the component)."""
        found: set[tuple[str, Node, Node, str]] = set()
        for s in self.associations().values():
            assert isinstance(s.value, dict)
            found.add((s.value["relation"], *ends_of(s), ""))
        for (component, _), s in self.forks().items():
            assert isinstance(s.value, dict)
            found.add(("DerivedFrom", ("component", s.value["of"]), ("component", str(component)), ""))
        for (_, component, key), s in self.cells("artifact").items():
            assert isinstance(s.value, dict)
            artifact = ("artifact", next(x for x in (s.value["digest"], s.value["uri"], f"{component}/{key}") if x))
            direction, _, name = key.partition("/")
            worker = ("component", str(component))
            edge = ("Produced", worker, artifact) if direction == "out" else ("ContributedTo", artifact, worker)
            found.add((*edge, name))
        return found

    def params(self) -> dict[UUID, dict[str, object]]:
        """Component to {path key: value}: each statement in order hides what was said before at related paths."""
        shown: dict[UUID, dict[str, object]] = defaultdict(dict)
        for s in sorted((s for s in self.alive if s.field == "param"), key=lambda s: s.order):
            cells = {key: value for key, value in shown[s.entity].items() if not hides(s, key)}
            shown[s.entity] = cells if s.removed else {**cells, s.key: s.value}
        return {entity: cells for entity, cells in shown.items() if cells}

    def attempts(self) -> dict[tuple[UUID, int], list[str]]:
        """(component, rank) to its attempts in order of opening."""
        opened: dict[tuple[UUID, int, str], Order] = {}
        for s in self.alive:
            if s.field == "started":
                assert isinstance(s.value, dict)
                at = (s.entity, s.value["rank"], s.value["attempt"])
                opened[at] = min(s.order, opened.get(at, s.order))
        ranks: dict[tuple[UUID, int], list[tuple[Order, str]]] = defaultdict(list)
        for (component, rank, attempt), order in opened.items():
            ranks[component, rank].append((order, attempt))
        return {at: [attempt for _, attempt in sorted(found)] for at, found in ranks.items()}

    def rank_status(self, component: UUID, rank: int, attempt: str) -> str:
        """completed, failed, stopped, lost or running."""
        finished = self.cells("finished").get(("component", component, f"{rank}/{attempt}"))
        if finished is not None:
            assert isinstance(finished.value, dict)
            return str(finished.value["status"])
        mine = [s for s in self.alive if s.entity == component]
        mains = {
            s.key: s.value["heartbeat_s"]
            for s in mine
            if s.field == "writer"
            and isinstance(s.value, dict)
            and (s.value["rank"], s.value["attempt"], s.value["role"]) == (rank, attempt, "main")
        }
        if not mains:
            return "running"
        vanished = {s.key: s.value for s in self.cells("vanished").values() if s.entity == component}
        for writer, heartbeat_s in mains.items():
            signs = [s for s in mine if str(s.writer) == writer and s.field in SIGNS_OF_LIFE]
            if writer in vanished:
                value = vanished[writer]
                assert isinstance(value, dict)
                if max(s.seq for s in signs) >= value["lifecycle"]:
                    return "running"  # it spoke again after it was thought gone
                continue
            allowance = max(LOST_AFTER_US, int(3 * heartbeat_s * 1_000_000))
            if max(s.order[0] for s in signs) + allowance >= self.bounds.reference:
                return "running"
        return "lost"

    def status(self, component: UUID) -> str:
        """The component's status over its ranks; '' where nothing ever ran."""
        ranks = {rank: attempts[-1] for (c, rank), attempts in self.attempts().items() if c == component}
        if not ranks:
            return ""
        found = {self.rank_status(component, rank, attempt) for rank, attempt in ranks.items()}
        for status in SEVERITY:
            if status in found:
                return status
        starts = [s for s in self.alive if s.field == "started" and s.entity == component]
        world = max(
            s.value["world_size"]
            for s in starts
            if isinstance(s.value, dict) and ranks[s.value["rank"]] == s.value["attempt"]
        )
        return "completed" if len(ranks) >= world else "running"

    def writers(self) -> dict[tuple[UUID, UUID], int]:
        """(component, writer) of every opening, and by how much the writer's clock was ahead."""
        return {(s.entity, s.writer): self.ahead.get(s.writer, 0) for s in self.alive if s.field == "writer"}

    def summaries(self) -> dict[tuple[UUID, str, int], Summary]:
        """Statistics of every series over its surviving points."""
        series: dict[tuple[UUID, str, int], list[LoggedPoint]] = defaultdict(list)
        for p in self.points:
            series[p.component, p.metric, p.rank].append(p)
        return {at: summarize(points) for at, points in series.items()}


Node = tuple[str, str]
"""The kind and the id of an end of an edge; of an artifact its digest, else its URI."""


def ends_of(s: Statement) -> tuple[Node, Node]:
    """What an association joins."""
    assert isinstance(s.value, dict)
    return (s.value["source_kind"], s.value["source"]), (s.value["target_kind"], s.value["target"])


def hides(s: Statement, key: str) -> bool:
    """Whether a later statement hides a param at this key: at and below its path; a value also above it."""
    return key == s.key or key.startswith(s.key + ".") or (not s.removed and s.key.startswith(key + "."))


def branches_of(p: LoggedPoint, rewinds: list[Statement]) -> Iterable[int]:
    """The branches in whose line a point is, as far as rewinds decide.

    It was logged on the branch that the first rewind to name it left behind (on the newest, if none names it), and
    stays in the line of every later one until a rewind that names it leads to a step before its own.
    """
    logged_on = left = len(rewinds)
    for begun, s in reversed(list(enumerate(rewinds))):
        assert isinstance(s.value, dict)
        if any(p.writer == UUID(str(writer)) and p.seq < count for writer, count in s.value["abandoned"]):
            logged_on = begun
            if p.step > s.value["to_step"]:
                left = begun
    return range(logged_on, left + 1)


@dataclass(frozen=True)
class Summary:
    """Statistics of one series; NaN where nothing but NaN was logged, std None below two values."""

    count: int
    nan_count: int
    min: float
    argmin: float
    max: float
    argmax: float
    mean: float
    std: float | None
    first: float
    last: float


def summarize(points: list[LoggedPoint]) -> Summary:
    """Count counts all points, min to std those that aren't NaN; first and last are by step, NaN or not."""
    by_step = sorted(points, key=lambda p: p.step)
    values = [(p.value, p.step) for p in by_step if not math.isnan(p.value)]
    low = min(values, default=(math.nan, math.nan))
    high = max(values, key=lambda v: (v[0], -v[1]), default=(math.nan, math.nan))
    finite = [v for v, _ in values]
    plain = all(map(math.isfinite, finite))
    return Summary(
        count=len(points),
        nan_count=len(points) - len(values),
        min=low[0],
        argmin=low[1],
        max=high[0],
        argmax=high[1],
        mean=(math.fsum(finite) / len(finite) if plain else sum(finite)) if finite else math.nan,
        std=None if len(finite) < 2 else (statistics.stdev(finite) if plain else math.nan),
        first=by_step[0].value,
        last=by_step[-1].value,
    )


def as_json(value: object) -> str:
    """A value as compact JSON text, for comparing with what a view shows."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
