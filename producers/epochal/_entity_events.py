"""The other half of :mod:`epochal._events`: what is said of any entity, and what surrounds a run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ._events import Event
from ._values import JSON

__all__: list[str] = []


def tags_set(
    *,
    kind: str,
    entity: str,
    words: Sequence[str],
    values: Mapping[str, JSON],
    correction: Mapping[str, str] | None = None,
) -> Event:
    """Words, and keys with values."""
    said = {"kind": kind, "entity": entity, "words": list(words), "values": dict(values)}
    return "epochal.tags.set", {**said, **_corrects(correction)}


def tags_removed(*, kind: str, entity: str, keys: Sequence[str]) -> Event:
    """Words and keys taken away."""
    return "epochal.tags.removed", {"kind": kind, "entity": entity, "keys": list(keys)}


def note_written(*, kind: str, entity: str, text: str, correction: Mapping[str, str] | None = None) -> Event:
    """Free text."""
    return "epochal.note.written", {"kind": kind, "entity": entity, "text": text, **_corrects(correction)}


def alert_raised(*, component: str, rank: int, title: str, text: str, level: str) -> Event:
    """Something a person should look at."""
    return "epochal.alert.raised", {
        "component": component,
        "rank": rank,
        "title": title,
        "text": text,
        "level": level,
    }


def metric_defined(*, component: str, metric: str, step: str | None, goal: str | None, summary: str | None) -> Event:
    """How a metric is to be read."""
    return "epochal.metric.defined", {
        "component": component,
        "metric": metric,
        "step": step,
        "goal": goal,
        "summary": summary,
    }


def artifact_logged(
    *,
    component: str,
    rank: int,
    name: str,
    direction: str,
    uri: str | None,
    digest: str | None,
    media_type: str | None,
    size: int | None,
    files: int | None,
    stored: bool,
    correction: Mapping[str, str] | None = None,
) -> Event:
    """A named thing went in or came out."""
    return "epochal.artifact.logged", {
        "component": component,
        "rank": rank,
        "name": name,
        "direction": direction,
        "uri": uri,
        "digest": digest,
        "media_type": media_type,
        "size": size,
        "files": files,
        "stored": stored,
        **_corrects(correction),
    }


def _corrects(correction: Mapping[str, str] | None) -> dict[str, JSON]:
    """Left out where there is none: readers of before corrections of these know no such field."""
    return {} if correction is None else {"correction": dict(correction)}


def artifact_failed(*, component: str, rank: int, name: str, direction: str, reason: str) -> Event:
    """Content that was to be stored could not be."""
    return "epochal.artifact.failed", {
        "component": component,
        "rank": rank,
        "name": name,
        "direction": direction,
        "reason": reason,
    }


def environment_captured(*, component: str, rank: int, section: str, values: Mapping[str, JSON]) -> Event:
    """One section of what surrounded a rank."""
    return "epochal.environment.captured", {
        "component": component,
        "rank": rank,
        "section": section,
        "values": dict(values),
    }


def console_captured(*, component: str, rank: int, stream: str, text: str) -> Event:
    """A piece of console output."""
    return "epochal.console.captured", {"component": component, "rank": rank, "stream": stream, "text": text}


def points_corrected(
    *,
    component: str,
    metric: str,
    rank: int | None,
    first_step: float | None,
    last_step: float | None,
    operation: str,
    operand: JSON,
    covers: Sequence[tuple[str, int]],
    reason: str,
) -> Event:
    """Points were wrong; ``covers`` names writers and how many of their points are meant."""
    return "epochal.points.corrected", {
        "component": component,
        "metric": metric,
        "rank": rank,
        "first_step": first_step,
        "last_step": last_step,
        "operation": operation,
        "operand": operand,
        "covers": [list(pair) for pair in covers],
        "reason": reason,
    }


def event_undone(*, kind: str, entity: str, event: str, reason: str) -> Event:
    """An event about the entity counts as if it had never been said."""
    return "epochal.event.undone", {"kind": kind, "entity": entity, "event": event, "reason": reason}


def event_redone(*, kind: str, entity: str, event: str, reason: str) -> Event:
    """An event that was undone counts again."""
    return "epochal.event.redone", {"kind": kind, "entity": entity, "event": event, "reason": reason}


def entity_deleted(*, kind: str, entity: str, abandoned: Sequence[tuple[str, int]]) -> Event:
    """Hides what was said of the entity up to now, and the points named."""
    return "epochal.entity.deleted", {
        "kind": kind,
        "entity": entity,
        "abandoned": [list(pair) for pair in abandoned],
    }


def entity_restored(*, kind: str, entity: str, deletion: str) -> Event:
    """Undoes one deletion, named by its event id."""
    return "epochal.entity.restored", {"kind": kind, "entity": entity, "deletion": deletion}


def entity_erased(
    *,
    kind: str,
    entity: str,
    reason: str,
    lifecycle: Sequence[tuple[str, int, int]],
    metrics: Sequence[tuple[str, int, int]],
) -> Event:
    """The tombstone of what was said of the entity."""
    return "epochal.entity.erased", {
        "kind": kind,
        "entity": entity,
        "reason": reason,
        "lifecycle": [list(one) for one in lifecycle],
        "metrics": [list(one) for one in metrics],
    }


def entity_declared(
    *, kind: str, entity: str, name: str, type: str | None, properties: Mapping[str, JSON] | None
) -> Event:
    """An action or a context was declared; what is None says nothing and changes nothing."""
    return "epochal.entity.declared", {
        "kind": kind,
        "entity": entity,
        "name": name,
        "type": type,
        "properties": None if properties is None else dict(properties),
    }


def association_made(
    *, association: str, relation: str, source_kind: str, source: str, target_kind: str, target: str
) -> Event:
    """An edge of lineage, in the direction of time."""
    return "epochal.association.made", {
        "association": association,
        "relation": relation,
        "source_kind": source_kind,
        "source": source,
        "target_kind": target_kind,
        "target": target,
    }


def association_removed(*, association: str) -> Event:
    """The edge is no more."""
    return "epochal.association.removed", {"association": association}
