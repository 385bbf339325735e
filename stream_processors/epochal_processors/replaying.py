"""Dead letters taken in once more, by the host of an embedded store."""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from epochal._errors import EpochalError
from epochal_processors.coverage import Coverage, Ranges
from epochal_processors.delivery import Delivery
from epochal_processors.follower_needs import LogHistory
from epochal_processors.frames import LIFECYCLE, METRICS, Frame
from epochal_processors.parcels import Parcel, as_files, as_frame, from_files
from epochal_processors.tables import rows_table
from epochal_storage.errors import StoreError
from epochal_storage.writing import TableWriter

Place = tuple[str, int]
"""A log and an offset in it."""


@dataclass(frozen=True, slots=True)
class Replay:
    """What is to be taken in again of a dead letter, and by whose word."""

    letter: UUID
    parcel: Parcel
    repaired: bool
    by: str


def packed_replays(replays: Sequence[Replay]) -> bytes:
    """Replays as a request to a host."""
    said = []
    for one in replays:
        about, content = as_files(one.parcel)
        said.append(
            {
                "letter": str(one.letter),
                "about": about,
                "content": base64.b64encode(content).decode(),
                "repaired": one.repaired,
                "by": one.by,
            }
        )
    return json.dumps(said).encode()


def unpacked_replays(body: bytes) -> list[Replay]:
    """The replays of :func:`packed_replays`.

    Raises:
        StoreError: these are other bytes.
    """
    try:
        return [
            Replay(
                UUID(one["letter"]),
                from_files(one["about"], base64.b64decode(one["content"])),
                bool(one["repaired"]),
                str(one["by"]),
            )
            for one in json.loads(body)
        ]
    except (EpochalError, KeyError, TypeError, ValueError) as error:
        raise StoreError(f"the request can't be understood: {error!r}") from error


class Replayer:
    """Takes frames in between two cycles of a follower. What it takes needs no journal."""

    def __init__(self, delivery: Delivery, coverage: Coverage, history: LogHistory) -> None:
        self._delivery = delivery
        self._coverage = coverage
        self._history = history

    def take(self, frames: Sequence[Frame]) -> list[Place]:
        """Take frames in, each at a position of its own; returns when they are in the store.

        Raises:
            OSError, StoreError: the intake or the store refuses.
        """
        strangers = {frame.writer for frame in frames if not self._coverage.has(frame.writer)}
        held = self._history.ranges(strangers) if strangers else {}
        for writer in strangers:
            for channel in (LIFECYCLE, METRICS):
                self._coverage.load(writer, channel, held.get((writer, channel), Ranges()))
        positions = self._delivery.take(frames, [])
        self._delivery.settle()
        for writer in strangers:
            self._coverage.forget(writer)
        return [(position.log, position.offset) for position in positions]


def take_in(replays: Sequence[Replay], replayer: Replayer, store: TableWriter, now_us: int) -> list[Place]:
    """Take replays in, and write down that it was done. Raises what the intake and the store raise."""
    places = replayer.take([as_frame(one.parcel) for one in replays])
    write_down(replays, places, store, now_us)
    return places


def write_down(replays: Sequence[Replay], places: Sequence[Place], store: TableWriter, now_us: int) -> None:
    """Write down which letters were sent again, where, when (microseconds, UTC) and by whom."""
    rows = [(one.letter, now_us, *place, one.repaired, one.by) for one, place in zip(replays, places, strict=True)]
    store.insert("replays", rows_table("replays", rows))
