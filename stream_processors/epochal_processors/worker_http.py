"""A worker's own address: /metrics for Prometheus, /healthz and /readyz for whoever supervises it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import cast

State = Callable[[], str]
"""Why not, in a word or two; empty where all is well."""


class WorkerHttp:
    """Answers in threads of its own, from the moment it is made until it is closed.

    /healthz is 200 unless the worker should be replaced; /readyz is 200 while it takes messages in; otherwise both
    are 503 and say why.
    """

    def __init__(self, host: str, port: int, metrics: Callable[[], bytes], unhealthy: State, unready: State) -> None:
        """Raises: OSError where the address can't be had. Port 0 is a port of the system's choice."""
        self._server = _Server((host, port), _Handler)
        self._server.answers = {
            "/metrics": lambda: (HTTPStatus.OK, metrics()),
            "/healthz": lambda: _state(unhealthy()),
            "/readyz": lambda: _state(unready()),
        }
        threading.Thread(target=self._server.serve_forever, name="worker-http", daemon=True).start()

    @property
    def address(self) -> tuple[str, int]:
        """Host and port."""
        return cast("tuple[str, int]", self._server.server_address[:2])

    def close(self) -> None:
        """Answer no more."""
        self._server.shutdown()
        self._server.server_close()


Answer = tuple[HTTPStatus, bytes]


def _state(why: str) -> Answer:
    return (HTTPStatus.SERVICE_UNAVAILABLE, why.encode() + b"\n") if why else (HTTPStatus.OK, b"ok\n")


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    answers: dict[str, Callable[[], Answer]]


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        answer = cast(_Server, self.server).answers.get(self.path.partition("?")[0])
        status, content = answer() if answer else (HTTPStatus.NOT_FOUND, b"/metrics, /healthz, /readyz\n")
        self.send_response(status)
        self.send_header("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing: requests come every few seconds."""
