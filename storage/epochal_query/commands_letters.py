"""The commands about dead letters."""

from __future__ import annotations

import time
from pathlib import Path

import click

from epochal_query.cli_options import Output, said, writes


@click.group("dead-letters")
def dead_letters() -> None:
    """What couldn't be taken in, kept whole with the reason. To be looked at, repaired and taken in again.

    What a clock says that is more than a day ahead is here, too (`clock ahead`), though it is taken in.
    """


_STORE = click.option("--store", metavar="WHERE", help="A directory or clickhouse:// URL; default: EPOCHAL_STORE.")
_JSON = click.option("--json", "as_json", is_flag=True, help="For machines.")


@dead_letters.command("ls")
@click.option("--reason", default="", help="Only those with this reason.")
@click.option("--writer", default="", help="Only those of this writer.")
@click.option(
    "--waiting", is_flag=True, help="Only those that are still to be taken in: neither replayed nor `clock ahead`."
)
@_STORE
@writes
@said
def ls(reason: str, writer: str, waiting: bool, store: str | None, output: Output) -> None:
    """List dead letters, the oldest first."""
    from epochal_query.cli_output import write, write_remarks
    from epochal_query.dead_letters import listed
    from epochal_query.opening import open_store

    frame = listed(open_store(store).begin().source, reason, writer, waiting=waiting)
    write(frame, output)
    write_remarks(frame)


@dead_letters.command("show")
@click.argument("id_", metavar="ID")
@click.option("--save", type=click.Path(path_type=Path), metavar="DIR", help="Write it to files, to be repaired.")
@_STORE
@_JSON
@said
def show(id_: str, save: Path | None, store: str | None, as_json: bool) -> None:
    """Show all of the dead letter whose id begins with ID, and why it is one."""
    from epochal_processors.parcels import ParcelError, as_files
    from epochal_query.cli_output import pairs, write_json
    from epochal_query.dead_letters import find
    from epochal_query.dead_letters import save as save_to
    from epochal_query.opening import open_store

    found = find(open_store(store).begin().source, id_)
    if save is not None:
        save_to(found, save)
    try:
        holds, content = as_files(found.parcel)
    except ParcelError as error:
        holds, content = {"kind": f"none: {error}"}, b""
    shown = {**found.about, "holds": {**holds, "content": _readable(content)}}
    if as_json:
        write_json(shown)
    else:
        pairs(shown)


@dead_letters.command("replay")
@click.argument("ids", metavar="[ID]...", nargs=-1)
@click.option("--all", "everything", is_flag=True, help="Every letter that is still to be taken in (see --reason).")
@click.option("--reason", default="", help="With --all: only those with this reason.")
@click.option(
    "--repaired",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    metavar="DIR",
    help="Take in what is in DIR, as `show --save DIR` wrote it and you changed it, instead of the one letter ID.",
)
@_STORE
@_JSON
@said
def replay(
    ids: tuple[str, ...], everything: bool, reason: str, repaired: Path | None, store: str | None, as_json: bool
) -> None:
    """Take dead letters in again: as they are (after an upgrade, say), or repaired. Doing it twice changes nothing.

    Through Kafka where EPOCHAL_KAFKA is set, else through the host of the store. The letters themselves stay.
    """
    if bool(ids) == everything:
        raise click.UsageError("name letters by their ids, or all that wait with --all")
    if repaired is not None and len(ids) != 1:
        raise click.UsageError("--repaired goes with the one ID that it is a repair of")
    from dataclasses import replace

    from epochal._settings import from_env
    from epochal_query import dead_letters as letters
    from epochal_query.cli_output import write_json
    from epochal_query.opening import open_store, store_location

    settings = from_env()
    settings = settings if store is None else replace(settings, store=store)
    source = open_store(store).begin().source
    empty = 0
    if everything:
        waiting = letters.listed(source, reason, waiting=True)
        ids, empty = tuple(waiting["id"][waiting["bytes"] > 0]), int((waiting["bytes"] == 0).sum())
    found = [letters.find(source, one) for one in ids]
    replays = letters.replays_of(found, repaired)
    places = letters.replay(replays, settings, store_location(settings), time.time_ns() // 1000) if replays else []
    done = [
        {"id": str(one.letter), "log": log, "offset": offset}
        for one, (log, offset) in zip(replays, places, strict=True)
    ]
    if as_json:
        write_json({"replayed": done, "empty": empty})
        return
    for one in done:
        click.echo(f"{one['id']}  is at {one['offset']} of {one['log']}")
    if empty:
        click.echo(f"{empty} hold nothing that could be replayed: what they were was lost with its journal")
    click.echo(f"{len(done)} replayed; `epochal dead-letters ls --waiting` shows what came back")


def _readable(content: bytes) -> str:
    """Content as text where it is text, else in hexadecimal digits; nothing is left out."""
    try:
        return content.decode()
    except UnicodeDecodeError:
        return f"hex:{content.hex()}"


COMMANDS: list[click.Command] = [dead_letters]
