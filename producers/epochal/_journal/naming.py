"""What a metric may be called, and how refused names and values are shown."""

from __future__ import annotations

from .layout import MAX_NAME_BYTES


def plain_name(name: object) -> str | None:
    """The name as a plain ``str`` (whose hashing runs no code of the caller's), or None when it isn't one."""
    return str(name) if isinstance(name, str) and name else None


def utf8_name(text: str) -> bytes | None:
    """The bytes of a name, or None when it has none in UTF-8 (lone surrogates) or too many."""
    try:
        utf8 = text.encode("utf-8")
    except UnicodeEncodeError:
        return None
    return utf8 if len(utf8) <= MAX_NAME_BYTES else None


def refused_name(name: object) -> str:
    """Why a name was refused, for people."""
    return (
        f"the metric name {shown(name)} was refused and its point was not logged: "
        f"names are text, not empty, of at most {MAX_NAME_BYTES:,} bytes in UTF-8"
    )


def shown(value: object) -> str:
    """A value in a message: its repr, shortened in sight."""
    text = repr(value)
    return text if len(text) <= 100 else f"{text[:80]}... ({len(text):,} characters)"
