"""What the reading commands have in common: their options, opening the store, and errors as one message."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ParamSpec

import click

if TYPE_CHECKING:
    from epochal_query.store import Store

P = ParamSpec("P")


@dataclass(frozen=True)
class At:
    """Where and when to read: a store, a project, and a place in both times."""

    store: str | None
    project: str | None
    as_of: str | None
    known_at: str | None

    def open(self) -> Store:
        """The store."""
        from epochal_query.opening import open_store

        return open_store(self.store, project=self.project)

    @property
    def times(self) -> dict[str, Any]:
        """The keyword arguments of a read."""
        return {"as_of": self.as_of, "known_at": self.known_at}


@dataclass(frozen=True)
class Output:
    """Where an answer goes: a table for people, JSON for machines, or a file."""

    json: bool
    csv: Path | None
    parquet: Path | None


def reads(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command ``--store``, ``--project``, ``--as-of``, ``--known-at`` as one argument ``at``."""

    @functools.wraps(command)
    def run(
        *args: Any, store: str | None, project: str | None, as_of: str | None, known_at: str | None, **rest: Any
    ) -> None:
        command(*args, at=At(store, project, as_of, known_at), **rest)

    options = [
        click.option("--store", metavar="WHERE", help="A directory or clickhouse:// URL; default: EPOCHAL_STORE."),
        click.option("--project", metavar="NAME", help="Default: EPOCHAL_PROJECT."),
        click.option("--as-of", metavar="TIME", help="What was true then: ISO, or such as '2 hours ago'. UTC."),
        click.option("--known-at", metavar="TIME", help="What was known then: a time, or a watermark as JSON."),
    ]
    return _with(options, said(run))


def writes(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command that answers with a frame ``--json``, ``--csv``, ``--parquet`` as one argument ``output``."""

    @functools.wraps(command)
    def run(*args: Any, as_json: bool, csv: Path | None, parquet: Path | None, **rest: Any) -> None:
        if sum([as_json, csv is not None, parquet is not None]) > 1:
            raise click.UsageError("choose one of --json, --csv and --parquet")
        command(*args, output=Output(as_json, csv, parquet), **rest)

    place = click.Path(dir_okay=False, path_type=Path, allow_dash=True)
    options = [
        click.option("--json", "as_json", is_flag=True, help="JSON: the rows, and the watermark they were read at."),
        click.option("--csv", type=place, metavar="FILE", help="Write CSV with every column; - is standard output."),
        click.option(
            "--parquet", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE", help="Write Parquet."
        ),
    ]
    return _with(options, run)


def _with(options: list[Callable[[Any], Any]], command: Callable[..., None]) -> Callable[..., None]:
    return functools.reduce(lambda wrapped, option: option(wrapped), reversed(options), command)


def said(command: Callable[P, None]) -> Callable[P, None]:
    """Let a failing read end the command with one message and exit code 1."""

    @functools.wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        from epochal._errors import EpochalError
        from epochal_storage.errors import StoreError

        try:
            command(*args, **kwargs)
        except (EpochalError, StoreError) as error:
            raise click.ClickException(str(error)) from None

    return run


def pattern(text: str) -> Any:
    """A name from the command line: ``/expression/`` is a pattern on the whole name, everything else is the name."""
    import re

    if len(text) > 2 and text.startswith("/") and text.endswith("/"):
        try:
            return re.compile(text[1:-1])
        except re.error as error:
            raise click.BadParameter(f"{text} is not a regular expression: {error}") from None
    return text


def names(given: tuple[str, ...]) -> Any:
    """A selection from repeated options; None where there was none."""
    return [pattern(text) for text in given] if given else None
