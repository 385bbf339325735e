"""The host process of an embedded store: ``python -m epochal_processors.host STORE``.

It owns the engine, takes the journals in, and answers ClickHouse's HTTP protocol on loopback.
"""

from __future__ import annotations

import logging
import os
import resource
import signal
import sys
import threading
import time
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from epochal._artifacts.store import contents_of
from epochal._settings import from_env
from epochal._version import __version__
from epochal_processors.cleaning import SYNCED, Safety
from epochal_processors.erasing import Eraser, NoEraser
from epochal_processors.follower import Clock
from epochal_processors.history import SqlHistory
from epochal_processors.ingest import Ingest, open_ingest
from epochal_processors.keeping import EMBEDDED, Keeping, Tables
from epochal_processors.loop import FollowerLoop
from epochal_processors.replaying import take_in, unpacked_replays
from epochal_processors.store_file import read_or_create
from epochal_storage.engine import Engine
from epochal_storage.errors import HostEndingError, StoreError
from epochal_storage.hostfile import (
    HostFile,
    HostLock,
    new_token,
    remove_host_file,
    write_host_file,
)
from epochal_storage.http_auth import Role
from epochal_storage.http_server import HttpServer
from epochal_storage.http_service import Hooks
from epochal_storage.log_ends import ForeignLogs
from epochal_storage.old_parts import forget_old_parts

LOG_BYTES = 4 << 20
"""At this size ``host.log`` is begun anew, and the old one kept as ``host.log.1``."""
MOST_FILES = 65_536
log = logging.getLogger("epochal.host")


class Host:
    """One store's host, from the lock to the last sync."""

    def __init__(self, store: Path, idle_s: float, keeping: Keeping = EMBEDDED) -> None:
        self._store = store
        self._idle_s = idle_s
        self._keeping = keeping
        self._stop = threading.Event()
        self._lock = HostLock(store)
        self._ended_by: BaseException | None = None
        self._last_request = time.monotonic()

    def run(self) -> int:
        """Serve until idle or told to stop; the exit status.

        Returns 0 also where another host has the store: then there is nothing to do.
        """
        self._store.mkdir(parents=True, exist_ok=True)
        os.chdir(self._store)  # the engine takes a config.xml of the directory that it is loaded in for its own
        if not self._lock.acquire():
            return 0
        begin_log(self._store)
        try:
            return self._serve()
        except (OSError, StoreError) as error:
            log.error("%s", error)
            if sys.stderr.isatty():  # else it is the log
                print(f"epochal host: {error}", file=sys.stderr)
            return 1
        finally:
            self._lock.release()

    def stop(self, *_: object) -> None:
        """End soon; safe in a signal handler."""
        self._stop.set()

    def _serve(self) -> int:
        read_or_create(self._store, datetime.now(UTC))  # before anything of a newer version is touched
        self._obey_signals()
        tables = self._keeping.open(self._store, self._stop.wait)
        try:
            ingest = opened_ingest(self._store, tables, self._lock, self._keeping.safety)
            self._obey_signals()  # chDB may have taken them over when it was loaded
            loop = FollowerLoop(ingest.follower, log.warning, self._on_end, self._keeping.least_pause_s)
            loop.start()
            try:
                self._answer(tables, ingest, loop)
            finally:
                loop.stop()
                self._end(ingest)
        finally:
            tables.close()
        return 70 if self._ended_by else 0

    def _obey_signals(self) -> None:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self.stop)

    def _answer(self, tables: Tables, ingest: Ingest, loop: FollowerLoop) -> None:
        tokens: dict[Role, str] = {"reader": new_token(), "writer": new_token()}
        started_at = datetime.now(UTC).isoformat()
        (own,) = ingest.follower.watermark()
        elsewhere = ForeignLogs(tables.query_arrow, own)

        def before_read() -> None:
            loop.catch_up()

        def written() -> None:
            elsewhere.written()
            ingest.eraser.look()

        def catch_up() -> Mapping[str, int]:
            return {**loop.catch_up(), **elsewhere.ends()}

        def status() -> Mapping[str, Any]:
            return {"pid": os.getpid(), "started_at": started_at, **_status(loop, ingest)}

        @contextmanager
        def held() -> Generator[Mapping[str, Any], None, None]:
            with loop.hold() as watermark:
                yield {
                    "watermark": watermark | elsewhere.ends(),
                    "intake_bytes": (self._store / "intake" / "intake.log").stat().st_size,
                }

        def replay(body: bytes) -> Mapping[str, Any]:
            replays = unpacked_replays(body)
            with loop.hold():
                return {"places": take_in(replays, ingest.replayer, tables, system_clock().now_us())}

        hooks = Hooks(before_read, self._requested, written, status, catch_up, held, replay)
        server = HttpServer(tables if isinstance(tables, Engine) else None, tokens, hooks, ingest.store_id)
        server.start()
        info = HostFile(
            os.getpid(), started_at, "127.0.0.1", server.port, tokens["reader"], tokens["writer"], __version__
        )
        write_host_file(self._store, info)
        log.info("process %d answers on port %d", info.pid, info.port)
        try:
            while not self._stop.wait(1.0 if self._idle_s > 2 else 0.1) and not self._idle(server, loop):
                pass
        finally:
            # first, so that nobody comes any more
            remove_host_file(self._store, info.pid)
            server.stop()

    def _requested(self) -> None:
        self._last_request = time.monotonic()

    def _idle(self, server: HttpServer, loop: FollowerLoop) -> bool:
        if server.busy or time.monotonic() - self._last_request < self._idle_s:
            return False
        last = loop.beat.last
        return last is not None and not (loop.beat.failure or last.live or last.waiting or last.events or last.points)

    def _on_end(self, error: BaseException) -> None:
        if isinstance(error, HostEndingError):
            log.error("the host ends: %s", error)
        else:
            log.critical("a bug stops the host", exc_info=error)
        self._ended_by = error
        self._stop.set()

    def _end(self, ingest: Ingest) -> None:
        if self._ended_by:
            ingest.abandon()
            return
        try:
            ingest.close()
        except (OSError, StoreError) as error:
            log.error("at the end something couldn't be taken in, the next host will: %s", error)
        log.info("process %d ends", os.getpid())


def opened_ingest(store: Path, tables: Tables, lock: HostLock, safety: Safety = SYNCED) -> Ingest:
    """What takes the journals of a store in, for the holder of its lock."""
    seen: dict[Path, os.stat_result] = {}

    def check() -> None:
        gone = [] if lock.holds() else [store]
        gone += [path for path, status in seen.items() if not _is_still(path, status)]
        if gone:
            raise HostEndingError(f"{gone[0]} was moved away or deleted: what lies there now, if anything, is not ours")

    # in a server's tables its workers erase
    eraser: Eraser | NoEraser = NoEraser()
    if isinstance(tables, Engine):
        contents = partial(contents_of, replace(from_env(), store=str(store)))
        eraser = Eraser(tables, partial(forget_old_parts, tables), contents, log.warning)
    ingest = open_ingest(store, tables, SqlHistory(tables), system_clock(), log.warning, safety, check, eraser)
    parts = (store / "engine" / "store", store / "intake" / "intake.log")
    seen.update((path, path.stat()) for path in parts if path.exists())
    return ingest


def _is_still(path: Path, status: os.stat_result) -> bool:
    try:
        return os.path.samestat(path.stat(), status)
    except (FileNotFoundError, NotADirectoryError):
        return False


def system_clock() -> Clock:
    """The clocks of this machine."""
    return Clock(lambda: time.time_ns() // 1000, time.monotonic)


def allow_files() -> None:
    """Let this process open as many files as it may: whoever happened to start it may have had the right to few."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MOST_FILES if most == resource.RLIM_INFINITY else min(MOST_FILES, most)
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, most))


def begin_log(store: Path) -> None:
    """Let the host's lines go to the store's ``host.log``, and no more to that of a store opened before."""
    for handler in list(log.handlers):
        log.removeHandler(handler)
        handler.close()
    path = store / "host.log"
    if path.exists() and path.stat().st_size > LOG_BYTES:
        path.replace(path.with_name("host.log.1"))
    handler = logging.FileHandler(path, encoding="utf-8")
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    log.addHandler(handler)
    log.setLevel(logging.INFO)
    log.propagate = False


def _status(loop: FollowerLoop, ingest: Ingest) -> dict[str, Any]:
    beat = loop.beat
    return {
        "store": ingest.store_id,
        "watermark": ingest.follower.watermark(),
        "cycles": beat.cycles,
        "events": beat.events,
        "points": beat.points,
        "live": beat.last.live if beat.last else 0,
        "waiting": beat.last.waiting if beat.last else 0,
        "lag": time.monotonic() - beat.last_began,
        "failure": beat.failure,
    }


def main(arguments: list[str]) -> int:
    """Run the host of the store named by the one argument."""
    if len(arguments) != 1:
        print("usage: python -m epochal_processors.host STORE", file=sys.stderr)
        return 2
    allow_files()
    return Host(Path(arguments[0]).absolute(), from_env().host_idle_s).run()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
