"""How a store is connected: what it reads from, where contents of artifacts lie, and the clock."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import pandas as pd

from epochal._events import Event
from epochal._saying import Say
from epochal_query.errors import ReadError
from epochal_query.reading import Source
from epochal_storage.remote import RemoteStore

if TYPE_CHECKING:
    from epochal._kafka.kept import Topics


class Connection(Source, Protocol):
    """What a store reads from; besides rows it answers users' own SQL and can be closed."""

    def query_df(self, sql: str, parameters: Mapping[str, object] | None = None) -> pd.DataFrame:
        """The answer to a user's query, times with their zone."""
        ...

    def close(self) -> None:
        """Let go of connections; a host ends by itself."""
        ...


def _read_only() -> RemoteStore:
    raise ReadError("this store was opened for nothing but reading: open it with epochal.open() to rebuild its views")


def _say_nothing(project: str, events: Sequence[Event], after_us: int, time_us: int | None = None) -> list[str]:
    raise ReadError("this store was opened for nothing but reading: open it with epochal.open() to change what it says")


@dataclass(frozen=True)
class Opened:
    """How a store was opened: its connection, where artifacts' contents lie, the clock, and what to wait for.

    ``sent`` is what this process sent to logs that others take in; ``directory`` is where an embedded store lies;
    ``location`` is what another process opens it by (None: by its settings; empty: it can't be); ``with_rights``
    connects to it with all rights; ``say`` is how to say something to it; ``topics`` are those of Kafka
    that this process's settings lead to.
    """

    connection: Connection
    contents: Callable[[], Any]
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    sent: Callable[[], Mapping[str, int]] = dict
    directory: Path | None = None
    location: str | None = ""
    with_rights: Callable[[], RemoteStore] = _read_only
    say: Say = _say_nothing
    topics: Topics | None = None
