"""What a filter or an order can ask of what: of components, trials, experiments and artifacts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Word = Literal["component", "run", "trial", "experiment", "artifact", "input", "output"]
"""What a filter can be about; ``input`` and ``output`` are artifacts, a ``run`` is a component that has a status."""


@dataclass(frozen=True)
class Attribute:
    """An attribute: the column of the view or list that holds it, the type of its values, its meaning."""

    column: str
    type: Literal["text", "number", "time"]
    meaning: str


ATTRIBUTES: dict[str, Attribute] = {
    "id": Attribute("component", "text", "the component's id"),
    "key": Attribute("key", "text", "the text that makes the id"),
    "name": Attribute("name", "text", "the name"),
    "display_name": Attribute("display_name", "text", "the name to show, where one was given"),
    "kind": Attribute("kind", "text", "training, metadata, ..."),
    "status": Attribute("status", "text", "running, completed, failed, stopped or lost"),
    "note": Attribute("note", "text", "its note"),
    "parent": Attribute("parent", "text", "the id of the component it was started from"),
    "created": Attribute("created_at", "time", "when it was first declared"),
    "start": Attribute("start", "time", "when it started to run"),
    "end": Attribute("end", "time", "when it ended"),
    "duration": Attribute("duration_s", "number", "seconds from start to end"),
    "error_type": Attribute("error_type", "text", "the type of the exception that ended it"),
    "error_message": Attribute("error_message", "text", "the message of that exception"),
    "user": Attribute("created_by", "text", "who ran it"),
    "host": Attribute("host", "text", "the machine it ran on"),
    "world_size": Attribute("world_size", "number", "how many ranks it has"),
    "lost": Attribute("lost", "number", "points that were logged and could not be kept"),
    "trial": Attribute("", "text", "the name of a trial that it is in"),
    "experiment": Attribute("", "text", "the name of an experiment that it is in"),
}
"""Name in a filter to where it is found; what a component may have several of is in no column of it."""

TRIAL_ATTRIBUTES: dict[str, Attribute] = {
    "id": Attribute("id", "text", "the trial's id"),
    "name": Attribute("name", "text", "its name, or its variables as it is shown by"),
    "experiment": Attribute("experiment", "text", "the name of its experiment"),
    "status": Attribute("status", "text", "that of the newest component of every name that ran in it, the worst"),
    "note": Attribute("note", "text", "its note"),
    "components": Attribute("components", "number", "how many components are in it"),
    "created": Attribute("created", "time", "when it was first declared"),
}

EXPERIMENT_ATTRIBUTES: dict[str, Attribute] = {
    "id": Attribute("id", "text", "the experiment's id"),
    "name": Attribute("name", "text", "its name"),
    "hypothesis": Attribute("hypothesis", "text", "what it is to test"),
    "objective": Attribute("objective", "text", "what is to be improved"),
    "verdict": Attribute("verdict", "text", "accepted, rejected or inconclusive"),
    "verdict_note": Attribute("verdict_note", "text", "what was said with the verdict"),
    "note": Attribute("note", "text", "its note"),
    "trials": Attribute("trials", "number", "how many trials it has"),
    "created": Attribute("created", "time", "when it was first declared"),
}

ARTIFACT_ATTRIBUTES: dict[str, Attribute] = {
    "name": Attribute("name", "text", "the name"),
    "direction": Attribute("direction", "text", "in or out"),
    "uri": Attribute("uri", "text", "where it lies"),
    "digest": Attribute("digest", "text", "that of its content"),
    "media_type": Attribute("media_type", "text", "such as text/csv"),
    "size": Attribute("size", "number", "bytes"),
}


@dataclass(frozen=True)
class Noun:
    """Something a filter can be about: its attributes, what else of it can be compared, whose filters nest in it."""

    attributes: Mapping[str, Attribute]
    roots: tuple[str, ...] = ()
    nested: tuple[Word, ...] = ()


_COMPONENT = Noun(ATTRIBUTES, ("params", "metrics", "tags"), ("input", "output", "artifact", "trial", "experiment"))
_ARTIFACT = Noun(ARTIFACT_ATTRIBUTES)
NOUNS: dict[Word, Noun] = {
    "component": _COMPONENT,
    "run": _COMPONENT,
    "trial": Noun(TRIAL_ATTRIBUTES, ("variables", "tags"), ("experiment", "component", "run")),
    "experiment": Noun(EXPERIMENT_ATTRIBUTES, ("tags",), ("trial", "component", "run")),
    "artifact": _ARTIFACT,
    "input": _ARTIFACT,
    "output": _ARTIFACT,
}
EXAMPLES = {"params": "params.lr", "metrics": "metrics.loss.last", "tags": "tags.team", "variables": "variables.model"}

STATUSES = ("running", "completed", "failed", "stopped", "lost")
