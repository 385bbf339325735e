"""Frames as Kafka messages: CloudEvents in the binary binding (docs/wire-format.md). Pure; nothing here sends."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Literal
from uuid import UUID

import numpy as np
import pyarrow as pa

from epochal._journal.reader import Points, Record

FORMAT: Final = 1
"""Newest version of the messages that this code writes and reads."""
SPEC_VERSION: Final = "1.0"
JSON_TYPE: Final = "application/json"
ARROW_TYPE: Final = "application/vnd.apache.arrow.stream"
POINTS_TYPE: Final = "epochal.metrics.points"
UNREADABLE_TYPE: Final = "epochal.unreadable"
"""The ce_type of a lifecycle event whose envelope doesn't say its own."""

TIME: Final = pa.timestamp("ms", "UTC")
COLUMNS: Final[Mapping[str, pa.DataType]] = {
    "metric": pa.dictionary(pa.int32(), pa.string()),
    "step": pa.float64(),
    "value": pa.float64(),
    "logged_at": TIME,
    "occurred_at": TIME,
}
"""The columns of points in their order; ``occurred_at`` is left out when it says the same as ``logged_at``."""

Channel = Literal["lifecycle", "metrics"]
# handing five small buffers to a pool of threads costs more than compressing them
_WRITE: Final = pa.ipc.IpcWriteOptions(compression="zstd", use_threads=False)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Owner:
    """What a writer's series belong to; ``component`` is None where nobody can tell."""

    project: str
    component: UUID | None
    rank: int


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One message: which channel it belongs to, which sequence numbers it covers, and its bytes."""

    channel: Channel
    first_seq: int
    count: int
    key: bytes
    value: bytes
    headers: list[tuple[str, bytes]]

    @property
    def size(self) -> int:
        """Bytes of key, value and headers."""
        return len(self.key) + len(self.value) + sum(len(name) + len(value) for name, value in self.headers)


def encode_event(writer: UUID, project: str, record: Record) -> Outgoing:
    """A lifecycle event as a message of its own: its payload as it lies in the journal, byte for byte."""
    kind, version, time_us = _said(record.payload)
    headers = _headers(
        id=f"{writer}:{record.seq}",
        source=_source(writer),
        type=kind,
        time=_rfc3339(time_us),
        dataschema=_schema(kind, version),
        project=project,
        seq=str(record.seq),
        salt=record.salt.hex(),
    )
    content_type = ("content-type", JSON_TYPE.encode())
    return Outgoing("lifecycle", record.seq, 1, _key(writer), record.payload, [*headers, content_type])


def encode_points(owner: Owner, points: Points) -> Outgoing:
    """Points with consecutive sequence numbers as one message: an Arrow stream with one batch, zstd."""
    first, count = int(points.first_seq), len(points.rows)
    last_us = int(points.rows["logged_ms"][-1]) * 1000 if count else None
    headers = _headers(
        id=f"{points.writer}/metrics:{first}+{count}",
        source=_source(points.writer),
        type=POINTS_TYPE,
        time=_rfc3339(last_us),
        dataschema=_schema(POINTS_TYPE, FORMAT),
        project=owner.project,
        component=None if owner.component is None else str(owner.component),
        rank=str(owner.rank),
        seq=str(first),
        count=str(count),
    )
    content_type = ("content-type", ARROW_TYPE.encode())
    return Outgoing("metrics", first, count, _key(points.writer), _arrow(points), [*headers, content_type])


def _arrow(points: Points) -> bytes:
    rows = points.rows
    columns: dict[str, pa.Array] = {
        "metric": _named(rows["name"], points.names),
        "step": pa.array(rows["step"]),
        "value": pa.array(rows["value"]),
        "logged_at": pa.array(rows["logged_ms"]).view(TIME),
    }
    if not np.array_equal(rows["occurred_ms"], rows["logged_ms"]):
        columns["occurred_at"] = pa.array(rows["occurred_ms"]).view(TIME)
    fields = [pa.field(name, COLUMNS[name], nullable=False) for name in columns]
    batch = pa.RecordBatch.from_arrays(list(columns.values()), schema=pa.schema(fields))
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, batch.schema, options=_WRITE) as stream:
        stream.write_batch(batch)
    value: bytes = sink.getvalue().to_pybytes()
    return value


def _named(index: np.ndarray[Any, Any], names: tuple[str, ...]) -> pa.DictionaryArray:
    """Names by index, with only those that are used: a segment may have defined thousands."""
    used = np.zeros(len(names), np.bool_)
    used[index] = True
    place = np.cumsum(used, dtype=np.int32) - 1
    kept = [names[i] for i in np.flatnonzero(used).tolist()]
    return pa.DictionaryArray.from_arrays(place.astype(np.int32)[index], pa.array(kept, pa.string()))


def _headers(**attributes: str | None) -> list[tuple[str, bytes]]:
    given = {"specversion": SPEC_VERSION, "format": str(FORMAT), **attributes}
    # a project with a lone surrogate is in an event that no reader accepts; the message has to travel all the same
    return [(f"ce_{name}", text.encode("utf-8", "replace")) for name, text in given.items() if text is not None]


def _said(payload: bytes) -> tuple[str, int, int | None]:
    """Type, version and time (microseconds, UTC) that an envelope says; what can't be read says nothing."""
    try:
        envelope = json.loads(payload)
        kind, version, at = envelope["type"], envelope["v"], envelope.get("time", envelope["at"])
    except (ValueError, RecursionError, KeyError, TypeError, AttributeError):
        return UNREADABLE_TYPE, 0, None
    if isinstance(kind, str) and kind and isinstance(version, int) and isinstance(at, int):
        return kind, version, at
    return UNREADABLE_TYPE, 0, None


def _rfc3339(time_us: int | None) -> str | None:
    """The instant as CloudEvents wants it; None where its years, 1 to 9999, don't reach."""
    if time_us is None:
        return None
    try:
        return (_EPOCH + timedelta(microseconds=time_us)).isoformat(timespec="microseconds").replace("+00:00", "Z")
    except OverflowError:
        return None


def _key(writer: UUID) -> bytes:
    return str(writer).encode()


def _source(writer: UUID) -> str:
    return f"urn:uuid:{writer}"


def _schema(kind: str, version: int) -> str:
    return f"urn:epochal:schema:{kind}:{version}"
