"""How far a run's record has come."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Position"]


@dataclass(frozen=True)
class Position:
    """What is safe in the journal of one writer: so many events and so many points, counted from its first."""

    component: str
    writer: str
    events: int
    points: int
    lost: int = 0
    """Points, events and calls that could not be kept; the reasons are on the component."""
