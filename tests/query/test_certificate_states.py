"""The states of a certificate, from ranges of sequence numbers."""

from __future__ import annotations

import itertools
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from epochal_query.certificate import Stream, merged

STREAM = Stream("w", "metrics", 0, "one", "main", "closed", 10, ((0, 4), (4, 6)))


def test_closed_means_all_there() -> None:
    """The writer said how many, and they are there."""
    assert (STREAM.state, STREAM.received, STREAM.gaps) == ("closed", 10, [])


def test_recovered_means_read_to_the_end() -> None:
    """The writer died, and its journal was read to the end."""
    assert replace(STREAM, ended="vanished").state == "recovered"


def test_gaps_are_named() -> None:
    """Missing ranges, also at the end."""
    stream = replace(STREAM, ranges=((2, 3), (7, 1)))
    assert (stream.state, stream.gaps, stream.received) == ("gaps", [[0, 2], [5, 7], [8, 10]], 4)


def test_open_streams_may_be_behind_but_not_have_holes() -> None:
    """What a living writer said and did not send yet is not missing; a hole is."""
    assert replace(STREAM, ended="open", ranges=((0, 4),)).state == "open"
    assert replace(STREAM, ended="open", ranges=((0, 4), (5, 1))).state == "gaps"


def test_parked_matters_most() -> None:
    """What waits among the dead letters is said even where nothing else is wrong."""
    assert replace(STREAM, parked=1).state == "parked"


@given(st.lists(st.tuples(st.integers(0, 30), st.integers(0, 10)), max_size=12))
def test_ranges_are_counted_once(ranges: list[tuple[int, int]]) -> None:
    """However they overlap, come twice or out of order."""
    held = {number for first, count in ranges for number in range(first, first + count)}
    found = merged(ranges)
    assert {number for first, count in found for number in range(first, first + count)} == held
    assert sum(count for _, count in found) == len(held)
    assert all(a[0] + a[1] < b[0] for a, b in itertools.pairwise(found))
