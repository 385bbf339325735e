"""From rows of (component, name, value) to columns of a frame, by codes: no Python a cell where it can be helped."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, cast

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from epochal_query.columns import Codes, column, compute, decoded, floats

# integers of so many digits are exact as float64
_SMALL_INTEGER = r"^-?\d{1,15}$"
_LARGE_INTEGER = r"^-?\d{16,}$"


def value_columns(rows: pa.Table, places: Codes, names: Codes, known: Sequence[str], height: int) -> dict[str, Any]:
    """One column a name, of typed cells (value, type, number, text); what is absent is missing.

    Guarantees: numbers stay exact: integers are int64 (Int64 where some are missing), larger ones Python's own,
    mixed types are Python values.
    """
    types = column(rows, "type").dictionary_encode()
    words: list[str] = types.dictionary.to_pylist()
    type_codes = types.indices.to_numpy(False)
    numbers, json = floats(rows, "number"), column(rows, "value")
    text = column(rows, "text")
    small = compute.match_substring_regex(json, _SMALL_INTEGER).to_numpy(False)
    large = compute.match_substring_regex(json, _LARGE_INTEGER).to_numpy(False)
    found: dict[str, Any] = {}
    for name, rows_of in _groups(names, len(known)):
        at = places[rows_of]
        here = {words[code] for code in np.unique(type_codes[rows_of])}
        if here == {"number"} and not large[rows_of].any():
            found[known[name]] = _numbers(numbers[rows_of], at, height, bool(small[rows_of].all()))
        elif here == {"bool"}:
            found[known[name]] = _flags(numbers[rows_of], at, height)
        elif here == {"text"}:
            found[known[name]] = _texts(text.take(pa.array(rows_of)), at, height)
        else:
            found[known[name]] = _objects(json.take(pa.array(rows_of)).to_pylist(), at, height)
    return {name: found[name] for name in known if name in found}


def _groups(codes: Codes, count: int) -> Iterator[tuple[int, Codes]]:
    """The rows of each code that occurs."""
    order = np.argsort(codes, kind="stable")
    borders = np.searchsorted(codes[order], np.arange(count + 1))
    for code in range(count):
        if borders[code] < borders[code + 1]:
            yield code, order[borders[code] : borders[code + 1]]


def _numbers(values: npt.NDArray[np.float64], at: Codes, height: int, integers: bool) -> Any:
    if not integers:
        return scattered(values, at, height)
    whole = np.zeros(height, dtype=np.int64)
    whole[at] = values.astype(np.int64)
    if len(at) == height:
        return whole
    return pd.arrays.IntegerArray(whole, _absent(at, height))


def _flags(values: npt.NDArray[np.float64], at: Codes, height: int) -> Any:
    flags = np.zeros(height, dtype=np.bool_)
    flags[at] = values != 0
    return flags if len(at) == height else pd.arrays.BooleanArray(flags, _absent(at, height))


def _texts(values: Any, at: Codes, height: int) -> Any:
    cells = np.full(height, None, dtype=object)
    cells[at] = values.to_numpy(zero_copy_only=False)
    return pd.array(cast("list[str]", cells), dtype="str")


def _objects(values: list[str], at: Codes, height: int) -> Any:
    cells = np.full(height, None, dtype=object)
    for place, value in zip(at, values, strict=True):
        cells[place] = decoded(value)
    return cells


def _absent(at: Codes, height: int) -> npt.NDArray[np.bool_]:
    absent = np.ones(height, dtype=np.bool_)
    absent[at] = False
    return absent


def scattered(values: npt.NDArray[np.float64], at: Codes, height: int) -> npt.NDArray[np.float64]:
    """The values at their places; NaN elsewhere."""
    cells = np.full(height, np.nan)
    cells[at] = values
    return cells


def statistic_columns(
    rows: pa.Table, places: Codes, names: Codes, known: Sequence[str], height: int, statistics: Sequence[str]
) -> dict[tuple[str, str], Any]:
    """One column a metric and statistic; counts are whole numbers, everything else float64 with NaN for absent."""
    present = np.zeros((len(known), height), dtype=np.bool_)
    present[names, places] = True
    found: dict[tuple[str, str], Any] = {}
    for stat in statistics:
        matrix = np.full((len(known), height), np.nan)
        matrix[names, places] = floats(rows, stat)
        for code, name in enumerate(known):
            found[name, stat] = matrix[code]
            if stat == "count":
                absent = ~present[code]
                whole = np.where(absent, 0, matrix[code]).astype(np.int64)
                found[name, stat] = pd.arrays.IntegerArray(whole, absent) if absent.any() else whole
    return found


def lists(rows: Sequence[str], places: Codes, height: int) -> npt.NDArray[np.object_]:
    """Per place the sorted distinct texts of its rows, as a list (empty where there are none)."""
    cells = np.empty(height, dtype=object)
    gathered: list[set[str]] = [set() for _ in range(height)]
    for place, text in zip(places, rows, strict=True):
        gathered[place].add(text)
    for place in range(height):
        cells[place] = sorted(gathered[place])
    return cells
