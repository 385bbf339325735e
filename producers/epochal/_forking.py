"""A fork: a component that continues another's past, from a step on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, cast
from uuid import UUID

from ._errors import MisuseError, NotFoundError
from ._ids import component_id, normal_text
from ._numbers import to_step
from ._resume import Unread, ask_store, component_meant

if TYPE_CHECKING:
    from ._session import Session

__all__ = ["Fork", "fork_asked"]

Piece = tuple[str, str, int, int, float]


@dataclass(frozen=True)
class Fork:
    """What a rank continues: the points of ``past`` (component, writer, from, until, up to which step).

    ``past`` is None where the store couldn't be read, and where the component said before what it continues.
    """

    of: UUID
    step: float
    past: tuple[Piece, ...] | None = None
    again: bool = False
    """Whether the component said before what it continues: that stays."""

    @property
    def writers(self) -> list[tuple[str, int]]:
        """The writers of what is continued, and how many points of each a rewind has to name."""
        reached: dict[str, int] = {}
        for _, writer, _, until, _ in self.past or ():
            reached[writer] = max(until, reached.get(writer, 0))
        return list(reached.items())


def fork_asked(here: Session, project: str, fork: object, rank: int | None, key: object) -> Fork | None:
    """What ``fork=(ID, STEP)`` means for one rank of the component with this key, if it has one; None without a fork.

    Where the store can't be read, the run goes on with a warning: its past isn't shown until it is opened again.
    Where nothing is recorded nothing is looked for.

    Raises:
        TypeError: it is no pair of an id (or key) and a step.
        ValueError: the step is NaN or infinite.
        NotFoundError: the store has no such component.
        MisuseError: the component would continue itself.
    """
    if fork is None or here.settings.mode == "disabled":
        return None
    of, step = _understood(fork)
    component = component_meant(project, of)
    rank = here.launch.rank if rank is None else rank
    into = component_id(project, normal_text(key)) if isinstance(key, str) else None
    without = (
        "the fork is recorded with its step, but not which points it continues: its series begin with its own. Opened "
        "again (component=KEY, with the same fork=) where the store can be read, it names them"
    )
    try:
        said = ask_store(
            here, "fork=", lambda sdk: sdk.fork_info(component, step, project=project, rank=rank, into=into), without
        )
    except Unread:
        return Fork(component, step)
    if said is None:
        raise NotFoundError(
            f"fork=({of!r}, {step:g}): project {project!r} has no component with this id or key. `epochal ls "
            "--components` shows the ids"
        )
    if into is not None and str(into) in said["chain"]:
        raise MisuseError(
            f"fork=({of!r}, {step:g}): {of} is, or continues, the component {into} itself. Leave component= out to "
            "open a new one"
        )
    reached = said["reached"]
    if reached is None or step > reached:
        far = "logged no point" if reached is None else f"logged no step after {reached:g}"
        here.warn.report("fork", f"fork=({of!r}, {step:g}): it has {far}; what there is of its past is continued", of)
        here.warn.raise_first()
    if said["again"]:
        return Fork(component, step, again=True)
    return Fork(component, step, tuple(cast("list[Piece]", said["past"])))


def _understood(fork: object) -> tuple[str, float]:
    pair = cast("tuple[object, ...]", fork) if isinstance(fork, (tuple, list)) else ()
    if len(pair) != 2 or not isinstance(pair[0], (str, UUID)) or not str(pair[0]):
        raise TypeError(
            f"fork={fork!r}: (ID, STEP) is accepted, the id of a component (run.id) or its key, and the step up to "
            "which its past is continued"
        )
    try:
        return str(pair[0]), to_step(pair[1])
    except (TypeError, ValueError) as error:
        raise type(error)(f"fork={fork!r}: {error}") from None
