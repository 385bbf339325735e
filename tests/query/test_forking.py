"""Which points a fork names: exactly those that the main line has then, whatever comes later."""

from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from epochal_query.forking import Cut, Piece, chain_of, pieces_left

WRITERS = ("a", "b")
STEPS = st.integers(0, 6).map(float)
CUTS = st.lists(st.builds(Cut, st.sampled_from(WRITERS), st.integers(0, 8), STEPS | st.just(-math.inf)), max_size=4)
PIECES = st.lists(
    st.builds(
        lambda writer, first, count, step: Piece("it", writer, first, first + count, step),
        st.sampled_from(WRITERS),
        st.integers(0, 4),
        st.integers(1, 6),
        STEPS,
    ),
    max_size=4,
)


def holds(pieces: list[Piece], writer: str, seq: int, step: float) -> bool:
    """Whether a point is named."""
    return any(p.writer == writer and p.first <= seq < p.until and step <= p.to_step for p in pieces)


@given(PIECES, CUTS, STEPS)
def test_pieces_name_what_cuts_leave(pieces: list[Piece], cuts: list[Cut], step: float) -> None:
    """Point by point: named before, up to the step, and taken out by nothing."""
    left = list(pieces_left(pieces, cuts, step))
    for writer in WRITERS:
        for seq in range(10):
            for at in range(8):
                cut = any(c.writer == writer and seq < c.until and at > c.to_step for c in cuts)
                expected = holds(pieces, writer, seq, at) and at <= step and not cut
                assert holds(left, writer, seq, at) == expected


def test_a_chain_ends_where_it_closes() -> None:
    """Over generations and over ranks that continue different components."""
    forks = {"c": ["b"], "b": ["a", "x"], "a": ["c"], "y": ["z"]}
    assert chain_of(forks, "c") == {"a", "b", "c", "x"}
    assert chain_of(forks, "z") == {"z"}
