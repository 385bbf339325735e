"""Everything that is known of one experiment, trial, component, action or context, as a dict."""

from __future__ import annotations

from functools import partial
from typing import Any
from uuid import UUID

import pyarrow as pa

from epochal_query.columns import decoded
from epochal_query.param_paths import nested
from epochal_query.reading import Reading, at, together
from epochal_query.report_cells import SYSTEM_PREFIX
from epochal_query.resolve import Entity, trial_label

Row = dict[str, Any]


class State(dict[str, Any]):
    """All that is known of an entity; ``attrs["epochal"]`` says of when, with the watermark, as that of frames does."""

    def __init__(self, known: Row, reading: Reading) -> None:
        super().__init__(known)
        self.attrs = {"epochal": reading.attrs}


def state_of(reading: Reading, entity: Entity) -> Row:
    """What is said of the entity; empty where it did not exist within the bounds of the read.

    Times are aware datetimes, UTC. Params come nested again, as they were logged.
    """
    match entity.kind:
        case "experiment":
            return _experiment(reading, entity.id)
        case "trial":
            return _trial(reading, entity.id)
        case "component":
            return _component(reading, entity.id)
        case "action" | "context":
            return _declared(reading, entity.kind, entity.id)


def has_ended(reading: Reading, component: UUID) -> bool:
    """Whether a component ran, and runs no more."""
    found = _of(reading, component, "components", "status")
    return bool(found) and found[0]["status"] not in ("", "running")


def _rows(reading: Reading, view: str, condition: str, columns: str = "*", **parameters: object) -> list[Row]:
    table = reading.rows(
        f"SELECT {columns} FROM {at(view)} WHERE project = {{project:String}} AND {condition}", **parameters
    )
    return _plain(table)


def _of(reading: Reading, component: UUID, view: str, columns: str = "*", order: str = "") -> list[Row]:
    """Rows of a view that are of one component; no others are read."""
    one = str(component)
    condition = "component = {id:UUID}" + (f" ORDER BY {order}" if order else "")
    return _rows(reading, view, condition, columns, id=one, components=[one])


def _plain(table: pa.Table) -> list[Row]:
    rows: list[Row] = table.to_pylist()
    return [{name: str(value) if isinstance(value, UUID) else value for name, value in row.items()} for row in rows]


def _tags(reading: Reading, kind: str, id_: UUID) -> Row:
    found = _rows(
        reading,
        "tags",
        "kind = {kind:String} AND entity = {id:UUID} ORDER BY tag",
        "tag, value",
        kind=kind,
        id=str(id_),
    )
    return {row["tag"]: decoded(row["value"]) for row in found}


def _experiment(reading: Reading, id_: UUID) -> Row:
    found = _rows(reading, "experiments", "experiment = {id:UUID}", id=str(id_))
    if not found:
        return {}
    row = found[0]
    trials = _rows(
        reading, "trials", "experiment = {id:UUID} ORDER BY created_at, trial", "trial, name, variables", id=str(id_)
    )
    return {
        "entity": "experiment",
        "id": str(id_),
        "name": row["name"],
        "hypothesis": row["hypothesis"] or None,
        "objective": row["objective"] or None,
        "variables": decoded(row["variables"]) if row["variables"] else None,
        "verdict": row["verdict"] or None,
        "verdict_note": row["verdict_note"] or None,
        "note": row["note"] or None,
        "tags": _tags(reading, "experiment", id_),
        "created": row["created_at"],
        "trials": [{"id": one["trial"], "name": trial_label(one["name"], one["variables"])} for one in trials],
    }


def _trial(reading: Reading, id_: UUID) -> Row:
    found = _rows(reading, "trials", "trial = {id:UUID}", id=str(id_))
    if not found:
        return {}
    row = found[0]
    members = _rows(
        reading,
        "components",
        f"component IN (SELECT component FROM {at('memberships')} "
        "WHERE project = {project:String} AND trial = {id:UUID}) ORDER BY created_at, component",
        "component, name, kind, status",
        id=str(id_),
    )
    owners = _rows(reading, "experiments", "experiment = {id:UUID}", "name", id=row["experiment"])
    return {
        "entity": "trial",
        "id": str(id_),
        "name": trial_label(row["name"], row["variables"]),
        "variables": decoded(row["variables"] or "{}"),
        "experiment": {"id": row["experiment"], "name": owners[0]["name"] if owners else None},
        "note": row["note"] or None,
        "tags": _tags(reading, "trial", id_),
        "created": row["created_at"],
        "components": [{**{k: one[k] for k in ("name", "kind", "status")}, "id": one["component"]} for one in members],
    }


def _declared(reading: Reading, kind: str, id_: UUID) -> Row:
    found = _rows(reading, f"{kind}s", f"{kind} = {{id:UUID}}", id=str(id_))
    if not found:
        return {}
    row = found[0]
    ends = ("source_kind", "source", "relation", "target_kind", "target")
    return {
        "entity": kind,
        "id": str(id_),
        "name": row["name"],
        "type": row["type"] or None,
        "properties": decoded(row["properties"]) if row["properties"] else None,
        "note": row["note"] or None,
        "tags": _tags(reading, kind, id_),
        "created": row["created_at"],
        "associations": _rows(
            reading,
            "associations",
            "(source = {text:String} OR target = {text:String}) ORDER BY occurred_at, source, target",
            f"{', '.join(ends)}, occurred_at AS since",
            text=str(id_),
        ),
    }


def _component(reading: Reading, id_: UUID) -> Row:
    found = _of(reading, id_, "components")
    if not found:
        return {}
    row = found[0]
    of = partial(_of, reading, id_)
    params, measured, tags, artifacts, failures, alerts, environment, trials, attempts, forks = together(
        partial(of, "params", "path, value", "path"),
        partial(of, "summaries", order="metric, rank"),
        partial(_tags, reading, "component", id_),
        partial(of, "artifacts", "direction, name, uri, digest, media_type, size, stored", "direction, name"),
        partial(of, "artifact_failures", "direction, name, reason"),
        partial(of, "alerts", "rank, title, text, level, occurred_at", "occurred_at"),
        partial(of, "environments", "rank, section, values", "rank, section"),
        partial(_trials, reading, id_),
        partial(of, "attempts", "rank, number, attempt, status, started, ended", "rank, number"),
        partial(of, "forks", "rank, of, step, named", "rank"),
    )
    error = {"type": row["error_type"], "message": row["error_message"]} if row["error_type"] else None
    return {
        "entity": "component",
        "id": str(id_),
        "key": row["key"],
        "name": row["name"],
        "display_name": row["display_name"] or None,
        "kind": row["kind"],
        "status": row["status"] or None,
        "error": error,
        "created": row["created_at"],
        "start": row["start"],
        "end": row["end"],
        "duration_s": row["duration_s"],
        "parent": row["parent"],
        "resources": decoded(row["resources"]) if row["resources"] else None,
        "note": row["note"] or None,
        "tags": tags,
        "params": nested((cell["path"], decoded(cell["value"])) for cell in params),
        "metrics": _metrics(measured, system=False),
        "system": _metrics(measured, system=True),
        "artifacts": artifacts,
        "artifact_failures": failures,
        "alerts": alerts,
        "environment": _environment(environment),
        "trials": trials,
        "attempts": attempts,
        "forks": forks,
        "lost": int(row["lost"] or 0),
    }


def _metrics(rows: list[Row], *, system: bool) -> dict[str, Any]:
    """Per metric the statistics of each rank that logged it: of one rank directly, of several by rank."""
    found: dict[str, dict[int, Row]] = {}
    for row in rows:
        if row["metric"].startswith(SYSTEM_PREFIX) is system:
            stats = {
                name: value for name, value in row.items() if name not in ("project", "component", "metric", "rank")
            }
            found.setdefault(row["metric"], {})[row["rank"]] = stats
    return {
        metric: next(iter(ranks.values())) if len(ranks) == 1 else {f"rank {rank}": one for rank, one in ranks.items()}
        for metric, ranks in found.items()
    }


def _environment(rows: list[Row]) -> Row:
    found: Row = {}
    for row in rows:
        found.setdefault(f"rank {row['rank']}", {})[row["section"]] = decoded(row["values"])
    return found


def _trials(reading: Reading, id_: UUID) -> list[Row]:
    trials = _rows(
        reading,
        "trials",
        f"trial IN (SELECT trial FROM {at('memberships')} "
        "WHERE project = {project:String} AND component = {id:UUID}) ORDER BY created_at, trial",
        "trial, name, variables, experiment",
        id=str(id_),
        components=[str(id_)],
    )
    return [
        {"id": row["trial"], "name": trial_label(row["name"], row["variables"]), "experiment": row["experiment"]}
        for row in trials
    ]
