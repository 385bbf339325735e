"""The commands that change what a store says: ``delete``, ``restore``, ``erase`` and ``prune``."""

from __future__ import annotations

from collections.abc import Callable

import click

from epochal_query.cli_options import Output, said, writes

_STORE = click.option("--store", metavar="WHERE", help="A directory or clickhouse:// URL; default: EPOCHAL_STORE.")
_PROJECT = click.option("--project", metavar="NAME", help="Default: EPOCHAL_PROJECT.")


def _somewhere(command: Callable[..., None]) -> Callable[..., None]:
    return _STORE(_PROJECT(said(command)))


@click.command()
@click.argument("entity", required=False)
@click.option("--unassigned", is_flag=True, help="Instead of ENTITY: all components that are in no trial.")
@click.option("--cascade", is_flag=True, help="With the trials of an experiment, and components that nothing else has.")
@click.option(
    "--confirm", metavar="NAME", help="Its exact name, or how many are unassigned; without it you are asked to type it."
)
@writes
@_somewhere
def delete(
    entity: str | None,
    unassigned: bool,
    cascade: bool,
    confirm: str | None,
    output: Output,
    store: str | None,
    project: str | None,
) -> None:
    """Delete ENTITY, until it is restored. That is an experiment, a trial or a component, by name or id.

    Nothing is removed: reads don't show it any more, those of an earlier instant do. It is refused while others depend
    on it, unless --cascade is given; and while something of it runs. Components that are in other trials stay.
    """
    from epochal_query.cli_output import write
    from epochal_query.opening import open_store
    from epochal_query.resolve import resolve_any

    if (entity is None) is not unassigned:
        raise click.UsageError("give ENTITY, or --unassigned for all components that are in no trial")
    opened = open_store(store, project=project)
    if entity is None:
        write(opened.delete_unassigned(confirm=_count(confirm), cascade=cascade), output)
        return
    meant = resolve_any(opened.begin(), entity)
    asked = f"delete {meant.kind} {meant.name!r} ({meant.id})? Type its name"
    name: str = click.prompt(asked, err=True) if confirm is None else confirm
    write(opened.delete(meant, confirm=name, cascade=cascade), output)


def _count(text: str | None) -> int | None:
    if text is None or text.isdecimal():
        return None if text is None else int(text)
    raise click.BadParameter(f"{text!r} is not a number: how many would go is accepted", param_hint="--confirm")


@click.command()
@click.option("--older-than", required=True, metavar="TIME", help="Logged last before TIME, such as '90 days ago'.")
@click.option("--used", is_flag=True, help="Also what went into a component.")
@click.option("--aliased", is_flag=True, help="Also what an alias stands for.")
@click.option("--reason", metavar="TEXT", default="", help="Why; told to whoever asks for such a content.")
@click.option("--confirm", metavar="COUNT", help="Remove them; COUNT is how many. Without it they are only listed.")
@writes
@_somewhere
def prune(
    older_than: str,
    used: bool,
    aliased: bool,
    reason: str,
    confirm: str | None,
    output: Output,
    store: str | None,
    project: str | None,
) -> None:
    """List, or remove, contents of artifacts that nobody uses.

    What was recorded stays: digests, sizes and lineage, at every instant. Contents that went into a component, or that
    an alias stands for, stay unless asked for.
    """
    from epochal_query.cli_output import write
    from epochal_query.opening import open_store

    opened = open_store(store, project=project)
    frame = opened.prune(older_than, used=used, aliased=aliased, reason=reason, confirm=_count(confirm))
    write(frame, output)


@click.command()
@click.argument("entity", required=False)
@writes
@_somewhere
def restore(entity: str | None, output: Output, store: str | None, project: str | None) -> None:
    """Undo the newest deletion of ENTITY. All that the same call deleted comes back; without ENTITY it lists deletions.

    ENTITY is an experiment, a trial or a component, by the name it had or by id.
    """
    from epochal_query.cli_output import write
    from epochal_query.opening import open_store

    opened = open_store(store, project=project)
    write(opened.deleted() if entity is None else opened.restore(entity), output)


@click.command()
@click.argument("entity", required=False)
@click.option("--reason", metavar="TEXT", default="", help="Why; kept with the tombstone.")
@click.option("--confirm", metavar="NAME", help="Its exact name; without it you are asked to type that.")
@writes
@_somewhere
def erase(
    entity: str | None, reason: str, confirm: str | None, output: Output, store: str | None, project: str | None
) -> None:
    """Destroy what was said of ENTITY, for good. Without ENTITY: list what was erased.

    That is an experiment, a trial or a component, by name or id, also a deleted one; with all that is only its own.
    Its payloads go from tables, journals and stored artifacts, at every instant, and nothing brings them back. Ids,
    digests and a tombstone with the reason stay, so that `verify` goes on proving the rest. While Kafka keeps messages
    of it, it is listed as pending, with the date by which they are gone.
    """
    from epochal_query.cli_output import write, write_remarks
    from epochal_query.opening import open_store

    opened = open_store(store, project=project)
    if entity is None:
        listed = opened.erased()
        write(listed, output)
        write_remarks(listed)
        return
    name: str = click.prompt(f"erase {entity!r} for good? Type its name", err=True) if confirm is None else confirm
    frame = opened.erase(entity, confirm=name, reason=reason)
    write(frame, output)
    write_remarks(frame)


COMMANDS: list[click.Command] = [delete, restore, erase, prune]
