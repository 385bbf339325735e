"""Handles of runs that another process opened: unpickled, or found through EPOCHAL_COMPONENT."""

from __future__ import annotations

from ._about import About, from_text
from ._run import Run
from ._session import Session, session

__all__ = ["join", "join_environment"]


def join(about: About, disabled: bool = False) -> Run:
    """The handle of this process for that rank and attempt: the one that is open here, else a helper's."""
    return _join(session(), about, disabled)


def join_environment(here: Session) -> Run | None:
    """The run that the parent process was in when it started this one; None when it was in none.

    Raises:
        MisuseError: EPOCHAL_COMPONENT names no component.
    """
    text = here.settings.component
    if text is None or here.settings.mode == "disabled":
        return None
    return _join(here, from_text(text, here.settings.project), disabled=False)


def _join(here: Session, about: About, disabled: bool) -> Run:
    for run in here.runs:
        if isinstance(run, Run) and run.about.identity == about.identity and not disabled:
            return run
    run = Run(here, about, None, main=False, disabled=disabled)
    if not disabled:
        here.opened(run)
    return run
