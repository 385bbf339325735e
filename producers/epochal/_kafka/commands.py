"""The commands of the way to Kafka: migrate, ship."""

from __future__ import annotations

import json
import logging
from dataclasses import asdict
from pathlib import Path

import click

from epochal._errors import EpochalError
from epochal._places import journal_place
from epochal._settings import from_env

__all__ = ["register"]


def register(group: click.Group) -> None:
    """Adds the commands."""
    group.add_command(migrate)
    group.add_command(ship)


class TopicsError(EpochalError):
    """Topics that are there are not as they have to be; the text says what to change."""


@click.command()
@click.option(
    "--topics",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="What the topics have to be (default: the topics.toml that comes with Epochal, also in deploy/).",
)
@click.option("--json", "as_json", is_flag=True, help="For machines.")
def migrate(topics: Path | None, as_json: bool) -> None:
    """Create the topics in Kafka that are missing. Those that are there are checked.

    Nothing that is there is changed: what is wrong is an error that says how to change it. An embedded store needs no
    such command: its host migrates it.
    """
    from .migrate import migrate as migrate_topics
    from .topics import DECLARED

    done = migrate_topics(from_env(), topics or DECLARED)
    created = [] if done.wrong else [topic.name for topic in done.create]
    if as_json:
        click.echo(json.dumps({"created": created, "sound": done.sound, "notes": done.notes, "wrong": done.wrong}))
        if done.wrong:
            raise SystemExit(1)
        return
    for name in created:
        click.echo(f"created {name}")
    for name in done.sound:
        click.echo(f"sound   {name}")
    for note in done.notes:
        click.echo(f"note    {note}")
    if done.wrong:
        missing = "; nothing was created" if done.create else ""
        raise TopicsError("\n  ".join([f"{len(done.wrong)} things are to be changed{missing}:", *done.wrong]))


class ShipError(EpochalError):
    """Not all journals are in Kafka; the text says how many."""


@click.command()
@click.argument("directory", required=False, type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--timeout", type=click.FloatRange(min=0), help="Seconds to wait for Kafka at most (default: no limit).")
@click.option(
    "--ended",
    is_flag=True,
    help="The jobs that wrote journals on other machines have ended: a writer that did not say so itself is gone.",
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line, for machines.")
def ship(directory: Path | None, timeout: float | None, ended: bool, as_json: bool) -> None:
    """Bring the journals in DIRECTORY to Kafka.

    It is one writer's journal, or a folder that holds many (default: the spool). For jobs that ran offline, died, or
    ran on another machine; jobs that can reach Kafka ship by themselves. Each journal remembers what Kafka has
    acknowledged, so that shipping goes on where it stopped; nothing of DIRECTORY is removed. Exits with 1 when a
    journal could not be shipped.
    """
    from .ship import ship as ship_journals

    logging.getLogger("kafka").setLevel(logging.CRITICAL)  # what matters of it is said by the shipper, once
    settings = from_env()
    place = directory or journal_place(settings).directory
    not_shipped = 0
    for done in ship_journals(settings, place, timeout, ended=ended, report=lambda line: click.echo(line, err=True)):
        not_shipped += done.state in ("busy", "failed")
        if as_json:
            click.echo(json.dumps({**asdict(done), "writer": str(done.writer)}))
        else:
            lost = f", {done.damaged} damaged" if done.damaged else ""
            why = f": {done.why}" if done.why else ""
            click.echo(f"{done.state:<8}{done.writer}  {done.events} events, {done.points} points{lost}{why}")
    if not_shipped:
        raise ShipError(f"{not_shipped} journals are not shipped; what Kafka acknowledged of them is noted")
