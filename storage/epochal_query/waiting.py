"""Waiting for something to happen in the store, without sleeping longer than needed."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

from epochal_query.errors import WaitTimeoutError

FIRST_PAUSE_S = 0.02
LONGEST_PAUSE_S = 1.0


def wait_until(happened: Callable[[], bool], timeout_s: float | None, what: str) -> None:
    """Ask again and again, in growing pauses, until it happened.

    Raises:
        WaitTimeoutError: it did not within ``timeout_s`` seconds.
    """
    deadline = None if timeout_s is None else time.monotonic() + timeout_s
    pause = FIRST_PAUSE_S
    while not happened():
        left = None if deadline is None else deadline - time.monotonic()
        if left is not None and left <= 0:
            raise WaitTimeoutError(f"waited {timeout_s:g} s for {what}")
        time.sleep(pause if left is None else min(pause, left))
        pause = min(2 * pause, LONGEST_PAUSE_S)


def reached(watermark: Mapping[str, int], wanted: Mapping[str, int]) -> bool:
    """Whether every log is taken in at least as far as wanted."""
    return all(watermark.get(log, -1) >= offset for log, offset in wanted.items())
