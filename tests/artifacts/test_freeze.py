"""By which signs a change is noticed, and when a further change must show."""

from __future__ import annotations

from dataclasses import replace

import pytest

from epochal._artifacts.freeze import COARSE_TICK_NS, TICK_NS, Signs, content_changed, settling_ns

BEFORE = Signs(device=1, inode=2, size=100, mtime_ns=10**18 + 7, ctime_ns=10**18 + 7, links=1, mode=0o644, owner=(0, 0))
LATER = BEFORE.ctime_ns + 1000


@pytest.mark.parametrize(
    ("after", "moved", "expected"),
    [
        (BEFORE, False, None),
        (replace(BEFORE, inode=3), False, "replaced"),
        (replace(BEFORE, device=3), False, "replaced"),
        (replace(BEFORE, size=101), True, "its size went from 100 to 101 bytes"),
        (replace(BEFORE, mtime_ns=BEFORE.mtime_ns - 1), True, "modified"),
        (replace(BEFORE, ctime_ns=LATER), False, "time put back"),
        (replace(BEFORE, ctime_ns=LATER), True, None),
        (replace(BEFORE, ctime_ns=LATER, links=2), False, None),
        (replace(BEFORE, ctime_ns=LATER, mode=0o600), False, None),
        (replace(BEFORE, ctime_ns=LATER, owner=(1, 1)), False, None),
    ],
)
def test_what_counts_as_a_change(after: Signs, moved: bool, expected: str | None) -> None:
    """A new name, other permissions, a removal are none; a write is one, even if the time was put back."""
    reason = content_changed(BEFORE, after, moved=moved)
    assert (reason is None) == (expected is None)
    assert expected is None or expected in str(reason)


@pytest.mark.parametrize(
    ("mtime_ns", "age_ns", "expected"),
    [
        (BEFORE.mtime_ns, 0, TICK_NS),
        (BEFORE.mtime_ns, 1000, TICK_NS - 1000),
        (BEFORE.mtime_ns, TICK_NS, 0),
        (BEFORE.mtime_ns, 10**12, 0),
        (BEFORE.mtime_ns, -5, 0),
        (10**18, 0, COARSE_TICK_NS),
        (10**18, COARSE_TICK_NS, 0),
    ],
)
def test_a_fresh_file_is_given_time_until_a_further_write_shows(mtime_ns: int, age_ns: int, expected: int) -> None:
    """Two writes in the same tick of the file system's clock have the same time; some clocks count whole seconds."""
    assert settling_ns(replace(BEFORE, mtime_ns=mtime_ns), mtime_ns + age_ns) == expected
