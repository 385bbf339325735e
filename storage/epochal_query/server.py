"""Reading from a ClickHouse server: what was logged on this machine is taken there first."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path

import pandas as pd
import pyarrow as pa

from epochal._elsewhere import folder
from epochal._errors import EpochalError
from epochal._host import spawn
from epochal._warnings import say
from epochal_query.errors import ReadError
from epochal_storage.client import StoreClient
from epochal_storage.endpoint import Endpoint, posted
from epochal_storage.errors import EngineError
from epochal_storage.locate import Patience, Started, find_or_start
from epochal_storage.location import Server

_NO_STORE = (60, 81, "UNKNOWN_TABLE", "UNKNOWN_DATABASE")
AWAY_S = 10.0
"""Seconds for which a read tries to reach a server that is away."""
ATTEMPTS = 5
"""Outposts that may die one after the other in one catch-up."""
STARTING_S = 10.0
"""Seconds that an outpost may take to come up without being seen to compute."""
HOPELESS_S = 60.0
"""Seconds for which reads don't wait again for what couldn't be taken to the server."""
PATIENCE_S = 300.0
"""Seconds for one catch-up; after that a read goes on without."""
Take = Callable[[], None]
"""Takes what the journals of this machine hold to the server; raises what keeps it from that."""


class ServerConnection:
    """A connection to a server, whose every read begins with what this machine has logged.

    Where that can't be taken there, the read is answered without it, and says so.
    """

    def __init__(self, server: Server, take: Callable[[], Take | None]) -> None:
        self._client = StoreClient(lambda: Endpoint.of_server(server), retry_seconds=AWAY_S)
        self._server = server
        self._take = take
        self._hopeless = (0.0, "")

    def query_arrow(self, sql: str, parameters: Mapping[str, object] | None = None, *, fresh: bool = True) -> pa.Table:
        """The answer to a query; ``fresh``: after taking in what the journals hold."""
        if fresh:
            self.watermark()
        return self._client.query_arrow(sql, parameters)

    def query_df(self, sql: str, parameters: Mapping[str, object] | None = None) -> pd.DataFrame:
        """The answer to a query as a frame, times with their zone."""
        return self._client.query_df(sql, parameters)

    def watermark(self) -> dict[str, int]:
        """Take in what the journals hold; how far the logs are in the store then.

        Raises:
            ReadError: the server has no such store.
        """
        take = self._take()
        found = self._reached()  # first, so that a server that isn't there is said at once
        if take is not None:
            reason = self._taken(take)
            if reason:
                say(f"what was logged on this machine isn't all in {self._server}, this answer is without it: {reason}")
            else:
                found = self._reached()
        if found is None:
            raise ReadError(
                f"{self._server} has no store yet: it is made when something is logged to it. Check the database's "
                "name, or log with this EPOCHAL_STORE first"
            )
        return found

    def _taken(self, take: Take) -> str:
        """Have it taken there; why that can't be, which isn't tried again for a while."""
        until, reason = self._hopeless
        if time.monotonic() > until:
            try:
                take()
                reason = ""
            except (OSError, EpochalError) as error:
                reason = str(error)
                self._hopeless = time.monotonic() + HOPELESS_S, reason
        return reason

    def _reached(self) -> dict[str, int] | None:
        """How far the logs are in the store; None where there is no store."""
        try:
            return self._client.watermark()
        except EngineError as error:
            if error.name in _NO_STORE or error.code in _NO_STORE:
                return None
            raise

    def close(self) -> None:
        """Close the connections. A later call opens them again."""
        self._client.close()


def taking(home: Path, server: Server, location: str, host: str) -> Take | None:
    """How to take to a server what the journals of its outpost here hold; None where there are none.

    ``host`` is EPOCHAL_HOST: auto asks the outpost and starts it when it isn't there, none only asks, inline does it
    in this process.
    """
    if not has_journals(home):
        return None
    if host == "inline":
        from epochal_processors.outpost import take_once

        return lambda: take_once(home, server)

    def start(directory: Path) -> Started | None:
        return spawn(directory, location) if host == "auto" else None

    return lambda: _asked(lambda: find_or_start(home, "reader", start, Patience(start=STARTING_S)))


def _asked(outpost: Callable[[], Endpoint]) -> None:
    """Have the outpost catch up; one that dies meanwhile has a successor."""
    for left in reversed(range(ATTEMPTS)):
        try:
            posted(outpost(), "/epochal/catch-up", PATIENCE_S)
        except ConnectionError:
            if not left:
                raise
        else:
            return


def has_journals(home: Path) -> bool:
    """Whether there is anything to take to the server."""
    journals = home / "journals"
    return any(folder(home).glob("*.json")) or any(journals.glob("*/events.bin"))
