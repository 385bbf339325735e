"""A host with an engine and no follower, whose log is what the tests insert: `python bare_host.py STORE`."""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import uuid
from pathlib import Path

from epochal_storage.engine import Engine
from epochal_storage.hostfile import HostFile, HostLock, new_token, remove_host_file, write_host_file
from epochal_storage.http_server import HttpServer
from epochal_storage.http_service import Hooks
from epochal_storage.migrations import migrate


def main(store: Path) -> None:
    """Serve the store until SIGTERM."""
    store.mkdir(parents=True, exist_ok=True)
    lock = HostLock(store)
    if not lock.acquire():
        return
    named = store / "store.json"
    if not named.exists():
        named.write_text(json.dumps({"format": 1, "store": str(uuid.uuid4()), "created": "2024-01-01T00:00:00Z"}))
    engine = Engine(store / "engine")
    migrate(engine)

    def catch_up() -> dict[str, int]:
        rows = engine.query_arrow(
            "SELECT toString(log) AS log, max(offset) AS top FROM ledger GROUP BY log"
        ).to_pylist()
        return {row["log"]: row["top"] for row in rows}

    reader, writer = new_token(), new_token()
    server = HttpServer(
        engine,
        {"reader": reader, "writer": writer},
        Hooks(catch_up=catch_up),
        json.loads(named.read_text())["store"],
    )
    server.start()
    write_host_file(store, HostFile(os.getpid(), "2024-01-01", "127.0.0.1", server.port, reader, writer, "test"))
    ended = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: ended.set())
    # a wait without an end would keep the handler from running
    while not ended.wait(0.05):
        pass
    remove_host_file(store, os.getpid())
    server.stop()
    engine.close()
    lock.release()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
