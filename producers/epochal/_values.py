"""Free values (params, tags, variables) as JSON.

What JSON has keeps its type. What it lacks is written so that a reader can tell it from text:

* NaN and infinities: ``{"$float": "nan" | "inf" | "-inf"}``;
* anything unknown: ``{"$repr": repr(value), "type": "module.Class"}``;
* a caller's own key that begins with ``$`` gets one more ``$``.

Converted without a mark: NumPy, torch, TensorFlow and JAX scalars and arrays (to the Python number that prints the
same), enums (their value), dataclasses, named tuples, namespaces and pydantic models (mappings), paths, UUIDs,
dates and times (ISO 8601), durations (seconds), Decimal (a number if that keeps every digit, else text), sets
(sorted), tuples, ranges and deques (lists). None of these libraries is imported here.
"""

from __future__ import annotations

import math
import os
import re
import struct
from collections.abc import Callable, Iterable, Mapping
from datetime import date, time, timedelta
from decimal import Decimal
from enum import Enum
from typing import Final, TypeAlias, cast
from uuid import UUID

__all__ = ["JSON", "Mark", "plain", "split_cells", "to_json", "without_lone_surrogates"]

JSON: TypeAlias = "bool | int | float | str | list[JSON] | dict[str, JSON] | None"
Plain: TypeAlias = "bool | int | float | str | list[Plain] | dict[str, Plain] | Mark | None"
"""JSON before the keys are escaped: what is not the caller's own mapping is a :class:`Mark`."""

_PACKED: Final = {"float32": "f", "float16": "e", "half": "e"}
_DEEPEST: Final = 64
_WIDEST_INT: Final = 2**64
_SURROGATES: Final = re.compile("[\ud800-\udfff]")
_ADDRESS: Final = re.compile(r" at 0x[0-9a-fA-F]+")


class Mark:
    """A value that JSON lacks, as the object that stands for it on the wire."""

    __slots__ = ("wire",)

    def __init__(self, **wire: JSON) -> None:
        self.wire: dict[str, JSON] = {f"${key}" if key in ("float", "repr") else key: wire[key] for key in wire}


def to_json(value: object) -> JSON:
    """The value as JSON; never raises, and never drops anything."""
    return _wire(plain(value))


def split_cells(value: Plain) -> list[tuple[list[str], JSON]]:
    """A mapping taken apart into cells: (path, value). An empty mapping below the top is a value; lists are values.

    Path parts are the caller's keys as they are; only keys *inside* values are escaped.
    """
    cells: list[tuple[list[str], JSON]] = []

    def walk(path: list[str], node: Plain) -> None:
        if isinstance(node, dict) and (node or not path):
            for key, item in node.items():
                walk([*path, key], item)
        else:
            cells.append((path, _wire(node)))

    walk([], value)
    return cells


def without_lone_surrogates(text: str) -> str:
    """The text with surrogate pairs joined and every lone surrogate replaced by U+FFFD: then UTF-8 can carry it."""
    if not _SURROGATES.search(text):
        return text
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def _wire(node: Plain) -> JSON:
    if isinstance(node, dict):
        return {f"${key}" if key.startswith("$") else key: _wire(item) for key, item in node.items()}
    if isinstance(node, list):
        return [_wire(item) for item in node]
    return dict(node.wire) if isinstance(node, Mark) else node


def plain(value: object, _inside: tuple[int, ...] = ()) -> Plain:
    """The value as JSON with the caller's own keys not yet escaped."""
    if value is None or isinstance(value, (bool, Enum)):
        return plain(value.value, _inside) if isinstance(value, Enum) else value
    if isinstance(value, str):
        return str(value)
    if isinstance(value, int):
        return int(value) if abs(value) < _WIDEST_INT else _marked(value)
    if isinstance(value, float):
        return _float(float(value))
    if id(value) in _inside or len(_inside) >= _DEEPEST:
        return _marked(value)
    return _compound(value, (*_inside, id(value)))


def _compound(value: object, inside: tuple[int, ...]) -> Plain:
    try:
        if isinstance(value, Mapping):
            return _mapping(cast("Mapping[object, object]", value), inside)
        if isinstance(value, (set, frozenset)):
            return sorted((plain(item, inside) for item in cast("Iterable[object]", value)), key=_sort_key)
        named = _as_mapping(value)
        if named is not None:
            return _mapping(named, inside)
        if isinstance(value, (list, tuple)) or type(value).__name__ == "deque" or _is_short_range(value):
            return [plain(item, inside) for item in cast("Iterable[object]", value)]
        return _scalar(value, inside)
    except Exception:  # noqa: BLE001  a caller's object may raise anything from anywhere; its repr still tells of it
        return _marked(value)


def _scalar(value: object, inside: tuple[int, ...]) -> Plain:
    if isinstance(value, (date, time)):
        return value.isoformat()
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, Decimal):
        return _decimal(value)
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, os.PathLike):
        path = cast("object", os.fspath(cast("os.PathLike[str]", value)))
        return plain(path, inside) if isinstance(path, str) else _marked(value)
    return _array(value, inside)


def _array(value: object, inside: tuple[int, ...]) -> Plain:
    """NumPy, torch, TensorFlow and JAX values, known by what they can do."""
    if isinstance(value, type) or not hasattr(value, "dtype"):
        return _marked(value)
    if hasattr(value, "numpy") and not hasattr(value, "item"):
        value = cast("Callable[[], object]", getattr(value, "numpy"))()  # noqa: B009  TensorFlow
    python = cast("Callable[[], object] | None", getattr(value, "tolist", None) or getattr(value, "item", None))
    if python is None:
        return _marked(value)
    width = re.search(r"bfloat16|float(?:8|16|32)|half", str(getattr(value, "dtype", "")))
    return plain(_as_printed(python(), width.group()) if width else python(), inside)


def _as_printed(python: object, width: str) -> object:
    """Narrow floats as the Python number that prints the same: float32(0.1) is 0.1, not 0.10000000149011612."""
    if isinstance(python, list):
        return [_as_printed(item, width) for item in cast("list[object]", python)]
    if not isinstance(python, float) or not math.isfinite(python):
        return python
    if width not in _PACKED:
        return float(f"{python:.4g}")  # 8 bits of mantissa or less: four digits tell all of them apart
    bits = struct.pack(_PACKED[width], python)
    digits = (float(f"{python:.{count}g}") for count in range(1, 10))
    return next((number for number in digits if _packs_to(number, width) == bits), python)


def _packs_to(number: float, width: str) -> bytes | None:
    try:
        return struct.pack(_PACKED[width], number)
    except OverflowError:
        return None


def _mapping(value: Mapping[object, object], inside: tuple[int, ...]) -> dict[str, Plain]:
    result: dict[str, Plain] = {}
    for key, item in value.items():
        text = _key(key)
        if text in result:  # 1 and "1": both stay
            text = f"{text} ({type(key).__name__})"
        result[text] = plain(item, inside)
    return result


def _key(key: object) -> str:
    if isinstance(key, Enum):
        return _key(key.value)
    if isinstance(key, str):
        return str(key)
    if key is None or isinstance(key, bool):
        return {None: "null", True: "true", False: "false"}[key]
    return str(key)


def _as_mapping(value: object) -> Mapping[object, object] | None:
    if isinstance(value, type):
        return None
    fields = getattr(value, "__dataclass_fields__", None)
    if isinstance(fields, Mapping):
        names = cast("Mapping[str, object]", fields)
        return {name: getattr(value, name) for name in names if hasattr(value, name)}
    for dump in ("_asdict", "model_dump"):
        method = getattr(value, dump, None)
        if callable(method):
            return cast("Mapping[object, object]", method())
    if type(value).__name__ in ("Namespace", "SimpleNamespace"):
        return cast("Mapping[object, object]", vars(value))
    return None


def _is_short_range(value: object) -> bool:
    return isinstance(value, range) and len(value) <= 10_000


def _float(value: float) -> Plain:
    if math.isfinite(value):
        return value
    return Mark(float="nan" if value != value else "inf" if value > 0 else "-inf")


def _decimal(value: Decimal) -> Plain:
    if not value.is_finite():
        return _float(float(value)) if not value.is_snan() else _marked(value)
    number = float(value)
    return number if math.isfinite(number) and Decimal(repr(number)) == value else str(value)


def _sort_key(node: Plain) -> tuple[str, object]:
    if isinstance(node, (int, float)):
        return "", node
    return type(node).__name__, str(_wire(node))


def _marked(value: object) -> Mark:
    kind = type(value)
    try:
        text = hex(value) if isinstance(value, int) else repr(value)
    except Exception:  # noqa: BLE001  a caller's __repr__ may raise anything
        text = f"<a {kind.__qualname__} whose repr fails>"
    # addresses change from run to run: the same value would look different each time
    return Mark(repr=_ADDRESS.sub("", text), type=f"{kind.__module__}.{kind.__qualname__}")
