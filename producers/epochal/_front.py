"""The functions at the front door; each is a thin step to the session and its handles."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Final

from ._current import current_run, enter
from ._declared import around, experiment_meant, part_of
from ._errors import MisuseError
from ._experiment import Experiment, get_experiment
from ._forking import Fork, fork_asked
from ._joining import join_environment
from ._opening import Request, disabled_run, open_run
from ._position import Position
from ._resume import Past, find_past
from ._run import Run
from ._session import Session, session
from ._settings import is_name
from ._tagging import tag_mapping

__all__ = ["component", "current", "experiment", "finish", "init", "log"]

_OURS: Final = {
    "config": "params={...}",
    "hparams": "params={...}",
    "hyperparameters": "params={...}",
    "id": "component=TEXT (join what runs now) or resume=ID (a new attempt of what ended)",
    "run_id": "component=TEXT (join what runs now) or resume=ID (a new attempt of what ended)",
    "custom_run_id": "component=TEXT (join what runs now) or resume=ID (a new attempt of what ended)",
    "with_id": "component=TEXT (join what runs now) or resume=ID (a new attempt of what ended)",
    "entity": "project=TEXT; there are no entities",
    "workspace": "project=TEXT; there are no workspaces",
    "run_name": "name=TEXT",
    "display_name": "name=TEXT",
    "experiment_name": "the first argument, experiment=TEXT",
    "experiment_id": "the first argument, experiment=TEXT",
    "task_name": "name=TEXT, and experiment=TEXT for what it belongs to",
    "project_name": "project=TEXT",
    "group": "experiment=TEXT, and variables={...} for what differs between runs",
    "job_type": "kind=TEXT",
    "task_type": "kind=TEXT",
    "dir": "the setting EPOCHAL_STORE (everything) or EPOCHAL_JOURNAL (journals only)",
    "tracking_uri": "the setting EPOCHAL_STORE",
    "api_key": "the setting EPOCHAL_STORE; there are no keys",
    "reinit": "nothing: a second init() finishes the first run by itself, and trial.run(...) nests freely",
    "nested": "nothing: trial.run(...) nests freely",
    "settings": "the settings EPOCHAL_…, see docs/configuration.md",
    "save_code": "the setting EPOCHAL_CAPTURE",
    "description": "notes=TEXT",
    "offline": 'mode="offline"',
    "disabled": 'mode="disabled"',
}

_opened: Final[list[Run]] = []
"""The run that ``init`` opened and the next ``init`` finishes, unless a ``with`` block does; at most one."""


def init(
    experiment: str | None = None,
    *,
    variables: Mapping[str, object] | None = None,
    params: Mapping[str, object] | None = None,
    name: str | None = None,
    kind: str = "training",
    component: str | None = None,
    resume: str | None = None,
    fork: tuple[str, float] | None = None,
    rank: int | None = None,
    tags: Mapping[str, object] | Iterable[str] | None = None,
    notes: str | None = None,
    resources: Mapping[str, object] | None = None,
    project: str | None = None,
    mode: str | None = None,
    **unknown: object,
) -> Run:
    """Opens a run, and makes it the current one.

    With ``variables`` it belongs to the trial of that set, without to the experiment's default trial. What isn't given
    is that of the run it is opened in, else what EPOCHAL_EXPERIMENT, EPOCHAL_TRIAL and EPOCHAL_RUN_NAME declare
    (docs/model.md). ``component`` joins what runs now under that key, in any process; the first process on a machine
    that names it decides its status. ``resume`` (an id, key or name) begins a new attempt of what ended.
    ``fork=(ID, STEP)`` continues another component's past in a new one: the points that it has up to that step are read
    as this one's, whatever becomes of them there, and steps without a number go on from it. Under a launcher (torchrun,
    SLURM, MPI, Ray, Kubernetes indexed jobs) all ranks are one component with no word said. A second ``init`` finishes
    the first, of which it is no part; inside ``with epochal.init(...)`` it is one more run inside that. ``mode`` is on,
    offline (journal only) or disabled (does nothing).

    Guarantees: when it returns, the opening is in the journal. A disk that can't be written is a warning, no error.

    Raises:
        TypeError: an argument is unknown or of the wrong type.
        ValueError: ``mode`` is none of the three.
        SettingsError: a setting (environment variable) can't be used.
        NotFoundError: there is nothing to resume or to fork by that name.
        MisuseError: arguments that exclude each other, or nothing says which experiment it is.
    """
    _refuse_unknown("init", unknown)
    if fork is not None and resume is not None:
        raise MisuseError("resume= goes on with a component, fork= continues its past in another one: give one of them")
    if component is not None and resume is not None:
        raise MisuseError(
            "component= joins what runs now, resume= begins a new attempt of what ended: give one of them"
        )
    here = _session_in(mode)
    if here is None:
        return disabled_run(session(), _project(session(), project), name or kind, kind)
    inside = _project(here, project)
    ending = _to_finish()
    outer = around(here, ending)
    meant = experiment_meant(here, inside, experiment, outer, resuming=resume is not None, ending=ending)
    mine = here.launch.rank if rank is None else rank

    def gone_on_with() -> tuple[Past | None, Fork | None]:
        past = None if resume is None else find_past(here, inside, resume, mine, meant or "")
        return past, fork_asked(here, inside, fork, rank, component)

    past, forked = gone_on_with()
    place = part_of(here, inside, meant, outer if experiment is None else None, variables, past)
    _finish(here, ending)  # not before: an argument may be refused
    if {run.id for run in ending} & {str(one) for one in (past and past.component, forked and forked.of)}:
        past, forked = gone_on_with()  # it said more until its end
    # the name that a job declares is of its own run, not of those inside it
    name = name or (here.settings.run_name if outer is None and past is None else None)
    asked = Request(
        project=inside,
        name=name or (past.name if past is not None else kind),
        kind=past.kind if past is not None else kind,
        experiment=place.experiment,
        trial=place.trial,
        varied=place.varied,
        attached=place.attached,
        among=place.among,
        named=name is not None,
        resources=resources,
        key=component,
        rank=rank,
        past=past,
        fork=forked,
    )
    run = open_run(here, asked)
    _describe(run, params, tags, notes)
    _opened[:] = [run]
    enter(here, run)
    return run


def experiment(
    name: str,
    *,
    hypothesis: str | None = None,
    objective: str | None = None,
    variables: Mapping[str, Iterable[object]] | None = None,
    tags: Mapping[str, object] | Iterable[str] | None = None,
    notes: str | None = None,
    project: str | None = None,
    **unknown: object,
) -> Experiment:
    """Gets or creates the experiment of this name; what is not given changes nothing.

    ``variables`` declares the space: a mapping of names to the list of their levels.

    Raises:
        TypeError: an argument is unknown or of the wrong type.
        SettingsError: a setting (environment variable) can't be used.
    """
    _refuse_unknown("experiment", unknown)
    here = session()
    return get_experiment(
        here,
        _project(here, project),
        name,
        hypothesis=hypothesis,
        objective=objective,
        variables=variables,
        tags=tags,
        notes=notes,
    )


def component(
    name: str,
    kind: str = "metadata",
    *,
    component: str | None = None,
    fork: tuple[str, float] | None = None,
    params: Mapping[str, object] | None = None,
    tags: Mapping[str, object] | Iterable[str] | None = None,
    notes: str | None = None,
    resources: Mapping[str, object] | None = None,
    project: str | None = None,
    **unknown: object,
) -> Run:
    """Opens a component that belongs to no trial yet: a parameter set, a dataset, metadata. Attach it to trials.

    Of the kinds metadata, dataset and parameters it is information: it does not run and has no status. Of any other
    kind (preprocessing, …) it is work, with a status like any run. It is open until ``finish()`` or the end of the
    process, and is not the current run unless entered by ``with``. ``fork=(ID, STEP)`` is that of :func:`init`.

    Raises:
        TypeError: an argument is unknown or of the wrong type.
        SettingsError: a setting (environment variable) can't be used.
        NotFoundError: there is nothing to fork by that name.
        MisuseError: it would continue itself.
    """
    _refuse_unknown("component", unknown)
    here = session()
    inside = _project(here, project)
    asked = Request(
        project=inside,
        name=name,
        kind=kind,
        named=True,
        key=component,
        resources=resources,
        fork=fork_asked(here, inside, fork, None, component),
        capture=False,
    )
    run = open_run(here, asked)
    _describe(run, params, tags, notes)
    return run


def current() -> Run | None:
    """The run that this thread, this process, or the process that started it, is in; None when there is none."""
    here = session()
    return current_run(here) or join_environment(here)


def log(metrics: Mapping[str, object], step: float | None = None, *, time: datetime | float | None = None) -> None:
    """Logs to the current run: see :meth:`epochal.Run.log`."""
    run = current()
    if run is None:
        _nothing_open("log")
    else:
        run.log(metrics, step, time=time)


def finish(status: str | None = None) -> Position | None:
    """Finishes the current run: see :meth:`epochal.Run.finish`. None when there is none."""
    run = current_run(session())
    if run is None:
        return None
    return run.finish(status)


def _project(here: Session, project: object) -> str:
    if project is None:
        return here.settings.project
    if not is_name(project):
        raise TypeError(f"project={project!r}: a non-empty text is accepted; leave it out for EPOCHAL_PROJECT")
    return str(project)


def _nothing_open(call: str) -> None:
    here = session()
    if here.settings.mode != "disabled":
        text = f"epochal.{call}() outside any run is not recorded: open one with epochal.init(...)"
        here.warn.report("misuse", text, text)
        here.warn.raise_first()


def _describe(run: Run, params: object, tags: object, notes: str | None) -> None:
    if params is not None:
        run.log_params(params)  # type: ignore[arg-type]  # refused there when it is no mapping
    if tags:
        words, values = tag_mapping(tags)
        run.tag(*words, **values)  # type: ignore[arg-type]  # refused there when a word is no text
    if notes is not None:
        run.note(notes)


def _to_finish() -> list[Run]:
    """What the next ``init`` finishes."""
    return [run for run in _opened if run.status == "running" and run.is_main and not (run.disabled or run.in_block)]


def _finish(here: Session, ending: Iterable[Run]) -> None:
    for run in ending:
        here.warn.notice(f"run {run.name!r} ({run.id}) was still open: finished, because init() was called again")
        run.finish()


def _session_in(mode: str | None) -> Session | None:
    """The session, in this mode from now on; None for a run that records nothing."""
    here = session()
    if mode not in (None, "on", "offline", "disabled"):
        raise ValueError(f"mode={mode!r}: accepted are 'on', 'offline' and 'disabled'")
    if (mode or here.settings.mode) == "disabled":
        return None
    if mode in ("on", "offline") and mode != here.settings.mode:
        here.settings = replace(here.settings, mode="on" if mode == "on" else "offline")
        if here.shipping is not None:
            here.shipping.on = mode == "on"
    return here


def _refuse_unknown(call: str, unknown: Mapping[str, object]) -> None:
    """Raises TypeError for keywords that the call doesn't have, naming ours."""
    for word in unknown:
        # for this rare case only
        import difflib
        import inspect

        kinds = {name: parameter.kind for name, parameter in inspect.signature(globals()[call]).parameters.items()}
        ours = [name for name, kind in kinds.items() if kind is not inspect.Parameter.VAR_KEYWORD]
        use = _OURS.get(word, "")
        if word == "params" or (use.startswith("params=") and "params" not in ours):
            meant = "parameters are a run's: epochal.init(..., params={...}), or run.log_params({...})"
        elif use and (use.partition("=")[0] in ours or "=TEXT" not in use):
            meant = f"use {use}"
        else:
            near = difflib.get_close_matches(word, ours, 1)
            meant = f"did you mean {near[0]}=?" if near else f"it takes {', '.join(ours)}"
        raise TypeError(f"{call}() has no {word!r}: {meant}")
