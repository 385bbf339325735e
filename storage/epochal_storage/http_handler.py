"""One connection of the HTTP server: reads requests, hands them on, sends answers and errors."""

from __future__ import annotations

import json
import logging
import os
import secrets
import signal
import time
from collections.abc import Iterator, Mapping
from contextlib import closing
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from typing import Any, cast
from urllib.parse import parse_qsl, urlsplit

from epochal_storage import http_queries
from epochal_storage.errors import HOST_ENDING, EngineError, HostEndingError, StoreError
from epochal_storage.http_auth import Role, role_of
from epochal_storage.http_body import BodyReader
from epochal_storage.http_call import Call, form_fields, understood
from epochal_storage.http_codec import chosen, compressed, decompressed
from epochal_storage.http_service import Service

# below the host's own, so that it reaches the host's log
_log = logging.getLogger("epochal.host.http")

_JSON = "application/json; charset=UTF-8"
_PLAIN = "text/plain; charset=UTF-8"
_CONTENT_TYPES = {
    "JSON": _JSON,
    "JSONCompact": _JSON,
    "JSONEachRow": "application/x-ndjson; charset=UTF-8",
    "CSV": "text/csv; charset=UTF-8; header=absent",
    "CSVWithNames": "text/csv; charset=UTF-8; header=present",
    "TabSeparated": "text/tab-separated-values; charset=UTF-8",
    "TSV": "text/tab-separated-values; charset=UTF-8",
}
_UNAUTHORIZED = 516
_MISSING = frozenset({46, 47, 60, 81})
_NOT_THE_CALLERS = frozenset({0, 159, 202, 241})


class Handler(BaseHTTPRequestHandler):
    """Answers the requests of one connection, one after the other."""

    protocol_version = "HTTP/1.1"
    server_version = "Epochal"
    sys_version = ""
    # a connection that says nothing for so many seconds is closed; its client opens another
    timeout = 600
    # head and answer leave in one packet where they are small
    wbufsize = 1 << 16

    _query_id = ""
    _answering = False

    def do_GET(self) -> None:
        """Answer a GET: it only reads, whoever asks."""
        self._handle()

    def do_POST(self) -> None:
        """Answer a POST."""
        self._handle()

    def do_PUT(self) -> None:
        """Answer a PUT, as a POST."""
        self._handle()

    def do_HEAD(self) -> None:
        """Answer a HEAD: the host lives."""
        self._answer(HTTPStatus.OK, b"", _PLAIN)

    def log_message(self, format: str, *args: object) -> None:
        """Keep the console quiet: the host has a log of its own."""

    @property
    def _service(self) -> Service:
        return cast(Service, cast(Any, self.server).service)

    def _handle(self) -> None:
        self._answering = False
        self._query_id = ""
        body: BodyReader | None = None
        try:
            body = BodyReader(cast(Any, self.rfile), self.headers)
            self._route(body)
        except EngineError as error:
            self._fail(error)
            if error.code == HOST_ENDING and not isinstance(error, HostEndingError):
                _make_way(error)
        except StoreError as error:
            self._fail(EngineError(str(error), 0, "EPOCHAL"))
        except (BrokenPipeError, ConnectionResetError, TimeoutError):
            self.close_connection = True
        # the border of the request: what fails here must reach the client and not end a thread in silence
        except Exception as error:  # noqa: BLE001
            _log.exception("a request failed: %s %s", self.command, self.path.split("?")[0])
            self._fail(EngineError(f"the host failed at this request: {error!r}", 0, "EPOCHAL"))
        if body is None or not body.drained():
            self.close_connection = True

    def _route(self, body: BodyReader) -> None:
        url = urlsplit(self.path)
        if url.path in ("/ping", "/replicas_status"):
            return self._answer(HTTPStatus.OK, b"Ok.\n", _PLAIN)
        arguments = dict(parse_qsl(url.query, keep_blank_values=True))
        role = role_of(self._service.tokens, self.headers, arguments)
        if role is None:
            raise EngineError(
                "the token is missing or wrong; `epochal url` prints address, user and token",
                _UNAUTHORIZED,
                "AUTHENTICATION_FAILED",
            )
        with self._service.request():
            if url.path == "/epochal/status":
                return self._answer_json(self._service.hooks.status())
            if url.path == "/epochal/catch-up" and self.command == "POST":
                return self._answer_json(self._service.hooks.catch_up())
            if url.path == "/epochal/snapshot" and self.command == "POST" and role == "writer":
                with self._service.hooks.hold() as known:
                    name = self._service.engine.snapshot()
                return self._answer_json({**known, "database": name})
            if url.path == "/epochal/replay" and self.command == "POST" and role == "writer":
                return self._answer_json(self._service.hooks.replay(b"".join(body.pieces())))
            if url.path != "/":
                raise EngineError(f"there is nothing at {url.path}; queries go to /", 0, "NOT_FOUND")
            return self._ask(role, arguments, body)

    def _ask(self, role: Role, arguments: dict[str, str], body: BodyReader) -> None:
        pieces = decompressed(body.pieces(), self.headers.get("Content-Encoding"))
        content_type = self.headers.get("Content-Type", "")
        if content_type.lower().startswith("multipart/form-data"):
            arguments |= form_fields(content_type, b"".join(pieces))
            pieces = iter(())
        call = understood(arguments, self.headers)
        self._query_id = call.query_id or secrets.token_hex(16)
        service, begun = self._service, time.perf_counter_ns()
        if self.command == "GET" and not call.query:
            return self._answer(HTTPStatus.OK, b"Ok.\n", _PLAIN)
        if role == "writer" and self.command != "GET":
            try:
                answer = http_queries.write(service.engine, call, pieces, service.hooks.before_read)
            finally:
                service.hooks.on_write()
        else:
            answer = http_queries.read(service.engine, call, pieces, service.hooks.before_read)
        if isinstance(answer, int):
            return self._answer(HTTPStatus.OK, b"", _PLAIN, _summary(begun, answer))
        with closing(answer.pieces):
            return self._stream(answer, call, begun)

    def _stream(self, answer: http_queries.Answer, call: Call, begun: int) -> None:
        encoding = chosen(self.headers.get("Accept-Encoding", "")) if call.accepts_compressed else None
        tag = secrets.token_hex(8)
        self._begin(
            HTTPStatus.OK,
            _CONTENT_TYPES.get(answer.output_format, "application/octet-stream"),
            {
                "X-ClickHouse-Format": answer.output_format,
                "X-ClickHouse-Exception-Tag": tag,
                "Transfer-Encoding": "chunked",
                **({"Content-Encoding": encoding} if encoding else {}),
                **_summary(begun, 0),
            },
        )
        broken: list[bool] = []
        pieces = _with_error(answer.pieces, tag, lambda: broken.append(True))
        for piece in compressed(pieces, encoding) if encoding else pieces:
            if piece:
                self.wfile.write(b"%x\r\n" % len(piece))
                self.wfile.write(piece)
                self.wfile.write(b"\r\n")
        if broken:
            # no end of the body follows, so that a client that knows nothing of tags sees that it broke off
            self.close_connection = True
        else:
            self.wfile.write(b"0\r\n\r\n")
        self.wfile.flush()

    def _answer_json(self, value: Mapping[str, Any]) -> None:
        self._answer(HTTPStatus.OK, json.dumps(value).encode() + b"\n", _JSON)

    def _answer(self, status: int, content: bytes, content_type: str, headers: Mapping[str, str] | None = None) -> None:
        self._begin(status, content_type, {"Content-Length": str(len(content)), **(headers or {})})
        self.wfile.write(content)
        self.wfile.flush()

    def _begin(self, status: int, content_type: str, headers: Mapping[str, str]) -> None:
        self._answering = True
        self.send_response(status)
        common = {
            "Content-Type": content_type,
            "X-ClickHouse-Server-Display-Name": "epochal",
            "X-ClickHouse-Timezone": "UTC",
            "X-ClickHouse-Query-Id": self._query_id,
            "X-Epochal-Store": self._service.store_id,
        }
        for name, value in (common | dict(headers)).items():
            self.send_header(name, value)
        self.end_headers()

    def _fail(self, error: EngineError) -> None:
        if self._answering:
            self.close_connection = True
            return
        headers = {"X-ClickHouse-Exception-Code": str(error.code)}
        if error.code == _UNAUTHORIZED:
            headers["WWW-Authenticate"] = 'Basic realm="Epochal"'
        try:
            self._answer(_status(error), _error_text(error).encode(), _PLAIN, headers)
        except OSError:
            self.close_connection = True


def _make_way(error: EngineError) -> None:
    """The engine has crashed: it answers nothing any more, and by itself takes minutes to end the process. What is
    accepted is safe whatever is killed, and clients go on with the next host as soon as this one is gone.
    """
    _log.critical("process %d ends, the next host goes on: %s", os.getpid(), error.message)
    os.kill(os.getpid(), signal.SIGKILL)


def _with_error(pieces: Iterator[bytes], tag: str, on_error: Any) -> Iterator[bytes]:
    """The pieces; an error between them becomes the last one, marked as ClickHouse marks it."""
    try:
        yield from pieces
    except EngineError as error:
        text = _error_text(error)
        on_error()
        yield f"\r\n__exception__\r\n{tag}\r\n{text}{len(text.encode())} {tag}\r\n__exception__\r\n".encode()


def _summary(begun: int, written: int) -> dict[str, str]:
    summary = {"written_rows": str(written), "elapsed_ns": str(time.perf_counter_ns() - begun)}
    return {"X-ClickHouse-Summary": json.dumps(summary)}


def _status(error: EngineError) -> HTTPStatus:
    if error.code == _UNAUTHORIZED:
        return HTTPStatus.UNAUTHORIZED
    if error.code in _MISSING or error.name == "NOT_FOUND":
        return HTTPStatus.NOT_FOUND
    return HTTPStatus.INTERNAL_SERVER_ERROR if error.code in _NOT_THE_CALLERS else HTTPStatus.BAD_REQUEST


def _error_text(error: EngineError) -> str:
    return f"Code: {error.code}. DB::Exception: {error.message}. ({error.name or 'UNKNOWN'})\n"
