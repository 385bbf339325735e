"""Columns of an answer as Python and NumPy values."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import Any, cast
from uuid import UUID

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from epochal_storage.arrow_answer import in_one_piece

compute: Any = pc
"""Arrow's functions. They are made when it is imported, where no type checker sees them."""

Codes = npt.NDArray[np.int64]


def column(table: pa.Table, name: str) -> Any:
    """A column as one Arrow array; ids as their 16 bytes, dictionaries as what they stand for."""
    found = in_one_piece(table, name)
    return found.dictionary_decode() if isinstance(found, pa.DictionaryArray) else found


def encoded(table: pa.Table, name: str) -> Any:
    """A column as a dictionary array: places in an array of the different values that it has."""
    found = in_one_piece(table, name)
    if isinstance(found, pa.DictionaryArray) and len(found) and len(found.dictionary) == 1 and not found.null_count:
        return found
    # a dictionary that came with an answer may have values that don't occur
    return column(table, name).dictionary_encode()


def repeated(value: Any, count: int) -> pa.DictionaryArray:
    """An Arrow array of one value, so many times over."""
    return pa.DictionaryArray.from_arrays(pa.array(np.zeros(count, np.int32)), value)


def texts(table: pa.Table, name: str) -> list[str]:
    """A text column; NULL becomes the empty text."""
    return [value or "" for value in cast("list[str | None]", column(table, name).to_pylist())]


def values(table: pa.Table, name: str) -> list[Any]:
    """A column as Python values."""
    return cast("list[Any]", column(table, name).to_pylist())


def floats(table: pa.Table, name: str) -> npt.NDArray[np.float64]:
    """A numeric column; NULL becomes NaN."""
    found = column(table, name)
    return cast(
        "npt.NDArray[np.float64]", compute.fill_null(compute.cast(found, pa.float64()), float("nan")).to_numpy(False)
    )


def ids(table: pa.Table, name: str) -> list[UUID]:
    """A column of ids."""
    return [UUID(bytes=raw) for raw in column(table, name).to_pylist()]


def id_texts(table: pa.Table, name: str) -> list[str]:
    """A column of ids as text; much quicker than by way of :func:`ids`."""
    digits = b"".join(column(table, name).to_pylist()).hex()
    return [
        f"{digits[at : at + 8]}-{digits[at + 8 : at + 12]}-{digits[at + 12 : at + 16]}-"
        f"{digits[at + 16 : at + 20]}-{digits[at + 20 : at + 32]}"
        for at in range(0, len(digits), 32)
    ]


def instants(table: pa.Table, name: str) -> Any:
    """A column of times as pandas keeps them: UTC, microseconds."""
    return pd.Series(compute.cast(column(table, name), pa.timestamp("us", "UTC")).to_pandas())


def codes(table: pa.Table, name: str, known: Any) -> Codes:
    """The place of each row's value in ``known`` (an Arrow array of the column's own kind); -1 where it isn't there."""
    found = compute.fill_null(compute.index_in(column(table, name), value_set=known), -1)
    return cast(Codes, found.to_numpy(False).astype(np.int64))


def distinct(table: pa.Table, name: str) -> tuple[Codes, list[str]]:
    """A text column as codes into the sorted list of its values."""
    found = encoded(table, name)
    unsorted: list[str] = found.dictionary.to_pylist()
    order = sorted(range(len(unsorted)), key=unsorted.__getitem__)
    place = np.empty(len(unsorted), dtype=np.int64)
    place[order] = np.arange(len(unsorted))
    return place[found.indices.to_numpy(False)], [unsorted[i] for i in order]


def objects(found: Iterable[Any]) -> Any:
    """Values as a column of objects: also lists, which NumPy would take for more dimensions."""
    listed = list(found)
    cells = np.empty(len(listed), dtype=object)
    cells[:] = listed
    return cells


def decoded(text: str) -> Any:
    """A JSON value of the store as Python: its marks for NaN, infinities, reprs and escaped keys undone."""
    if not text:
        return None
    return unmarked(json.loads(text)) if '"$' in text else json.loads(text)


def unmarked(value: Any) -> Any:
    """A value as JSON has it, its marks undone."""
    if isinstance(value, list):
        items: list[Any] = value
        return [unmarked(item) for item in items]
    if not isinstance(value, dict):
        return value
    cells = cast("dict[str, Any]", value)
    if cells.keys() == {"$float"}:
        return float(cells["$float"])
    if "$repr" in cells and cells.keys() <= {"$repr", "type"}:
        return cells["$repr"]
    return {key[1:] if key.startswith("$") else key: unmarked(item) for key, item in cells.items()}


def marked(value: Any, *, escaping: bool) -> Any:
    """A value as JSON has it: times as ISO text, bytes in hexadecimal, floats that it lacks as ``{"$float": ...}``.

    ``escaping``: keys that begin with ``$`` have one more, so that :func:`unmarked` takes the marks away again.
    """
    if isinstance(value, Mapping):
        cells = cast("Mapping[object, Any]", value)
        names = [f"${key}" if escaping and str(key).startswith("$") else str(key) for key in cells]
        return {name: marked(item, escaping=escaping) for name, item in zip(names, cells.values(), strict=True)}
    if isinstance(value, (list, tuple, set, np.ndarray)):
        return [marked(item, escaping=escaping) for item in cast("list[Any]", value)]
    if isinstance(value, np.generic):
        return marked(value.item(), escaping=escaping)
    if isinstance(value, float) and not math.isfinite(value):
        return {"$float": str(value)}
    if isinstance(value, bytes):
        return value.hex()
    if value is pd.NaT or value is pd.NA:
        return None
    if isinstance(value, (datetime, date)):
        return value.isoformat()
    return value if isinstance(value, (str, int, float, bool)) or value is None else str(value)
