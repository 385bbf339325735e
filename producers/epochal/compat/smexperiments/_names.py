"""Names and tags as the old SDK has them, and the ids that names make."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

from epochal._ids import component_id, experiment_id, normal_variables, trial_id
from epochal._session import session

__all__ = [
    "Tags",
    "as_tags",
    "from_tags",
    "id_of_component",
    "id_of_experiment",
    "id_of_trial",
    "name_of",
    "unique_name",
    "variables_of",
]

Tags = list[dict[str, Any]]
"""Tags as the old SDK has them: ``[{"Key": "team", "Value": "vision"}]``."""

TRIAL = "trial"
"""The one variable of a trial that the old SDK names: its name."""


def variables_of(trial_name: str) -> dict[str, str]:
    """The variable set of the trial of this name."""
    return {TRIAL: trial_name}


def name_of(variables: Mapping[str, Any]) -> str | None:
    """The name of the trial of this variable set; None of a set that names none."""
    return str(variables[TRIAL]) if set(variables) == {TRIAL} else None


def unique_name(prefix: str) -> str:
    """The prefix, the time, and twelve hexadecimal digits from the system: jobs that seed ``random`` alike, and begin
    in the same second, get different names, and what they draw from it afterwards is what they would draw without.
    """
    return f"{prefix}-{datetime.now(UTC):%Y-%m-%d-%H%M%S}-{uuid4().hex[:12]}"


def id_of_experiment(name: str) -> UUID:
    """The experiment of this name, whether it was ever made or not."""
    return experiment_id(session().settings.project, name)


def id_of_trial(experiment: str, variables: Mapping[str, Any]) -> UUID:
    """The trial of these variables, whether it was ever made or not."""
    return trial_id(session().settings.project, id_of_experiment(experiment), normal_variables(variables))


def id_of_component(name: str) -> UUID:
    """The component of this name, whether it was ever made or not."""
    return component_id(session().settings.project, name)


def as_tags(tags: Iterable[Mapping[str, Any]] | None) -> dict[str, Any]:
    """The tags as a mapping.

    Raises:
        ValueError: one of them isn't of that form.
    """
    found: dict[str, Any] = {}
    for tag in tags or ():
        if set(tag) != {"Key", "Value"}:
            raise ValueError(f"{tag!r} is no tag: one is {{'Key': 'team', 'Value': 'vision'}}")
        found[str(tag["Key"])] = tag["Value"]
    return found


def from_tags(tags: Mapping[str, Any]) -> Tags:
    """A mapping as tags; a word has the value True."""
    return [{"Key": key, "Value": value} for key, value in tags.items()]
