"""What a job is part of where its arguments don't say: that of the run it is in, else what its environment declares."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING
from uuid import UUID

from ._about import About, from_text
from ._current import current_run
from ._errors import MisuseError
from ._experiment import check_name, get_experiment
from ._ids import experiment_id, normal_text, trial_id
from ._session import Session

if TYPE_CHECKING:
    from ._resume import Past
    from ._run import Run

__all__ = ["PartOf", "around", "declared_experiment", "experiment_meant", "part_of"]


@dataclass(frozen=True)
class PartOf:
    """What a run is part of."""

    experiment: str = ""
    """Empty where it is resumed, and in none, or nothing says which it is."""
    trial: UUID | None = None
    """None where it stays in the trials that it is in, and where it isn't known which is that of the run around it."""
    varied: bool = False
    """Whether the trial has variables."""
    attached: bool = False
    """Whether it is in the trial already."""
    among: int = 0
    """In how many trials it is, where nothing says which of them is meant."""


def experiment_meant(
    here: Session,
    project: str,
    experiment: str | None,
    inside: About | None,
    *,
    resuming: bool,
    ending: Collection[Run],
) -> str | None:
    """The experiment given, else that of the run we are in, else EPOCHAL_EXPERIMENT; None where it is resumed, and
    nothing says which it is.

    Raises:
        TypeError: the experiment is no text.
        MisuseError: nothing says which experiment it is, though it is a new run; as :func:`declared_experiment`.
    """
    if experiment is not None:
        check_name(experiment)
        return experiment
    if resuming and inside is not None and inside.among:
        inside = replace(inside, among=0)  # what is resumed needs none: it is where it is
    found = declared_experiment(here, project, inside)
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
    past: Past | None,
) -> PartOf:
    """What a run of the experiment found is part of, which are declared then.

    The trial is that of the variables given, else of the run ``inside`` which the experiment was found, else of
    EPOCHAL_TRIAL, which says nothing of another experiment than EPOCHAL_EXPERIMENT. What is resumed stays in the trials
    that it is in.

    Raises:
        TypeError: the variables are no mapping of names to values.
        MisuseError: the run we are in is in several trials, or nothing says of which experiment the variables are.
    """
    if past is not None and variables is None:
        return _place_of(past, found)
    if found is None:
        experiments = set() if past is None else {experiment for experiment, _ in past.trials}
        if len(experiments) != 1:
            raise MisuseError(
                f"variables={variables!r} are those of a trial, and nothing says of which experiment: give its name, "
                "init('cifar10', resume=..., variables=...)"
            )
        (found,) = experiments
    given = _declared_variables(here, normal_text(found)) if variables is None else variables
    same = inside is not None and inside.experiment == found and inside.project == project
    outer = inside if same and variables is None else None
    if outer is not None and outer.among and given is None:
        raise _several(outer)
    owner = get_experiment(here, project, found)
    trial = outer.trial if outer is not None and (outer.trial is not None or given is None) else owner.trial(given).uuid
    varied = trial not in (None, trial_id(project, experiment_id(project, owner.name), {}))
    return PartOf(owner.name, trial, varied)


def declared_experiment(here: Session, project: str, inside: About | None) -> str | None:
    """The experiment of the run that we are in, else EPOCHAL_EXPERIMENT; None where neither is.

    Raises:
        MisuseError: the run is in trials of several experiments, and EPOCHAL_EXPERIMENT isn't set.
    """
    if inside is not None and inside.project == project:
        if inside.experiment is not None:
            return inside.experiment
        if inside.among and here.settings.experiment is None:
            raise _several(inside)
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


def _place_of(past: Past, found: str | None) -> PartOf:
    """Where it is: in the experiment found if it is in that, else wherever it is."""
    name = normal_text(found or "")
    if not past.read:
        return PartOf(name)
    own = [pair for pair in past.trials if pair[0] == name] or past.trials
    experiments = {experiment for experiment, _ in own}
    if len(own) == 1:
        return PartOf(own[0][0], own[0][1], attached=True)
    return PartOf(experiments.pop() if len(experiments) == 1 else "", among=len(own))


def _several(run: About) -> MisuseError:
    return MisuseError(
        f"run {run.name!r} ({run.component}), inside which this one is opened, is in {run.among} trials, and nothing "
        "says which is meant: give experiment and variables, such as init('cifar10', variables={'lr': 0.1})"
    )
