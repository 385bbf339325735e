"""Where a group begins, by what it committed and what the store holds."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from epochal_processors.resuming import Extent, RemadeError, resumption

WHERE = ("events", 1)


@pytest.mark.parametrize(
    ("extent", "stored", "rewind", "gone"),
    [
        (Extent(0, 100, 50), 49, None, None),  # as it should be
        (Extent(0, 100, 50), 70, None, None),  # stored and not yet committed: it comes again, which changes nothing
        (Extent(0, 100, None), None, None, None),  # nobody was ever here
        (Extent(0, 100, 50), None, 0, None),  # another store than the one it was committed for
        (Extent(0, 100, 50), 19, 20, None),  # the store lost what was not on its disk
        (Extent(30, 100, 50), 19, 30, (20, 30)),  # and Kafka doesn't keep all of that any more
        (Extent(60, 100, 50), 49, None, (50, 60)),  # some of it was deleted before anybody read it
        (Extent(60, 100, None), None, None, (0, 60)),
    ],
)
def test_what_the_store_lacks_is_read_again(
    extent: Extent, stored: int | None, rewind: int | None, gone: tuple[int, int] | None
) -> None:
    """From where the store ends, as far as Kafka still has it; what it hasn't is named."""
    made = resumption({WHERE: extent}, {} if stored is None else {WHERE: stored})
    assert (made.rewind.get(WHERE), made.gone.get(WHERE)) == (rewind, gone)


def test_a_topic_made_anew_is_refused() -> None:
    """New messages would take the places of old ones in the ledger."""
    with pytest.raises(RemadeError, match=r"partition 1 of events ends before offset 10, but .* offset 41 of it"):
        resumption({WHERE: Extent(0, 10, None)}, {WHERE: 41})


@given(st.integers(0, 50), st.integers(0, 50), st.none() | st.integers(0, 50), st.integers(-1, 50))
def test_nothing_that_the_store_lacks_is_left_out(begin: int, size: int, committed: int | None, stored: int) -> None:
    """Whatever was committed: all offsets that the store lacks are read, or named as gone."""
    end = begin + size
    if stored >= end:
        return
    made = resumption({WHERE: Extent(begin, end, committed)}, {WHERE: stored} if stored >= 0 else {})
    start = max(begin, made.rewind.get(WHERE, committed or 0))
    gone = range(*made.gone.get(WHERE, (0, 0)))
    for offset in range(stored + 1, end):
        assert offset >= start or offset in gone
