"""Bytes to events: a validated event, or a dead letter that says what was wrong."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import NAMESPACE_OID, UUID, uuid5

from pydantic import BaseModel, ValidationError

from epochal._journal.reader import Record
from epochal.contract import EVENT_TYPES, SCHEMA_VERSION, Envelope, parse_envelope
from epochal_processors.frames import LIFECYCLE
from epochal_processors.upcasters import STEPS, MissingStepError, Steps, upcast

EARLIEST_US = -2_208_988_800_000_000
LATEST_US = 10_413_791_999_999_999
"""1900-01-01 and the end of 2299: what a DateTime64 of ClickHouse can hold."""
GREATEST_RANK = 2**32 - 1
FAR_AHEAD_US = 86_400_000_000
"""By a day no clock is ahead that is only set badly, or to the time of another place."""
CLOCK_AHEAD = "clock ahead"
"""The one reason of which what lies in the letter was taken in all the same."""
LETTERS = uuid5(NAMESPACE_OID, "epochal:dead-letter")


@dataclass(frozen=True, slots=True)
class Event:
    """One lifecycle event as its writer said it, its data brought up to the newest version and validated.

    ``version`` is the version the writer used; times are microseconds since the epoch, UTC.
    """

    writer: UUID
    seq: int
    type: str
    version: int
    project: str
    logged_at_us: int
    occurred_at_us: int
    data: BaseModel
    salt: bytes
    payload: bytes


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """What could not be taken in, or what only its clock speaks against (:data:`CLOCK_AHEAD`): whole, with a short word
    for the reason and the details for a person.

    The id follows from what the letter is about, so that the same failure met again is the same letter.
    """

    id: UUID
    reason: str
    detail: str
    source: str
    writer: UUID | None
    frame: bytes


def dead_letter(reason: str, detail: str, source: str, writer: UUID | None, frame: bytes) -> DeadLetter:
    """A dead letter with the id that follows from its source and reason."""
    return DeadLetter(uuid5(LETTERS, f"{source}\n{reason}\n{detail}"), reason, detail, source, writer, frame)


def record_bytes(record: Record) -> bytes:
    """A lifecycle record as one run of bytes: sequence number (u64, little endian), salt, payload."""
    return record.seq.to_bytes(8, "little") + record.salt + record.payload


def split_record(frame: bytes) -> tuple[int, bytes, bytes]:
    """Sequence number, salt and payload of :func:`record_bytes`."""
    return int.from_bytes(frame[:8], "little"), frame[8:24], frame[24:]


def source_of(writer: UUID, channel: str, seq: int) -> str:
    """How a dead letter names the place something came from."""
    return f"{writer}/{channel}:{seq}"


def decode(writer: UUID, record: Record, steps: Steps = STEPS) -> Event | DeadLetter:
    """One record as an event, or as a dead letter. Reasons: ``invalid json``, ``invalid envelope``,
    ``unknown type``, ``newer version``, ``no upcaster``, ``invalid data``, ``time out of range``.
    """
    try:
        envelope = parse_envelope(record.payload)
    except ValidationError as error:
        reason = "invalid json" if error.errors()[0]["type"] == "json_invalid" else "invalid envelope"
        return _refuse(writer, record, reason, _explain(error))
    model = EVENT_TYPES.get(envelope.type)
    if model is None:
        return _refuse(writer, record, "unknown type", f"the type {envelope.type!r} is not one of {len(EVENT_TYPES)}")
    newest = SCHEMA_VERSION[envelope.type]
    if envelope.v > newest:
        detail = f"{envelope.type} in version {envelope.v}; this installation reads up to {newest}: upgrade epochal"
        return _refuse(writer, record, "newer version", detail)
    try:
        data = model.model_validate(upcast(envelope.type, envelope.v, newest, envelope.data, steps))
    except MissingStepError as error:
        return _refuse(writer, record, "no upcaster", str(error))
    except ValidationError as error:
        return _refuse(writer, record, "invalid data", f"{envelope.type}: {_explain(error)}")
    return _checked(writer, record, envelope, data)


def far_ahead(event: Event, recorded_at_us: int) -> DeadLetter | None:
    """The letter that keeps what was said by a clock more than a day ahead of when it was recorded.

    Such an event is taken in all the same (docs/adr/0019-clocks-ahead.md).
    """
    if event.logged_at_us <= recorded_at_us + FAR_AHEAD_US:
        return None
    # the same whenever a copy comes, so that there is one letter of it
    said = datetime.fromtimestamp(event.logged_at_us / 1_000_000, UTC).isoformat(timespec="seconds")
    detail = (
        f"{event.type}: the writer's clock said {said}, more than a day after this was recorded. Set that machine's "
        "clock; the event is taken in all the same, and counts as said when it was recorded"
    )
    return _refuse(event.writer, Record(event.seq, event.salt, event.payload), CLOCK_AHEAD, detail)


def _checked(writer: UUID, record: Record, envelope: Envelope, data: BaseModel) -> Event | DeadLetter:
    """The event, if the store's columns can hold it."""
    occurred = envelope.at if envelope.time is None else envelope.time
    for name, time_us in (("at", envelope.at), ("time", occurred)):
        if not EARLIEST_US <= time_us <= LATEST_US:
            detail = f"{name} is {time_us} microseconds since 1970; years 1900 to 2299 are accepted"
            return _refuse(writer, record, "time out of range", detail)
    rank = getattr(data, "rank", None) or 0
    if rank > GREATEST_RANK:
        return _refuse(writer, record, "invalid data", f"{envelope.type}: rank is {rank}, at most {GREATEST_RANK}")
    return Event(
        writer=writer,
        seq=record.seq,
        type=envelope.type,
        version=envelope.v,
        project=envelope.project,
        logged_at_us=envelope.at,
        occurred_at_us=occurred,
        data=data,
        salt=record.salt,
        payload=record.payload,
    )


def _refuse(writer: UUID, record: Record, reason: str, detail: str) -> DeadLetter:
    return dead_letter(reason, detail, source_of(writer, LIFECYCLE, record.seq), writer, record_bytes(record))


def _explain(error: ValidationError) -> str:
    """What pydantic found, one line a field, with the value."""
    lines = []
    for found in error.errors(include_url=False, include_context=False):
        where = ".".join(str(part) for part in found["loc"])
        given = json.dumps(found["input"], default=str, ensure_ascii=True)
        lines.append(f"{where or 'the event'}: {found['msg']} (given: {_shorten(given)})")
    return "; ".join(lines)


def _shorten(text: str, length: int = 200) -> str:
    """Long values are cut in the explanation only: the letter keeps the whole frame."""
    return text if len(text) <= length else f"{text[:length]}… ({len(text)} characters)"
