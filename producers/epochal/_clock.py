"""The writer's clock, and times given by callers.

A time without a zone is UTC, everywhere.
"""

from __future__ import annotations

import math
import time
from datetime import UTC, datetime
from typing import Final, SupportsFloat, cast

__all__ = ["now_us", "to_us"]

_YEAR_9999_S: Final = 253402300800.0


def now_us() -> int:
    """The wall clock in microseconds since the Unix epoch, UTC."""
    return time.time_ns() // 1000


def to_us(when: object) -> int:
    """A caller's time in microseconds since the Unix epoch, UTC.

    Accepted: a datetime (without a zone: UTC) or a number of seconds since the Unix epoch.

    Raises:
        ValueError: neither of these, or no finite number, or beyond the year 9999.
    """
    if isinstance(when, datetime):
        aware = when if when.tzinfo is not None else when.replace(tzinfo=UTC)
        since = aware - datetime(1970, 1, 1, tzinfo=UTC)
        return (since.days * 86400 + since.seconds) * 1_000_000 + since.microseconds
    if isinstance(when, (bool, str, bytes)) or not hasattr(when, "__float__"):
        raise ValueError(f"time={when!r} is neither a datetime nor a number of seconds since 1970-01-01 UTC")
    seconds = float(cast("SupportsFloat", when))
    if not math.isfinite(seconds) or abs(seconds) > _YEAR_9999_S:
        raise ValueError(
            f"time={when!r} is no instant: seconds since 1970-01-01 UTC are expected (milliseconds need / 1000)"
        )
    return round(seconds * 1_000_000)
