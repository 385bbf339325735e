"""The commands that change what a store says: ``delete`` and ``restore``."""

from __future__ import annotations

from collections.abc import Callable

import click

from epochal_query.cli_options import Output, said, writes

_STORE = click.option("--store", metavar="WHERE", help="A directory or clickhouse:// URL; default: EPOCHAL_STORE.")
_PROJECT = click.option("--project", metavar="NAME", help="Default: EPOCHAL_PROJECT.")


def _somewhere(command: Callable[..., None]) -> Callable[..., None]:
    return _STORE(_PROJECT(said(command)))


@click.command()
@click.argument("entity")
@click.option("--cascade", is_flag=True, help="With the trials of an experiment, and components that nothing else has.")
@click.option("--confirm", metavar="NAME", help="Its exact name; without it you are asked to type that.")
@writes
@_somewhere
def delete(
    entity: str, cascade: bool, confirm: str | None, output: Output, store: str | None, project: str | None
) -> None:
    """Delete ENTITY, until it is restored. That is an experiment, a trial or a component, by name or id.

    Nothing is removed: reads don't show it any more, those of an earlier instant do. It is refused while others depend
    on it, unless --cascade is given; and while something of it runs. Components that are in other trials stay.
    """
    from epochal_query.cli_output import write
    from epochal_query.opening import open_store
    from epochal_query.resolve import resolve_any

    opened = open_store(store, project=project)
    meant = resolve_any(opened.begin(), entity)
    asked = f"delete {meant.kind} {meant.name!r} ({meant.id})? Type its name"
    name: str = click.prompt(asked, err=True) if confirm is None else confirm
    write(opened.delete(meant, confirm=name, cascade=cascade), output)


@click.command()
@click.argument("entity", required=False)
@writes
@_somewhere
def restore(entity: str | None, output: Output, store: str | None, project: str | None) -> None:
    """Undo the newest deletion of ENTITY, with all that the same call deleted. Without ENTITY: list what is deleted.

    ENTITY is an experiment, a trial or a component, by the name it had or by id.
    """
    from epochal_query.cli_output import write
    from epochal_query.opening import open_store

    opened = open_store(store, project=project)
    write(opened.deleted() if entity is None else opened.restore(entity), output)


COMMANDS: list[click.Command] = [delete, restore]
