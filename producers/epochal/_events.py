"""Builds every event of the contract without importing pydantic: one function a type, and the envelope around it.

A test holds the functions' parameters to the fields of :mod:`epochal.contract`. Values must be JSON already
(:func:`epochal._values.to_json`); ids are texts.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

from ._values import JSON, without_lone_surrogates

__all__ = ["SCHEMA_VERSION", "Event", "encode"]

Event = tuple[str, dict[str, Any]]
"""An event's type and data."""

SCHEMA_VERSION: Final = 1
"""Every type is at this version; a test holds it to the contract."""


def encode(event: Event, project: str, at_us: int, time_us: int | None = None, *, lenient: bool = False) -> bytes:
    """The envelope as UTF-8 JSON; if ``lenient``, lone surrogates anywhere in it become U+FFFD.

    Raises:
        UnicodeEncodeError: there is a lone surrogate, which UTF-8 can't carry.
    """
    kind, data = event
    envelope: dict[str, object] = {"type": kind, "v": SCHEMA_VERSION, "project": project, "at": at_us}
    if time_us is not None:
        envelope["time"] = time_us
    envelope["data"] = data
    text = json.dumps(envelope, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return (without_lone_surrogates(text) if lenient else text).encode()


def writer_opened(
    *,
    component: str | None,
    rank: int,
    attempt: str,
    role: str,
    world_size: int,
    heartbeat_s: float,
    host: str,
    pid: int,
    process: str,
    user: str,
    command: list[str],
    python: str,
    version: str,
    launcher: Mapping[str, JSON],
) -> Event:
    """A process began to write: the first event of every stream."""
    return "epochal.writer.opened", {
        "component": component,
        "rank": rank,
        "attempt": attempt,
        "role": role,
        "world_size": world_size,
        "heartbeat_s": heartbeat_s,
        "host": host,
        "pid": pid,
        "process": process,
        "user": user,
        "command": command,
        "python": python,
        "version": version,
        "launcher": dict(launcher),
    }


def writer_heartbeat(
    *, component: str | None, rank: int, attempt: str, lifecycle: int, metrics: int, lost: Mapping[str, int]
) -> Event:
    """The writer lives and has reached these counts."""
    return "epochal.writer.heartbeat", _reached(component, rank, attempt, lifecycle, metrics, lost)


def writer_closed(
    *, component: str | None, rank: int, attempt: str, lifecycle: int, metrics: int, lost: Mapping[str, int]
) -> Event:
    """The last event of a stream that ended properly; ``lifecycle`` counts this one too."""
    return "epochal.writer.closed", _reached(component, rank, attempt, lifecycle, metrics, lost)


def writer_vanished(
    *,
    writer: str,
    component: str | None,
    rank: int,
    attempt: str,
    lifecycle: int,
    metrics: int,
    lost: Mapping[str, int],
) -> Event:
    """Said by the host of a writer whose process is gone and whose journal was read to the end."""
    return "epochal.writer.vanished", {
        "writer": writer,
        **_reached(component, rank, attempt, lifecycle, metrics, lost),
    }


def _reached(
    component: str | None, rank: int, attempt: str, lifecycle: int, metrics: int, lost: Mapping[str, int]
) -> dict[str, Any]:
    return {
        "component": component,
        "rank": rank,
        "attempt": attempt,
        "lifecycle": lifecycle,
        "metrics": metrics,
        "lost": dict(lost),
    }


def experiment_created(
    *,
    experiment: str,
    name: str,
    hypothesis: str | None = None,
    objective: str | None = None,
    variables: Mapping[str, Sequence[JSON]] | None = None,
) -> Event:
    """An experiment was declared; what is None says nothing and changes nothing."""
    declared = None if variables is None else {key: list(levels) for key, levels in variables.items()}
    return "epochal.experiment.created", {
        "experiment": experiment,
        "name": name,
        "hypothesis": hypothesis,
        "objective": objective,
        "variables": declared,
    }


def experiment_concluded(*, experiment: str, verdict: str, note: str = "") -> Event:
    """The verdict on the hypothesis."""
    return "epochal.experiment.concluded", {"experiment": experiment, "verdict": verdict, "note": note}


def trial_created(*, trial: str, experiment: str, variables: Mapping[str, JSON], name: str | None = None) -> Event:
    """A trial was declared."""
    return "epochal.trial.created", {
        "trial": trial,
        "experiment": experiment,
        "variables": dict(variables),
        "name": name,
    }


def component_created(
    *,
    component: str,
    key: str,
    name: str,
    kind: str,
    display_name: str | None = None,
    resources: Mapping[str, JSON] | None = None,
    parent: str | None = None,
) -> Event:
    """A component was declared."""
    return "epochal.component.created", {
        "component": component,
        "key": key,
        "name": name,
        "kind": kind,
        "display_name": display_name,
        "resources": None if resources is None else dict(resources),
        "parent": parent,
    }


def component_attached(*, component: str, trial: str) -> Event:
    """The component belongs to the trial from now on."""
    return "epochal.component.attached", {"component": component, "trial": trial}


def component_detached(*, component: str, trial: str) -> Event:
    """The component belongs to the trial no more."""
    return "epochal.component.detached", {"component": component, "trial": trial}


def run_started(*, component: str, rank: int, attempt: str, world_size: int) -> Event:
    """A rank began an attempt."""
    return "epochal.run.started", {
        "component": component,
        "rank": rank,
        "attempt": attempt,
        "world_size": world_size,
    }


def run_finished(
    *, component: str, rank: int, attempt: str, status: str, error: Mapping[str, str] | None = None
) -> Event:
    """A rank ended an attempt; ``error`` has the exception's ``type`` and ``message``."""
    return "epochal.run.finished", {
        "component": component,
        "rank": rank,
        "attempt": attempt,
        "status": status,
        "error": None if error is None else dict(error),
    }


def run_rewound(
    *, component: str, rank: int, attempt: str, to_step: float, abandoned: Sequence[tuple[str, int]]
) -> Event:
    """A rank restarted from a checkpoint; ``abandoned`` names writers and how many of their points are meant."""
    return "epochal.run.rewound", {
        "component": component,
        "rank": rank,
        "attempt": attempt,
        "to_step": to_step,
        "abandoned": [list(pair) for pair in abandoned],
    }


def run_forked(
    *,
    component: str,
    rank: int,
    attempt: str,
    of: str,
    step: float,
    past: Sequence[tuple[str, str, int, int, float]] | None = None,
) -> Event:
    """A rank continues another component's past; ``past`` names the points: (component, writer, from, until, step)."""
    return "epochal.run.forked", {
        "component": component,
        "rank": rank,
        "attempt": attempt,
        "of": of,
        "step": step,
        "past": None if past is None else [list(piece) for piece in past],
    }


def params_logged(*, component: str, rank: int, cells: Sequence[tuple[Sequence[str], JSON]]) -> Event:
    """Parameters as (path, value)."""
    return "epochal.params.logged", {
        "component": component,
        "rank": rank,
        "cells": [[list(path), value] for path, value in cells],
    }


def params_unset(*, component: str, rank: int, paths: Sequence[Sequence[str]]) -> Event:
    """Parameters removed, with everything below them."""
    return "epochal.params.unset", {"component": component, "rank": rank, "paths": [list(path) for path in paths]}


def params_corrected(*, component: str, rank: int, cells: Sequence[tuple[Sequence[str], JSON]], reason: str) -> Event:
    """What parameters have been since the time with which it is said."""
    return "epochal.params.corrected", {
        "component": component,
        "rank": rank,
        "cells": [[list(path), value] for path, value in cells],
        "reason": reason,
    }
