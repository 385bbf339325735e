"""In what two things differ, or one at two instants: every field, by hand, and pure rules on any values."""

from __future__ import annotations

import math
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from query.conftest import Bare
from query.written import START

from epochal_query.diff import Difference, compared, same
from epochal_query.errors import FilterError, TimeError, UnknownNameError
from epochal_query.param_paths import cells, nested
from epochal_query.state_fields import numbered

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.floats() | st.text("ab", max_size=2),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("a.\\", max_size=3), inner, max_size=3),
    max_leaves=6,
)
MAPPINGS = st.dictionaries(st.text("a.\\", max_size=3), VALUES, max_size=4)


class Story:
    """Two trials with a training each; the second trains otherwise, and twice."""

    def __init__(self, bare: Bare) -> None:
        project = f"diff-{uuid4()}"
        log = bare.log(project)
        self.writer = uuid4()
        self.experiment = log.experiment("digits", hypothesis="h", variables={"lr": [0.1, 0.2]})
        other = log.experiment("letters", hypothesis="i", variables={"lr": [0.1, 0.3]})
        self.trials = [log.trial(self.experiment, {"lr": lr}) for lr in (0.1, 0.2)]
        log.trial(other, {"lr": 0.1})
        self.a, self.b = (
            log.run(
                [trial],
                params={"lr": lr, "nan": math.nan, "same": [1, {"x": None}], **more},
                metrics={"loss": [(0, 2.0), (1, last)], "sys/cpu": [(0, last)]},
            )
            for trial, lr, last, more in (
                (self.trials[0], 0.1, 1.0, {"only": None}),
                (self.trials[1], 0.2, 0.5, {"flag": 1}),
            )
        )
        log.run([self.trials[1]], params={"lr": 0.3})
        log.points(self.b, uuid4(), {"loss": [(0, 7.0)]}, rank=3)
        for component, digest, uri in ((self.a, "aa", "s3://a"), (self.b, "bb", "s3://b")):
            self.say(log, component, "in", "data", "sha256:00", uri)
            self.say(log, component, "out", "model", f"sha256:{digest}", "s3://model")
            code = {"commit": digest, "script": "train.py"}
            for section, values in (("code", code), ("packages", {"numpy": "2.0"}), ("env", {"HOST": digest})):
                log.say("environment.captured", self.writer, component=component, section=section, values=values)
        self.before = log.now
        log.tick(60)
        log.say("params.unset", self.writer, component=self.a, paths=[["only"]])
        log.say("tags.set", self.writer, kind="component", entity=self.a, values={"team": "x"})
        log.say("note.written", self.writer, kind="component", entity=self.b, text="twice")
        self.known = log.flush()
        self.log, self.store = log, bare.open(project)

    def say(self, log: Any, component: Any, direction: str, name: str, digest: str, uri: str) -> None:
        """An artifact."""
        where = {"direction": direction, "name": name, "digest": digest, "uri": uri}
        log.say("artifact.logged", self.writer, component=component, **where)


@pytest.fixture(scope="module")
def story(bare: Bare) -> Story:
    """The story, told once."""
    return Story(bare)


def told(frame: pd.DataFrame) -> dict[str, tuple[Any, ...]]:
    """By field what changed, from what to what."""
    return {row[0]: tuple(row[1:4]) for row in frame.itertuples(index=False)}


def test_two_components(story: Story) -> None:
    """Params, tags, statistics, artifacts by digest, commit; what is equal is left out, and NaN equals NaN."""
    frame = story.store.diff(story.a, story.b)
    found = told(frame)
    assert {field: found[field] for field in found if not field.startswith(("metrics", "trials", "start", "end"))} == {
        "note": ("added", None, "twice"),
        "tags.team": ("removed", "x", None),
        "params.lr": ("changed", 0.1, 0.2),
        "params.flag": ("added", None, 1),
        "artifacts.out/model": ("changed", "sha256:aa", "sha256:bb"),
        "environment.0/code.commit": ("changed", "aa", "bb"),
    }
    assert found["metrics.loss.last"] == ("changed", 1.0, 0.5)
    assert found["metrics.loss (rank 3).last"] == ("added", None, 7.0)
    assert "metrics.loss.first" not in found
    assert found[f"trials.{story.trials[0]}"] == ("removed", "lr=0.1", None)
    by = dict(zip(frame["field"], frame["difference"], strict=True))
    assert by["metrics.loss.last"] == -0.5
    assert math.isclose(by["params.lr"], 0.1)
    assert math.isnan(by["params.flag"])
    assert [frame.attrs["epochal"][side]["id"] for side in "ab"] == [str(story.a), str(story.b)]


def test_what_is_of_the_system_is_left_out_and_said(story: Story) -> None:
    """With `system` it is there."""
    short, whole = (story.store.diff(story.a, story.b, system=system) for system in (False, True))
    more = set(whole["field"]) - set(short["field"])
    assert {"environment.0/env.HOST", "metrics.sys/cpu.last"} <= more
    (remark,) = short.attrs["epochal"]["remarks"]
    assert remark.startswith(f"left out: {len(more)} of system metrics")
    assert "remarks" not in whole.attrs["epochal"]


@pytest.mark.long
def test_equal_fields_when_asked_for(story: Story) -> None:
    """All fields of either are there."""
    found = told(story.store.diff(story.a, story.b, equal=True))
    assert [found[field][0] for field in ("params.nan", "params.same", "artifacts.in/data", "name")] == ["equal"] * 4
    same_one = story.store.diff(story.a, story.a)
    assert len(same_one) == 0
    assert same_one.to_text().endswith("\nno difference")
    assert set(told(story.store.diff(story.a, story.a, equal=True, system=True))) >= {"environment.0/env.HOST"}


@pytest.mark.long
def test_two_instants_of_one(story: Story) -> None:
    """Of what was true, of what was known; one of them before the beginning."""
    found = told(story.store.diff(story.a, as_of=(story.before, None)))
    assert found == {"tags.team": ("added", None, "x"), "params.only": ("removed", None, None)}
    assert told(story.store.diff(story.a, known_at=(story.before, story.known))) == found
    born = told(story.store.diff(story.a, as_of=(START - timedelta(days=1), story.before)))
    assert {what for what, _, _ in born.values()} == {"added"}
    assert born["params.lr"] == ("added", None, 0.1)
    assert len(story.store.diff(story.a, as_of=("1980-01-01", "1990-01-01"))) == 0


@pytest.mark.long
def test_two_trials_pair_their_components_by_name(story: Story) -> None:
    """Of several of one name the second is called so."""
    found = told(story.store.diff(*story.trials))
    assert found["variables.lr"] == ("changed", 0.1, 0.2)
    assert found["training: params.lr"] == ("changed", 0.1, 0.2)
    assert found["training (2): params.lr"] == ("added", None, 0.3)
    assert not any("trials." in field or "sys/" in field for field in found)
    assert any("sys/cpu" in field for field in told(story.store.diff(*story.trials, system=True)))
    assert story.store.trial(story.trials[0]).diff(story.trials[1]).equals(story.store.diff(*story.trials))


def test_two_experiments(story: Story) -> None:
    """What they are about, and their trials."""
    found = told(story.store.diff("digits", "letters"))
    assert found["hypothesis"] == ("changed", "h", "i")
    assert found["variables.lr"] == ("changed", [0.1, 0.2], [0.1, 0.3])
    assert sorted(what for field, (what, _, _) in found.items() if field.startswith("trials.")) == [
        *["added"],
        *["removed"] * 2,
    ]


def test_as_text(story: Story) -> None:
    """What is compared, then a line a field; numbers to their last digit."""
    lines = story.store.diff(story.a, story.b).to_text().splitlines()
    assert lines[:2] == [f"a  component training ({story.a})", f"b  component training ({story.b})"]
    found = [" ".join(line.split()) for line in lines]
    assert "~ params.lr 0.1 → 0.2 (+0.1)" in found
    assert "+ note twice" in found
    assert "- tags.team x" in found
    instants = story.store.diff(story.a, as_of=("2024-01-01", "2100-01-01")).to_text()
    assert instants.startswith(f"a  component training ({story.a}), as of 2024-01-01 00:00:00.000000\n")


def test_what_can_not_be_compared_is_an_error(story: Story) -> None:
    """It says what can be."""
    store = story.store
    with pytest.raises(FilterError, match="is a component and 'digits' an experiment: two components, two trials"):
        store.diff(story.a, "digits")
    with pytest.raises(FilterError, match="needs two instants"):
        store.diff(story.a, as_of="2024-01-01")
    with pytest.raises(FilterError, match=r"as_of=\('a', 'b', 'c'\) is no pair"):
        store.diff(story.a, as_of=("a", "b", "c"))  # type: ignore[arg-type]
    with pytest.raises(TimeError, match="as_of='soon' is not a time"):
        store.diff(story.a, as_of=("2024-01-01", "soon"))
    with pytest.raises(UnknownNameError, match="near: experiment 'digits'"):
        store.diff("digits", "digit")


@given(VALUES)
def test_a_value_is_the_same_as_itself(value: Any) -> None:
    """NaN included, wherever it stands; and nothing else is."""
    assert same(value, value)
    assert not same([value], [value, value])
    assert not same({"a": value}, {"b": value})


def test_values_that_python_takes_for_one() -> None:
    """A flag is no number; 1 and 1.0 are one number."""
    assert not same(True, 1)
    assert not same(0, False)
    assert not same([True], [1])
    assert same(1, 1.0)
    assert not same(math.nan, None)
    assert compared({"a": None}, {}) == [("a", "removed", None, compared({"a": 1}, {})[0][3])]


def test_fields_of_one_group_stand_together() -> None:
    """Groups and fields in the order of the states, whichever of them has a field."""
    a, b = dict.fromkeys(("name", "params.a", "tags.x"), 1), dict.fromkeys(("name", "params.b", "note", "tags.y"), 1)
    assert [row[0] for row in compared(a, b)] == ["name", "params.a", "params.b", "tags.x", "tags.y", "note"]


@given(MAPPINGS)
def test_a_mapping_taken_apart_is_put_together_again(values: dict[str, Any]) -> None:
    """Whatever is in its names."""
    assert repr(nested(cells(values))) == repr(values)


def test_numbering() -> None:
    """Names that occur once stay as they are."""
    assert numbered(["a", "b", "a", "a"]) == ["a", "b", "a (2)", "a (3)"]


def test_a_difference_is_a_frame(story: Story) -> None:
    """With everything that frames can; a part of it is a plain one."""
    frame = story.store.diff(story.a, story.b)
    assert isinstance(frame, Difference)
    assert type(frame[frame["change"] == "added"]) is pd.DataFrame
