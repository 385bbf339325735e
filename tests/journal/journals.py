"""Real journals for tests, and what is in them as plain values."""

from __future__ import annotations

import struct
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal
from uuid import UUID, uuid4

from epochal._journal.reader import Damage, EventsReader, MetricsReader, Points
from epochal._journal.writer import JournalWriter

MODES: tuple[Literal["mapped", "written"], ...] = ("mapped", "written")
Mode = Literal["auto", "mapped", "written"]


@dataclass
class Reports:
    """What a writer reported, in order."""

    told: list[tuple[str, str]] = field(default_factory=list)

    def __call__(self, kind: str, text: str) -> None:
        self.told.append((kind, text))

    def kinds(self) -> list[str]:
        return [kind for kind, _ in self.told]


def wall_clock_us() -> int:
    return time.time_ns() // 1000


def plain_number(value: object) -> float:
    """Accepts bools and what has ``__float__``, refuses text: like the SDK's own conversion, in short."""
    if isinstance(value, str) or not hasattr(value, "__float__"):
        raise TypeError(f"{value!r} is not a number")
    return float(value)


def open_writer(
    journals: Path,
    *,
    writer: UUID | None = None,
    mode: Mode = "auto",
    reports: Callable[[str, str], None] | None = None,
    max_segment_bytes: int = 16 * 1024 * 1024,
    now_us: Callable[[], int] = wall_clock_us,
    sync_interval_s: float = 0,
    monotonic: Callable[[], float] = time.monotonic,
) -> JournalWriter:
    """A writer with a real clock that never syncs by itself, so that tests don't depend on when it would."""
    return JournalWriter(
        journals,
        writer or uuid4(),
        now_us=now_us,
        convert=plain_number,
        report=reports or Reports(),
        mode=mode,
        max_segment_bytes=max_segment_bytes,
        sync_interval_s=sync_interval_s,
        monotonic=monotonic,
    )


@dataclass(frozen=True)
class Point:
    """One point, its floats as their bits so that NaN and -0.0 compare."""

    seq: int
    name: str
    step: bytes
    value: bytes
    occurred_ms: int | None

    @classmethod
    def of(cls, seq: int, name: str, step: float, value: float, occurred_ms: int | None = None) -> Point:
        return cls(seq, name, struct.pack("<d", step), struct.pack("<d", value), occurred_ms)


def flat(pieces: Iterable[Points]) -> list[Point]:
    """All points in order; ``occurred_ms`` only where it differs from when it was logged."""
    return [
        Point.of(seq, piece.names[name], step, value, None if occurred == logged else occurred)
        for piece in pieces
        for seq, name, step, value, logged, occurred in piece.rows.tolist()
    ]


def read_points(directory: Path, *, start_seq: int = 0, at_once: int = 1_000_000) -> tuple[list[Point], list[Damage]]:
    """Every point that can be read of a journal whose writer is gone."""
    reader = MetricsReader(directory, start_seq=start_seq)
    points: list[Point] = []
    while pieces := reader.read(at_once, final=True):
        for piece in pieces:
            assert piece.first_seq == piece.rows["seq"][0]
        points += flat(pieces)
    return points, reader.damage


def read_events(directory: Path) -> tuple[list[tuple[int, bytes]], list[Damage]]:
    """Every event that can be read of a journal whose writer is gone."""
    reader = EventsReader(directory)
    return [(record.seq, record.payload) for record in reader.read(10**9, final=True)], reader.damage
