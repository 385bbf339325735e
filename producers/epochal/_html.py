"""What notebooks show of a handle. Every text is escaped: names are whatever somebody typed."""

from __future__ import annotations

from collections.abc import Mapping

__all__ = ["card", "preformatted"]


def card(title: str, fields: Mapping[str, object]) -> str:
    """A heading, and below it a table of what is known; what is None or empty is left out."""
    from html import escape

    rows = "".join(
        f'<tr><th style="text-align:left">{escape(name)}</th><td style="text-align:left">{_cell(value)}</td></tr>'
        for name, value in fields.items()
        if value is not None and value != "" and value != {} and value != []
    )
    return f"<div><b>{escape(title)}</b><table>{rows}</table></div>"


def preformatted(text: str) -> str:
    """A text as it is laid out."""
    from html import escape

    return f"<pre>{escape(text)}</pre>"


def _cell(value: object) -> str:
    from html import escape

    if isinstance(value, Mapping):
        return "<br>".join(f"{escape(str(name))} = {escape(repr(each))}" for name, each in value.items())  # pyright: ignore[reportUnknownArgumentType]
    return escape(str(value))
