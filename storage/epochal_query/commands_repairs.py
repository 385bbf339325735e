"""The commands that repair: ``correct`` and ``retract`` points, and ``undo`` what was said."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable

import click

from epochal_query.cli_options import said


def _somewhere(command: Callable[..., None]) -> Callable[..., None]:
    store = click.option("--store", metavar="WHERE", help="A directory or clickhouse:// URL; default: EPOCHAL_STORE.")
    project = click.option("--project", metavar="NAME", help="Default: EPOCHAL_PROJECT.")
    reason = click.option("--reason", default="", metavar="TEXT", help="Why; history shows it.")
    return store(project(reason(said(command))))


def _steps(command: Callable[..., None]) -> Callable[..., None]:
    first = click.option("--from", "first", type=float, metavar="STEP", help="The first step; default: without end.")
    last = click.option("--to", "last", type=float, metavar="STEP", help="The last step, included.")
    return first(last(command))


@click.command()
@click.argument("component")
@click.argument("metric")
@click.option("--scale", type=float, help="Multiply the values by this.")
@click.option("--shift", type=float, help="Add this to the values.")
@click.option("--value", metavar="VALUE", help="Make all of them this; nan and inf are values, too.")
@_steps
@_somewhere
def correct(
    component: str,
    metric: str,
    scale: float | None,
    shift: float | None,
    value: str | None,
    first: float | None,
    last: float | None,
    reason: str,
    store: str | None,
    project: str | None,
) -> None:
    """Say what points of METRIC of COMPONENT should have been.

    Prints the event's id, for undo. Reads show the corrected values, also those of an earlier instant; what was logged
    stays in the history. It covers the points that the store has now. METRIC may also be a param (params.lr), a tag
    (tags.team), note or an artifact (artifacts.out/model), of whatever has it: --value is what it has been all along,
    a text or JSON; of an artifact its URI or digest.
    """
    from epochal_query.opening import open_store

    opened = open_store(store, project=project)
    steps = None if first is None and last is None else (first, last)
    wanted = None if value is None else _value(metric, value)
    event = opened.correct(component, metric, steps=steps, scale=scale, shift=shift, value=wanted, reason=reason)
    click.echo(event)


def _value(name: str, text: str) -> object:
    """A number for points, the text of a note, or of anything else what the JSON says, where it is JSON."""
    from epochal_query.history_fields import is_cell

    if name == "note":
        return text
    for read in (json.loads, float) if is_cell(name) else (float,):
        with contextlib.suppress(ValueError):
            return read(text)
    return text  # which points refuse


@click.command()
@click.argument("component")
@click.argument("metric")
@_steps
@_somewhere
def retract(
    component: str,
    metric: str,
    first: float | None,
    last: float | None,
    reason: str,
    store: str | None,
    project: str | None,
) -> None:
    """Take points of METRIC of COMPONENT back.

    Reads show them no more, as if they had never been; the history does. Prints the event's id, for undo. METRIC may
    also be a param, a tag, note or an artifact, as for correct.
    """
    from epochal_query.opening import open_store

    steps = None if first is None and last is None else (first, last)
    click.echo(open_store(store, project=project).retract(component, metric, steps, reason))


@click.command()
@click.argument("event")
@_somewhere
def undo(event: str, reason: str, store: str | None, project: str | None) -> None:
    """Take EVENT back, as if it had never been said.

    Prints the id of the event that does it. EVENT is an id of the column event of history. What can be undone:
    corrections, params, tags, notes, artifacts, attaching, verdicts, definitions, alerts, rewinds, associations; and
    an undoing, which lets the event count again.
    """
    from epochal_query.opening import open_store

    click.echo(open_store(store, project=project).undo(event, reason))


COMMANDS: list[click.Command] = [correct, retract, undo]
