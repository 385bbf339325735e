"""The commands that look back: ``history`` of values, and ``diff`` of two things or two instants."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from epochal_query.cli_options import At, Output, reads, said, writes

if TYPE_CHECKING:
    import pandas as pd

VALUE_MAX = 200
"""In a table longer values are cut; the line under it says so."""


@click.command()
@click.argument("entity")
@click.argument("field", required=False)
@click.option("--step", type=float, help="Of a metric every point ever logged at this step.")
@writes
@reads
def history(entity: str, field: str | None, step: float | None, at: At, output: Output) -> None:
    """Every value that FIELD of ENTITY ever had, and who said it. Without FIELD of all: params, tags, status, ...

    ENTITY is a component, a trial or an experiment, by name or id, also a deleted one. FIELD is such as params.lr,
    tags.team, note, status, artifacts.out/model or metrics.loss, or what others lie in, such as params.
    """
    from epochal_query.cli_output import write, write_remarks

    frame = at.open().history(entity, field, step=step, **at.times)
    if output.json or output.csv or output.parquet:
        write(frame, output, exact=["value"])
    else:
        shown, cut = _for_people(frame)
        write(shown, output)
        if cut:
            said = f"{cut:,} value{' is' if cut == 1 else 's are'} cut at {VALUE_MAX} characters"
            click.echo(f"{said}; whole: --json, --csv FILE or --parquet FILE")
    write_remarks(frame)


@click.command()
@click.argument("a")
@click.argument("b", required=False)
@click.option("--between", nargs=2, metavar="TIME TIME", help="What was true at each: of A alone, or of A and of B.")
@click.option("--known-between", nargs=2, metavar="TIME TIME", help="What was known at each, likewise.")
@click.option("--equal", is_flag=True, help="Fields that are equal, too.")
@click.option("--system", is_flag=True, help="System metrics and artifacts (sys/...) and environment variables, too.")
@writes
@reads
def diff(
    a: str,
    b: str | None,
    between: tuple[str, str] | None,
    known_between: tuple[str, str] | None,
    at: At,
    output: Output,
    **choice: Any,
) -> None:
    """In which fields A and B differ. Both are components, trials or experiments; --between: A at two instants."""
    from epochal_query.cli_output import write, write_remarks

    if (between and at.as_of) or (known_between and at.known_at):
        raise click.UsageError("--between takes the place of --as-of, --known-between that of --known-at: give one")
    frame = at.open().diff(a, b, **choice, as_of=between or at.as_of, known_at=known_between or at.known_at)
    if output.json or output.csv or output.parquet:
        write(frame, output, exact=["a", "b"])
    else:
        click.echo(frame.to_text())
    write_remarks(frame)


@click.command()
@click.option("--from", "since", metavar="TIME", help="From when on: ISO, or such as '2 hours ago'. UTC.")
@click.option("--to", "until", metavar="TIME", help="Until when (default: now).")
@click.option("--speed", type=float, metavar="N", help="N times as fast as it happened; default: as fast as it goes.")
@click.option("--into", type=click.Path(path_type=Path), metavar="DIR", help="Into a new store, instead of JSON.")
@click.option("--store", metavar="WHERE", help="A directory or clickhouse:// URL; default: EPOCHAL_STORE.")
@said
def replay(since: str | None, until: str | None, speed: float | None, into: Path | None, store: str | None) -> None:
    """Tell history again, as it was recorded. One JSON object a line, or into a new store.

    Each line is what came at one place of the log: envelopes of events, or points as columns. All projects are in it.
    """
    from epochal_query.columns import marked
    from epochal_query.opening import open_store

    opened = open_store(store)
    if into is not None:
        click.echo(f"{opened.replay_into(into, since, until, speed=speed):,} frames replayed into {into}")
        return
    for one in opened.replay(since, until, speed=speed):
        click.echo(json.dumps(marked(one, escaping=False), ensure_ascii=False))


def _for_people(frame: pd.DataFrame) -> tuple[pd.DataFrame, int]:
    """The frame for a table: values as texts of a length; and how many were longer."""
    from epochal_query.cli_table import person

    both = zip(frame["value"], frame["removed"], strict=True)
    whole = ["(taken away)" if removed else person(value) for value, removed in both]
    shown = [text if len(text) <= VALUE_MAX else f"{text[:VALUE_MAX]} ..." for text in whole]
    return frame.assign(value=shown).drop(columns="removed"), sum(map(str.__ne__, whole, shown))
