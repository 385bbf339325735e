"""Tables as documents: columns, each with its type, and with the dtype that it had in NumPy or pandas.

Accepted are pandas frames, NumPy arrays (two-dimensional or with fields), mappings of columns and lists of mappings.
Neither library is imported: what comes from them is known by what it can do.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, cast

from epochal._results.documents import TABLE, document, numbers
from epochal._values import JSON, to_json

__all__ = ["table_document"]

_EXACT: Final = 2**53
_NUMBERS: Final = {"b": "bool", "i": "int", "u": "int", "f": "float"}
_PYTHON: Final = (float, int, str, bool, type(None))
_ACCEPTED: Final = (
    "accepted are a pandas frame, a NumPy array of two dimensions or with fields, a mapping of names to columns, "
    "and a list of mappings, one a row"
)


def table_document(name: str, table: object) -> tuple[bytes, str]:
    """A table as a document.

    Raises:
        TypeError: it is no table, a column's name is neither text nor a whole number, or a column is none.
        ValueError: columns differ in length, or have the same name.
    """
    index: list[JSON] = []
    if hasattr(table, "iloc") and hasattr(table, "columns"):
        columns, index = _frame(table)
    elif hasattr(table, "dtype") and hasattr(table, "tolist"):
        columns = _array(table)
    elif isinstance(table, Mapping):
        columns = [(key, column) for key, column in cast("Mapping[object, object]", table).items()]
    elif isinstance(table, Iterable) and not isinstance(table, (str, bytes)):
        columns = _rows(list(cast("Iterable[object]", table)))
    else:
        raise TypeError(f"a {type(table).__name__} is no table: {_ACCEPTED}")
    written = [{"name": _name(key), **_column(key, column)} for key, column in columns]
    _check(written, len(index))
    rows = len(cast("list[JSON]", written[0]["values"])) if written else _height(table)
    return document(TABLE, name, rows=rows, index=index, columns=cast("list[JSON]", written))


def _check(columns: Sequence[Mapping[str, Any]], indexes: int) -> None:
    lengths = {str(column["name"]): len(column["values"]) for column in columns}
    if len(set(lengths.values())) > 1:
        raise ValueError(f"the columns differ in length: {lengths}")
    names = [column["name"] for column in columns[indexes:]]
    if twice := [name for name in names if names.count(name) > 1]:
        raise ValueError(f"two columns are named {twice[0]!r}: give each a name of its own")


def _height(table: object) -> int:
    """Rows of a table without columns."""
    return len(table) if hasattr(table, "iloc") or isinstance(table, list) else 0  # type: ignore[arg-type]


def _name(given: Any) -> JSON:
    key: object = given.item() if hasattr(given, "dtype") and hasattr(given, "item") else given
    if isinstance(key, bool) or not isinstance(key, (str, int)):
        raise TypeError(f"a column's name is text or a whole number; got {key!r}")
    return key


def _frame(frame: Any) -> tuple[list[tuple[object, object]], list[JSON]]:
    """The columns of a pandas frame; before them those of its index, unless that only numbers the rows."""
    columns = [(name, frame.iloc[:, place]) for place, name in enumerate(frame.columns)]
    index = frame.index
    if type(index).__name__ == "RangeIndex" and (index.start, index.step, index.name) == (0, 1, None):
        return columns, []
    names = [None if name is None else _name(name) for name in index.names]
    levels = [
        ("index" if name is None else name, index.get_level_values(level).to_series())
        for level, name in enumerate(names)
    ]
    return [*levels, *columns], names


def _array(array: Any) -> list[tuple[object, object]]:
    if array.dtype.names:
        return [(name, array[name]) for name in array.dtype.names]
    if array.ndim != 2:
        raise TypeError(f"an array of shape {tuple(array.shape)} is no table: {_ACCEPTED}")
    return [(place, array[:, place]) for place in range(array.shape[1])]


def _rows(rows: Sequence[object]) -> list[tuple[object, object]]:
    if wrong := [row for row in rows if not isinstance(row, Mapping)]:
        raise TypeError(f"a row that is {wrong[0]!r} is no mapping of column names to values: {_ACCEPTED}")
    given = cast("Sequence[Mapping[object, object]]", rows)
    names = dict.fromkeys(name for row in given for name in row)
    return [(name, [row.get(name) for row in given]) for name in names]


def _column(name: object, column: object) -> dict[str, JSON]:
    if isinstance(column, (str, bytes, Mapping)) or not isinstance(column, Iterable):
        raise TypeError(f"column {name!r} is {column!r}: a column is a list of its values")
    if not hasattr(column, "dtype") or not hasattr(column, "tolist"):
        return _typed(list(cast("Iterable[object]", column)))
    array: Any = column
    if len(getattr(array, "shape", (0,))) != 1:
        raise TypeError(f"column {name!r} is an array of shape {tuple(array.shape)}: a column has one dimension")
    dtype = array.dtype
    if hasattr(dtype, "categories"):
        kinds = {"categories": _column(name, dtype.categories), "ordered": bool(dtype.ordered)}
        return {**_typed(_cells(array.astype(object))), "dtype": "category", **cast("dict[str, JSON]", kinds)}
    kind = getattr(dtype, "kind", "O")
    told: dict[str, JSON] = {} if str(dtype) == "object" or hasattr(array, "numpy") else {"dtype": str(dtype)}
    if kind in "mM":
        return {**_times(array, kind), **told}
    if kind == "f" and getattr(dtype, "itemsize", 8) > 8:
        raise TypeError(f"column {name!r} is of {dtype}, which is wider than float64: convert it, as that loses digits")
    if kind in _NUMBERS and type(dtype).__module__.startswith("numpy"):  # none of them is missing
        numeric: list[Any] = array.tolist()
        return {"type": _NUMBERS[kind], "values": numbers(numeric) if kind == "f" else numeric, **told}
    return {**_typed(_cells(array)), **told}


def _cells(array: Any) -> list[object]:
    """The values as Python has them, None where pandas has none; NaN among numbers and objects is a value."""
    text = str(array.dtype).startswith("str")  # pandas marks a text that isn't there by NaN
    return [
        None if type(cell).__name__ in ("NAType", "NaTType") or (text and isinstance(cell, float)) else cell
        for cell in cast("list[object]", array.tolist())
    ]


def _times(array: Any, kind: str) -> dict[str, JSON]:
    """Instants as ISO 8601 (UTC where they have a zone) and durations as whole numbers of the dtype's unit."""
    import numpy as np  # it is loaded: the column comes from it

    if getattr(array.dtype, "tz", None) is not None:
        array = array.dt.tz_convert("UTC").dt.tz_localize(None)
    plain = np.asarray(array)
    gone = np.isnat(plain).tolist()
    shown: list[JSON] = (np.datetime_as_string(plain) if kind == "M" else plain.astype(np.int64)).tolist()
    values = [None if absent else value for value, absent in zip(shown, gone, strict=True)]
    return {"type": "instant" if kind == "M" else "duration", "values": values}


def _typed(cells: Sequence[object]) -> dict[str, JSON]:
    """The values with the type that all of them have; "json" where they have none in common."""
    plain = [cell if type(cell) in _PYTHON else _unwrapped(cell) for cell in cells]
    there = [cell for cell in plain if cell is not None]
    if there and all(isinstance(cell, bool) for cell in there):
        return {"type": "bool", "values": cast("list[JSON]", plain)}
    if there and not any(isinstance(cell, bool) for cell in there):
        if all(isinstance(cell, int) for cell in there):
            return {"type": "int", "values": [None if cell is None else int(cast("int", cell)) for cell in plain]}
        if all(isinstance(cell, float) or (isinstance(cell, int) and abs(cell) <= _EXACT) for cell in there):
            floats = [None if cell is None else numbers([cell])[0] for cell in plain]
            return {"type": "float", "values": floats}
    if there and all(isinstance(cell, str) for cell in there):
        return {"type": "text", "values": [None if cell is None else str(cell) for cell in plain]}
    if there and all(isinstance(cell, datetime) and cell.tzinfo is not None for cell in there):
        return {"type": "instant", "dtype": "datetime64[us, UTC]", "values": [_utc(cell) for cell in plain]}
    return {"type": "json", "values": [to_json(cell) for cell in plain]}


def _utc(cell: object) -> str | None:
    from datetime import UTC

    return None if cell is None else cast("datetime", cell).astimezone(UTC).replace(tzinfo=None).isoformat()


def _unwrapped(cell: Any) -> object:
    """A number of NumPy, torch, TensorFlow or JAX as Python has it."""
    scalar = hasattr(cell, "dtype") and hasattr(cell, "item") and getattr(cell, "shape", None) in ((), None)
    return cell.item() if scalar else cell
