"""What the views show, as plain values to compare with the reference fold, and what the fold says in the same shape."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from typing import Any
from uuid import UUID

from reference_fold import Fold, LoggedPoint

from epochal._values import to_json

Rows = list[dict[str, Any]]
Shown = dict[Any, Any]


def loads(text: str) -> Any:
    """JSON text as a value; empty text as None."""
    return json.loads(text) if text else None


def plain(value: Any) -> Any:
    """A value that equals itself: JSON text where it holds a NaN."""
    return json.loads(json.dumps(value))


def micros(value: Any) -> int | None:
    """An instant as microseconds."""
    return None if value is None else round(value.timestamp() * 1_000_000)


def exactly(value: float) -> str:
    """A float by its bits, all NaNs alike."""
    return "nan" if math.isnan(value) else float(value).hex()


def experiments(rows: Rows) -> Shown:
    """By id."""
    return {
        r["experiment"]: (r["name"], r["hypothesis"], r["objective"], loads(r["variables"]), r["verdict"],
                          r["verdict_note"], r["note"], micros(r["created_at"]))
        for r in rows
    }  # fmt: skip


def folded_experiments(fold: Fold) -> Shown:
    """As `experiments`."""
    found = {}
    for entity, said in fold.entities("experiment").items():
        verdict: Any = said.get("verdict", {"verdict": "", "note": ""})
        found[entity] = (
            said["name"], said.get("hypothesis", ""), said.get("objective", ""), plain(said.get("variables")),
            verdict["verdict"], verdict["note"], _note(fold, "experiment", entity), said["created_at"],
        )  # fmt: skip
    return found


def trials(rows: Rows) -> Shown:
    """By id."""
    return {
        r["trial"]: (r["experiment"], r["name"], loads(r["variables"]), r["note"], micros(r["created_at"]))
        for r in rows
    }


def folded_trials(fold: Fold) -> Shown:
    """As `trials`."""
    return {
        entity: (UUID(str(said["experiment"])), said.get("name", ""), plain(said["variables"]),
                 _note(fold, "trial", entity), said["created_at"])
        for entity, said in fold.entities("trial").items()
    }  # fmt: skip


def components(rows: Rows) -> Shown:
    """By id."""
    return {
        r["component"]: (r["key"], r["name"], r["kind"], r["display_name"], loads(r["resources"]), r["parent"],
                         r["note"], micros(r["created_at"]), r["status"])
        for r in rows
    }  # fmt: skip


def folded_components(fold: Fold) -> Shown:
    """As `components`."""
    return {
        entity: (said["key"], said["name"], said["kind"], said.get("display_name", ""), plain(said.get("resources")),
                 UUID(str(said["parent"])) if "parent" in said else None,
                 _note(fold, "component", entity), said["created_at"], fold.status(entity))
        for entity, said in fold.entities("component").items()
    }  # fmt: skip


def memberships(rows: Rows) -> Shown:
    """All of them."""
    return {(r["component"], r["trial"]): True for r in rows}


def folded_memberships(fold: Fold) -> Shown:
    """As `memberships`."""
    return dict.fromkeys(fold.memberships(), True)


def params(rows: Rows) -> Shown:
    """By component and path."""
    return {(r["component"], r["path"]): _cell(r) for r in rows}


def folded_params(fold: Fold) -> Shown:
    """As `params`."""
    return {
        (component, path): _folded_cell(value)
        for component, cells in fold.params().items()
        for path, value in cells.items()
    }


def tags(rows: Rows) -> Shown:
    """By kind, entity and tag."""
    return {(r["kind"], r["entity"], r["tag"]): _cell(r) for r in rows}


def folded_tags(fold: Fold) -> Shown:
    """As `tags`."""
    return {at: _folded_cell(s.value) for at, s in fold.cells("tag").items()}


def definitions(rows: Rows) -> Shown:
    """By component and metric."""
    return {
        (r["component"], r["metric"]): {"step": r["step_metric"], "goal": r["goal"], "summary": r["summary"]}
        for r in rows
    }


def artifacts(rows: Rows) -> Shown:
    """By component, direction and name."""
    keys = ("uri", "digest", "media_type", "size", "stored")
    return {(r["component"], f"{r['direction']}/{r['name']}"): {key: r[key] for key in keys} for r in rows}


def artifact_failures(rows: Rows) -> Shown:
    """By component, direction and name."""
    return {(r["component"], f"{r['direction']}/{r['name']}"): {"reason": r["reason"]} for r in rows}


def environments(rows: Rows) -> Shown:
    """By component, rank and section."""
    return {(r["component"], f"{r['rank']}/{r['section']}"): loads(r["values"]) for r in rows}


def alerts(rows: Rows) -> Shown:
    """By component and event."""
    return {(r["component"], r["event"]): {key: r[key] for key in ("title", "text", "level")} for r in rows}


def declared(kind: str) -> Callable[[Rows], Shown]:
    """By id."""
    return lambda rows: {
        r[kind]: (r["name"], r["type"], loads(r["properties"]), r["note"], micros(r["created_at"])) for r in rows
    }


def folded_declared(kind: str) -> Callable[[Fold], Shown]:
    """As `declared`."""
    return lambda fold: {
        entity: (said["name"], said.get("type", ""), plain(said.get("properties")), _note(fold, kind, entity),
                 said["created_at"])
        for entity, said in fold.entities(kind).items()
    }  # fmt: skip


def associations(rows: Rows) -> Shown:
    """By id."""
    ends = ("relation", "source_kind", "source", "target_kind", "target")
    return {r["association"]: ({key: r[key] for key in ends}, r["writer"], r["seq"]) for r in rows}


def folded_associations(fold: Fold) -> Shown:
    """As `associations`."""
    return {entity: (plain(s.value), s.writer, s.seq) for entity, s in fold.associations().items()}


def edges(rows: Rows) -> Shown:
    """All of them."""
    return {
        (r["relation"], (r["source_kind"], r["source"]), (r["target_kind"], r["target"]), r["name"]): True for r in rows
    }


def folded_edges(fold: Fold) -> Shown:
    """As `edges`."""
    return dict.fromkeys(fold.edges(), True)


def of_components(field: str) -> Callable[[Fold], Shown]:
    """The fold's cells of a field, by component and key."""
    return lambda fold: {(entity, key): plain(s.value) for (_, entity, key), s in fold.cells(field).items()}


def attempts(rows: Rows) -> Shown:
    """By component and rank: (attempt, status) in the order of opening."""
    found: dict[Any, list[Any]] = {}
    for r in sorted(rows, key=lambda r: int(r["number"])):
        found.setdefault((r["component"], r["rank"]), []).append((r["attempt"], r["status"], r["newest"]))
    return found


def folded_attempts(fold: Fold) -> Shown:
    """As `attempts`."""
    return {
        (component, rank): [(a, fold.rank_status(component, rank, a), a == found[-1]) for a in found]
        for (component, rank), found in fold.attempts().items()
    }


def writers(rows: Rows) -> Shown:
    """By component and writer, the clock only."""
    return {(r["component"], r["writer"]): round(r["clock_ahead"] * 1_000_000) for r in rows}


def folded_writers(fold: Fold) -> Shown:
    """As `writers`."""
    return dict(fold.writers())


def repairs(rows: Rows) -> Shown:
    """By entity, event and field; values as JSON text."""
    return {
        (r["kind"], r["entity"], r["event"], r["field"]): (
            r["repair"], r["of"], r["operation"], plain(loads(r["value"])), _number(r["number"]), r["rank"],
            r["first_step"], r["last_step"], loads(r["covers"]), r["reason"], micros(r["occurred_at"]),
            micros(r["logged_at"]), r["undone_by"], r["undone"])
        for r in rows
    }  # fmt: skip


def folded_repairs(fold: Fold) -> Shown:
    """As `repairs`."""
    found: Shown = {}
    row: tuple[Any, ...]
    for s, ended in fold.repairs:
        said: Any = s.value
        at = (s.occurred_at, s.logged_at, ended, ended != "")
        event = f"{s.writer}:{s.seq}"
        if s.field == "undone":
            reason = said["reason"]
            row = ("redone" if s.removed else "undone", s.key, "", None, None, None, None, None, None, reason, *at)
            found[s.kind, s.entity, event, ""] = row
        elif s.field == "corrected":
            operation, operand = said["operation"], said.get("operand")
            name = "retracted" if operation == "retract" else "corrected"
            number = None if operand is None else exactly(operand)
            steps = (said.get("rank"), said.get("first_step"), said.get("last_step"), said["covers"], said["reason"])
            row = (name, "", operation, plain(to_json(operand)), number, *steps, *at)
            found[s.kind, s.entity, event, f"metrics.{said['metric']}"] = row
        else:
            value, _, number, _ = _folded_cell(said)
            of = "" if s.field == "param" else "an event"
            row = ("corrected", of, "set", value, number, None, None, None, None, "typo", *at)
            found[s.kind, s.entity, event, "note" if s.field == "note" else f"{s.field}s.{s.key}"] = row
    return found


def _number(value: float | None) -> str | None:
    return None if value is None else exactly(value)


def points(rows: Rows) -> Shown:
    """By series and step."""
    return {
        (r["component"], r["metric"], r["rank"], r["step"]): (
            exactly(r["value"]), micros(r["occurred_at"]), micros(r["logged_at"]), r["writer"], r["seq"])
        for r in rows
    }  # fmt: skip


def folded_points(fold: Fold) -> Shown:
    """As `points`."""
    return {(p.component, p.metric, p.rank, p.step): _folded_point(p) for p in fold.points}


def branch_points(rows: Rows) -> Shown:
    """By branch, series and step."""
    return {
        (r["component"], r["metric"], r["rank"], r["branch"], r["step"]): (
            exactly(r["value"]), micros(r["occurred_at"]), micros(r["logged_at"]), r["writer"], r["seq"])
        for r in rows
    }  # fmt: skip


def folded_branch_points(fold: Fold) -> Shown:
    """As `branch_points`."""
    return {
        (p.component, p.metric, p.rank, branch, p.step): _folded_point(p)
        for (_, _, branch), line in fold.branches.items()
        for p in line
    }


def branches(rows: Rows) -> Shown:
    """By component, rank and number."""
    return {
        (r["component"], r["rank"], r["branch"]): (r["newest"], r["event"], r["began_at_step"], micros(r["began_at"]))
        for r in rows
    }


def folded_branches(fold: Fold) -> Shown:
    """As `branches`."""
    rewinds = fold.rewinds()
    found: Shown = {(*at, 0): (not rewinds[at], "", None, None) for at in fold.ranks()}
    for at, begun in rewinds.items():
        for branch, s in enumerate(begun, start=1):
            assert isinstance(s.value, dict)
            found[*at, branch] = (branch == len(begun), s.key, s.value["to_step"], s.occurred_at)
    return found


def forks(rows: Rows) -> Shown:
    """By component and rank."""
    return {
        (r["component"], r["rank"]): (r["of"], r["step"], r["named"], r["event"], micros(r["forked_at"])) for r in rows
    }


def folded_forks(fold: Fold) -> Shown:
    """As `forks`."""
    found: Shown = {}
    for at, s in fold.forks().items():
        assert isinstance(s.value, dict)
        found[at] = (UUID(s.value["of"]), s.value["step"], "past" in s.value, s.key, s.occurred_at)
    return found


def _folded_point(p: LoggedPoint) -> Any:
    return (exactly(p.value), p.occurred_ms * 1000, p.logged_ms * 1000, p.writer, p.seq)


def _note(fold: Fold, kind: str, entity: UUID) -> Any:
    said = fold.cells("note").get((kind, entity, ""))
    return "" if said is None else said.value


def _cell(row: Mapping[str, Any]) -> Any:
    number = row["number"]
    return loads(row["value"]), row["type"], None if number is None else exactly(number), row["text"]


def _folded_cell(value: Any) -> Any:
    match value:
        case None:
            kind, number, text = "null", None, ""
        case bool():
            kind, number, text = "bool", exactly(float(value)), ""
        case int() | float():
            kind, number, text = "number", exactly(float(value)), ""
        case str():
            kind, number, text = "text", None, value
        case {"$float": name}:
            kind, number, text = "number", exactly(float(name)), ""
        case dict():
            kind, number, text = "object", None, ""
        case _:
            kind, number, text = "list", None, ""
    return plain(value), kind, number, text


SHOWN: Mapping[str, tuple[Callable[[Rows], Shown], Callable[[Fold], Shown]]] = {
    "experiments": (experiments, folded_experiments),
    "trials": (trials, folded_trials),
    "components": (components, folded_components),
    "memberships": (memberships, folded_memberships),
    "params": (params, folded_params),
    "tags": (tags, folded_tags),
    "definitions": (definitions, of_components("define")),
    "artifacts": (artifacts, of_components("artifact")),
    "artifact_failures": (artifact_failures, of_components("artifact_failed")),
    "environments": (environments, of_components("env")),
    "alerts": (alerts, of_components("alert")),
    "actions": (declared("action"), folded_declared("action")),
    "contexts": (declared("context"), folded_declared("context")),
    "associations": (associations, folded_associations),
    "edges": (edges, folded_edges),
    "attempts": (attempts, folded_attempts),
    "writers": (writers, folded_writers),
    "repairs": (repairs, folded_repairs),
    "metrics": (points, folded_points),
    "branches": (branches, folded_branches),
    "forks": (forks, folded_forks),
    "branch_points": (branch_points, folded_branch_points),
}
"""View to how its rows are shown, and to how the fold says the same."""
