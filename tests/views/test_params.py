"""Which params are left after values and unsettings related to each other: by hand, in the fold, in the view."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any
from uuid import UUID

import pytest
from reference_fold import Bounds, Fold, LoggedEvent, Stamp
from views.engine_of_tests import TestEngine
from views.taking_in import projected
from views.worlds import BASE_US

from epochal.contract import Envelope
from epochal_processors.tables import rows_table

COMPONENT = UUID(int=7)

Said = tuple[list[str], Any]
"""A path, and the value it is given; `UNSET` takes it away."""
UNSET = object()

CASES: dict[str, tuple[Sequence[Said], dict[str, Any]]] = {
    "below a value": ([(["a"], 1), (["a", "b"], UNSET)], {"a": 1}),
    "at it": ([(["a", "b"], 1), (["a", "b"], UNSET)], {}),
    "above it": ([(["a", "b"], 1), (["a", "c"], 2), (["d"], 3), (["a"], UNSET)], {"d": 3}),
    "a neighbour": ([(["a", "b"], 1), (["a", "c"], UNSET)], {"a.b": 1}),
    "a neighbour that begins alike": ([(["ab"], 1), (["a.b"], 2), (["a"], UNSET)], {"ab": 1, "a\\.b": 2}),
    "a value hides what is above for good": ([(["a"], 1), (["a", "b"], 2), (["a", "b"], UNSET)], {}),
    "a value hides what is below": ([(["a", "b"], 1), (["a"], 2), (["a", "b"], UNSET)], {"a": 2}),
    "set again": ([(["a"], 1), (["a", "b"], UNSET), (["a", "b"], 3)], {"a.b": 3}),
}


@pytest.mark.parametrize("case", CASES)
def test_what_is_left_after_unsetting(engine: TestEngine, case: str) -> None:
    """Unsetting hides what was said at and below its path; a value also what was said above it, for good."""
    said, left = CASES[case]
    project = f"params-{uuid.uuid4()}"
    events = [_event(project, i, one) for i, one in enumerate([None, *said])]
    assert Fold.of(events, [], Bounds()).params() == ({COMPONENT: left} if left else {})
    facts = [row for event in reversed(events) for row in projected(event)[1]]
    engine.insert("facts", rows_table("facts", facts))
    rows = engine.rows("SELECT path, number FROM params WHERE project = {project:String}", project=project)
    assert {row["path"]: row["number"] for row in rows} == left


def _event(project: str, i: int, said: Said | None) -> LoggedEvent:
    """The component's opening, or one statement, a second after the one before."""
    data: dict[str, Any]
    if said is None:
        kind, data = "component.created", {"key": "k", "name": "n", "kind": "training"}
    elif said[1] is UNSET:
        kind, data = "params.unset", {"paths": [said[0]]}
    else:
        kind, data = "params.logged", {"cells": [[said[0], said[1]]]}
    at = BASE_US + i * 1_000_000
    body: dict[str, Any] = {"component": str(COMPONENT), **data}
    envelope = Envelope(type=f"epochal.{kind}", v=1, project=project, at=at, time=None, data=body)
    return LoggedEvent(UUID(int=8), i, envelope, Stamp("intake:a", i, at))
