"""A TCP proxy on loopback whose connections can be cut, refused, slowed and swallowed while it runs."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from types import TracebackType

PIECE = 1 << 16


class Proxy:
    """Passes connections on to a port of loopback; clients use ``port``.

    ``swallow``: bytes are taken and not passed on, in either direction, connections stay open.
    ``refuse``: new connections are closed at once; `cut` closes those there are.
    ``delay_s``: every piece waits so long.
    """

    def __init__(self, target: int) -> None:
        self.target = target
        self.swallow = False
        self.refuse = False
        self.delay_s = 0.0
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        threading.Thread(target=self._accept, name="proxy", daemon=True).start()

    def __enter__(self) -> Proxy:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._listener.close()
        self.cut()

    def cut(self) -> None:
        """Close every connection, in the middle of whatever goes through it."""
        with self._lock:
            held, self._open = self._open, set()
        for one in held:
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):  # the listener is closed at the end
            while True:
                client, _ = self._listener.accept()
                if self.refuse:
                    client.close()
                    continue
                try:
                    server = socket.create_connection(("127.0.0.1", self.target), timeout=10)
                except OSError:
                    client.close()
                    continue
                server.settimeout(None)
                with self._lock:
                    self._open |= {client, server}
                for source, sink in ((client, server), (server, client)):
                    threading.Thread(target=self._pass_on, args=(source, sink), daemon=True).start()

    def _pass_on(self, source: socket.socket, sink: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(PIECE):
                if self.delay_s:
                    time.sleep(self.delay_s)
                if not self.swallow:
                    sink.sendall(data)
        for one in (source, sink):
            with contextlib.suppress(OSError):
                one.close()
            with self._lock:
                self._open.discard(one)
