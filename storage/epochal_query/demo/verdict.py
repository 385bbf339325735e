"""Whether the hypothesis holds: a paired, exact permutation test. Nothing here is judged by eye.

Each cell (an optimizer and a number of epochs) was trained with both models, on the same data. If the model made no
difference, each cell's difference could as well have had the other sign; so all 2^n sign patterns are equally likely,
and the p-value is the share of them whose sum is at least as large as the one seen. It is exact: no normal
distribution, no sampling of patterns, integers throughout.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

ALPHA = Fraction(1, 20)
"""The level of the test, for either direction; fixed before any training."""

Outcome = Literal["accepted", "rejected", "inconclusive"]


@dataclass(frozen=True, slots=True)
class Verdict:
    """The outcome of the test, with what it was made from.

    ``p_better`` is the p-value against "the first model is no better", ``p_worse`` against "it is no worse".
    """

    outcome: Outcome
    differences: tuple[int, ...]
    p_better: Fraction
    p_worse: Fraction

    @property
    def smallest_p(self) -> Fraction:
        """The smallest p-value that this many cells can give at all."""
        return Fraction(1, 2 ** len(self.differences))

    @property
    def mean_difference(self) -> float:
        """Mean difference over the cells."""
        return sum(self.differences) / len(self.differences)


def judge(differences: Sequence[int], alpha: Fraction = ALPHA) -> Verdict:
    """The verdict on "the first of each pair is better", from the paired differences.

    Accepted when the first is better at level ``alpha``, rejected when it is *worse* at that level, and inconclusive
    when the differences show neither.

    Raises:
        ValueError: there is no difference to judge.
    """
    if not differences:
        raise ValueError("no pairs to compare: both models have to be trained in at least one cell")
    p_better = sign_flip_p(differences)
    p_worse = sign_flip_p([-difference for difference in differences])
    outcome: Outcome = "accepted" if p_better <= alpha else "rejected" if p_worse <= alpha else "inconclusive"
    return Verdict(outcome, tuple(differences), p_better, p_worse)


def sign_flip_p(differences: Sequence[int]) -> Fraction:
    """One-sided exact p-value: the share of sign patterns whose sum is at least the one seen.

    The sums are counted by convolution, one difference at a time, so the time grows with the number of distinct sums
    and not with 2^n.
    """
    ways = {0: 1}
    for difference in differences:
        longer: dict[int, int] = {}
        for total, count in ways.items():
            for signed in (total + difference, total - difference):
                longer[signed] = longer.get(signed, 0) + count
        ways = longer
    seen = sum(differences)
    return Fraction(sum(count for total, count in ways.items() if total >= seen), 2 ** len(differences))
