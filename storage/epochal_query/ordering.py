"""The order of rows by what they may have: numbers before texts before what lacks it, NaN after the other numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from epochal_query.columns import Codes


@dataclass(frozen=True)
class Sortable:
    """Places that have the field, with a number each, or a text where ``words`` has one."""

    places: Codes
    numbers: npt.NDArray[np.float64]
    words: Sequence[str | None] | None = None


def ordered(keys: Sequence[tuple[Sortable, bool]], height: int, among: Codes) -> Codes:
    """The places ``among`` so many, in the order of the keys (each with whether it descends), equal ones as they came.

    What lacks a field comes last either way, and so does NaN among numbers.
    """
    if not keys or not len(among):
        return among
    ranked = [rank[among] for key, descending in keys for rank in _ranks(key, descending, height)]
    return among[np.lexsort(ranked[::-1])]


def _ranks(by: Sortable, descending: bool, height: int) -> tuple[Codes, Codes]:
    """Per place a class (number, NaN, text, absent) and the rank in it; equal values have equal ranks."""
    classes, ranks = np.full(height, 3, dtype=np.int64), np.zeros(height, dtype=np.int64)
    way = -1 if descending else 1
    written = np.zeros(len(by.places), dtype=np.bool_)
    if by.words is not None:
        written = np.array([word is not None for word in by.words], dtype=np.bool_)
        said = [word for word in by.words if word is not None]
        place = {word: rank for rank, word in enumerate(sorted(set(said)))}
        classes[by.places[written]] = 2
        ranks[by.places[written]] = [way * place[word] for word in said]
    nan = ~written & np.isnan(by.numbers)
    finite = ~written & ~nan
    classes[by.places[nan]] = 1
    classes[by.places[finite]] = 0
    ranks[by.places[finite]] = way * np.unique(by.numbers[finite], return_inverse=True)[1]
    return classes, ranks
