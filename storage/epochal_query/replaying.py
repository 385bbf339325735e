"""History replayed: what the log recorded between two instants, once more, at a pace of one's own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa

from epochal._host import spawn
from epochal_processors.frames import Positioned
from epochal_processors.recorded import paced, recorded, said_of, take_in
from epochal_query.errors import ReadError
from epochal_query.reading import Reading
from epochal_query.times import When, parse_instant
from epochal_storage.location import Embedded
from epochal_storage.remote import open_remote

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def replayed(reading: Reading, since: When | None, until: When | None, speed: float | None) -> Iterator[dict[str, Any]]:
    """What was recorded from ``since`` on and before ``until``, in order.

    Raises:
        TimeError: an instant can't be understood.
        ReadError: ``speed`` is not a number above 0.
    """
    history = _history(reading, since, until, speed)
    return (said_of(*one) for one in history)


def replay_into(reading: Reading, directory: Path, since: When | None, until: When | None, speed: float | None) -> int:
    """The same, taken into a new store in a directory; the number of frames.

    Raises:
        ReadError: there is something in the directory already; and as above.
    """
    history = _history(reading, since, until, speed)
    if directory.exists() and any(directory.iterdir()):
        raise ReadError(f"{directory} isn't empty: history is replayed into a new store only; name a new directory")
    store = open_remote(Embedded(directory), spawn)
    try:
        return take_in(store, history)
    finally:
        store.close()


def _history(reading: Reading, since: When | None, until: When | None, speed: float | None) -> Iterator[Positioned]:
    if speed is not None and not speed > 0:
        raise ReadError(f"speed={speed!r} is not a number above 0: 1 is as it happened, 60 a minute a second")
    bounds = [
        default if when is None else parse_instant(when, reading.now, what)
        for when, what, default in ((since, "since", _EPOCH), (until, "until", reading.now))
    ]

    def query(sql: str, parameters: Mapping[str, object]) -> pa.Table:
        return reading.source.query_arrow(sql, parameters, fresh=False)

    first, end = ((bound - _EPOCH).total_seconds() for bound in bounds)
    return paced(recorded(query, round(first * 1e6), round(end * 1e6)), speed)
