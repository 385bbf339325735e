"""What stands in for a ClickHouse server: `stand_in.py DIRECTORY PORT TOKEN`, an engine behind its HTTP protocol."""

from __future__ import annotations

import signal
import sys
import threading
from pathlib import Path

from epochal_storage.engine import Engine
from epochal_storage.http_server import HttpServer


def main(directory: Path, port: int, token: str) -> None:
    """Serve until SIGTERM; user `writer` may write, `reader` only reads."""
    engine = Engine(directory)
    server = HttpServer(engine, {"writer": token, "reader": f"{token}-reader"}, port=port)
    server.start()
    print(server.port, flush=True)
    ended = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: ended.set())
    # a wait without an end would keep the handler from running
    while not ended.wait(0.05):
        pass
    server.stop()
    engine.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3])
