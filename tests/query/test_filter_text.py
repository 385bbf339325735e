"""The filter grammar."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from epochal_query.attributes import ARTIFACT_ATTRIBUTES, ATTRIBUTES, TRIAL_ATTRIBUTES
from epochal_query.errors import FilterError
from epochal_query.filter_text import parse_filter, parse_order
from epochal_query.filter_tree import (
    STATISTICS,
    All,
    Compare,
    Condition,
    Contains,
    Field,
    Has,
    IsNull,
    Like,
    Matches,
    Not,
    OneOf,
    OrderKey,
    Some,
)
from epochal_query.filters import as_condition, attribute, metric, param, tag

PARTS = st.text(min_size=1, max_size=8).filter(lambda part: "." not in part)
NAMES = st.lists(PARTS, min_size=1, max_size=3).map(".".join)
FIELDS = st.one_of(
    st.builds(lambda name: Field("params", name), NAMES),
    st.builds(lambda name: Field("tags", name), NAMES),
    st.builds(lambda name, stat: Field("metrics", name, stat), NAMES, st.sampled_from(STATISTICS)),
    st.builds(lambda name: Field("", name), st.sampled_from(list(ATTRIBUTES))),
)
SCALARS = st.one_of(st.booleans(), st.integers(), st.floats(allow_nan=False), st.text(max_size=10))
OPERATORS = st.sampled_from(["=", "!=", "<", "<=", ">", ">="])


def _leaves(fields: st.SearchStrategy[Field]) -> st.SearchStrategy[Condition]:
    return st.one_of(
        st.builds(Compare, fields, OPERATORS, SCALARS),
        st.builds(OneOf, fields, st.lists(SCALARS, min_size=1, max_size=3).map(tuple)),
        st.builds(Like, fields, st.text(max_size=10)),
        st.builds(Matches, fields, st.text(max_size=10)),
        st.builds(Contains, fields, st.text(max_size=10)),
        st.builds(IsNull, fields),
    )


def _groups(inner: st.SearchStrategy[Condition]) -> st.SearchStrategy[Condition]:
    several = st.lists(inner, min_size=2, max_size=3).map(tuple)
    return st.one_of(st.builds(All, several), st.builds(Some, several), st.builds(Not, inner))


def _about(attributes: Iterable[str], *more: st.SearchStrategy[Field]) -> st.SearchStrategy[Condition]:
    fields = st.one_of(st.builds(lambda name: Field("", name), st.sampled_from(list(attributes))), *more)
    return st.recursive(_leaves(fields), _groups, max_leaves=4)


VARIABLES = st.builds(lambda name: Field("variables", name), NAMES)
NESTED: st.SearchStrategy[Condition] = st.one_of(
    st.builds(Has, st.sampled_from(["input", "output", "artifact"]), _about(ARTIFACT_ATTRIBUTES)),
    st.builds(Has, st.just("trial"), _about(TRIAL_ATTRIBUTES, VARIABLES)),
)
FILTERS: st.SearchStrategy[Condition] = st.recursive(_leaves(FIELDS) | NESTED, _groups, max_leaves=8)


def _same(a: object, b: object) -> bool:
    """Equality that tells True from 1 and 1 from 1.0."""
    return repr(a) == repr(b)


@pytest.mark.long
@settings(max_examples=300)
@given(FILTERS)
def test_a_filter_parses_back_from_its_text(condition: Condition) -> None:
    """`str(filter)` is the text of the same tree, whatever names and values are in it."""
    assert _same(parse_filter(str(condition)), condition)


@settings(max_examples=500)
@given(st.text(alphabet=st.sampled_from("abpmt.`'\"()=!<>,0123456789-e \n_%") | st.characters(), max_size=40))
def test_no_text_crashes(text: str) -> None:
    """A text is a filter or is refused with our own error."""
    for parse in (parse_filter, parse_order):
        with contextlib.suppress(FilterError):
            parse(text)


@given(
    st.lists(
        st.sampled_from(["params.a", "metrics.b.last", "=", "1", "and", "or", "not", "(", ")", "in", "is", "null"])
    )
)
def test_no_row_of_words_crashes(words: list[str]) -> None:
    """Also texts that look like filters."""
    with contextlib.suppress(FilterError):
        parse_filter(" ".join(words))


@pytest.mark.parametrize(
    "text",
    [
        "(" * 5000,
        "input(" * 5000,
        "input(name = 'x' and " + "(" * 101 + ")" * 102,
        "not " * 5000 + "params.a = 1",
        "(" * 101 + "params.a = 1" + ")" * 101,
    ],
)
def test_deep_nesting_is_refused(text: str) -> None:
    """Nesting has a limit of its own, not Python's."""
    with pytest.raises(FilterError, match=r"nest|expected"):
        parse_filter(text)


TRIALS = All((Compare(Field("", "trial"), "=", "x"), Has("trial", Compare(Field("variables", "a b"), "=", 1))))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("params.batch-size = 128", Compare(Field("params", "batch-size"), "=", 128)),
        ("PARAMS.lr<-1e-3", Compare(Field("params", "lr"), "<", -1e-3)),
        ("params.a.b.c == 'x''y'", Compare(Field("params", "a.b.c"), "=", "x'y")),
        ('tags.team <> "a ""b"""', Compare(Field("tags", "team"), "!=", 'a "b"')),
        ("metrics.`val/acc.1`.max >= .5", Compare(Field("metrics", "val/acc.1", "max"), ">=", 0.5)),
        ("metrics.val/acc.nan_count > 0", Compare(Field("metrics", "val/acc", "nan_count"), ">", 0)),
        ("params.`in` in (1, 'a', true, -inf)", OneOf(Field("params", "in"), (1, "a", True, -math.inf))),
        (
            "params.or = 1 or params.and = 2",
            Some((Compare(Field("params", "or"), "=", 1), Compare(Field("params", "and"), "=", 2))),
        ),
        ("params.x not like 'a%'", Not(Like(Field("params", "x"), "a%"))),
        (
            "NOT name Matches 'a.*' AND kind Is Not Null",
            All((Not(Matches(Field("", "name"), "a.*")), Not(IsNull(Field("", "kind"))))),
        ),
        ("params.x not exists and tags.y EXISTS", All((IsNull(Field("params", "x")), Not(IsNull(Field("tags", "y")))))),
        ("not tags.y contains 'it''s'", Not(Contains(Field("tags", "y"), "it's"))),
        (
            "Input (name = 'train' and not uri contains 'tmp') or kind = 'x'",
            Some(
                (
                    Has(
                        "input", All((Compare(Field("", "name"), "=", "train"), Not(Contains(Field("", "uri"), "tmp"))))
                    ),
                    Compare(Field("", "kind"), "=", "x"),
                )
            ),
        ),
        ("params.input = 1", Compare(Field("params", "input"), "=", 1)),
        ("trial = 'x' and trial(variables.`a b` = 1)", TRIALS),
        ("params.2nd.`a``b` is null", IsNull(Field("params", "2nd.a`b"))),
    ],
)
def test_what_is_written_is_meant(text: str, expected: Condition) -> None:
    """The grammar, by example."""
    assert _same(parse_filter(text), expected)


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("params.lr = abc", "quotes"),
        ("lr < 3", "params.lr"),
        ("statis = 'x'", "status"),
        ("metrics.loss > 1", "statistic"),
        ("metrics.loss.lst > 1", "last"),
        ("params.x = null", "is null"),
        ("params.x = nan", "nan_count"),
        ("params.x in ()", "expected a number"),
        ("params.x in (1, 2", "expected , or"),
        ("params.x like 3", "text in quotes"),
        ("params. = 1", "expected a name"),
        ("params = 1", "expected .name"),
        ("params.x = 1 params.y = 2", "and, or, or the end"),
        ("params.x", "expected = != <"),
        ("", "expected a field"),
        ("params.x = 1 and", "expected a field"),
    ],
)
def test_errors_say_what_was_expected(text: str, hint: str) -> None:
    """An error shows the place, and what to write instead."""
    with pytest.raises(FilterError, match="at character") as error:
        parse_filter(text)
    assert hint in str(error.value)
    assert "^" in str(error.value)


def test_python_filters_are_the_same_trees() -> None:
    """Objects composed with & | ~ and text mean the same."""
    built = (param("lr") < 0.1) & (metric("loss").last <= 2) | ~(tag("team") == "a") & attribute("end").is_not_null()
    text = "(params.lr < 0.1 and metrics.loss.last <= 2) or (not tags.team = 'a' and end is not null)"
    assert _same(built, parse_filter(text))
    assert _same(param("x").isin([1, True, "a"]), parse_filter("params.x in (1, true, 'a')"))


@pytest.mark.parametrize("where", [3, ["params.a = 1"], param("a"), metric("a")])
def test_what_is_no_filter(where: object) -> None:
    """Something else than text or a filter is refused with what to give."""
    with pytest.raises(FilterError, match="where="):
        as_condition(where)


def test_and_or_not_of_python_are_refused() -> None:
    """`and` would silently keep one side only."""
    with pytest.raises(TypeError, match="&"):
        (param("a") == 1) and (param("b") == 2)
    with pytest.raises(FilterError, match="NaN"):
        param("a") == math.nan  # noqa: B015
    with pytest.raises(FilterError, match="status"):
        attribute("statis")


def test_orders() -> None:
    """Fields between commas, each with its way."""
    assert parse_order("metrics.acc.last DESC, params.lr asc, name") == (
        OrderKey(Field("metrics", "acc", "last"), True),
        OrderKey(Field("params", "lr")),
        OrderKey(Field("", "name")),
    )
    with pytest.raises(FilterError, match="asc, desc"):
        parse_order("name down")
