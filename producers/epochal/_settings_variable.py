"""One row of the table of settings."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

__all__ = ["Variable"]


@dataclass(frozen=True)
class Variable:
    """One environment variable: what it means, what it is when unset, what is accepted."""

    name: str
    meaning: str
    default: str
    accepted: str
    field: str
    parse: Callable[[str], object]
    secret: bool = False
    """Whether its value is never shown."""
