"""A host with an engine and no follower: `python small_host.py STORE`. Ends with SIGTERM."""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import uuid
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from epochal_storage.engine import ReadLimits
from epochal_storage.hostfile import HostFile, HostLock, new_token, remove_host_file, write_host_file
from epochal_storage.http_server import HttpServer
from epochal_storage.http_service import Hooks
from epochal_storage.tables import open_tables


def main(store: Path) -> None:
    store.mkdir(parents=True, exist_ok=True)
    lock = HostLock(store)
    if not lock.acquire():
        return
    named = store / "store.json"
    if not named.exists():
        named.write_text(json.dumps({"format": 1, "store": str(uuid.uuid4()), "created": "2024-01-01T00:00:00Z"}))
    store_id = json.loads(named.read_text())["store"]
    engine = open_tables(store / "engine", ReadLimits(seconds=int(os.environ.get("TEST_SECONDS", "600"))))
    reads = [0]

    def before_read() -> None:
        reads[0] += 1

    def hold() -> AbstractContextManager[Mapping[str, Any]]:
        intake = store / "intake" / "intake.log"
        known = {"watermark": {f"intake:{store_id}": 7}}
        return nullcontext(known | ({"intake_bytes": intake.stat().st_size} if intake.exists() else {}))

    hooks = Hooks(
        before_read, status=lambda: {"reads": reads[0]}, catch_up=lambda: {f"intake:{store_id}": 7}, hold=hold
    )
    reader, writer = new_token(), new_token()
    server = HttpServer(engine, {"reader": reader, "writer": writer}, hooks, store_id)
    server.start()
    started = datetime.now(UTC).isoformat()
    write_host_file(store, HostFile(os.getpid(), started, "127.0.0.1", server.port, reader, writer, "test"))
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
