"""Names: selections, near misses, the keys of params, the columns of a report."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from epochal_query.errors import FilterError, TooManyColumnsError, UnknownNameError
from epochal_query.names import choose, near
from epochal_query.param_paths import display_names, meant, nested, split
from epochal_query.report_columns import layout

KNOWN = ["test_acc", "test_loss", "train/acc", "val/acc.1"]


def test_a_string_is_an_exact_name_a_list_exact_names() -> None:
    """Nothing in a string has a special meaning, and the order is the caller's."""
    assert choose("val/acc.1", KNOWN, "metric") == ["val/acc.1"]
    assert choose(["train/acc", "test_acc"], KNOWN, "metric") == ["train/acc", "test_acc"]
    with pytest.raises(UnknownNameError, match="near: 'test_acc'"):
        choose("test.acc", KNOWN, "metric")


def test_a_pattern_matches_the_whole_name() -> None:
    """`re.compile` is not searched for inside of names."""
    assert choose(re.compile("test_.*"), KNOWN, "metric") == ["test_acc", "test_loss"]
    with pytest.raises(UnknownNameError, match="as a whole"):
        choose(re.compile("acc"), KNOWN, "metric")


def test_the_same_text_in_another_form_is_the_same_name() -> None:
    """Names are NFC, however they are typed."""
    assert choose("e\u0301", ["\u00e9"], "metric") == ["\u00e9"]


@pytest.mark.parametrize("selection", [3, {"a": 1}, b"a", [1], None])
def test_what_is_no_selection(selection: object) -> None:
    """Refused, with what is one."""
    with pytest.raises(FilterError, match=r"re\.compile"):
        choose(selection, KNOWN, "metric")  # type: ignore[arg-type]


def test_errors_list_what_there_is() -> None:
    """Where nothing is near, the message says what there is, and how much more."""
    with pytest.raises(UnknownNameError, match="there are 'a', 'b'"):
        choose("zzz", ["b", "a"], "metric")
    with pytest.raises(UnknownNameError, match="and 5 more"):
        choose("zzz", [f"{i}" for i in range(10)], "metric")
    with pytest.raises(UnknownNameError, match="none at all"):
        choose("zzz", [], "metric")


def test_near_names_ignore_case() -> None:
    """The commonest slips: case, a letter, a part of the name."""
    assert near("Test_Acc", KNOWN)[0] == "test_acc"
    assert "val/acc.1" in near("acc.1", KNOWN)


PARTS = st.text(alphabet=st.sampled_from("ab.\\") | st.characters(), max_size=4)


def _key(path: list[str]) -> str:
    return ".".join(part.replace("\\", "\\\\").replace(".", "\\.") for part in path)


@given(st.lists(PARTS, min_size=1, max_size=4))
def test_keys_split_into_the_parts_they_were_made_of(path: list[str]) -> None:
    """Also parts with dots and backslashes in them."""
    assert split(_key(path)) == path


def test_names_of_params_are_shown_without_escapes_where_that_is_unambiguous() -> None:
    """A flat `a.b` and a nested a → b can be told apart."""
    assert display_names(["lr", r"model\.lr"]) == {"lr": "lr", r"model\.lr": "model.lr"}
    assert display_names(["a.b", r"a\.b"]) == {"a.b": "a.b", r"a\.b": r"a\.b"}
    assert meant("a.b", ["a.b", r"a\.b", "a"]) == ("a.b", r"a\.b")


def test_params_come_nested_again() -> None:
    """What was taken apart is put together."""
    assert nested([("a.b", 1), ("a.c.d", [2]), (r"e\.f", {})]) == {"a": {"b": 1, "c": {"d": [2]}}, "e.f": {}}


def test_columns_that_collide_are_prefixed() -> None:
    """Fixed columns and statistics keep their names, params yield."""
    found = layout(["Name", "lr", "loss - Min", "params.Name"], ["loss"], [])
    assert found.params == {
        "Name": "params.params.Name",
        "lr": "lr",
        "loss - Min": "params.loss - Min",
        "params.Name": "params.Name",
    }
    assert found.metrics["loss", "min"] == "loss - Min"


def test_artifacts_that_go_in_and_come_out_are_told_apart() -> None:
    """Only where both happen."""
    found = layout([], [], [("data", "in"), ("seed", "in"), ("data", "out")])
    assert list(found.artifacts.values()) == [
        "data (in) - MediaType",
        "data (in) - Value",
        "seed - MediaType",
        "seed - Value",
        "data (out) - MediaType",
        "data (out) - Value",
    ]


@given(
    st.lists(
        st.text(max_size=5) | st.sampled_from(["Name", "m - Min", "params.Name", "x - Value", "x (in) - Value"]),
        unique=True,
    ),
    st.lists(st.sampled_from(["m", "x", "m - Min"]), unique=True),
    st.lists(st.tuples(st.sampled_from(["x", "m", "x (in)"]), st.sampled_from(["in", "out"])), unique=True),
)
def test_all_columns_differ(params: list[str], metrics: list[str], artifacts: list[tuple[str, str]]) -> None:
    """Whatever names are in use."""
    found = layout(params, metrics, artifacts)
    names = [*found.params.values(), *found.metrics.values(), *found.artifacts.values()]
    assert len(names) == len(set(names))
    assert not set(names) & {"Name", "ComponentId", "Trials", "Experiments"}


def test_too_many_columns_say_how_to_choose() -> None:
    """Nothing is cut off: the caller chooses."""
    layout([f"p{i}" for i in range(4987)], [], [])
    with pytest.raises(TooManyColumnsError, match=r"5,001 columns .*metrics=\['loss'\]"):
        layout([f"p{i}" for i in range(4988)], [], [])
