"""Where a host keeps what it takes in."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from epochal_processors.cleaning import SYNCED, Safety
from epochal_processors.loop import LEAST_PAUSE_S
from epochal_storage.engine import Engine
from epochal_storage.tables import open_tables
from epochal_storage.writing import Store


class Tables(Store, Protocol):
    """A store that a host holds open."""

    def close(self) -> None:
        """Let go of it."""
        ...


@dataclass(frozen=True, slots=True)
class Keeping:
    """The tables of a host, and how carefully it deals with them.

    ``open`` gives the tables, migrated; it may wait with the function it is given, which says whether to stop.
    """

    open: Callable[[Path, Callable[[float], bool]], Tables]
    safety: Safety = SYNCED
    least_pause_s: float = LEAST_PAUSE_S


def _embedded(store: Path, _: Callable[[float], bool]) -> Engine:
    return open_tables(store / "engine")


EMBEDDED = Keeping(_embedded)
"""An embedded store: the engine in the host's own process."""
