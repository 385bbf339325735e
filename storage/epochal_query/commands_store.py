"""Commands about a store as a whole: its address, export and import, the demo."""

from __future__ import annotations

from pathlib import Path

import click

from epochal_query.cli_options import said


@click.command()
@click.option("--store", metavar="WHERE", help="A directory; default: EPOCHAL_STORE.")
@click.option("--json", "as_json", is_flag=True, help="For machines.")
@said
def url(store: str | None, as_json: bool) -> None:
    """Print address, user and token of a store's host. They are for any other ClickHouse client (HTTP)."""
    import json

    from epochal_query.opening import reader_endpoint

    found = reader_endpoint(store)
    address = f"{'https' if found.tls else 'http'}://{found.host}:{found.port}"
    if as_json:
        parts = {"url": address, "user": found.user, "password": found.secret, "database": found.database}
        click.echo(json.dumps({**parts, "pid": found.pid}))
        return
    click.echo(f"{address}/?user={found.user}&password={found.secret}&database={found.database}")


@click.command()
@click.argument("directory", type=click.Path(path_type=Path))
@click.option("--store", metavar="WHERE", help="A directory; default: EPOCHAL_STORE.")
@click.option("--json", "as_json", is_flag=True, help="Say at the end what was written, for machines.")
@said
def export(directory: Path, store: str | None, as_json: bool) -> None:
    """Write a whole store to DIRECTORY. Tables as Parquet, artifacts, the log; checked by SHA-256."""
    from epochal_query.moving import export_to

    export_to(directory, store, as_json)


@click.command("import")
@click.argument("directory", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--store", metavar="WHERE", help="An empty or new directory; default: EPOCHAL_STORE.")
@click.option("--json", "as_json", is_flag=True, help="Say at the end what was read, for machines.")
@said
def import_(directory: Path, store: str | None, as_json: bool) -> None:
    """Make a store of an export in DIRECTORY. The same rows at the same positions, in an empty store."""
    from epochal_query.moving import import_from

    import_from(directory, store, as_json)


@click.command()
@click.option("--store", metavar="WHERE", help="A directory or URL; default: EPOCHAL_STORE.")
@click.option("--output", type=click.Path(file_okay=False, path_type=Path), default=".", help="Where the plot goes.")
@click.option("--epochs-scale", type=float, default=1.0, show_default=True, help="A factor on the numbers of epochs.")
@said
def demo(store: str | None, output: Path, epochs_scale: float) -> None:
    """Run a whole experiment for real, in a few minutes. 18 small trainings, report, verdict, lineage."""
    from epochal_query.demo import main

    main(store=store, output=output, epochs_scale=epochs_scale)


COMMANDS: list[click.Command] = [url, export, import_, demo]
