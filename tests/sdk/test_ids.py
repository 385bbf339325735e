"""Ids from names: the table in docs/ids.md never changes, and equal names mean equal ids however they are written."""

from __future__ import annotations

import json
import math
import re
import unicodedata
from enum import Enum
from pathlib import Path
from uuid import UUID

import numpy as np
import pytest
import rfc8785
from hypothesis import given, settings
from hypothesis import strategies as st

from epochal._ids import (
    association_id,
    component_id,
    entity_id,
    experiment_id,
    normal_text,
    normal_variables,
    trial_id,
    uuid7,
)

DOCUMENT = Path(__file__).parents[2] / "docs" / "ids.md"


def vectors(section: str) -> list[list[str]]:
    part = DOCUMENT.read_text("utf-8").split(f"### {section}\n")[1].split("\n### ")[0]
    rows = [line.strip().strip("|").split(" | ") for line in part.splitlines() if line.startswith("| ")]
    return [[cell.strip().strip("`") for cell in row] for row in rows[1:]]


@pytest.mark.parametrize(("project", "name", "expected"), vectors("Experiments"))
def test_experiments(project: str, name: str, expected: str) -> None:
    """Experiment vectors."""
    assert str(experiment_id(project, json.loads(name))) == expected


@pytest.mark.parametrize(("variables", "normal", "expected"), vectors("Trials"))
def test_trials(variables: str, normal: str, expected: str) -> None:
    """Trial vectors: normal form and id."""
    made = normal_variables(json.loads(variables))
    assert json.dumps(made) == normal
    assert str(trial_id("default", experiment_id("default", "cifar10"), made)) == expected


@pytest.mark.parametrize(("project", "key", "expected"), vectors("Components"))
def test_components(project: str, key: str, expected: str) -> None:
    """Component vectors."""
    assert str(component_id(project, json.loads(key))) == expected


@pytest.mark.parametrize(("project", "kind", "name", "expected"), vectors("Actions and contexts"))
def test_actions_and_contexts(project: str, kind: str, name: str, expected: str) -> None:
    """Vectors of actions and contexts."""
    assert str(entity_id(project, kind, json.loads(name))) == expected


@pytest.mark.parametrize(("relation", "source", "target", "expected"), vectors("Associations"))
def test_associations(relation: str, source: str, target: str, expected: str) -> None:
    """Vectors of associations; without a source it is the only one to its target."""
    first, second = (None if end is None else (end[0], end[1]) for end in map(json.loads, (source, target)))
    assert second is not None
    assert str(association_id("default", relation, first, second)) == expected


def test_there_are_vectors() -> None:
    """The tables were found and hold what they should."""
    sections = ("Experiments", "Trials", "Components", "Actions and contexts", "Associations")
    assert [len(vectors(section)) for section in sections] == [8, 26, 4, 5, 3]


class Color(Enum):
    RED = "red"


SAME = [
    (np.float32(0.1), 0.1),
    (np.float16(0.1), 0.1),
    (np.float64(0.1), 0.1),
    (np.int64(3), 3),
    (np.bool_(True), True),
    (np.str_("x"), "x"),
    (np.array(2.5), 2.5),
    (np.array([1, 2]), [1, 2]),
    ((1, 2), [1, 2]),
    ({2, 1}, [1, 2]),
    (Color.RED, "red"),
    (3.0, 3),
    (-0.0, 0),
    (np.float32(1e30), 1e30),
    (np.float32("nan"), math.nan),
]


@pytest.mark.parametrize(("given_", "plain"), SAME)
def test_types_do_not_matter(given_: object, plain: object) -> None:
    """A value is the same variable whatever library it came from."""
    assert json.dumps(normal_variables({"v": given_})) == json.dumps(normal_variables({"v": plain}))


@pytest.mark.parametrize(("one", "other"), [(True, 1), (1, "1"), (None, "null"), ([], {}), (0.1, "0.1"), (1, 1.5)])
def test_values_that_differ(one: object, other: object) -> None:
    """True is not 1, 1 is not "1"."""
    assert normal_variables({"v": one}) != normal_variables({"v": other}) or type(one) is not type(other)
    experiment = experiment_id("default", "x")
    assert trial_id("default", experiment, normal_variables({"v": one})) != trial_id(
        "default", experiment, normal_variables({"v": other})
    )


def test_names_that_only_unicode_tells_apart_are_refused() -> None:
    """Two variables with one NFC name can't both be kept: that is an error, no silent loss."""
    with pytest.raises(ValueError, match="Unicode"):
        normal_variables({"café": 1, "cafe\u0301": 2})


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=10,
)


@settings(deadline=None)
@given(st.dictionaries(st.text(), VALUES, max_size=5).filter(lambda each: _distinct(each)))
def test_normal_form_is_stable(variables: dict[str, object]) -> None:
    """Any JSON value has a normal form that RFC 8785 can write, whatever the order of its keys."""
    normal = normal_variables(variables)
    written = rfc8785.dumps(normal)
    backwards = normal_variables(dict(reversed(list(variables.items()))))
    assert rfc8785.dumps(backwards) == written


def _distinct(value: object) -> bool:
    if isinstance(value, dict):
        names = {
            unicodedata.normalize("NFC", key.encode("utf-16", "surrogatepass").decode("utf-16", "replace"))
            for key in value
        }
        return len(names) == len(value) and all(_distinct(item) for item in value.values())
    return all(_distinct(item) for item in value) if isinstance(value, list) else True


@settings(deadline=None)
@given(st.text())
def test_text_is_nfc(text: str) -> None:
    """Names are the same in any Unicode spelling."""
    assert normal_text(unicodedata.normalize("NFD", text)) == normal_text(text)


def test_uuid7_sorts_by_time() -> None:
    """Version and variant bits are right; later ids sort after earlier ones; none is twice."""
    ids = [uuid7() for _ in range(2000)]
    assert {made.version for made in ids} == {7}
    assert len(set(ids)) == 2000
    times = [made.int >> 64 for made in ids]
    assert times == sorted(times)
    assert all(
        re.fullmatch(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", str(made)) for made in ids
    )
    assert isinstance(ids[0], UUID)
