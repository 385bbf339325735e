"""What a handle knows of the component it writes: enough to join it from another process."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import Final, cast
from uuid import UUID

from ._errors import MisuseError
from ._writer import Identity

__all__ = ["INFORMATION", "About", "from_text"]

INFORMATION: Final = frozenset({"dataset", "metadata", "parameters"})
"""Kinds of components that are no work."""


@dataclass(frozen=True)
class About:
    """A component, and the rank and attempt of it that is written."""

    project: str
    component: UUID
    key: str
    name: str
    kind: str
    rank: int = 0
    world_size: int = 1
    attempt: str = ""
    experiment: str | None = None
    trial: UUID | None = None
    among: int = 0
    """In how many trials it is, where it was resumed and nothing says which of them is meant."""

    @property
    def is_work(self) -> bool:
        """Whether it runs. Information does not: it has no status, and no trial that it is attached to waits for it."""
        return self.kind not in INFORMATION

    @property
    def identity(self) -> Identity:
        """Whose events and points a writer of this rank writes."""
        return Identity(self.project, self.component, self.rank, self.attempt)

    def to_text(self) -> str:
        """The value of EPOCHAL_COMPONENT for child processes."""
        return json.dumps(
            {
                "project": self.project,
                "component": str(self.component),
                "key": self.key,
                "name": self.name,
                "kind": self.kind,
                "rank": self.rank,
                "world_size": self.world_size,
                "attempt": self.attempt,
                "experiment": self.experiment,
                "trial": None if self.trial is None else str(self.trial),
                "among": self.among,
            },
            separators=(",", ":"),
        )


def from_text(text: str, project: str) -> About:
    """The component named by EPOCHAL_COMPONENT: what :meth:`About.to_text` made, or a bare id in this project.

    Raises:
        MisuseError: it is neither.
    """
    try:
        if not text.startswith("{"):
            component = UUID(text)
            return About(project, component, str(component), str(component), "component")
        said = cast("dict[str, object]", json.loads(text))
        trial = said.get("trial")
        about = About(
            project=str(said["project"]),
            component=UUID(str(said["component"])),
            key=str(said["key"]),
            name=str(said["name"]),
            kind=str(said["kind"]),
            rank=int(cast("int", said["rank"])),
            world_size=int(cast("int", said["world_size"])),
            attempt=str(said["attempt"]),
        )
        experiment = said.get("experiment")
        return replace(
            about,
            experiment=None if experiment is None else str(experiment),
            trial=None if trial is None else UUID(str(trial)),
            among=int(cast("int", said.get("among", 0))),
        )
    except (ValueError, KeyError, TypeError) as error:
        raise MisuseError(
            f"EPOCHAL_COMPONENT={text!r} names no component ({error}): the id of a component is accepted, "
            "or what Epochal sets for child processes"
        ) from None
