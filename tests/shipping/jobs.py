"""Jobs that ship to Kafka by themselves, and the processes that do so for them."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

from sdk.children import DEADLINE_S

from epochal._spool import is_shipped, shipper_pid


def spool_of(home: Path) -> Path:
    """The one spool of a test's home."""
    (spool,) = (home / ".local/state/epochal").glob("spool-*/journals")
    return spool


def kafka(servers: str, prefix: str, **more: str) -> dict[str, str]:
    """The settings of a job whose journals go to these topics."""
    return {"EPOCHAL_KAFKA": servers, "EPOCHAL_KAFKA_TOPIC_PREFIX": prefix, "EPOCHAL_HEARTBEAT": "1", **more}


@contextlib.contextmanager
def ending_shippers(home: Path) -> Iterator[None]:
    """Ends what the jobs of a test started, so that it doesn't outlive the test."""
    try:
        yield
    finally:
        for spool in (home / ".local/state/epochal").glob("spool-*/journals"):
            end_shipper(spool, signal.SIGTERM)


def end_shipper(spool: Path, number: signal.Signals) -> bool:
    """Sends a signal to the process that ships a spool, and returns when it is gone; False where there was none."""
    pid = shipper_pid(spool)
    if pid is None or pid == os.getpid():
        return False
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)
    deadline = time.monotonic() + DEADLINE_S
    while shipper_pid(spool) == pid and is_shipped(spool):
        assert time.monotonic() < deadline, f"process {pid} still ships {spool}"
        time.sleep(0.01)
    return True
