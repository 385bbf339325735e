"""Waiting for something to happen in the store, without sleeping longer than needed."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

from epochal._numbers import is_duration
from epochal_query.errors import FilterError, WaitTimeoutError

FIRST_PAUSE_S = 0.02
LONGEST_PAUSE_S = 1.0
SENT_WITHIN_S = 10.0
"""How long a read waits for what its own process sent."""


def wait_until(happened: Callable[[], bool], timeout_s: float | None, what: str) -> None:
    """Ask again and again, in growing pauses, until it happened.

    Raises:
        FilterError: ``timeout_s`` is no number of seconds.
        WaitTimeoutError: it did not within ``timeout_s`` seconds.
    """
    if timeout_s is not None and not is_duration(timeout_s):
        raise FilterError(f"timeout={timeout_s!r} is no waiting time: give seconds from 0 on, or None for no limit")
    deadline = None if timeout_s is None else time.monotonic() + timeout_s
    pause = FIRST_PAUSE_S
    while not happened():
        left = None if deadline is None else deadline - time.monotonic()
        if left is not None and left <= 0:
            raise WaitTimeoutError(f"waited {timeout_s:g} s for {what}")
        time.sleep(pause if left is None else min(pause, left))
        pause = min(2 * pause, LONGEST_PAUSE_S)


def awaited(watermark: Callable[[], dict[str, int]], wanted: Mapping[str, int]) -> tuple[dict[str, int], str]:
    """The watermark once it has reached what is wanted, or after `SENT_WITHIN_S` as it is, with a remark then."""
    found = watermark()
    if reached(found, wanted):
        return found, ""

    def look() -> bool:
        found.update(watermark())
        return reached(found, wanted)

    try:
        wait_until(look, SENT_WITHIN_S, "what this process sent")
    except WaitTimeoutError:
        behind = {log: [found.get(log), offset] for log, offset in wanted.items() if found.get(log, -1) < offset}
        return found, (
            f"what this process sent isn't all in the store after {SENT_WITHIN_S:g} s, and this answer is without it "
            f"(by log, stored and sent: {behind}); do workers run (epochal process)? store.wait(watermark) waits longer"
        )
    return found, ""


def reached(watermark: Mapping[str, int], wanted: Mapping[str, int]) -> bool:
    """Whether every log is taken in at least as far as wanted."""
    return all(watermark.get(log, -1) >= offset for log, offset in wanted.items())
