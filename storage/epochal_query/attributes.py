"""What a filter or an order can ask of a component besides params, metrics and tags."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Attribute:
    """An attribute: the column of the ``components`` view that holds it, the type of its values, its meaning."""

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
}
"""Name in a filter to where it is found."""

STATUSES = ("running", "completed", "failed", "stopped", "lost")
