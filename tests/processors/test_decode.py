"""Bytes become events, or dead letters that say what was wrong."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from epochal._journal.reader import Record
from epochal.contract import EVENT_TYPES, SCHEMA_VERSION
from epochal_processors.decode import DeadLetter, Event, decode, split_record
from epochal_processors.upcasters import MissingStepError, upcast

WRITER = UUID("01900000-0000-7000-8000-000000000001")
FIXTURES = Path(__file__).parent.parent / "fixtures" / "events"
RECORDED = sorted(FIXTURES.glob("v*/*.json"))


def envelope(**changes: Any) -> dict[str, Any]:
    data = {"component": str(WRITER), "rank": 0, "attempt": "a"}
    return {"type": "epochal.run.started", "v": 1, "project": "p", "at": 1_700_000_000_000_000, "data": data} | changes


def record(content: object) -> Record:
    payload = content if isinstance(content, bytes) else json.dumps(content).encode()
    return Record(7, b"s" * 16, payload)


@pytest.mark.parametrize("path", RECORDED, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_every_recorded_event_stays_readable(path: Path) -> None:
    """An event written by any version is read by this one."""
    event = decode(WRITER, Record(0, b"s" * 16, path.read_bytes()))
    assert isinstance(event, Event), event
    assert event.type == f"epochal.{path.stem}"
    assert event.version == int(path.parent.name[1:])


def test_every_type_and_version_has_a_recorded_event() -> None:
    """No type and no version can be added without an event that holds us to it."""
    recorded = {(f"epochal.{path.stem}", int(path.parent.name[1:])) for path in RECORDED}
    written = {(kind, version) for kind in EVENT_TYPES for version in range(1, SCHEMA_VERSION[kind] + 1)}
    assert recorded == written


def test_times_come_from_the_envelope() -> None:
    """occurred_at is the caller's time where one was given, else logged_at."""
    plain, timed = decode(WRITER, record(envelope())), decode(WRITER, record(envelope(time=5)))
    assert isinstance(plain, Event)
    assert isinstance(timed, Event)
    assert plain.logged_at_us == plain.occurred_at_us == timed.logged_at_us == 1_700_000_000_000_000
    assert timed.occurred_at_us == 5


@pytest.mark.parametrize(
    ("content", "reason", "words"),
    [
        (b"{not json", "invalid json", "given"),
        (b'"\xff"', "invalid json", "given"),
        (envelope(project=""), "invalid envelope", "project"),
        (envelope(at="yesterday"), "invalid envelope", "yesterday"),
        ({"type": "epochal.run.started"}, "invalid envelope", "data"),
        (envelope(type="epochal.run.exploded"), "unknown type", "epochal.run.exploded"),
        (envelope(v=2), "newer version", "version 2"),
        (envelope(data={"component": "no id", "attempt": "a"}), "invalid data", "no id"),
        (envelope(data={"component": str(WRITER), "attempt": "a", "mood": 1}), "invalid data", "mood"),
        (envelope(data={"component": str(WRITER), "attempt": "a", "rank": 2**32}), "invalid data", str(2**32)),
        (envelope(at=2**62), "time out of range", str(2**62)),
        (envelope(time=-(2**62)), "time out of range", "years 1900 to 2299"),
    ],
)
def test_what_cannot_be_read_becomes_a_letter_with_its_reason(content: object, reason: str, words: str) -> None:
    """Each way to be unreadable has a reason of its own, the details name the value, and the bytes are whole."""
    given = record(content)
    letter = decode(WRITER, given)
    assert isinstance(letter, DeadLetter)
    assert letter.reason == reason
    assert words in letter.detail
    assert letter.source == f"{WRITER}/lifecycle:7"
    assert split_record(letter.frame) == (given.seq, given.salt, given.payload)


def test_a_letter_met_again_is_the_same_letter() -> None:
    """Taking the same undecodable record twice gives one dead letter."""
    first, second = decode(WRITER, record(b"{")), decode(WRITER, record(b"{"))
    other = decode(UUID(int=1), record(b"{"))
    assert isinstance(first, DeadLetter)
    assert isinstance(second, DeadLetter)
    assert isinstance(other, DeadLetter)
    assert first.id == second.id != other.id


def test_a_huge_value_is_shortened_in_the_explanation_only() -> None:
    """The explanation stays readable; the frame keeps every byte."""
    given = record(envelope(data={"component": "x" * 100_000, "attempt": "a"}))
    letter = decode(WRITER, given)
    assert isinstance(letter, DeadLetter)
    assert len(letter.detail) < 1000
    assert "100002 characters" in letter.detail
    assert given.payload in letter.frame


def test_old_versions_are_brought_up_step_by_step() -> None:
    """A chain of steps leads from any old version to the newest, in order, without touching what it was given."""
    steps = {
        ("example", 1): lambda data: data | {"name": data.pop("title")},
        ("example", 2): lambda data: data | {"parts": data["name"].split()},
    }
    old = {"title": "a b"}
    assert upcast("example", 1, 3, old, steps) == {"name": "a b", "parts": ["a", "b"]}
    assert upcast("example", 2, 3, {"name": "c"}, steps) == {"name": "c", "parts": ["c"]}
    assert upcast("example", 3, 3, {"name": "d"}, steps) == {"name": "d"}
    assert old == {"title": "a b"}


def test_a_hole_in_the_chain_is_named() -> None:
    """A version that no step starts from is an error that says which."""
    with pytest.raises(MissingStepError, match="from version 2 to 3 of example"):
        upcast("example", 1, 3, {}, {("example", 1): lambda data: data})
