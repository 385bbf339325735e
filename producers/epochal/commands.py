"""The commands that work with the SDK alone: version, doctor, journal cat; and those of the way to Kafka."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import cast

import click

from ._command_run import run
from ._doctor import examine
from ._errors import NotFoundError
from ._kafka import commands as kafka_commands
from ._places import journal_place
from ._settings import from_env
from ._version import __version__

__all__ = ["register"]


def register(group: click.Group) -> None:
    """Adds the SDK's commands."""
    group.add_command(version)
    group.add_command(doctor)
    group.add_command(journal)
    group.add_command(run)
    kafka_commands.register(group)


@click.command()
@click.option("--json", "as_json", is_flag=True, help="For machines.")
def version(as_json: bool) -> None:
    """Say which version this is."""
    python = ".".join(map(str, sys.version_info[:3]))
    said = {"epochal": __version__, "python": python, "executable": sys.executable}
    click.echo(json.dumps(said) if as_json else f"epochal {__version__} (Python {python})")


@click.command()
@click.option("--json", "as_json", is_flag=True, help="For machines.")
def doctor(as_json: bool) -> None:
    """Say where everything is, why, and how it is. Store, journals, host."""
    said = examine(from_env())
    if as_json:
        click.echo(json.dumps(said))
        return
    for section, values in said.items():
        click.echo(section)
        for name, value in values.items():
            for line in _said(value):
                click.echo(f"  {name:<14} {line}")


def _said(value: object) -> list[str]:
    """A value for people: a line each for what is listed."""
    if isinstance(value, bool):
        return ["yes" if value else "no"]
    if isinstance(value, float):
        return [f"{value:.2f} s"]  # of what is measured there, only times are fractions
    if isinstance(value, dict):
        counted = cast("dict[str, object]", value)
        return [", ".join(f"{name} {what}" for name, what in counted.items()) or "nothing"]
    if not isinstance(value, list):
        return ["-" if value in (None, "") else str(value)]
    lines = cast("list[dict[str, object]]", value)
    return [", ".join(f"{name} {what}" for name, what in line.items()) for line in lines] or ["none"]


@click.group()
def journal() -> None:
    """Look into journals."""


@journal.command("cat")
@click.argument("directory", required=False, type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
def cat(directory: Path | None, as_json: bool) -> None:
    """Print what a journal holds: DIRECTORY is one writer's, or one that holds many (default: all of this store's)."""
    place = directory or journal_place(from_env()).directory
    journals = (
        [place] if (place / "events.bin").exists() else sorted(path.parent for path in place.glob("*/events.bin"))
    )
    if not journals:
        raise NotFoundError(f"there are no journals in {place}: nothing was logged yet, or everything is in the store")
    for line in _lines(journals, as_json):
        click.echo(line)


def _lines(journals: Iterable[Path], as_json: bool) -> Iterator[str]:
    from ._journal.cat import cat as lines

    for journal in journals:
        yield from lines(journal, as_json=as_json)
