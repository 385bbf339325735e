"""Free values as cells: JSON text, and the columns that queries compare with (type, number, text)."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from typing import NamedTuple

FLOATS = {"nan": math.nan, "inf": math.inf, "-inf": -math.inf}


class Cell(NamedTuple):
    """A value as the facts table holds it.

    ``type`` is number, text, bool, null, list, object or repr; ``number`` is set for numbers and bools;
    ``text`` for text and for a value that was kept by its repr.
    """

    value: str
    type: str
    number: float | None
    text: str


NOTHING = Cell("null", "null", None, "")
"""The value of a statement that takes one away."""


def cell(value: object) -> Cell:
    """A JSON value (floats that JSON lacks as ``{"$float": …}``) as a cell."""
    text = json_text(value)
    match value:
        case None:
            return Cell(text, "null", None, "")
        case bool():
            return Cell(text, "bool", float(value), "")
        case int() | float():
            return Cell(text, "number", _as_float(value), "")
        case str():
            return Cell(text, "text", None, value)
        case {"$float": str() as name, **rest} if not rest and name in FLOATS:
            return Cell(text, "number", FLOATS[name], "")
        case {"$repr": str() as shown, "type": str(), **rest} if not rest:
            return Cell(text, "repr", None, shown)
        case dict():
            return Cell(text, "object", None, "")
        case _:
            return Cell(text, "list", None, "")


def json_text(value: object) -> str:
    """Compact JSON; a bare NaN or infinity becomes the ``{"$float": …}`` that stands for it."""
    try:
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False, default=str)
    except ValueError:
        return json.dumps(_marked(value), ensure_ascii=False, separators=(",", ":"), default=str)


def path_key(path: Iterable[str]) -> str:
    """A param's path as its key: parts joined by a dot; a dot or backslash inside a part is escaped by a backslash."""
    return ".".join(part.replace("\\", "\\\\").replace(".", "\\.") for part in path)


def key_path(key: str) -> list[str]:
    """The parts of a key, from the outside in: the inverse of :func:`path_key` (an empty key is one empty part)."""
    parts = [""]
    escaped = False
    for char in key:
        if escaped or char not in "\\.":
            parts[-1] += char
            escaped = False
        elif char == "\\":
            escaped = True
        else:
            parts.append("")
    return parts


def _as_float(value: float) -> float:
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf


def _marked(value: object) -> object:
    """The value with its NaNs and infinities marked."""
    match value:
        case float() if not math.isfinite(value):
            return {"$float": "nan" if math.isnan(value) else "inf" if value > 0 else "-inf"}
        case dict():
            return {key: _marked(inner) for key, inner in value.items()}
        case list() | tuple():
            return [_marked(inner) for inner in value]
        case _:
            return value
