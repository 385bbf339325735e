"""What a job is part of where its arguments don't say: that of the run it is in, else what its environment declares."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from ._about import About, from_text
from ._current import current_run
from ._errors import MisuseError
from ._experiment import get_experiment
from ._ids import experiment_id, normal_text, trial_id
from ._session import Session

__all__ = ["PartOf", "declared_experiment", "part_of"]


@dataclass(frozen=True)
class PartOf:
    """What a new run is part of."""

    experiment: str = ""
    """Empty where it is resumed, and nothing says which it is."""
    trial: UUID | None = None
    """None where it is resumed: it stays in the trials that it is in."""
    varied: bool = False
    """Whether the trial has variables."""
    name: str | None = None
    """The display name that the environment declares, of a job's own run rather than of those inside it."""


def part_of(
    here: Session, project: str, experiment: str | None, variables: Mapping[str, object] | None, *, resuming: bool
) -> PartOf:
    """What a run is part of, whose experiment and trial are declared then.

    The experiment is the one given, else that of the run we are in, else EPOCHAL_EXPERIMENT. The trial is that of the
    variables given, else of the run that the experiment is taken from, else of EPOCHAL_TRIAL, which says nothing of
    another experiment than EPOCHAL_EXPERIMENT.

    Raises:
        TypeError: the experiment is no text, or the variables are no mapping of names to values.
        MisuseError: nothing says which experiment it is, though it is a new run.
    """
    around = _around(here)
    found = declared_experiment(here, project, around) if experiment is None else experiment
    if found is None and not resuming:
        raise MisuseError(
            "init() isn't told which experiment it is, and runs inside no run of one: give its name, "
            "init('cifar10'), or set EPOCHAL_EXPERIMENT in the environment of the job"
        )
    name = here.settings.run_name if around is None and not resuming else None
    if found is None:
        return PartOf(name=name)
    owner = get_experiment(here, project, found)
    inside = experiment is None and around is not None and around.experiment == found and around.project == project
    if resuming and variables is None:
        return PartOf(owner.name, name=name)
    if inside and variables is None and around is not None and around.trial is not None:
        trial = around.trial
    else:
        trial = owner.trial(_declared_variables(here, owner.name) if variables is None else variables).uuid
    return PartOf(owner.name, trial, trial != trial_id(project, experiment_id(project, owner.name), {}), name)


def declared_experiment(here: Session, project: str, around: About | None = None) -> str | None:
    """The experiment of the run that we are in, else EPOCHAL_EXPERIMENT; None where neither is."""
    around = around or _around(here)
    if around is not None and around.experiment is not None and around.project == project:
        return around.experiment
    return here.settings.experiment


def _declared_variables(here: Session, experiment: str) -> Mapping[str, object] | None:
    declared = here.settings.experiment
    return here.settings.trial if declared is None or normal_text(declared) == experiment else None


def _around(here: Session) -> About | None:
    """The run that this thread is in, or in which the process that started this one was."""
    run = current_run(here)
    if run is not None:
        return run.about
    return None if here.settings.component is None else from_text(here.settings.component, here.settings.project)
