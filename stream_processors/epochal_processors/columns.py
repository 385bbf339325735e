"""Metric points of many streams as columns: what points, partials and blocks are computed from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple
from uuid import UUID

import numpy as np
import numpy.typing as npt

from epochal_processors.frames import PointFrame, Position

BLOCK_BITS = 12
BLOCK_SIZE = 1 << BLOCK_BITS
"""Sequence numbers a block."""
ELSEWHERE = 2**64 - 1
"""The offset of a row that came through another log than the rest of its stream: beyond every watermark."""

U32 = npt.NDArray[np.uint32]
U64 = npt.NDArray[np.uint64]
I64 = npt.NDArray[np.int64]
F64 = npt.NDArray[np.float64]
Index = npt.NDArray[np.intp]
Bools = npt.NDArray[np.bool_]


class Stream(NamedTuple):
    """A writer's metrics channel: what all its points share."""

    project: str
    component: UUID
    rank: int
    writer: UUID
    log: str


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of one stream on its way into a batch; ``name`` indexes ``names``; ``fresh`` as in the batch."""

    stream: Stream
    names: Sequence[str]
    name: npt.NDArray[Any]
    seq: npt.NDArray[Any]
    step: npt.NDArray[Any]
    value: npt.NDArray[Any]
    logged_ms: npt.NDArray[Any]
    occurred_ms: npt.NDArray[Any]
    recorded_us: npt.NDArray[Any] | int
    offset: npt.NDArray[Any] | int
    fresh: npt.NDArray[Any] | bool = True


@dataclass(frozen=True, slots=True)
class PointBatch:
    """Points of any number of streams.

    ``streams`` are in the order in which ClickHouse sorts them, ``names`` by their UTF-8 bytes; the rows go by
    stream, then as given. Steps are never -0.0. Times are UTC: milliseconds, and microseconds for ``recorded_us``.
    Rows that aren't ``fresh`` were taken in before and complete the blocks of those that are.
    """

    streams: tuple[Stream, ...]
    names: tuple[str, ...]
    stream: U32
    name: U32
    seq: U64
    step: F64
    value: F64
    logged_ms: I64
    occurred_ms: I64
    recorded_us: I64
    offset: U64
    fresh: Bools

    def __len__(self) -> int:
        return len(self.seq)

    def take(self, index: npt.NDArray[Any] | slice) -> PointBatch:
        """The rows chosen, with the same streams and names."""
        return PointBatch(self.streams, self.names, *(getattr(self, column)[index] for column in ROW_COLUMNS))

    def part(self, stream: int, rows: slice | npt.NDArray[Any]) -> Part:
        """Rows of one stream as a part of a later batch, in which they aren't fresh."""
        columns = {column: getattr(self, column)[rows] for column in ROW_COLUMNS[1:-1]}
        return Part(self.streams[stream], self.names, **columns, fresh=False)


ROW_COLUMNS = ("stream", "name", "seq", "step", "value", "logged_ms", "occurred_ms", "recorded_us", "offset", "fresh")
NO_POINTS = PointBatch(
    (),
    (),
    np.empty(0, np.uint32),
    np.empty(0, np.uint32),
    np.empty(0, np.uint64),
    np.empty(0),
    np.empty(0),
    np.empty(0, np.int64),
    np.empty(0, np.int64),
    np.empty(0, np.int64),
    np.empty(0, np.uint64),
    np.empty(0, np.bool_),
)


def stream_order(stream: Stream) -> tuple[bytes, bytes, int, bytes]:
    """The order of ClickHouse's sorting key; it compares the second half of a UUID first."""
    component, writer = stream.component.bytes, stream.writer.bytes
    return (
        stream.project.encode(),
        component[8:] + component[:8],
        stream.rank,
        writer[8:] + writer[:8],
    )


def part_of(position: Position, frame: PointFrame) -> Part:
    """A frame at its position as a part of a batch; copies nothing.

    Raises:
        ValueError: the frame has no component.
    """
    if frame.component is None:
        raise ValueError(f"points of {frame.writer} have no component")
    stream = Stream(frame.project, frame.component, frame.rank, frame.writer, position.log)
    rows = frame.points.rows
    return Part(
        stream,
        frame.points.names,
        rows["name"],
        rows["seq"],
        rows["step"],
        rows["value"],
        rows["logged_ms"],
        rows["occurred_ms"],
        position.recorded_at_us,
        position.offset,
    )


def assemble(parts: Sequence[Part]) -> PointBatch:
    """One batch of all parts: by stream, then in the order given."""
    if not parts:
        return NO_POINTS
    streams = tuple(sorted({part.stream for part in parts}, key=stream_order))
    stream_index = {stream: i for i, stream in enumerate(streams)}
    parts = sorted(parts, key=lambda part: stream_index[part.stream])
    names = tuple(sorted({name for part in parts for name in part.names}, key=str.encode))
    name_index = {name: i for i, name in enumerate(names)}
    counts = [len(part.seq) for part in parts]
    total = sum(counts)
    columns: dict[str, npt.NDArray[Any]] = {
        column: np.empty(total, getattr(NO_POINTS, column).dtype) for column in ROW_COLUMNS
    }
    end = 0
    for part, count in zip(parts, counts, strict=True):
        rows = slice(end, end := end + count)
        columns["stream"][rows] = stream_index[part.stream]
        renamed = np.array([name_index[name] for name in part.names], np.uint32)
        np.take(renamed, part.name, out=columns["name"][rows], mode="clip")
        for column in ROW_COLUMNS[2:]:
            columns[column][rows] = getattr(part, column)
    columns["step"] += 0.0  # -0.0 becomes 0.0
    return PointBatch(streams, names, **columns)


def batch_of(frames: Sequence[tuple[Position, PointFrame]]) -> PointBatch:
    """The points of frames at their positions."""
    return assemble([part_of(position, frame) for position, frame in frames])


def series_order(batch: PointBatch) -> Index:
    """The order (project, component, metric, rank, writer, row): series lie together, rows of a stream as they were.

    Where a stream's steps don't fall this is the order of the ``metrics`` table.
    """
    components: dict[tuple[str, UUID], int] = {}
    of_stream = [components.setdefault((s.project, s.component), len(components)) for s in batch.streams]
    if len(components) == 1:
        return stable_order(batch.name, len(batch.names))
    codes = np.array(of_stream, np.uint32)[batch.stream] * np.uint32(len(batch.names)) + batch.name
    if len(components) * len(batch.names) >= 2**32:
        wide = np.array(of_stream, np.uint64)[batch.stream] * np.uint64(len(batch.names)) + batch.name
        return np.argsort(wide, kind="stable")
    return stable_order(codes, len(components) * len(batch.names))


def stable_order(codes: U32, bound: int) -> Index:
    """A stable argsort of codes below ``bound``: NumPy's radix sort works on 16 bits, so wider codes take two."""
    low = np.argsort(codes.astype(np.uint16), kind="stable")
    if bound <= 1 << 16:
        return low
    high = np.argsort((codes >> np.uint32(16)).astype(np.uint16)[low], kind="stable")
    return low[high]
