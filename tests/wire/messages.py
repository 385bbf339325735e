"""Points and messages for the tests of the wire format."""

from __future__ import annotations

from uuid import UUID

import numpy as np
from hypothesis import strategies as st

from epochal._journal.reader import POINT, Points, Record
from epochal._kafka.wire import Outgoing, Owner, encode_event, encode_points

WRITER = UUID("01900000-0000-7000-8000-000000000001")
COMPONENT = UUID("1334d388-7186-545b-afb0-5c2ccc330f50")
OWNER = Owner("vision", COMPONENT, 3)
PAYLOAD = b'{"type":"epochal.note.written","v":1,"project":"vision","at":1700000000000000,"data":{}}'

Row = tuple[str, float, int, int, int]
"""Name, step, the bits of the value, logged and occurred in milliseconds."""


def points_of(rows: list[Row], first_seq: int = 0, names: tuple[str, ...] = ()) -> Points:
    """Points with consecutive sequence numbers; ``names`` come first in the list of names, used or not."""
    table = tuple(dict.fromkeys([*names, *(row[0] for row in rows)]))
    made = np.zeros(len(rows), POINT)
    made["seq"] = np.arange(first_seq, first_seq + len(rows))
    made["name"] = [table.index(row[0]) for row in rows]
    made["step"] = [row[1] for row in rows]
    made["value"] = np.array([row[2] for row in rows], np.uint64).view(np.float64)
    made["logged_ms"] = [row[3] for row in rows]
    made["occurred_ms"] = [row[4] for row in rows]
    return Points(WRITER, first_seq, table, made)


def rows_of(points: Points) -> list[Row]:
    """The rows that :func:`points_of` was given, as far as they tell."""
    rows = points.rows
    bits = rows["value"].copy().view(np.uint64).tolist()
    names = [points.names[i] for i in rows["name"].tolist()]
    return list(
        zip(names, rows["step"].tolist(), bits, rows["logged_ms"].tolist(), rows["occurred_ms"].tolist(), strict=True)
    )


def some_points(count: int = 100) -> Outgoing:
    """A message of plain points."""
    rows: list[Row] = [(f"m{i % 3}", float(i), i, 1_700_000_000_000 + i, 1_700_000_000_000) for i in range(count)]
    return encode_points(OWNER, points_of(rows, first_seq=10))


def an_event(payload: bytes = PAYLOAD) -> Outgoing:
    """A message of an event."""
    return encode_event(WRITER, "vision", Record(7, bytes(range(16)), payload))


TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
TIMES = st.integers(-2_208_988_800_000, 10_413_791_999_999)
ROWS = st.tuples(
    TEXTS.filter(bool),
    st.floats(allow_nan=False, allow_infinity=False),
    st.integers(0, 2**64 - 1),
    TIMES,
    TIMES,
)
OWNERS = st.builds(Owner, TEXTS, st.none() | st.uuids(), st.integers(0, 2**32 - 1))
