"""Values of bound parameters (`{name:Type}`) as the text that ClickHouse's HTTP interface takes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from uuid import UUID

_ESCAPES = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r", "\0": "\\0", "'": "\\'"})


def plain(value: object) -> object:
    """A value of NumPy or pandas as the Python value, or list of them, that it stands for."""
    convert = getattr(value, "tolist", None)
    return convert() if callable(convert) else value


def encoded(parameters: Mapping[str, object] | None) -> dict[str, str]:
    """Parameters as text, ready for the engine.

    Guarantees: a value is never read as SQL; text arrives exactly. Times without a zone are UTC.
    Raises: TypeError naming the parameter for a value of another kind than None, bool, number, text,
    time, date, UUID, or a sequence of these.
    """
    return {name: _top(name, value) for name, value in (parameters or {}).items()}


def _top(name: str, value: object) -> str:
    value = plain(value)
    if value is None:
        return "\\N"
    if isinstance(value, str):
        return value.translate(_ESCAPES)
    text = _literal(name, value)
    return text[1:-1] if isinstance(value, (datetime, date, UUID)) else text


def _literal(name: str, value: object) -> str:
    match value:
        case None:
            return "NULL"
        case bool():
            return "true" if value else "false"
        case int() | float():
            return repr(value)
        case str():
            return f"'{value.translate(_ESCAPES)}'"
        case datetime():
            moment = value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
            return f"'{moment:%Y-%m-%d %H:%M:%S.%f}'"
        case date() | UUID():
            return f"'{value}'"
        case Sequence() if not isinstance(value, (bytes, bytearray)):
            return f"[{','.join(_literal(name, item) for item in value)}]"
        case _:
            raise TypeError(
                f"parameter {name!r} is a {type(value).__name__}; None, bool, int, float, str, datetime, date, "
                "UUID and sequences of these are accepted"
            )
