"""Tables as documents: columns, each with its type, and with the dtype that it had in NumPy or pandas.

Accepted are pandas frames, NumPy arrays (two-dimensional or with fields), mappings of columns and lists of mappings.
Neither library is imported: what comes from them is known by what it can do.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final, cast

from epochal._results.documents import TABLE, document, numbers
from epochal._values import JSON, to_json

__all__ = ["table_document"]

_EXACT: Final = 2**53
_NUMBERS: Final = {"b": "bool", "i": "int", "u": "int", "f": "float"}
_MISSING: Final = ("NAType", "NaTType")
"""The types that pandas has for what isn't there."""
_UNITS: Final = ("W", "D", "h", "m", "s", "ms", "us", "ns")
"""Of instants and durations that pandas has as they are."""
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
    if len({len(column["values"]) for column in columns}) > 1:
        lengths = {column["name"]: len(column["values"]) for column in columns}
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
        return {**_categories(name, array, dtype), "dtype": "category", "ordered": bool(dtype.ordered)}
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


def _categories(name: object, array: Any, dtype: Any) -> dict[str, JSON]:
    """Each value as it is among the categories, so that it is found there again."""
    categories = _column(name, dtype.categories)
    known = cast("list[JSON]", categories["values"])
    codes: list[int] = (array.cat if hasattr(array, "cat") else array).codes.tolist()
    values = [None if code < 0 else known[code] for code in codes]
    return {"type": categories["type"], "values": values, "categories": categories}


def _cells(array: Any) -> list[object]:
    """The values as Python has them, None where pandas has none; NaN among numbers and objects is a value."""
    text = str(array.dtype).startswith("str")  # pandas marks a text that isn't there by NaN
    return [
        None if type(cell).__name__ in _MISSING or (text and isinstance(cell, float)) else cell
        for cell in cast("list[object]", array.tolist())
    ]


def _times(array: Any, kind: str) -> dict[str, JSON]:
    """Instants as ISO 8601 (UTC where they have a zone) and durations as whole numbers of the dtype's unit."""
    import numpy as np  # it is loaded: the column comes from it

    if hasattr(array.dtype, "pyarrow_dtype"):
        zone = getattr(array.dtype.pyarrow_dtype, "tz", None)
        array = array.astype(f"datetime64[{array.dtype.pyarrow_dtype.unit}, UTC]" if zone else array.dtype.numpy_dtype)
    if getattr(array.dtype, "tz", None) is not None:
        array = (array.dt if hasattr(array, "dt") else array).tz_convert(None)  # as UTC has it, without a zone
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
    timed = _timed(plain, there) if there else None
    return timed or {"type": "json", "values": [to_json(cell) for cell in plain]}


def _timed(cells: Sequence[Any], there: Sequence[Any]) -> dict[str, JSON] | None:
    """Cells that are all instants with a zone, instants without one, or durations; None: no dtype has all of them."""
    if all(isinstance(cell, datetime) for cell in there) and len({cell.tzinfo is None for cell in there}) == 1:
        unit = "ns" if any(getattr(cell, "nanosecond", 0) for cell in there) else "us"
        if unit == "ns" and not all(1678 <= cell.year <= 2261 for cell in there):
            return None
        inside = unit if there[0].tzinfo is None else f"{unit}, UTC"
        texts: list[JSON] = [None if cell is None else _utc(cell) for cell in cells]
        return {"type": "instant", "dtype": f"datetime64[{inside}]", "values": texts}
    if all(isinstance(cell, timedelta) for cell in there):
        unit = "ns" if any(getattr(cell, "nanoseconds", 0) for cell in there) else "us"
        counts = [None if cell is None else _count(cell, unit) for cell in cells]
        fit = all(count is None or abs(count) < 2**63 for count in counts)
        spans = cast("list[JSON]", counts)
        return {"type": "duration", "dtype": f"timedelta64[{unit}]", "values": spans} if fit else None
    kinds = {_kind(cell) for cell in there}
    return _numpy_times(cells, there, kinds.pop()) if kinds in ({"M"}, {"m"}) else None


def _numpy_times(cells: Sequence[Any], there: Sequence[Any], kind: str) -> dict[str, JSON] | None:
    import numpy as np  # it is loaded: the cells come from it

    array = np.array([type(there[0])("NaT") if cell is None else cell for cell in cells])
    if str(array.dtype).partition("[")[2].rstrip("]") not in _UNITS:
        return None
    back = (
        cell is None or np.isnat(cell) or one.astype(cell.dtype) == cell for one, cell in zip(array, cells, strict=True)
    )
    if not all(back):  # NumPy says nothing where a unit is too fine for an instant
        return None
    return {**_times(array, kind), "dtype": str(array.dtype)}


def _utc(cell: datetime) -> str:
    return (cell if cell.tzinfo is None else cell.astimezone(UTC).replace(tzinfo=None)).isoformat()


def _count(cell: Any, unit: str) -> int:
    """A duration as a whole number of the unit."""
    whole = int(cell // timedelta(microseconds=1))
    return whole * 1000 + int(getattr(cell, "nanoseconds", 0)) if unit == "ns" else whole


def _kind(cell: object) -> str:
    return str(getattr(getattr(cell, "dtype", None), "kind", ""))


def _unwrapped(cell: Any) -> object:
    """A number of NumPy, torch, TensorFlow or JAX as Python has it; None where pandas has none."""
    if type(cell).__name__ in _MISSING:
        return None
    scalar = hasattr(cell, "dtype") and hasattr(cell, "item") and getattr(cell, "shape", None) in ((), None)
    return cell.item() if scalar and _kind(cell) not in ("m", "M") else cell  # of an instant it may be a bare number
