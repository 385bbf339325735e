"""Frames in files, cell for cell as they are.

CSV: a text stands in quotes and what is missing is nothing at all, so that an empty text differs from it; numbers are
written so that they are read as the same numbers, flags as true and false, times in UTC as ``2026-01-01
12:00:00.000000Z``; ids, dates and decimals of :meth:`sql` as their text. In a column of lists, mappings or mixed values
every cell is JSON.

Parquet: every column has its type, and the file what the frame says about itself (``attrs``). Lists of texts are lists;
ids, dates and decimals are their text; other columns of lists, mappings or mixed values are JSON, which
:func:`read_parquet` reads back.

In JSON what it lacks is written as ``{"$float": "nan"}``, and a key that begins with ``$`` has one more.
"""

from __future__ import annotations

import json
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import IO, Any, cast
from uuid import UUID

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.csv as csv
import pyarrow.parquet as parquet

from epochal_query.columns import decoded, marked, objects

_csv: Any = csv
_parquet: Any = parquet
_KEY = b"epochal"


def write_csv(frame: pd.DataFrame, to: str | Path | IO[bytes]) -> None:
    """Write a frame as CSV, every cell so that it can be told what it was; see the module for how."""
    table, _ = _as_table(frame, lists=False)
    _csv.write_csv(table, to if hasattr(to, "write") else str(to))


def write_parquet(frame: pd.DataFrame, to: str | Path) -> None:
    """Write a frame as Parquet; :func:`read_parquet` reads back one that equals it, ``attrs`` included.

    But for what only :meth:`sql` answers with: ids, dates and decimals are texts then, arrays and tuples lists.
    """
    table, as_json = _as_table(frame, lists=True)
    objects = [str(name) for name in frame.columns if frame[name].dtype == object]
    told = {"json": as_json, "objects": objects, "attrs": frame.attrs}
    metadata = {**(table.schema.metadata or {}), _KEY: json.dumps(told, default=str).encode()}
    _parquet.write_table(table.replace_schema_metadata(metadata), str(to))


def read_parquet(path: str | Path) -> pd.DataFrame:
    """The frame that :func:`write_parquet` or a command with ``--parquet`` wrote; of other files what pandas reads."""
    table: Any = _parquet.read_table(str(path))
    told: dict[str, Any] = json.loads((table.schema.metadata or {}).get(_KEY, b"{}"))
    frame: pd.DataFrame = table.to_pandas()
    for name in told.get("objects", ()):
        cells: list[Any] = table.column(name).to_pylist()
        if name in told["json"]:
            cells = [None if text is None else decoded(text) for text in cells]
        frame[name] = objects(cells)
    frame.attrs = told.get("attrs", {})
    return frame


def _as_table(frame: pd.DataFrame, *, lists: bool) -> tuple[Any, list[str]]:
    """The frame as a table, and which of its columns became JSON."""
    plain, as_json = frame.copy(deep=False), list[str]()
    for name in frame.columns:
        if frame[name].dtype != object or (lists and _are_lists_of_texts(frame[name])):
            continue
        cells: list[object] = [None if _gone(cell) else cell for cell in frame[name]]
        if all(cell is None or _is_said_by_its_text(cell) for cell in cells):
            cells = [None if cell is None else str(cell) for cell in cells]
        elif not all(cell is None or isinstance(cell, str) for cell in cells):
            as_json.append(str(name))
            cells = [
                None if cell is None else json.dumps(marked(cell, escaping=True), ensure_ascii=False) for cell in cells
            ]
        plain[name] = pd.array(cast("Any", cells), dtype="str")
    plain.attrs = {}
    return pa.Table.from_pandas(plain, preserve_index=False), as_json


def _are_lists_of_texts(column: Any) -> bool:
    return all(
        isinstance(cell, (list, np.ndarray)) and all(isinstance(item, str) for item in cast("list[object]", cell))
        for cell in column
    )


def _is_said_by_its_text(cell: object) -> bool:
    return isinstance(cell, (UUID, Decimal, date)) and not isinstance(cell, datetime)


def _gone(cell: object) -> bool:
    return cell is None or cell is pd.NA or cell is pd.NaT
