"""The command that searches."""

from __future__ import annotations

from typing import Any

import click

from epochal_query.cli_options import At, Output, reads, writes

_RANKS = click.Choice(["each", "all", "mean", "max"])


@click.command()
@click.argument("kind", type=click.Choice(["experiment", "trial", "component", "run"]))
@click.argument("where", required=False)
@click.option("--order-by", metavar="ORDER", help='Such as "metrics.test_acc.last desc".')
@click.option("--limit", type=click.IntRange(min=1), help="At most so many rows; how to go on is said.")
@click.option("--after", metavar="TOKEN", help="Go on after a --limit: what was said then, with the same arguments.")
@click.option("--ranks", type=_RANKS, help="Of several ranks; default: the lowest that logged the metric.")
@writes
@reads
def search(
    kind: Any, where: str | None, limit: int | None, after: str | None, at: At, output: Output, **choice: Any
) -> None:
    """Find experiments, trials, components or runs by a filter.

    WHERE is a filter such as "metrics.loss.last < 0.3 and input(name = 'train' and uri like 's3://bucket/%')".
    """
    from epochal_query.cli_output import write

    if limit is None and after is not None:
        raise click.UsageError("--after goes on with so many rows as --limit says: give it, too")
    store = at.open()
    if limit is None:
        write(store.search(kind, where=where, **choice, **at.times), output)
        return
    pages = store.search(kind, where=where, page_size=limit, after=after, **choice, **at.times)
    frame = next(iter(pages))
    write(frame, output)
    following = frame.attrs["epochal"]["next"]
    if following is not None and not output.json:
        click.echo(f"{pages.rows:,} rows in all; to go on: --limit {limit} --after '{following}'", err=True)


COMMANDS: list[click.Command] = [search]
