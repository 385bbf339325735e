"""Whether a worker gets on with what waits for it. Pure: time and figures are given."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Sight:
    """What is seen of a worker at one moment.

    ``lag``: messages of its partitions that aren't acknowledged, None where the broker doesn't say; ``done``: messages
    stored since it began. Where it has no partitions, both of the whole group: somebody has to be at it.
    ``away``: the store is away, which is being dealt with.
    """

    lag: int | None
    done: int
    away: bool


class Stall:
    """Notices a worker that has messages waiting and stores none: Faust has been seen to stop without a word.

    Waiting for the store, or for the broker, is no stall.
    """

    def __init__(self, after_s: float, now: float) -> None:
        """``after_s``: seconds without progress that are too many; ``now``: by a monotonic clock."""
        self._after_s = after_s
        self._since = now
        self._done = 0

    def look(self, sight: Sight, now: float) -> float | None:
        """For how many seconds nothing was stored though something waited, where that is too long; else None."""
        if sight.done != self._done or not sight.lag or sight.away:
            self._since, self._done = now, sight.done
        quiet = now - self._since
        return quiet if quiet >= self._after_s else None
