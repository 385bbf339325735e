"""What must be known of a component's past to go on with it, to rewind or to fork it: all that a run asks the store."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import UUID

from ._errors import EpochalError, NotAvailableError, NotFoundError
from ._ids import component_id

if TYPE_CHECKING:
    from ._session import Session

__all__ = ["Past", "Unread", "ask_store", "component_meant", "find_past", "past_of"]


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
    trials: tuple[tuple[str, UUID], ...] = ()
    """Those that it is in, each after its experiment's name."""
    read: bool = True
    """Whether the store could be read."""


class Unread(Exception):  # noqa: N818  no error: training goes on
    """The store can't be read; a warning has said why."""


def find_past(here: Session, project: str, resume: str, rank: int, experiment: str = "") -> Past:
    """The past of the component with this id (a UUID) or key, else of the only one with this name in the experiment.

    Where the store can't be read, the run goes on with a warning, and steps without a number count from 0.

    Raises:
        NotFoundError: the store has no such component, or several have the name.
        TypeError: it is not text.
    """
    if not isinstance(resume, (str, UUID)) or not str(resume):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise TypeError(f"resume={resume!r}: the id of a component (run.id) or its key is accepted")
    text = str(resume)
    component = component_meant(project, text)
    unread = Past(component, text, text, "training", read=False)
    if here.settings.mode == "disabled":
        return unread
    without = (
        "steps without a number count from 0, rewind() knows only what this process logs, and runs opened inside it "
        "are in no trial unless they are given variables="
    )
    try:
        past = past_of(here, project, component, rank, "resume=", without)
        if past is None and (named := _named(here, project, experiment, text)) is not None:
            past = past_of(here, project, named, rank, "resume=", without)
    except Unread:
        return unread
    if past is None:
        raise NotFoundError(
            f"resume={text!r}: project {project!r} has no component with this id, key or name. `epochal ls "
            "--components` shows the ids; component=TEXT joins or creates one by a key of your own"
        )
    return past


def _named(here: Session, project: str, experiment: str, name: str) -> UUID | None:
    """The only component with this name, in the experiment where one is known.

    Raises:
        NotFoundError: there are several.
        Unread: the store can't be read.
    """
    found = ask_store(
        here, "resume=", lambda sdk: sdk.named(name, experiment, project=project), "it can't be looked up"
    )
    if len(found) > 1:
        where = f"experiment {experiment!r}" if experiment else f"project {project!r}"
        listed = "".join(f"\n  {id_}  {told}" for id_, told in found)
        raise NotFoundError(
            f"resume={name!r}: {len(found):,} components of {where} have this name; give the id of one:{listed}"
        )
    return UUID(found[0][0]) if found else None


def past_of(here: Session, project: str, component: UUID, rank: int, call: str, without: str) -> Past | None:
    """What the store has of a component, for one rank; None where it has no such component.

    Raises:
        Unread: the store can't be read.
    """
    said = ask_store(here, call, lambda sdk: sdk.resume_info(component, project=project, rank=rank), without)
    if said is None:
        return None
    return Past(
        component,
        said["key"],
        said["name"],
        said["kind"],
        float(said["next_step"]),
        tuple((str(writer), int(count)) for writer, count in said["writers"]),
        tuple((str(experiment), UUID(trial)) for experiment, trial in said["trials"]),
    )


def ask_store(here: Session, call: str, question: Callable[[Any], Any], without: str) -> Any:
    """The answer of the module `epochal_query.for_sdk` to a call; ``without`` says what goes on without it.

    Raises:
        Unread: the store can't be read.
    """
    try:
        return question(importlib.import_module("epochal_query.for_sdk"))
    except ImportError:
        why: Exception = NotAvailableError("reading needs `pip install 'epochal[query]'`")
    except EpochalError:
        raise
    except Exception as error:  # noqa: BLE001  the border: a store that can't be read must not keep a job from running
        why = error
    here.warn.report(call.rstrip("=()"), f"{call} without reading the store ({why}): {without}")
    raise Unread


def component_meant(project: str, text: str) -> UUID:
    """The component with this id (a UUID) or key."""
    try:
        return UUID(text)
    except ValueError:
        return component_id(project, text)
