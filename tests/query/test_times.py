"""Times and watermarks as callers write them."""

from __future__ import annotations

import contextlib
from datetime import UTC, date, datetime, timedelta, timezone

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from epochal_query.errors import TimeError
from epochal_query.times import Bounds, check_times, parse_instant, parse_watermark, pin

NOW = datetime(2024, 5, 17, 15, 30, 45, 123456, tzinfo=UTC)


@pytest.mark.parametrize(
    ("given_", "expected"),
    [
        (datetime(2024, 1, 2, 3), datetime(2024, 1, 2, 3, tzinfo=UTC)),
        (datetime(2024, 1, 2, 3, tzinfo=timezone(timedelta(hours=2))), datetime(2024, 1, 2, 1, tzinfo=UTC)),
        (date(2024, 1, 2), datetime(2024, 1, 2, tzinfo=UTC)),
        (pd.Timestamp("2024-01-02T03:04:05"), datetime(2024, 1, 2, 3, 4, 5, tzinfo=UTC)),
        (np.datetime64("2024-01-02T03:04:05"), datetime(2024, 1, 2, 3, 4, 5, tzinfo=UTC)),
        ("2024-01-02", datetime(2024, 1, 2, tzinfo=UTC)),
        (" 2024-01-02 03:04:05.678901 ", datetime(2024, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)),
        ("2024-01-02T03:04:05Z", datetime(2024, 1, 2, 3, 4, 5, tzinfo=UTC)),
        ("2024-01-02T03:04:05+02:00", datetime(2024, 1, 2, 1, 4, 5, tzinfo=UTC)),
        ("now", NOW),
        ("today", datetime(2024, 5, 17, tzinfo=UTC)),
        ("Yesterday", datetime(2024, 5, 16, tzinfo=UTC)),
        ("2 hours ago", NOW - timedelta(hours=2)),
        ("an hour ago", NOW - timedelta(hours=1)),
        ("1.5 h ago", NOW - timedelta(minutes=90)),
        ("90min ago", NOW - timedelta(minutes=90)),
        ("1 day, 2 hours and 3 seconds ago", NOW - timedelta(days=1, hours=2, seconds=3)),
        ("3 WEEKS AGO", NOW - timedelta(weeks=3)),
    ],
)
def test_what_names_an_instant(given_: object, expected: datetime) -> None:
    """Datetimes, dates, ISO and relative text; a time without a zone is UTC."""
    assert parse_instant(given_, NOW) == expected


@pytest.mark.parametrize(
    "given_",
    [
        "",
        "soon",
        "2 hours",
        "hours ago",
        "2 parsecs ago",
        "2024-13-01",
        "ago",
        "99999999999 weeks ago",
        17,
        1.5,
        None,
        pd.NaT,
        [],
        "0001-01-01",
        datetime.max,
        "2024-01-02T25:00",
    ],
)
def test_what_does_not(given_: object) -> None:
    """Everything else is refused with the value and what is accepted."""
    with pytest.raises(TimeError, match="as_of="):
        parse_instant(given_, NOW)


@given(st.text())
def test_no_text_crashes(text: str) -> None:
    """A text either names an instant or is refused with our own error."""
    with contextlib.suppress(TimeError):
        assert parse_instant(text, NOW).tzinfo is UTC


@pytest.mark.parametrize(
    "bad", ["{", '{"log": "x"}', '{"log": 1.5}', "[1]", '{"log": true}', {1: 2}, {"log": -2}, {"log": 2**63}]
)
def test_what_is_no_watermark(bad: object) -> None:
    """A watermark names logs and whole numbers."""
    with pytest.raises(TimeError, match="watermark"):
        parse_watermark(bad)  # type: ignore[arg-type]


def test_a_read_is_pinned_to_the_watermark() -> None:
    """Without `known_at` all queries of a read see the log up to where it was when the read began."""
    assert pin(None, None, {"b": 2, "a": 1}, NOW) == (Bounds("", '{"a":1,"b":2}'), ())


def test_later_than_the_watermark_is_answered_with_the_watermark_and_said() -> None:
    """Nobody is told that they see a future that the log doesn't hold."""
    bounds, remarks = pin(None, {"a": 7}, {"a": 5}, NOW)
    assert bounds.known_at == '{"a":5}'
    assert "beyond" in remarks[0]
    bounds, remarks = pin(NOW + timedelta(days=1), None, {"a": 5}, NOW)
    assert bounds.as_of == "2024-05-18 15:30:45.123456", "what is logged with a time yet to come counts"
    assert "all that is known by now" in remarks[0]
    bounds, remarks = pin(None, NOW + timedelta(days=1), {"a": 5}, NOW)
    assert bounds.known_at == '{"a":5}'
    assert "yet to come" in remarks[0]


@pytest.mark.parametrize("known_at", [{"elsewhere": 3}, {"a": 1, "elsewhere": 3}, '{"elsewhere": -1}'])
def test_a_watermark_of_another_store_is_refused(known_at: object) -> None:
    """It would show nothing of this one: the error names the log, and what logs there are."""
    with pytest.raises(TimeError, match=r"'elsewhere'.*\(its logs: 'a'\)"):
        pin(None, known_at, {"a": 5}, NOW)
    with pytest.raises(TimeError, match=r"'elsewhere'.*\(its logs: none yet\)"):
        pin(None, {"elsewhere": 3}, {}, NOW)


@pytest.mark.parametrize("known_at", ["[1]", '"log"', "watermark", 'log": 3}'])
def test_what_is_neither_a_time_nor_a_watermark(known_at: str) -> None:
    """Both are accepted, so both are named."""
    with pytest.raises(TimeError, match=r"a datetime.*or a watermark.*offset"):
        check_times(None, known_at, NOW)


def test_a_watermark_of_nothing_is_one() -> None:
    """That of an empty store; asked with later it still shows nothing."""
    assert pin(None, {"a": -1}, {"a": 5}, NOW) == (Bounds("", "{}"), ())
    assert pin(None, {}, {"a": 5}, NOW) == (Bounds("", "{}"), ())


def test_a_past_known_at_is_kept() -> None:
    """An instant stays an instant, an older watermark an older watermark."""
    assert pin("2024-01-01", "2 hours ago", {"a": 5}, NOW)[0] == Bounds(
        "2024-01-01 00:00:00.000000", "2024-05-17 13:30:45.123456"
    )
    assert pin(None, '{"a": 3}', {"a": 5}, NOW) == (Bounds("", '{"a":3}'), ())
