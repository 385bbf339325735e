"""ClickHouse's HTTP protocol in front of the embedded engine, on loopback."""

from __future__ import annotations

import socket
import threading
from collections.abc import Mapping
from http.server import ThreadingHTTPServer
from typing import Any

from epochal_storage.engine import Engine
from epochal_storage.http_auth import Role
from epochal_storage.http_handler import Handler
from epochal_storage.http_service import Hooks, Service


class HttpServer:
    """Answers on 127.0.0.1, each connection on a thread of its own.

    Guarantees: a request without one of the tokens learns nothing but that the host lives and whose store
    it holds; user `reader` changes nothing; a reader's query takes no lock that ingestion needs.
    """

    def __init__(
        self,
        engine: Engine | None,
        tokens: Mapping[Role, str],
        hooks: Hooks | None = None,
        store_id: str = "",
        port: int = 0,
    ) -> None:
        """Without an engine it answers of itself only; `port` 0 is one of the system's choice."""
        self._service = Service(engine, dict(tokens), hooks or Hooks(), store_id)
        self._http = _Listener(self._service, port)
        self._thread = threading.Thread(target=self._http.serve_forever, name="http", daemon=True)

    @property
    def port(self) -> int:
        """The port it listens on, from the moment it is made."""
        return int(self._http.server_address[1])

    @property
    def busy(self) -> int:
        """How many requests are being answered now."""
        return self._service.busy

    def start(self) -> None:
        """Begin to answer, in the background."""
        self._thread.start()

    def stop(self) -> None:
        """Take no more connections. Requests under way are not waited for."""
        if self._thread.is_alive():
            self._http.shutdown()
            self._thread.join()
        self._http.server_close()


class _Listener(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    # many processes open a store at the same moment
    request_queue_size = 256

    def __init__(self, service: Service, port: int) -> None:
        self.service = service
        super().__init__(("127.0.0.1", port), Handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        request.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        super().process_request(request, client_address)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: a client that went away is no event."""
