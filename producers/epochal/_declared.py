"""What a job is part of where its arguments don't say: that of the run it is in, else what its environment declares."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID

from ._about import About, from_text
from ._current import current_run
from ._errors import MisuseError
from ._experiment import get_experiment
from ._ids import experiment_id, normal_text, trial_id
from ._session import Session

if TYPE_CHECKING:
    from ._run import Run

__all__ = ["PartOf", "around", "declared_experiment", "experiment_meant", "part_of"]


@dataclass(frozen=True)
class PartOf:
    """What a new run is part of."""

    experiment: str = ""
    """Empty where it is resumed, and nothing says which it is."""
    trial: UUID | None = None
    """None where it is resumed: it stays in the trials that it is in."""
    varied: bool = False
    """Whether the trial has variables."""


def experiment_meant(
    here: Session, project: str, experiment: str | None, inside: About | None, *, resuming: bool, ending: Collection[Run]
) -> str | None:
    """The experiment given, else that of the run we are in, else EPOCHAL_EXPERIMENT; None where it is resumed, and
    nothing says which it is.

    Raises:
        MisuseError: nothing says which experiment it is, though it is a new run.
    """
    found = declared_experiment(here, project, inside) if experiment is None else experiment
    if found is None and not resuming:
        ended = "".join(f" (this call would finish run {run.name!r})" for run in ending)
        raise MisuseError(
            f"init() isn't told which experiment it is, and runs inside no run of one{ended}: give its name, "
            "init('cifar10'), or set EPOCHAL_EXPERIMENT in the environment of the job"
        )
    return found


def part_of(
    here: Session,
    project: str,
    found: str | None,
    inside: About | None,
    variables: Mapping[str, object] | None,
    *,
    resuming: bool,
) -> PartOf:
    """What a run of the experiment found is part of, which are declared then.

    The trial is that of the variables given, else of the run ``inside`` which the experiment was found, else of
    EPOCHAL_TRIAL, which says nothing of another experiment than EPOCHAL_EXPERIMENT.

    Raises:
        TypeError: the experiment is no text, or the variables are no mapping of names to values.
    """
    if found is None:
        return PartOf()
    owner = get_experiment(here, project, found)
    if resuming and variables is None:
        return PartOf(owner.name)
    same = inside is not None and inside.experiment == found and inside.project == project
    if same and variables is None and inside is not None and inside.trial is not None:
        trial = inside.trial
    else:
        trial = owner.trial(_declared_variables(here, owner.name) if variables is None else variables).uuid
    return PartOf(owner.name, trial, trial != trial_id(project, experiment_id(project, owner.name), {}))


def declared_experiment(here: Session, project: str, inside: About | None) -> str | None:
    """The experiment of the run that we are in, else EPOCHAL_EXPERIMENT; None where neither is."""
    if inside is not None and inside.experiment is not None and inside.project == project:
        return inside.experiment
    return here.settings.experiment


def around(here: Session, ending: Collection[Run] = ()) -> About | None:
    """The run that this thread is in, or in which the process that started this one was; none of those ``ending``."""
    run = current_run(here, ending)
    if run is not None:
        return run.about
    return None if here.settings.component is None else from_text(here.settings.component, here.settings.project)


def _declared_variables(here: Session, experiment: str) -> Mapping[str, object] | None:
    declared = here.settings.experiment
    return here.settings.trial if declared is None or normal_text(declared) == experiment else None
