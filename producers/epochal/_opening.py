"""Opening a run: which component it is, and everything that must be in the journal before the caller goes on."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast
from uuid import UUID

from ._about import About, from_text
from ._current import current_run
from ._errors import MisuseError
from ._events import component_attached, component_created, run_forked, run_started
from ._forking import Fork
from ._ids import component_id, normal_text, uuid7
from ._resume import Past
from ._run import Run
from ._session import Session
from ._values import JSON, to_json

__all__ = ["Request", "open_run"]


@dataclass(frozen=True)
class Request:
    """What the caller asked for."""

    project: str
    name: str
    kind: str
    experiment: str = ""
    trial: UUID | None = None
    varied: bool = False
    """Whether the trial has variables; the default trial has none."""
    attached: bool = False
    """Whether it is in the trial already."""
    among: int = 0
    """In how many trials it is, where nothing says which of them is meant."""
    named: bool = False
    """Whether the caller gave the name."""
    key: str | None = None
    rank: int | None = None
    resources: Mapping[str, object] | None = None
    past: Past | None = None
    """What is resumed."""
    fork: Fork | None = None
    """What is continued."""
    capture: bool = True


def open_run(here: Session, asked: Request) -> Run:
    """A run whose opening is journaled.

    Raises:
        TypeError: a name, kind or key is not text.
        MisuseError: the rank can't be; in strict mode also: the name was used for another kind.
    """
    _check(here, asked)
    if here.settings.mode == "disabled":
        return disabled_run(here, asked.project, asked.name, asked.kind)
    about = _about(here, asked)
    if asked.key is not None and not here.claims.take(about.component, about.rank):
        return _helper(here, about)
    writer = here.open_writer(
        about.identity,
        "main",
        world_size=about.world_size,
        launcher=_launcher(here),
    )
    component = str(about.component)
    if asked.past is None:
        writer.emit(
            component_created(
                component=component,
                key=about.key,
                name=about.name,
                kind=about.kind,
                resources=None if asked.resources is None else cast("dict[str, JSON]", to_json(dict(asked.resources))),
                parent=_parent(here, about.component),
            )
        )
    if about.trial is not None and not asked.attached:
        writer.emit(component_attached(component=component, trial=str(about.trial)))
    if about.is_work:
        writer.emit(
            run_started(component=component, rank=about.rank, attempt=about.attempt, world_size=about.world_size)
        )
    fork = asked.fork
    if fork is not None and not fork.again:
        writer.emit(
            run_forked(
                component=component,
                rank=about.rank,
                attempt=about.attempt,
                of=str(fork.of),
                step=fork.step,
                past=fork.past,
            )
        )
    run = Run(here, about, writer, main=True)
    fresh = asked.key is None and here.launch.job is None  # else it may be a restart, which nobody but the store knows
    if asked.past is not None:
        run.continue_from(asked.past.next_step, asked.past.writers, known=asked.past.read)
    if fork is not None:
        run.continue_from(fork.step + 1, fork.writers, known=fresh and fork.past is not None)
    elif asked.past is None and not fresh:
        run.continue_from(0.0, (), known=False)
    here.opened(run)
    if asked.capture:
        run.surround()
    return run


def disabled_run(here: Session, project: str, name: str, kind: str) -> Run:
    """A run that records nothing."""
    key = str(uuid7())
    return Run(here, About(project, component_id(project, key), key, name, kind), None, main=False, disabled=True)


def _helper(here: Session, about: About) -> Run:
    """Another process on this machine (or another run of this one) writes the component: this one joins it."""
    run = Run(here, about, None, main=False)
    here.opened(run)
    return run


def _about(here: Session, asked: Request) -> About:
    launch = here.launch
    rank = launch.rank if asked.rank is None else asked.rank
    if asked.past is not None:
        key, component = asked.past.key, asked.past.component
    else:
        key = normal_text(asked.key) if asked.key is not None else _launch_key(here, asked) or str(uuid7())
        component = component_id(asked.project, key)
    return About(
        project=asked.project,
        component=component,
        key=key,
        name=normal_text(asked.name),
        kind=normal_text(asked.kind),
        rank=rank,
        world_size=max(launch.world_size, rank + 1),
        attempt=str(uuid7()),
        experiment=asked.experiment or None,
        trial=asked.trial,
        among=asked.among,
    )


def _launch_key(here: Session, asked: Request) -> str | None:
    """The key that every rank of this launch works out alike: project and experiment are in the id, the job in here.

    One launch may make many components: trial and name are in the key where the caller gave them, and the same
    again is numbered. So ranks agree as long as they make the same calls, and a restart that leaves trials out
    does not mistake one for another.
    """
    launch = here.launch
    if launch.trouble is not None:
        here.warn.report("launch", launch.trouble)
    if launch.job is None:
        return None
    parts = [asked.experiment, launch.launcher, launch.job]
    if asked.trial is not None and asked.varied:
        parts.append(str(asked.trial))
    if asked.named:
        parts.append(normal_text(asked.name))
    key = json.dumps(parts, ensure_ascii=False, separators=(",", ":"))
    again = here.launches[key] = here.launches.get(key, 0) + 1
    return key if again == 1 else json.dumps([*parts, again], ensure_ascii=False, separators=(",", ":"))


def _launcher(here: Session) -> dict[str, JSON]:
    launch = here.launch
    if not launch.launcher:
        return {}
    return {"name": launch.launcher, "job": launch.job, "restart": launch.restart, **launch.details}


def _parent(here: Session, component: UUID) -> str | None:
    """The run inside which this one was opened, in this process or the one that started it."""
    around = current_run(here)
    if around is not None:
        return None if around.about.component == component else around.id
    if here.settings.component is None:
        return None
    outside = from_text(here.settings.component, here.settings.project).component
    return None if outside == component else str(outside)


def _check(here: Session, asked: Request) -> None:
    for what, value in (("kind", asked.kind), ("name", asked.name)):
        if not isinstance(value, str) or not value:  # pyright: ignore[reportUnnecessaryIsInstance]
            raise TypeError(f"{what}={value!r}: a non-empty text is accepted, such as 'training'")
    if asked.key is not None and (not isinstance(asked.key, str) or not asked.key):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise TypeError(f"component={asked.key!r}: a non-empty text is accepted, the same in every process that joins")
    if asked.resources is not None and not isinstance(asked.resources, Mapping):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise TypeError(f"resources={asked.resources!r}: a mapping such as {{'instance': '8xH200'}} is accepted")
    rank = asked.rank
    if rank is not None and (not isinstance(rank, int) or isinstance(rank, bool) or rank < 0):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise MisuseError(f"rank={rank!r}: a whole number from 0 is accepted")
    known = here.kinds.setdefault((asked.project, asked.experiment, asked.name), asked.kind)
    if known != asked.kind:
        here.warn.report(
            "kind",
            f"the name {asked.name!r} is used for two kinds, {known!r} and {asked.kind!r}: reports show them side by "
            "side under one name. Give one of them another name",
            asked.name,
        )
        here.warn.raise_first()
