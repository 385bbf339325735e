"""What must be known of a component's past to go on with it: the only times the SDK reads the store."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID

from ._errors import EpochalError, NotAvailableError, NotFoundError
from ._ids import component_id

if TYPE_CHECKING:
    from ._session import Session

__all__ = ["Past", "find_past"]


@dataclass(frozen=True)
class Past:
    """A component that is resumed."""

    component: UUID
    key: str
    name: str
    kind: str
    next_step: float = 0.0
    writers: tuple[tuple[str, int], ...] = ()
    """The rank's earlier writers, and how many points each wrote."""


def find_past(here: Session, project: str, resume: str, rank: int) -> Past:
    """The past of the component with this id (a UUID) or key.

    Where the store can't be read, the run goes on with a warning, and steps without a number count from 0.

    Raises:
        NotFoundError: the store has no such component.
        TypeError: it is not text.
    """
    if not isinstance(resume, (str, UUID)) or not str(resume):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise TypeError(f"resume={resume!r}: the id of a component (run.id) or its key is accepted")
    text = str(resume)
    component = _as_id(text) or component_id(project, text)
    unread = Past(component, text, text, "training")
    if here.settings.mode == "disabled":
        return unread
    try:
        said = importlib.import_module("epochal_query.for_sdk").resume_info(component, project=project, rank=rank)
    except ImportError:
        here.warn.report("resume", _unread(NotAvailableError("reading needs `pip install 'epochal[query]'`")))
        return unread
    except EpochalError:
        raise
    except Exception as error:  # noqa: BLE001  the border: a store that can't be read must not keep a job from resuming
        here.warn.report("resume", _unread(error))
        return unread
    if said is None:
        raise NotFoundError(
            f"resume={text!r}: project {project!r} has no component with this id or key. `epochal ls --components` "
            "shows the ids; component=TEXT joins or creates one by a key of your own"
        )
    return Past(
        component,
        said["key"],
        said["name"],
        said["kind"],
        float(said["next_step"]),
        tuple((str(writer), int(count)) for writer, count in said["writers"]),
    )


def _unread(error: Exception) -> str:
    return (
        f"resuming without reading the store ({error}): steps without a number count from 0, and rewind() knows only "
        "what this process logs"
    )


def _as_id(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
