"""How far a run's record has come."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

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
    acknowledged: bool | None = None
    """Whether Kafka has acknowledged all of that; None where it does not go to Kafka by itself (embedded, offline)."""
    watermark: Mapping[str, int] = field(default_factory=dict, hash=False)
    """With Kafka: by log the greatest offset that is acknowledged, as ``store.wait`` and ``known_at`` take it."""
