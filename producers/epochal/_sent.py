"""What this process has sent to logs that others take in, so that its own reads can wait for it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

__all__ = ["FROM_KAFKA", "SENT", "Positions", "Sent", "kafka_log"]

FROM_KAFKA: Final = "kafka:"
"""How the names of logs begin that are partitions of Kafka."""
Positions = Mapping[str, int]
"""By log the greatest offset sent to it."""


def kafka_log(cluster: str, topic: str, partition: int) -> str:
    """The name of the log that a partition is; the same for whoever writes or reads it."""
    return f"{FROM_KAFKA}{cluster}/{topic}/{partition}"


class Sent:
    """Where everything lies that was sent. Whoever sends says how to ask; from any thread."""

    def __init__(self) -> None:
        self._sources: list[Callable[[], Positions]] = []

    def register(self, source: Callable[[], Positions]) -> None:
        """Ask this source, too: it answers what the log has acknowledged of what this process logged until then.

        A source may take its time to send what is still here, within bounds of its own; it must not raise.
        """
        self._sources.append(source)

    def unregister(self, source: Callable[[], Positions]) -> None:
        """Ask it no more: what it sent was read since, or nobody will."""
        self._sources.remove(source)

    def positions(self) -> dict[str, int]:
        """What to wait for: nothing, where nothing was sent."""
        found: dict[str, int] = {}
        for source in list(self._sources):
            for log, offset in source().items():
                found[log] = max(offset, found.get(log, -1))
        return found


SENT = Sent()
"""This process's."""
