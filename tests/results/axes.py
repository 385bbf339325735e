"""The axes of a figure, to look at what is drawn."""

from __future__ import annotations

from typing import Any


def axes_of(figure: Any) -> list[Any]:
    """Untyped: what a test looks at is narrower than what may be drawn."""
    return list(figure.axes)
