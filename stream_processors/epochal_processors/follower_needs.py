"""What a follower needs of others."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol
from uuid import UUID

from epochal._events import Event
from epochal.contract import WriterVanished
from epochal_processors.coverage import Ranges


class LogHistory(Protocol):
    """What the store already knows of the writers of journals."""

    def ranges(self, writers: Iterable[UUID]) -> dict[tuple[UUID, str], Ranges]:
        """What the ledger says it holds of the streams of these writers."""
        ...

    def writers(self) -> set[UUID]:
        """Every writer that the ledger has anything of."""
        ...

    def vanished(self, writers: Iterable[UUID]) -> set[UUID]:
        """Those of the writers whose vanishing the log knows of."""
        ...


class Voice(Protocol):
    """The host's own stream."""

    def vanished(self, project: str, data: WriterVanished) -> None:
        """Say that a writer is gone and its journal was read to the end."""
        ...

    def erased(self, project: str, event: Event, time_us: int) -> bool:
        """Say that what came in of something after it was erased, at that time, is erased as well; whether it could."""
        ...
