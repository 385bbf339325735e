"""What every connection of the HTTP server shares."""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any

from epochal_storage.engine import Engine
from epochal_storage.errors import EngineError, StoreError
from epochal_storage.http_auth import Role


def _nothing() -> None:
    """Do nothing: a host that has nothing to do at this point."""


def _empty() -> Mapping[str, Any]:
    return {}


def _no_replay(body: bytes) -> Mapping[str, Any]:
    raise StoreError(f"this host replays nothing ({len(body)} bytes were asked for)")


def _not_held() -> AbstractContextManager[Mapping[str, Any]]:
    return nullcontext({})


@dataclass(frozen=True)
class Hooks:
    """What the host does for requests.

    `before_read` runs before every query that reads; what it raises is the request's error.
    `on_request` runs at the beginning and at the end of every request with a right token.
    `on_write` runs after every statement of a writer, before it is answered.
    `status` and `catch_up` answer /epochal/status and /epochal/catch-up, as JSON.
    `hold` keeps ingestion between two batches while it is entered, and says what a copy of the store taken then
    has to know (for /epochal/snapshot).
    `replay` takes dead letters in again (for /epochal/replay), and answers where they are.
    """

    before_read: Callable[[], None] = _nothing
    on_request: Callable[[], None] = _nothing
    on_write: Callable[[], None] = _nothing
    status: Callable[[], Mapping[str, Any]] = _empty
    catch_up: Callable[[], Mapping[str, int]] = _empty
    hold: Callable[[], AbstractContextManager[Mapping[str, Any]]] = _not_held
    replay: Callable[[bytes], Mapping[str, Any]] = _no_replay


class Service:
    """The engine, who may ask it, and how many do so now."""

    def __init__(self, engine: Engine | None, tokens: Mapping[Role, str], hooks: Hooks, store_id: str) -> None:
        self._engine = engine
        self.tokens = tokens
        self.hooks = hooks
        self.store_id = store_id
        self._counting = threading.Lock()
        self._busy = 0

    @property
    def engine(self) -> Engine:
        """What answers queries. Raises: EngineError where this host keeps its rows elsewhere."""
        if self._engine is None:
            raise EngineError("this process takes journals to a server and holds no rows; ask the server", 0, "EPOCHAL")
        return self._engine

    @property
    def busy(self) -> int:
        """How many requests are being answered now."""
        return self._busy

    @contextmanager
    def request(self) -> Generator[None, None, None]:
        """Count a request while it is answered, and tell the host of its beginning and its end."""
        self._count(1)
        self.hooks.on_request()
        try:
            yield
        finally:
            self.hooks.on_request()
            self._count(-1)

    def _count(self, change: int) -> None:
        with self._counting:
            self._busy += change
