"""The rows of a history, and the frame they make."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from epochal_query.history_fates import Fate
from epochal_query.history_writers import Writer

NOBODY = Writer()


@dataclass(frozen=True, slots=True)
class Row:
    """One value of a field; times are UTC, None where nobody said it and it was concluded."""

    field: str
    value: Any
    fate: Fate
    removed: bool = False
    occurred_at: Any = None
    logged_at: Any = None
    recorded_at: Any = None
    rank: int | None = None
    reason: str | None = None
    event: str | None = None
    writer: str = ""


def frame_of(rows: Sequence[Row], writers: Mapping[str, Writer]) -> pd.DataFrame:
    """The frame: what, what became of it, when, who, why; absent is missing."""
    who = [writers.get(row.writer, NOBODY) for row in rows]
    values = pd.Series([row.value for row in rows], dtype=object)
    return pd.DataFrame(
        {
            "field": _texts(row.field for row in rows),
            "value": values,
            "removed": pd.Series([row.removed for row in rows], dtype=bool),
            "fate": _texts(row.fate.word for row in rows),
            "occurred_at": _times(row.occurred_at for row in rows),
            "user": _texts(one.user for one in who),
            "host": _texts(one.host for one in who),
            "pid": pd.Series([one.pid for one in who], dtype="Int64"),
            "rank": pd.Series([row.rank for row in rows], dtype="Int64"),
            "attempt": _texts(one.attempt for one in who),
            "commit": _texts(one.commit for one in who),
            "reason": _texts(row.reason for row in rows),
            "logged_at": _times(row.logged_at for row in rows),
            "recorded_at": _times(row.recorded_at for row in rows),
            "event": _texts(row.event for row in rows),
            "ended_by": _texts(row.fate.by for row in rows),
        }
    )


def _texts(found: Iterable[str | None]) -> Any:
    return pd.Series(list(found), dtype="str")


def _times(found: Iterable[Any]) -> Any:
    return pd.Series(list(found), dtype="datetime64[us, UTC]")
