"""What events state, held to the reference fold."""

from __future__ import annotations

import hashlib
import json
import math
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from reference_fold import LoggedEvent, Stamp, said_by

from epochal._journal.reader import Record
from epochal.contract import EVENT_TYPES, parse_envelope
from epochal_processors.cells import cell, json_text, key_path, path_key
from epochal_processors.decode import Event, decode
from epochal_processors.frames import Position
from epochal_processors.project import project_event
from epochal_processors.rows import EventRow, FactRow

WRITER = UUID("01900000-0000-7000-8000-000000000001")
POSITION = Position("intake:x", 42, 1_800_000_000_000_000)
RECORDED = sorted((Path(__file__).parent.parent / "fixtures" / "events").glob("v*/*.json"))


def decoded(payload: bytes) -> Event:
    event = decode(WRITER, Record(3, b"s" * 16, payload))
    assert isinstance(event, Event), event
    return event


def check_statements(payload: bytes) -> None:
    """Project one event and compare with what the reference says of it."""
    event = decoded(payload)
    _, facts = project_event(event, POSITION)
    reference = LoggedEvent(WRITER, 3, parse_envelope(payload), Stamp("intake:x", 42, POSITION.recorded_at_us))
    said = list(said_by(reference))
    found = [(f.kind, f.entity, f.field, f.key, json.loads(f.value), f.removed) for f in facts]
    assert found == [(k, e, f, key, json.loads(json_text(value)), removed) for k, e, f, key, value, removed in said]
    assert [fact.ord for fact in facts] == list(range(len(facts)))


@pytest.mark.parametrize("path", RECORDED, ids=lambda path: path.stem)
def test_every_type_states_what_the_reference_says(path: Path) -> None:
    """The projection of every type agrees with the specification, statement by statement."""
    check_statements(path.read_bytes())


@pytest.mark.parametrize("path", RECORDED, ids=lambda path: path.stem)
def test_rows_carry_identity_times_and_position(path: Path) -> None:
    """Every row of an event has the event's identity, its three times and its place in the log."""
    payload = path.read_bytes()
    row, facts = project_event(decoded(payload), POSITION)
    said = json.loads(payload)
    times = (said["at"], said.get("time", said["at"]), POSITION.recorded_at_us)
    assert (row.type, row.schema_version, row.project) == (said["type"], 1, "vision")
    assert row.payload == payload
    assert row.digest == hashlib.sha256(b"s" * 16 + payload).digest()
    rows: list[EventRow | FactRow] = [row, *facts]
    for fact in rows:
        assert (fact.logged_at, fact.occurred_at, fact.recorded_at) == times
        assert (fact.writer, fact.seq, fact.log, fact.offset) == (WRITER, 3, "intake:x", 42)
    assert {fact.rank for fact in facts} <= {said["data"].get("rank", 0)}


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text()
    | st.sampled_from([{"$float": "nan"}, {"$float": "-inf"}, {"$repr": "<x>", "type": "a.B"}]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@given(st.lists(st.tuples(st.lists(st.text(), min_size=1, max_size=3), json_values), max_size=4))
def test_params_of_any_shape_agree_with_the_reference(cells: list[Any]) -> None:
    """Whatever JSON a param holds, its fact holds the same."""
    data = {"component": str(WRITER), "cells": cells}
    event = {"type": "epochal.params.logged", "v": 1, "project": "p", "at": 1, "data": data}
    check_statements(json.dumps(event, ensure_ascii=False).encode("utf-8", "surrogatepass"))


@given(st.lists(st.text(), min_size=1))
def test_a_params_key_tells_its_path(path: list[str]) -> None:
    """Keys are unambiguous: the path can be read back, whatever characters are in it."""
    assert key_path(path_key(path)) == path


@pytest.mark.parametrize(
    ("value", "kind", "number", "text"),
    [
        (None, "null", None, ""),
        (True, "bool", 1.0, ""),
        (False, "bool", 0.0, ""),
        (3, "number", 3.0, ""),
        (-0.0, "number", -0.0, ""),
        (1e308, "number", 1e308, ""),
        (10**400, "number", math.inf, ""),
        (-(10**400), "number", -math.inf, ""),
        ({"$float": "nan"}, "number", math.nan, ""),
        ({"$float": "inf"}, "number", math.inf, ""),
        ({"$float": "-inf"}, "number", -math.inf, ""),
        ({"$float": "nan", "more": 1}, "object", None, ""),
        ({"$float": "fast"}, "object", None, ""),
        ({"$$float": "nan"}, "object", None, ""),
        ({"$repr": "<x>", "type": "a.B"}, "repr", None, "<x>"),
        ({}, "object", None, ""),
        ([], "list", None, ""),
        ("", "text", None, ""),
        ('say "☃"\n', "text", None, 'say "☃"\n'),
    ],
)
def test_cells_tell_what_queries_compare_with(value: object, kind: str, number: float | None, text: str) -> None:
    """Type, number and text are those of the value; its JSON is kept as it came."""
    found = cell(value)
    assert (found.type, found.text) == (kind, text)
    assert repr(found.number) == repr(number)
    assert json.loads(found.value) == value


def test_a_bare_nan_is_marked() -> None:
    """A NaN that a foreign writer put into its JSON becomes the object that stands for it."""
    assert json_text([math.nan, {"a": -math.inf}]) == '[{"$float":"nan"},{"a":{"$float":"-inf"}}]'


def test_the_reference_knows_every_type() -> None:
    """Every type of the contract is among the recorded events that the tests above compare."""
    assert {f"epochal.{path.stem}" for path in RECORDED} == set(EVENT_TYPES)
