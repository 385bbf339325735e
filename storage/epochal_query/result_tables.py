"""Tables that were logged, as frames: each column with the type, and where it had one the dtype, that it was given."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping, Sequence
from typing import Any, cast

import numpy as np
import pandas as pd

from epochal_query.columns import unmarked


def table_frame(document: Mapping[str, Any]) -> pd.DataFrame:
    """The frame of a document of the kind "table"."""
    columns: list[Mapping[str, Any]] = document["columns"]
    made = [_series(column) for column in columns]
    levels = len(document["index"])
    frame = pd.DataFrame(dict(enumerate(made[levels:])), index=range(document["rows"]))
    frame.columns = pd.Index([column["name"] for column in columns[levels:]])
    if levels == 1:
        frame.index = pd.Index(made[0], name=document["index"][0])
    elif levels:
        frame.index = pd.MultiIndex.from_arrays(made[:levels], names=document["index"])
    return frame


def _series(column: Mapping[str, Any]) -> pd.Series[Any]:
    cells: list[Any] = column["values"]
    dtype: str = column.get("dtype", "")
    if dtype == "category":
        return _categories(column)
    match column["type"]:
        case "instant":
            return _arrow(dtype, _instants(cells, dtype))
        case "duration":
            unit, _ = _unit_and_zone(dtype)
            counted = np.array([np.iinfo(np.int64).min if cell is None else cell for cell in cells], dtype=np.int64)
            return _arrow(dtype, pd.Series(counted.view(f"timedelta64[{unit}]")))
        case _:
            return _as(dtype, _plain(column))


def _categories(column: Mapping[str, Any]) -> pd.Series[Any]:
    """The values by their places among the categories; objects where pandas can't have these as categories."""
    written: Mapping[str, Any] = column["categories"]
    place = {json.dumps(value): number for number, value in enumerate(written["values"])}
    codes = [-1 if value is None else place.get(json.dumps(value)) for value in column["values"]]
    try:
        if None in codes:  # a document in which the values were written apart from the categories
            return pd.Series(pd.Categorical(_plain(column), _series(written), ordered=column["ordered"]))
        labels: Any = (
            _objects([_hashable(one) for one in _plain(written)]) if written["type"] == "json" else _series(written)
        )
        return pd.Series(pd.Categorical.from_codes(cast("list[int]", codes), labels, ordered=column["ordered"]))
    except (TypeError, ValueError):
        return _objects(_plain(column))


def _hashable(value: Any) -> Any:
    if not isinstance(value, list):
        return value
    items: list[Any] = value
    return tuple(map(_hashable, items))


def _plain(column: Mapping[str, Any]) -> list[Any]:
    """The cells as Python has them."""
    cells: list[Any] = column["values"]
    if column["type"] == "float":
        return [float(cell) if isinstance(cell, str) else cell for cell in cells]
    return [unmarked(cell) for cell in cells] if column["type"] == "json" else cells


def _as(dtype: str, cells: Sequence[Any]) -> pd.Series[Any]:
    """The cells in the dtype that the column had; else in that of pandas which holds all of them exactly."""
    if dtype.startswith("Float"):
        return _masked(dtype, cells)
    if dtype and dtype[0] not in "<>|":  # those are NumPy's for texts of a fixed length, which pandas lacks
        with contextlib.suppress(TypeError, ValueError, NotImplementedError):  # one that this pandas doesn't know
            return pd.Series(cells, dtype=dtype)
    kinds = {type(cell) for cell in cells}
    missing = type(None) in kinds
    match sorted(kind.__name__ for kind in kinds - {type(None)}):
        case ["bool"]:
            return pd.Series(cells, dtype="boolean" if missing else "bool")
        case ["int"]:
            return _integers(cells, missing)
        case ["float"]:
            return _masked("Float64", cells) if missing else pd.Series(cells, dtype="float64")
        case ["str"]:
            try:
                return pd.Series(cells, dtype="str")
            except UnicodeEncodeError:  # half a character
                return _objects(cells)
        case _:
            return _objects(cells)


def _integers(cells: Sequence[Any], missing: bool) -> pd.Series[Any]:
    there = [cell for cell in cells if cell is not None]
    if min(there) >= -(2**63) and max(there) < 2**63:
        return pd.Series(cells, dtype="Int64" if missing else "int64")
    if min(there) >= 0 and max(there) < 2**64:
        return pd.Series(cells, dtype="UInt64" if missing else "uint64")
    return _objects(cells)


def _masked(dtype: str, cells: Sequence[Any]) -> pd.Series[Any]:
    """Floats of which some are missing; objects where NaN is among them, which pandas would take for missing."""
    if any(cell != cell for cell in cells):
        return _objects(cells)
    return pd.Series(cells, dtype=dtype)


def _objects(cells: Sequence[Any]) -> pd.Series[Any]:
    held = np.empty(len(cells), dtype=object)
    held[:] = cells
    return pd.Series(held, dtype=object)


def _instants(cells: Sequence[str | None], dtype: str) -> pd.Series[Any]:
    unit, zone = _unit_and_zone(dtype)
    plain = np.array(["NaT" if cell is None else cell for cell in cells], dtype=f"datetime64[{unit}]")
    series: pd.Series[Any] = pd.Series(plain)
    if not zone:
        return series
    return pd.Series(pd.DatetimeIndex(plain, tz="UTC").tz_convert(zone))


def _unit_and_zone(dtype: str) -> tuple[str, str]:
    """Of pandas' "datetime64[us, UTC]", of Arrow's "timestamp[us, tz=UTC][pyarrow]", "date32[day][pyarrow]"."""
    inside = dtype.removesuffix("[pyarrow]").partition("[")[2].rstrip("]") or "ns"
    unit, _, zone = inside.partition(", ")
    return "D" if unit == "day" else unit, zone.removeprefix("tz=")


def _arrow(dtype: str, series: pd.Series[Any]) -> pd.Series[Any]:
    """In the dtype of Arrow that the column had, as far as this pandas knows it."""
    if dtype.endswith("[pyarrow]"):
        with contextlib.suppress(TypeError, ValueError, NotImplementedError, ImportError):
            return series.astype(dtype)  # type: ignore[call-overload,no-any-return]
    return series
