"""What the fields of a history are called: each statement that the store keeps has a place under one name. Pure.

A name is a path: ``params.optimizer.lr`` lies below ``params.optimizer``, that below ``params``. Params are written as
their keys are, tags, metrics, artifacts (``in/data``) and so on as they are named.
"""

from __future__ import annotations

from typing import Any

from epochal_query.param_paths import shown
from epochal_query.resolve import Kind

HEARTBEAT = "writers.heartbeat"
LOST = "status.lost"
METRICS = "metrics"

_KEYED = {
    "param": "params",
    "tag": "tags",
    "define": "definitions",
    "member": "trials",
    "artifact": "artifacts",
    "artifact_failed": "artifact_failures",
    "env": "environment",
    "started": "status.started",
    "finished": "status.finished",
    "writer": "writers.opened",
    "heartbeat": HEARTBEAT,
    "closed": "writers.closed",
    "vanished": "writers.vanished",
}
_SINGLE = {
    "opened": "status.created",
    "deleted": "status.deleted",
    "restored": "status.restored",
    "erased": "status.erased",
    "note": "note",
    "alert": "alerts",
    "rewound": "rewinds",
    "undone": "undone",
    "forked": "forks",
}
_COMMON = ("note", "tags", *(_SINGLE[one] for one in ("opened", "deleted", "restored", "erased", "undone")))
_OF_KIND: dict[Kind, tuple[str, ...]] = {
    "experiment": ("name", "hypothesis", "objective", "variables", "verdict"),
    "trial": ("name",),
    "action": ("type", "properties"),
    "context": ("type", "properties"),
    "component": (
        *("name", "kind", "display_name", "resources", "parent", "alerts", "rewinds", "forks", METRICS, LOST),
        *_KEYED.values(),
    ),
}
_FREE = ("param", "tag", "env")
"""Fields whose values are the users' own, or whatever was found: a reason in these is none."""
_GROUPS = {outer for name in (METRICS, LOST, *_COMMON, *_KEYED.values()) for outer in (name, name.partition(".")[0])}


def names_of(kind: Kind, field: str, key: str, value: Any = None) -> tuple[str, ...]:
    """What the statements of one field and key are called; a component's opening also says its name and kind.

    A correction has the name of the metric that its value tells.
    """
    if field == "corrected":
        return () if value is None else (metric_name(value["metric"]),)
    if field == "attr":
        return (key,)
    if field == "opened" and kind == "component":
        return (_SINGLE[field], "name", "kind")
    return (_SINGLE[field] if field in _SINGLE else f"{_KEYED.get(field, field)}.{key}",)


def is_cell(name: object) -> bool:
    """Whether a name can be that of a param, a tag, the note or an artifact."""
    return isinstance(name, str) and (name == "note" or name.startswith(("params.", "tags.", "artifacts.")))


def metric_name(metric: str) -> str:
    """What a metric's points are called."""
    return f"{METRICS}.{metric}"


def is_of(name: str, asked: str | None) -> bool:
    """Whether a field is asked for: by its name, or by a param or group that it lies in; everything by None.

    A param is also meant by its name without the escapes of its key.
    """
    if asked is None or name == asked:
        return True
    is_param = name.startswith("params.")
    return (is_param and shown(name) == asked) or ((is_param or asked in _GROUPS) and name.startswith(f"{asked}."))


def known_to(kind: Kind) -> set[str]:
    """The names that mean something to entities of a kind, though nothing may have been said under them."""
    return {outer for name in (*_COMMON, *_OF_KIND[kind]) for outer in (name, name.partition(".")[0])}


def value_of(name: str, field: str, key: str, value: Any) -> Any:
    """What a statement says under a name, for people: a word where the statement's JSON is about more than that."""
    if field in ("deleted", "restored", "erased"):
        return key if field == "restored" else True
    if not isinstance(value, dict):
        return value
    said: dict[str, Any] = value
    match field:
        case "opened" if name in ("name", "kind"):
            return said[name]
        case "started":
            return "running"
        case "finished":
            return said["status"]
        case "attr" if name == "verdict":
            return said["verdict"]
        case "writer":
            return said["role"]
        case "heartbeat" | "closed" | "vanished":
            return {part: said[part] for part in ("lifecycle", "metrics", "lost") if said.get(part)}
        case "corrected":
            return {
                part: said[part] for part in ("rank", "first_step", "last_step", "operation", "operand") if part in said
            }
        case "rewound":
            return {part: said[part] for part in ("rank", "to_step")}
        case "forked":
            return {part: said[part] for part in ("rank", "of", "step")}
        case "artifact" | "define":
            return {part: one for part, one in said.items() if one is not None}
        case "artifact_failed":
            return "failed"
        case _:
            return said


def reason_of(field: str, key: str, value: Any) -> str | None:
    """The reason that a statement gives: the note of a verdict, an error, or a reason by that name."""
    if field in _FREE or not isinstance(value, dict):
        return None
    said: dict[str, Any] = value
    error: dict[str, Any] = said.get("error") or {}
    if error:
        return f"{error['type']}: {error['message']}"
    return said.get("note" if (field, key) == ("attr", "verdict") else "reason") or None
