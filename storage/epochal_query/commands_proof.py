"""The commands that prove what a store holds: ``verify`` and ``checkpoint``."""

from __future__ import annotations

from pathlib import Path

import click

from epochal_query.cli_options import Output, said, writes

NOT_SOUND = 3
"""The exit code of ``verify`` where something isn't as it was written."""
_SHOWN_AFTER_S = 1.0
_STORE = click.option("--store", metavar="WHERE", help="A directory or clickhouse:// URL; default: EPOCHAL_STORE.")
_PROJECT = click.option("--project", metavar="NAME", help="Where ENTITY is; default: EPOCHAL_PROJECT.")
_FILE = click.Path(dir_okay=False, path_type=Path)


@click.command()
@click.argument("entity", required=False)
@click.option("--checkpoint", type=_FILE, metavar="FILE", help="Compare with a checkpoint, too.")
@click.option("--public-key", type=_FILE, metavar="FILE", help="Who must have signed it: an Ed25519 key in PEM.")
@_STORE
@_PROJECT
@click.option("--json", "as_json", is_flag=True, help="For machines.")
@said
def verify(
    entity: str | None,
    checkpoint: Path | None,
    public_key: Path | None,
    store: str | None,
    project: str | None,
    as_json: bool,
) -> None:
    """Prove that nothing was altered since it was logged. Computes all digests again and names what is missing,
    doubled or altered; exit code 3 where something is.

    Of the entire store with all its projects, or of ENTITY alone: a component, a trial or an experiment, by name or id.
    """
    from epochal_query.cli_output import write_json
    from epochal_query.cli_progress import progress_bars
    from epochal_query.opening import open_store

    opened = open_store(store, project=project)
    with progress_bars(_SHOWN_AFTER_S) as progress:
        found = opened.verify(entity, checkpoint=checkpoint, public_key=public_key, progress=progress)
    if as_json:
        write_json(found)
    else:
        click.echo(found.to_text())
    if not found["sound"]:
        raise SystemExit(NOT_SOUND)


@click.command()
@click.argument("file", type=_FILE)
@click.option("--key", type=_FILE, metavar="KEY", help="Sign it with this private Ed25519 key (PEM).")
@click.option("--new-key", type=_FILE, metavar="KEY", help="Make the key KEY first (and KEY.pub), and sign with it.")
@_STORE
@said
def checkpoint(file: Path, key: Path | None, new_key: Path | None, store: str | None) -> None:
    """Write to FILE what proves later what is here now. These are the heads of all chains; the file is new, and to be
    kept elsewhere. The store is verified for it.

    `epochal verify --checkpoint FILE` tells, years later, whether all that the store held now is still there unchanged.
    """
    from epochal_query.cli_progress import progress_bars
    from epochal_query.opening import open_store
    from epochal_query.signing import new_key as make_key

    if key is not None and new_key is not None:
        raise click.UsageError("choose one of --key and --new-key")
    if new_key is not None:
        public = make_key(new_key)
        click.echo(f"made the key {new_key}; whoever checks needs {public}")
    opened = open_store(store)
    with progress_bars(_SHOWN_AFTER_S) as progress:
        written = opened.checkpoint(file, key=key or new_key, progress=progress)
    signed = "signed" if "signature" in written else "not signed (--key)"
    click.echo(f"wrote {file}: streams {len(written['streams']):,}, logs {len(written['logs']):,}, {signed}")


@click.command()
@click.argument("view", required=False)
@_STORE
@writes
@said
def rebuild(view: str | None, store: str | None, output: Output) -> None:
    """Make VIEW, or all views, again from the log. That isn't touched; jobs go on logging and readers reading.

    The new takes the place of the old in one step. Says how many rows there were and are, a checksum of them, and
    whether anything has changed.
    """
    from epochal_query.cli_output import write
    from epochal_query.cli_progress import progress_bars
    from epochal_query.opening import open_store

    opened = open_store(store)
    with progress_bars(_SHOWN_AFTER_S) as progress:
        made = opened.rebuild(view, progress=progress)
    write(made, output)


COMMANDS: list[click.Command] = [verify, checkpoint, rebuild]
