"""What the SDK builds without pydantic is what the contract reads with it."""

from __future__ import annotations

import inspect
import json
from types import ModuleType
from typing import Any, get_args, get_origin

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from epochal import _entity_events, _events
from epochal._events import SCHEMA_VERSION as WRITTEN
from epochal._events import encode
from epochal._values import to_json
from epochal.contract import EVENT_TYPES, SCHEMA_VERSION, parse_envelope

ID = "6efe4e62-4d39-5cc5-9a7f-9c2e09c117f6"


def builders() -> dict[str, Any]:
    """Event type to the function that builds it."""
    found: dict[str, Any] = {}
    for module in (_events, _entity_events):
        for name, function in _functions(module):
            found[f"epochal.{name.replace('_', '.', 1)}"] = function
    return found


def _functions(module: ModuleType) -> list[tuple[str, Any]]:
    return [
        (name, function)
        for name, function in inspect.getmembers(module, inspect.isfunction)
        if function.__module__ == module.__name__ and not name.startswith("_") and name != "encode"
    ]


def sample(annotation: Any, name: str) -> Any:
    """A value that the field accepts."""
    texts = {"role": "main", "direction": "in", "stream": "stdout", "status": "failed"}
    texts |= {"level": "info", "goal": "min", "verdict": "accepted", "deletion": f"{ID}:3", "operation": "scale"}
    texts |= {"source_kind": "artifact", "target_kind": "component", "relation": "SameAs"}
    texts |= {"source": "sha256:00", "target": ID}
    if name == "kind":
        return (get_args(annotation) or ("component",))[-1]
    if name in texts:
        return texts[name]
    if name in ("component", "experiment", "trial", "entity", "writer", "process", "parent", "of", "association"):
        return ID
    shapes: dict[str, Any] = {
        "abandoned": [(ID, 3)],
        "covers": [(ID, 3)],
        "past": [(ID, ID, 0, 3, 2.5)],
        "cells": [(["a", "b"], 1)],
        "paths": [["a"]],
        "keys": ["a"],
        "words": ["a"],
        "command": ["python"],
        "error": {"type": "ValueError", "message": "no"},
        "lost": {"disk": 1},
        "variables": {"lr": [0.1]},
        "stored": True,
        "correction": {"of": f"{ID}:3", "reason": "a typo"},
    }
    if name in ("lifecycle", "metrics") and get_origin(annotation) is list:
        return [(ID, 0, 3)]
    if name in shapes:
        return shapes[name]
    if name in ("values", "launcher", "resources", "properties"):
        return {"a": 1}
    if any(part in (int, float) for part in (annotation, *get_args(annotation), *_inner(annotation))):
        return 1
    return "text"


def _inner(annotation: Any) -> list[Any]:
    return [inner for part in get_args(annotation) for inner in get_args(part)]


def test_every_event_of_the_contract_can_be_built() -> None:
    """One function a type; none too many."""
    assert set(builders()) == set(EVENT_TYPES)


@pytest.mark.parametrize("kind", sorted(EVENT_TYPES))
def test_fields_are_the_models_fields(kind: str) -> None:
    """Same fields; and an event built from all of them is accepted by the closed model."""
    function, model = builders()[kind], EVENT_TYPES[kind]
    assert set(inspect.signature(function).parameters) == set(model.model_fields)
    event = function(**{name: sample(field.annotation, name) for name, field in model.model_fields.items()})
    assert event[0] == kind
    assert set(event[1]) == set(model.model_fields)
    envelope = parse_envelope(encode(event, "default", 1_700_000_000_000_000, 5))
    assert (envelope.type, envelope.v, envelope.project, envelope.time) == (kind, SCHEMA_VERSION[kind], "default", 5)
    checked = model.model_validate_json(json.dumps(envelope.data))
    assert isinstance(checked, BaseModel)


def test_versions_agree() -> None:
    """The version written is the newest that is read."""
    assert set(SCHEMA_VERSION.values()) == {WRITTEN}


@pytest.mark.long
@settings(deadline=None)
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    )
)
def test_any_value_survives_the_wire(value: Any) -> None:
    """Any tree of JSON types comes out as it went in: NaN and infinities by name, dollar keys escaped."""
    event = _events.params_logged(component=ID, rank=0, cells=[(["p"], to_json(value))])
    read = json.loads(encode(event, "default", 1))["data"]["cells"][0][1]
    assert _same(_back(read), value)


def _back(wire: Any) -> Any:
    if isinstance(wire, list):
        return [_back(item) for item in wire]
    if isinstance(wire, dict):
        if set(wire) == {"$float"}:
            return float(wire["$float"])
        if set(wire) == {"$repr", "type"}:
            return int(wire["$repr"], 16)
        return {key.removeprefix("$") if key.startswith("$") else key: _back(item) for key, item in wire.items()}
    return wire


def _same(one: Any, other: Any) -> bool:
    if isinstance(other, float):
        return isinstance(one, float) and (one == other or (one != one and other != other))
    if isinstance(other, list):
        return len(one) == len(other) and all(map(_same, one, other))
    if isinstance(other, dict):
        return set(one) == set(other) and all(_same(one[key], other[key]) for key in other)
    return type(one) is type(other) and one == other


def test_lone_surrogates_are_found_and_replaced_on_demand() -> None:
    """UTF-8 can't carry them: the writer is told, and the event can go out with U+FFFD in their place."""
    event = _entity_events.note_written(kind="component", entity=ID, text="a\ud800b")
    with pytest.raises(UnicodeEncodeError):
        encode(event, "p", 1)
    assert parse_envelope(encode(event, "p\udfff", 1, lenient=True)).data["text"] == "a\ufffdb"
