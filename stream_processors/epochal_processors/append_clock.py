"""When a log took each of its messages, as instants that strictly increase along the log."""

from __future__ import annotations


class AppendClock:
    """Instants for the offsets of one log, from the broker's append times.

    A broker stamps whole batches with one millisecond, and its clock may run backwards. Of two copies of a row the one
    with the earlier instant counts, so that of one log no two offsets may share an instant, nor come in another order:
    what was known at an offset would change.

    Guarantees: the instants depend on nothing but the log and where it begins, so that every worker gives the same.
    """

    def __init__(self, offset: int, recorded_at_us: int) -> None:
        """Go on after the message at ``offset``, which was recorded at that instant (microseconds, UTC)."""
        self.offset = offset
        self._last_us = recorded_at_us

    def recorded_at_us(self, offset: int, timestamp_ms: int) -> int:
        """The instant (microseconds, UTC) of the next message.

        Raises:
            ValueError: the offset doesn't come after the one before.
        """
        if offset <= self.offset:
            raise ValueError(f"offset {offset} doesn't come after {self.offset}")
        self.offset = offset
        self._last_us = max(timestamp_ms * 1000, self._last_us + 1)
        return self._last_us
