"""Points for the tests of this folder."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple
from uuid import UUID

import numpy as np

from epochal._journal.reader import POINT, Points
from epochal_processors.frames import PointFrame, Position

WRITER = UUID("01900000-0000-7000-8000-000000000001")
COMPONENT = UUID("1334d388-7186-545b-afb0-5c2ccc330f50")
LOG = "intake:test"


class Logged(NamedTuple):
    """One point as it was logged."""

    name: str
    step: float
    value: float
    logged_ms: int = 1_700_000_000_000
    occurred_ms: int = 1_700_000_000_000


def points(logged: Sequence[Logged], first_seq: int = 0, writer: UUID = WRITER) -> Points:
    """Points with consecutive sequence numbers."""
    names = tuple(dict.fromkeys(point.name for point in logged))
    rows = np.zeros(len(logged), POINT)
    rows["seq"] = np.arange(first_seq, first_seq + len(logged))
    for i, point in enumerate(logged):
        rows[i] = (first_seq + i, names.index(point.name), *point[1:])
    return Points(writer, first_seq, names, rows)


def frame(
    logged: Sequence[Logged], first_seq: int = 0, writer: UUID = WRITER, component: UUID | None = COMPONENT
) -> PointFrame:
    """A frame of such points."""
    return PointFrame("p", component, 0, writer, points(logged, first_seq, writer))


def position(offset: int) -> Position:
    """The position of the frame with this number."""
    return Position(LOG, offset, 1_800_000_000_000_000 + offset)


def cut(whole: PointFrame, first: int, end: int) -> PointFrame:
    """The rows from ``first`` to ``end`` of a frame that begins at 0."""
    part = Points(whole.writer, first, whole.points.names, whole.points.rows[first:end])
    return PointFrame(whole.project, whole.component, whole.rank, whole.writer, part)


def rows_of(table: Any) -> list[dict[str, Any]]:
    """An Arrow table as rows."""
    found: list[dict[str, Any]] = table.to_pylist()
    return found
