"""Kafka messages to frames (docs/wire-format.md). What can't be read is an error that becomes a dead letter. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, NoReturn
from uuid import UUID

import numpy as np
import pyarrow as pa

from epochal._journal.layout import MAX_NAME_BYTES, SALT_BYTES
from epochal._journal.reader import POINT, Points, Record
from epochal._kafka.wire import ARROW_TYPE, COLUMNS, FORMAT, JSON_TYPE, POINTS_TYPE, SPEC_VERSION
from epochal_processors.decode import EARLIEST_US, GREATEST_RANK, LATEST_US
from epochal_processors.frames import EventFrame, Frame, PointFrame

GREATEST_SEQ: Final = 2**63 - 1
MOST_POINTS: Final = 1 << 20
"""A message may have so many points, so that the memory it takes to read one is bounded."""
_OPTIONAL: Final = "occurred_at"
_MOST_DIGITS: Final = 19
# handing five small buffers to a pool of threads costs more than taking them apart
_READ: Final = pa.ipc.IpcReadOptions(use_threads=False)


class WireError(Exception):
    """A message that is no frame, and never will be one for this version.

    Reasons: ``no cloudevent``, ``invalid header``, ``newer version``, ``unknown content``, ``invalid arrow``,
    ``wrong columns``, ``invalid points``. ``writer`` is None where the key names none.
    """

    def __init__(self, reason: str, detail: str, writer: UUID | None) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail
        self.writer = writer


def decode(headers: Iterable[tuple[str, bytes | None]], key: bytes | None, value: bytes | None) -> Frame:
    """The frame that a message is. Headers that aren't ours are ignored.

    A lifecycle event's payload isn't looked into: :func:`epochal_processors.decode.decode` does that.

    Raises:
        WireError: it is none; with the reason in a word or two, and the details.
    """
    return _Message(headers, key, value).frame()


class _Message:
    def __init__(self, headers: Iterable[tuple[str, bytes | None]], key: bytes | None, value: bytes | None) -> None:
        self._headers = _by_name(headers)
        self._key = key
        self._value = value
        self._writer = _uuid(key or b"")

    def frame(self) -> Frame:
        spec = self._headers.get("ce_specversion")
        if spec is None:
            self._refuse("no cloudevent", "there is no header ce_specversion")
        if spec != [SPEC_VERSION.encode()]:
            self._refuse("no cloudevent", f"ce_specversion is {_shown(spec)}, expected {SPEC_VERSION}")
        version = self._number("ce_format", GREATEST_SEQ)
        if version > FORMAT:
            detail = f"the message has format {version}; this installation reads up to {FORMAT}: upgrade epochal"
            self._refuse("newer version", detail)
        content = self._text("content-type").partition(";")[0].strip().lower()
        is_points = self._text("ce_type") == POINTS_TYPE
        if content != (ARROW_TYPE if is_points else JSON_TYPE):
            expected = f"{POINTS_TYPE} as {ARROW_TYPE}, every other type as {JSON_TYPE}"
            self._refuse("unknown content", f"{self._text('ce_type')!r} as {content!r}; expected {expected}")
        if self._value is None:
            self._refuse("unknown content", "the message has no value")
        return self._points(self._value) if is_points else self._event(self._value)

    def _event(self, payload: bytes) -> EventFrame:
        salt = self._text("ce_salt")
        try:
            salt_bytes = bytes.fromhex(salt)
        except ValueError:
            salt_bytes = b""
        if len(salt_bytes) != SALT_BYTES:
            self._refuse("invalid header", f"ce_salt is {salt!r}, expected {2 * SALT_BYTES} hexadecimal digits")
        seq = self._number("ce_seq", GREATEST_SEQ)
        return EventFrame(self._owner(), self._text("ce_project"), seq, (Record(seq, salt_bytes, payload),))

    def _points(self, value: bytes) -> PointFrame:
        writer, project = self._owner(), self._text("ce_project")
        component = None
        if "ce_component" in self._headers:
            component = _uuid(self._text("ce_component").encode())
            if component is None:
                self._refuse("invalid header", f"ce_component is {self._text('ce_component')!r}, expected a UUID")
        rank = self._number("ce_rank", GREATEST_RANK)
        first, count = self._number("ce_seq", GREATEST_SEQ - MOST_POINTS), self._number("ce_count", MOST_POINTS)
        batch = self._batch(value)
        if batch.num_rows != count or not count:
            detail = f"there are {batch.num_rows} rows, ce_count says {count}; expected as many, and at least one"
            self._refuse("invalid points", detail)
        return PointFrame(project, component, rank, writer, self._read(batch, writer, first))

    def _batch(self, value: bytes) -> pa.RecordBatch:
        """The one batch of the stream, with the right columns, no nulls and sound bytes."""
        try:
            stream = pa.ipc.open_stream(value, options=_READ)
            self._check_columns(stream.schema)
            batch = stream.read_next_batch()
            batch.validate(full=True)
            if next(iter(stream), None) is not None:
                self._refuse("invalid arrow", "there is more than one batch in the stream")
        except StopIteration:
            self._refuse("invalid arrow", "there is no batch in the stream")
        except (pa.ArrowException, OSError, ValueError, MemoryError) as error:
            self._refuse("invalid arrow", f"{type(error).__name__}: {error}")
        return batch

    def _check_columns(self, schema: pa.Schema) -> None:
        expected = {name: kind for name, kind in COLUMNS.items() if name != _OPTIONAL or name in schema.names}
        found = [(field.name, field.type) for field in schema]
        if found != list(expected.items()):
            said = ", ".join(f"{name} {kind}" for name, kind in found)
            wanted = ", ".join(f"{name} {kind}" for name, kind in COLUMNS.items())
            self._refuse("wrong columns", f"found {said or 'none'}; expected {wanted} ({_OPTIONAL} may be left out)")

    def _read(self, batch: pa.RecordBatch, writer: UUID, first: int) -> Points:
        columns = {name: batch.column(name) for name in batch.schema.names}
        metric = columns["metric"]
        for name, column in {**columns, "dictionary of metric": metric.dictionary}.items():
            if column.null_count:
                self._refuse("invalid points", f"{name} has {column.null_count} nulls")
        names = tuple(metric.dictionary.to_pylist())
        self._check_names(names)
        logged = columns["logged_at"].view(pa.int64()).to_numpy()
        rows = np.empty(batch.num_rows, POINT)
        rows["seq"] = np.arange(first, first + batch.num_rows, dtype=np.uint64)
        rows["name"] = metric.indices.to_numpy()
        rows["step"] = columns["step"].to_numpy()
        rows["value"] = columns["value"].to_numpy()
        rows["logged_ms"] = logged
        rows["occurred_ms"] = columns[_OPTIONAL].view(pa.int64()).to_numpy() if _OPTIONAL in columns else logged
        if not np.isfinite(rows["step"]).all():
            self._refuse("invalid points", "a step is not finite")
        for name in ("logged_ms", "occurred_ms"):
            self._check_times(name.removesuffix("_ms") + "_at", rows[name])
        return Points(writer, first, names, rows)

    def _check_names(self, names: tuple[str, ...]) -> None:
        if len(set(names)) != len(names):
            self._refuse("invalid points", f"the dictionary of metric has {len(names) - len(set(names))} names twice")
        for name in names:
            if not 0 < len(name.encode()) <= MAX_NAME_BYTES:
                found = f"a metric's name has {len(name.encode())} bytes"
                self._refuse("invalid points", f"{found}; 1 to {MAX_NAME_BYTES} are accepted")

    def _check_times(self, name: str, times_ms: np.ndarray[tuple[int], np.dtype[np.int64]]) -> None:
        if int(times_ms.min()) * 1000 < EARLIEST_US or int(times_ms.max()) * 1000 > LATEST_US:
            detail = f"{name} goes from {times_ms.min()} to {times_ms.max()} ms since 1970"
            self._refuse("invalid points", f"{detail}; years 1900 to 2299 are accepted")

    def _owner(self) -> UUID:
        """The writer, whom key and source name alike."""
        if self._writer is None:
            self._refuse("invalid header", f"the key is {_shown([self._key])}, expected the writer's UUID")
        source = self._text("ce_source")
        if source != f"urn:uuid:{self._writer}":
            self._refuse("invalid header", f"ce_source is {source!r}, but the key names {self._writer}")
        return self._writer

    def _number(self, name: str, greatest: int) -> int:
        text = self._text(name)
        plain = text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS
        if not plain or int(text) > greatest:
            self._refuse("invalid header", f"{name} is {text[:100]!r}, expected a number from 0 to {greatest}")
        return int(text)

    def _text(self, name: str) -> str:
        values = self._headers.get(name, [])
        if len(values) != 1 or values[0] is None:
            self._refuse("invalid header", f"{name} is there {len(values)} times, expected once with a value")
        try:
            return values[0].decode()
        except UnicodeDecodeError:
            self._refuse("invalid header", f"{name} is {_shown(values)}, expected UTF-8")

    def _refuse(self, reason: str, detail: str) -> NoReturn:
        raise WireError(reason, detail, self._writer) from None


def _by_name(headers: Iterable[tuple[str, bytes | None]]) -> dict[str, list[bytes | None]]:
    found: dict[str, list[bytes | None]] = {}
    for name, value in headers:
        found.setdefault(name, []).append(value)
    return found


def _uuid(text: bytes) -> UUID | None:
    """The UUID that a text names in its one canonical form; None where it is none."""
    try:
        found = UUID(text.decode("ascii"))
    except ValueError:
        return None
    return found if str(found).encode() == text else None


def _shown(values: list[bytes | None]) -> str:
    """Bytes in a message: shortened in the explanation only, the letter keeps the whole."""
    text = ", ".join(repr(value) for value in values)
    return text if len(text) <= 200 else f"{text[:200]}… ({len(text)} characters)"
