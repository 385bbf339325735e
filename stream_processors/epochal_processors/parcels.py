"""What is in a dead letter, taken out to be looked at, repaired and sent again. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import numpy as np

from epochal._errors import EpochalError
from epochal._journal.reader import POINT, Points, Record
from epochal._kafka.wire import Outgoing, Owner, encode_event, encode_points
from epochal._sent import FROM_KAFKA
from epochal_processors import wire
from epochal_processors.decode import split_record
from epochal_processors.frames import EventFrame, Frame, PointFrame
from epochal_processors.messages import Message, unpacked

Parcel = Message | EventFrame | PointFrame
"""A message that couldn't be read, one event, or points that belong to nobody."""


class ParcelError(EpochalError):
    """A dead letter, or what was repaired of it, can't be sent again; the text says why."""


@dataclass(frozen=True, slots=True)
class Letter:
    """A dead letter as the table has it; ``project`` is that of its writer, where the log knows it."""

    id: UUID
    source: str
    reason: str
    writer: UUID | None
    frame: bytes
    project: str = ""


def parcel_of(letter: Letter) -> Parcel:
    """What a letter holds.

    Raises:
        ParcelError: it holds nothing that could be sent.
    """
    if not letter.frame:
        raise ParcelError(f"nothing is left of dead letter {letter.id} ({letter.reason}: {letter.source})")
    if letter.source.startswith(FROM_KAFKA):
        return unpacked(letter.frame)
    if letter.writer is None:
        raise ParcelError(f"dead letter {letter.id} ({letter.source}) names no writer")
    if letter.reason == "no component":
        size = int.from_bytes(letter.frame[:4], "little")
        names = tuple(json.loads(letter.frame[4 : 4 + size]))
        rows = np.frombuffer(letter.frame[4 + size :], POINT)
        points = Points(letter.writer, int(rows["seq"][0]), names, rows)
        return PointFrame(letter.project, None, 0, letter.writer, points)
    seq, salt, payload = split_record(letter.frame)
    return EventFrame(letter.writer, letter.project, seq, (Record(seq, salt, payload),))


def as_files(parcel: Parcel) -> tuple[dict[str, Any], bytes]:
    """A parcel as something to edit: what is said about it, and its content as it is."""
    about: dict[str, Any]
    match parcel:
        case Message():
            headers = [[name, _text(value)] for name, value in parcel.headers]
            about = {"kind": "message", "topic": parcel.topic, "key": _text(parcel.key), "headers": headers}
            return {**about, "null": parcel.value is None}, parcel.value or b""
        case EventFrame():
            (record,) = parcel.records
            about = {"kind": "event", "writer": str(parcel.writer), "project": parcel.project, "seq": record.seq}
            return {**about, "salt": record.salt.hex()}, record.payload
        case PointFrame():
            component = None if parcel.component is None else str(parcel.component)
            about = {"kind": "points", "writer": str(parcel.writer), "project": parcel.project}
            about |= {"component": component, "rank": parcel.rank, "names": list(parcel.points.names)}
            return about, parcel.points.rows.tobytes()


def from_files(about: Mapping[str, Any], content: bytes) -> Parcel:
    """The parcel of :func:`as_files`, perhaps edited.

    Raises:
        ParcelError: it isn't one any more.
    """
    try:
        match about["kind"]:
            case "message":
                headers = tuple((str(name), _bytes(value)) for name, value in about["headers"])
                value = None if about["null"] else content
                return Message(str(about["topic"]), -1, -1, 0, _bytes(about["key"]), value, headers)
            case "event":
                writer, seq, salt = UUID(about["writer"]), int(about["seq"]), bytes.fromhex(about["salt"])
                return EventFrame(writer, str(about["project"]), seq, (Record(seq, salt, content),))
            case "points":
                writer = UUID(about["writer"])
                component = None if about["component"] is None else UUID(about["component"])
                rows = np.frombuffer(content, POINT)
                points = Points(writer, int(rows["seq"][0]), tuple(map(str, about["names"])), rows)
                return PointFrame(str(about["project"]), component, int(about["rank"]), writer, points)
            case kind:
                raise ValueError(f"kind {kind!r}; message, event and points are known")
    except (KeyError, TypeError, ValueError, IndexError) as error:
        raise ParcelError(f"what was repaired can't be understood: {error!r}") from error


def as_message(parcel: Parcel, topics: Mapping[str, str]) -> Message:
    """What is sent to Kafka. ``topics``: the topic of ``lifecycle`` and of ``metrics``; a message goes to its own."""
    match parcel:
        case Message():
            return parcel
        case EventFrame():
            (record,) = parcel.records
            return _outgoing(encode_event(parcel.writer, parcel.project, record), topics)
        case PointFrame():
            owner = Owner(parcel.project, parcel.component, parcel.rank)
            return _outgoing(encode_points(owner, parcel.points), topics)


def as_frame(parcel: Parcel) -> Frame:
    """What is taken in without Kafka.

    Raises:
        ParcelError: a message that still can't be read.
    """
    if not isinstance(parcel, Message):
        return parcel
    try:
        return wire.decode(parcel.headers, parcel.key, parcel.value)
    except wire.WireError as error:
        raise ParcelError(f"the message still can't be read: {error}") from error


def _outgoing(made: Outgoing, topics: Mapping[str, str]) -> Message:
    return Message(topics[made.channel], -1, -1, 0, made.key, made.value, tuple(made.headers))


def _text(value: bytes | None) -> str | None:
    """Bytes as text to edit: as they are where they are UTF-8, else as hexadecimal digits behind ``hex:``."""
    if value is None:
        return None
    try:
        text = value.decode()
    except UnicodeDecodeError:
        return f"hex:{value.hex()}"
    return f"hex:{value.hex()}" if text.startswith("hex:") else text


def _bytes(text: str | None) -> bytes | None:
    if text is None:
        return None
    return bytes.fromhex(text.removeprefix("hex:")) if text.startswith("hex:") else text.encode()
