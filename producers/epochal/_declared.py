"""What a job is part of where its arguments don't say: that of the run it is in, else what its environment declares."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from ._about import About, from_text
from ._current import current_run
from ._errors import MisuseError
from ._ids import normal_text
from ._session import Session

__all__ = ["Meant", "meant"]


@dataclass(frozen=True)
class Meant:
    """What a new run is part of. ``trial`` is known where another run is in it, else ``variables`` say which it is."""

    experiment: str | None
    variables: Mapping[str, object] | None = None
    trial: UUID | None = None
    name: str | None = None
    """The display name that the environment declares, of a job's own run rather than of those inside it."""


def meant(
    here: Session, project: str, experiment: str | None, variables: Mapping[str, object] | None, *, needed: bool
) -> Meant:
    """The experiment is the one given, else that of the run we are in, else EPOCHAL_EXPERIMENT.

    The trial goes with it: the variables given, else the trial of the run that the experiment is taken from, else
    EPOCHAL_TRIAL, which says nothing of another experiment than EPOCHAL_EXPERIMENT.

    Raises:
        MisuseError: nothing says which experiment it is, though that is ``needed``.
    """
    settings, around = here.settings, _around(here)
    name = settings.run_name if around is None else None
    if experiment is None and around is not None and around.experiment is not None and around.project == project:
        return Meant(around.experiment, variables, around.trial if variables is None else None, name)
    found = settings.experiment if experiment is None else experiment
    if found is None:
        if needed:
            raise MisuseError(
                "init() isn't told which experiment it is, and runs inside no run of one: give its name, "
                "init('cifar10'), or set EPOCHAL_EXPERIMENT in the environment of the job"
            )
        return Meant(None, variables, name=name)
    elsewhere = settings.experiment is not None and _text(found) != normal_text(settings.experiment)
    declared = None if elsewhere else settings.trial
    return Meant(found, declared if variables is None else variables, name=name)


def _around(here: Session) -> About | None:
    """The run that this thread is in, or in which the process that started this one was."""
    run = current_run(here)
    if run is not None:
        return run.about
    return None if here.settings.component is None else from_text(here.settings.component, here.settings.project)


def _text(given: object) -> object:
    return normal_text(given) if isinstance(given, str) else given
