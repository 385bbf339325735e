"""Answers as tables for people, JSON for machines, or files. What a table leaves out is said under it."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import click
import numpy as np
import pandas as pd

from epochal_query.cli_options import Output
from epochal_query.cli_table import person, table_lines
from epochal_query.columns import marked
from epochal_query.frame_files import write_csv, write_parquet

NO_TERMINAL_WIDTH = 160


def write(
    frame: pd.DataFrame, output: Output, *, exact: Collection[str] = (), hint: str = "", aside: Collection[str] = ()
) -> None:
    """Write a frame where it was asked for. In the columns ``exact`` NaN is a value, elsewhere it is absence.

    The columns ``aside`` are in no table for people, which says so.
    """
    if output.json:
        rows = [dict(zip(frame.columns, row, strict=True)) for row in _rows(frame, exact)]
        write_json({"rows": rows, "epochal": frame.attrs.get("epochal")})
    elif output.csv is not None:
        write_csv(frame, sys.stdout.buffer if str(output.csv) == "-" else output.csv)
        _said(frame, output.csv)
    elif output.parquet is not None:
        write_parquet(frame, output.parquet)
        _said(frame, output.parquet)
    else:
        table(frame.drop(columns=list(aside)), hint)
        if aside:
            click.echo(f"also in --json, --csv and --parquet: {', '.join(aside)}")


def write_remarks(frame: pd.DataFrame) -> None:
    """Write what an answer says about itself to standard error, so that it is in no pipe."""
    for remark in frame.attrs["epochal"].get("remarks", ()):
        click.echo(remark, err=True)


def _said(frame: pd.DataFrame, path: Path) -> None:
    if str(path) != "-":
        click.echo(f"{_rows_of(len(frame))} written to {path}", err=True)


def _rows_of(count: int) -> str:
    return f"{count:,} row{'' if count == 1 else 's'}"


def write_json(value: object) -> None:
    """Write a value as JSON: times as ISO text, bytes in hexadecimal, floats that JSON lacks as ``{"$float": ...}``."""
    click.echo(json.dumps(marked(value, escaping=False), ensure_ascii=False, indent=2))


def _rows(frame: pd.DataFrame, exact: Collection[str]) -> list[tuple[Any, ...]]:
    columns = [_cells(frame[name], str(name) in exact) for name in frame.columns]
    return list(zip(*columns, strict=True)) if columns else []


def _cells(column: Any, exact: bool) -> list[Any]:
    """The column as Python values; what is absent is None."""
    if exact:
        return list(column)
    absent = [flag is True or flag is np.True_ for flag in column.isna()]
    return [None if gone else value for value, gone in zip(column, absent, strict=True)]


# --- for people ------------------------------------------------------------------------------------------------------


def table(frame: pd.DataFrame, hint: str = "") -> None:
    """Print a table; one row alone is printed as a list of its columns."""
    if len(frame) == 1 and len(frame.columns) > 4:
        pairs(dict(zip(frame.columns, _rows(frame, ())[0], strict=True)))
        return
    columns = {str(name): [person(value) for value in _cells(frame[name], False)] for name in frame.columns}
    empty = [name for name, cells in columns.items() if cells and not any(cells)]
    numeric = {str(name) for name in frame.columns if pd.api.types.is_numeric_dtype(frame[name].dtype)}
    width = shutil.get_terminal_size((NO_TERMINAL_WIDTH, 50)).columns
    shown = {name: cells for name, cells in columns.items() if name not in empty}
    blocks, left_out = table_lines(shown, numeric, width)
    for lines in blocks:
        click.echo("\n".join(lines))
        click.echo()
    click.echo(_under(len(frame), len(shown), empty, left_out, hint))


def _under(rows: int, columns: int, empty: Sequence[str], left_out: Sequence[str], hint: str) -> str:
    lines = [_rows_of(rows)]
    if empty:
        lines.append(f"empty, not shown: {', '.join(empty)}")
    if left_out:
        lines.append(
            f"{len(left_out):,} of {columns:,} columns are not shown, from {left_out[0]!r} on; all of them: --json, "
            f"--csv FILE or --parquet FILE{hint}"
        )
    return "\n".join(lines)


def pairs(values: Mapping[str, Any], indent: int = 0) -> None:
    """Print names and values, mappings indented, what is absent left out."""
    present = {name: value for name, value in values.items() if value is not None and person(value) != ""}
    width = max((len(str(name)) for name, value in present.items() if not _is_block(value)), default=0)
    for name, value in present.items():
        lead = " " * indent
        if isinstance(value, Mapping):
            click.echo(f"{lead}{name}:")
            pairs(value, indent + 2)
        elif _is_block(value):
            click.echo(f"{lead}{name}:")
            for item in value:
                line = ", ".join(f"{k}={person(v)}" for k, v in item.items() if v is not None and person(v) != "")
                click.echo(f"{lead}  - {line}")
        else:
            click.echo(f"{lead}{name!s:<{width}}  {person(value)}")


def _is_block(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(item, Mapping) for item in value)
