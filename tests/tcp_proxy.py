"""A TCP proxy on loopback whose connections can be cut, refused, slowed and swallowed while it runs."""

from __future__ import annotations

import contextlib
import math
import socket
import threading
import time
from types import TracebackType

PIECE = 1 << 16


class Proxy:
    """Passes connections on to a port of loopback; clients use ``port``.

    ``swallow``: a black hole: bytes are taken and not passed on, in either direction, and connections stay open; when
    it ends, those that lost bytes break. ``swallowed`` counts bytes lost on the way to the port.
    ``refuse``: new connections are closed at once; `cut` closes those there are.
    ``delay_s``: every piece waits so long.
    """

    def __init__(self, target: int) -> None:
        self.target = target
        self.swallow = False
        self.swallowed = 0
        self._passes_left: float = math.inf
        self.refuse = False
        self._accepts_left: float = math.inf
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

    def mend(self) -> None:
        """Be a good network again."""
        self.swallow = self.refuse = False
        self._passes_left = self._accepts_left = math.inf
        self.delay_s = 0.0

    def lose_soon(self, after_bytes: int = 0) -> None:
        """Begin to swallow when so many more bytes have gone to the port."""
        self.swallowed, self._passes_left = 0, after_bytes

    def refuse_soon(self, after_connections: int) -> None:
        """Begin to refuse, and cut those there are, when so many more connections were made."""
        self._accepts_left = after_connections

    def lost(self, seconds: float) -> bool:
        """Wait until something was lost on the way to the port; False where nothing was for so long."""
        until = time.monotonic() + seconds
        while not self.swallowed and time.monotonic() < until:
            time.sleep(0.001)
        return self.swallowed > 0

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
                self._accepts_left -= 1
                if self._accepts_left < 0 and not self.refuse:
                    self.refuse = True
                    self.cut()
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
                broken = threading.Event()
                for way in ((client, server, True, broken), (server, client, False, broken)):
                    threading.Thread(target=self._pass_on, args=way, daemon=True).start()

    def _pass_on(self, source: socket.socket, sink: socket.socket, there: bool, broken: threading.Event) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(PIECE):
                if self.delay_s:
                    time.sleep(self.delay_s)
                self._passes_left -= len(data) if there else 0
                self.swallow = self.swallow or self._passes_left < 0
                if self.swallow:
                    broken.set()
                    self.swallowed += len(data) if there else 0
                elif broken.is_set():
                    break
                else:
                    sink.sendall(data)
        for one in (source, sink):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            with contextlib.suppress(OSError):
                one.close()
            with self._lock:
                self._open.discard(one)
