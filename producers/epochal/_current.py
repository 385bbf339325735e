"""Which run is the current one: the innermost that this thread entered, else the newest of the process, else the one
that the parent process was in.
"""

from __future__ import annotations

import os
from collections.abc import Collection
from contextvars import ContextVar
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ._run import Run
    from ._session import Session

__all__ = ["VARIABLE", "current_run", "enter", "leave"]

VARIABLE = "EPOCHAL_COMPONENT"
_entered: ContextVar[tuple[Run, ...]] = ContextVar("epochal_entered", default=())


def current_run(session: Session, ending: Collection[Run] = ()) -> Run | None:
    """The run that this thread is in, in this process; none of those that are about to be ended."""
    for run in reversed(_entered.get()):
        if run.status == "running" and run not in ending:
            return run
    return next((run for run in reversed(session.entered) if run not in ending), None)


def enter(session: Session, run: Run) -> None:
    """Makes the run current here, and the one that child processes find."""
    if run.status != "running" or run.disabled:
        return
    _entered.set((*(each for each in _entered.get() if each is not run), run))
    if run not in session.entered:
        session.entered.append(run)
    _export(session)


def leave(session: Session, run: Run) -> None:
    """The run is current no more."""
    _entered.set(tuple(each for each in _entered.get() if each is not run))
    if run in session.entered:
        session.entered.remove(run)
        _export(session)


def _export(session: Session) -> None:
    if session.entered:
        os.environ[VARIABLE] = session.entered[-1].about.to_text()
    elif session.settings.component is not None:
        os.environ[VARIABLE] = session.settings.component
    else:
        os.environ.pop(VARIABLE, None)
