"""The demo's verdict rests on an exact test; here it is held to enumeration and to cases known in closed form."""

from __future__ import annotations

from fractions import Fraction
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from epochal_query.demo.verdict import ALPHA, judge, sign_flip_p


def enumerated_p(differences: list[int]) -> Fraction:
    """The same p-value by writing out every sign pattern."""
    seen = sum(differences)
    sums = [
        sum(s * d for s, d in zip(signs, differences, strict=True))
        for signs in product((1, -1), repeat=len(differences))
    ]
    return Fraction(sum(total >= seen for total in sums), len(sums))


@given(st.lists(st.integers(-360, 360), min_size=1, max_size=9))
def test_the_p_value_is_that_of_all_sign_patterns(differences: list[int]) -> None:
    """The convolution counts exactly what enumeration counts, ties and zeros included."""
    assert sign_flip_p(differences) == enumerated_p(differences)


def test_nine_differences_of_one_sign_give_the_smallest_p_value() -> None:
    """One pattern in 512 is as extreme as nine wins of different size."""
    assert sign_flip_p([1, 2, 4, 8, 16, 32, 64, 128, 256]) == Fraction(1, 512)
    assert judge([3] * 9).smallest_p == Fraction(1, 512)


def test_equal_differences_follow_the_binomial() -> None:
    """With eight wins and one loss of equal size, at most one pattern in (1 + 9)/512 does better or as well."""
    assert sign_flip_p([1] * 8 + [-1]) == Fraction(1 + 9, 512)


def test_no_difference_at_all_is_no_evidence() -> None:
    """All patterns of zeros are as extreme as what was seen: p = 1 in both directions."""
    verdict = judge([0] * 9)
    assert verdict.outcome == "inconclusive"
    assert verdict.p_better == verdict.p_worse == 1


@pytest.mark.parametrize(
    ("differences", "outcome"),
    [
        ([5, 3, 8, 2, 9, 4, 6, 1, 7], "accepted"),
        ([-5, -3, -8, -2, -9, -4, -6, -1, -7], "rejected"),
        ([5, -3, 8, -2, 9, -4, -6, 1, -7], "inconclusive"),
    ],
)
def test_the_outcome_follows_the_test(differences: list[int], outcome: str) -> None:
    """Better, worse and neither are three verdicts; a worse model is never called inconclusive."""
    assert judge(differences).outcome == outcome


@given(st.lists(st.integers(-20, 20), min_size=1, max_size=9))
def test_accepted_and_rejected_exclude_each_other(differences: list[int]) -> None:
    """Turning every difference round turns the verdict round."""
    mirrored = {"accepted": "rejected", "rejected": "accepted", "inconclusive": "inconclusive"}
    verdict = judge(differences)
    assert judge([-d for d in differences]).outcome == mirrored[verdict.outcome]
    assert (verdict.p_better <= ALPHA) == (verdict.outcome == "accepted")


def test_nothing_to_compare_is_an_error() -> None:
    """A verdict on no pairs would be an opinion."""
    with pytest.raises(ValueError, match="no pairs"):
        judge([])
