"""The commands of the way to Kafka: migrate."""

from __future__ import annotations

import json
from pathlib import Path

import click

from epochal._errors import EpochalError
from epochal._settings import from_env

__all__ = ["register"]


def register(group: click.Group) -> None:
    """Adds the commands."""
    group.add_command(migrate)


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
    """Create the topics in Kafka that are missing, and check those that are there.

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
