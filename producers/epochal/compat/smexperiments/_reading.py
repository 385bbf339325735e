"""What the old SDK lists, as it stands in the store."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from epochal._errors import NotFoundError

from ._names import name_of
from .api_types import ExperimentSummary, TrialComponentStatus, TrialComponentSummary, TrialSummary

if TYPE_CHECKING:
    import pandas as pd

    from epochal_query import Store

__all__ = [
    "TRACKER",
    "Line",
    "chosen",
    "component_lines",
    "component_summary",
    "descends",
    "experiment_lines",
    "experiment_summary",
    "instant",
    "is_job",
    "keys_of",
    "lines_of",
    "near",
    "parents_of",
    "status_of",
    "trial_line",
    "trial_lines",
    "trial_summary",
    "unpaged",
    "with_keys",
    "with_names",
]

TRACKER = "tracker"
"""The kind of a component that a ``Tracker`` makes."""

SORTED_BY = {"Name": "name", "CreationTime": "created"}

_STATUSES = {
    "running": "InProgress",
    "completed": "Completed",
    "failed": "Failed",
    "stopped": "Stopped",
    "lost": "Failed",
}
_LOST = "lost: no sign of life for longer than its heartbeat"

Line = dict[str, Any]


def chosen(
    lines: Iterable[Line],
    created_before: datetime | None,
    created_after: datetime | None,
    sort_by: str | None,
    sort_order: str | None,
) -> list[Line]:
    """The lines created between two instants; the newest first unless something else is asked for.

    Raises:
        ValueError: the order can't be understood.
    """
    by = SORTED_BY.get(sort_by or "CreationTime")
    if by is None:
        raise ValueError(f"sort_by={sort_by!r}: accepted are {' and '.join(SORTED_BY)}")
    kept = [
        line
        for line in lines
        if (created_before is None or line["created"] < _aware(created_before))
        and (created_after is None or line["created"] > _aware(created_after))
    ]
    return sorted(kept, key=lambda line: line[by], reverse=descends(sort_order))


def descends(sort_order: str | None) -> bool:
    """Whether the greatest comes first, as it does unless Ascending is asked for.

    Raises:
        ValueError: it is neither.
    """
    if sort_order not in (None, "Ascending", "Descending"):
        raise ValueError(f"sort_order={sort_order!r}: accepted are 'Ascending' and 'Descending'")
    return sort_order != "Ascending"


def unpaged(next_token: object) -> None:
    """Raises ValueError: there are no pages that a token could continue."""
    if next_token is not None:
        raise ValueError(f"next_token={next_token!r}: lists come whole, there are no pages; leave it out")


def experiment_lines(store: Store) -> list[Line]:
    """One line an experiment."""
    return lines_of(store.experiments())


def trial_lines(store: Store, experiment: str | None = None) -> list[Line]:
    """One line a trial, of one experiment or of all, by the name that the old SDK gives it."""
    return with_names(lines_of(store.trials(experiment)))


def with_names(trials: Iterable[Line]) -> list[Line]:
    """Lines of trials, each with its ``name``: what the old SDK calls it, else what it is shown by.

    A job that comes before its trial is created says the name as a variable only.
    """
    return [{**line, "name": name_of(line["variables"]) or line["name"]} for line in trials]


def trial_line(store: Store, name: str, experiment: str | None = None) -> Line:
    """The trial of this name, of one experiment or of the only one that has it.

    Raises:
        NotFoundError: there is none, with near names; or several experiments have one.
        UnknownNameError: there is no such experiment.
    """
    lines = trial_lines(store, experiment)
    found = [line for line in lines if line["name"] == name]
    if len(found) == 1:
        return found[0]
    if found:
        places = ", ".join(f"{line['experiment']!r} ({line['id']})" for line in found)
        raise NotFoundError(f"{len(found)} experiments have a trial called {name!r}: {places}; read it by its id")
    where = "" if experiment is None else f" of experiment {experiment!r}"
    raise NotFoundError(f"no trial{where} is called {name!r}{near(name, (line['name'] for line in lines))}")


def near(name: str, names: Iterable[str]) -> str:
    """What to say of names like it."""
    import difflib

    close = difflib.get_close_matches(name, set(names), 3)
    return f"; near: {', '.join(map(repr, close))}" if close else ""


def component_lines(
    store: Store, *, trial: object = None, experiment: str | None = None, component: object = None
) -> list[Line]:
    """One line a component, with its ``key``: of a trial (by id), of an experiment, of some ids, or of all."""
    return with_keys(store, lines_of(store.components(trial=trial, experiment=experiment, component=component)))


def with_keys(store: Store, lines: Iterable[Line]) -> list[Line]:
    """Lines of components, each with its ``key``."""
    keys = keys_of(store)
    return [{**line, "key": keys.get(line["id"], line["id"])} for line in lines]


def keys_of(store: Store, component: UUID | None = None) -> dict[str, str]:
    """Id to key of every component, or of one: the key is what the old SDK calls its name."""
    sql = "SELECT toString(component) AS id, key FROM components WHERE project = {project:String}"
    bound = {"project": store.project}
    if component is not None:
        sql += " AND component = {component:UUID}"
        bound["component"] = str(component)
    return {line["id"]: line["key"] for line in lines_of(store.sql(sql, bound))}


def parents_of(store: Store) -> dict[str, list[dict[str, str]]]:
    """Id of a component to its trials, each with its experiment, by name."""
    trials = {line["id"]: line for line in trial_lines(store)}
    sql = """SELECT toString(component) AS id, toString(trial) AS trial FROM memberships
             WHERE project = {project:String} ORDER BY trial"""
    found: dict[str, list[dict[str, str]]] = {}
    for line in lines_of(store.sql(sql, {"project": store.project})):
        if (trial := trials.get(line["trial"])) is not None:
            parent = {"ExperimentName": trial["experiment"], "TrialName": trial["name"]}
            found.setdefault(line["id"], []).append(parent)
    return found


def experiment_summary(line: Line) -> ExperimentSummary:
    """The line as the old SDK shows it."""
    return ExperimentSummary(line["name"], line["id"], instant(line["created"]))


def trial_summary(line: Line) -> TrialSummary:
    """The line as the old SDK shows it."""
    return TrialSummary(line["name"], line["id"], instant(line["created"]), line["experiment"])


def component_summary(line: Line) -> TrialComponentSummary:
    """The line as the old SDK shows it."""
    return TrialComponentSummary(
        trial_component_name=line["key"],
        trial_component_arn=line["id"],
        display_name=line["display_name"] or line["name"],
        source_arn=line["id"] if is_job(line["kind"], line["status"]) else None,
        status=status_of(line["status"], None),
        start_time=instant(line["start"]),
        end_time=instant(line["end"]),
        creation_time=instant(line["created"]),
        created_by=line["user"] or None,
    )


def is_job(kind: str, status: str | None) -> bool:
    """Whether a component ran and isn't a tracker's notes."""
    return bool(status) and kind != TRACKER


def status_of(status: str | None, error: Mapping[str, str] | None) -> TrialComponentStatus | None:
    """The status by its old name; None of what doesn't run."""
    if not status:
        return None
    message = error["message"] if error else _LOST if status == "lost" else None
    return TrialComponentStatus(_STATUSES[status], message)


def instant(value: Any) -> datetime | None:
    """A time out of a frame; None where there is none."""
    return None if value is None or value != value else value


def lines_of(frame: pd.DataFrame) -> list[Line]:
    """A frame's rows."""
    found: Sequence[Mapping[Any, Any]] = frame.to_dict("records")
    return [{str(name): value for name, value in line.items()} for line in found]


def _aware(when: datetime) -> datetime:

    return when if when.tzinfo is not None else when.replace(tzinfo=UTC)
