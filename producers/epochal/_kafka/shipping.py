"""Puts a shipper together, and the ways it is run: to the end of what is there, or for as long as jobs write."""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import sys
import time
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Final
from uuid import UUID

from epochal._errors import EpochalError
from epochal._settings import Settings, from_env
from epochal._spool import SpoolLock

from .sender import Sender
from .shipper import INTERVAL_S, Shipper, Standing
from .tending import Policy, Tender
from .voice import Voice

IDLE_S: Final = 60.0
"""After which a process that finds nothing to ship ends; the next job starts another."""
GIVE_UP_S: Final = 86_400.0
"""After which it ends when no job lives and Kafka takes nothing; the next job, or `epochal ship`, goes on."""
_NICE: Final = 5


class SpoolTakenError(EpochalError):
    """Somebody else ships this directory."""


@contextlib.contextmanager
def shipper_of(
    spool: Path,
    settings: Settings,
    policy: Policy,
    report: Callable[[str], None],
    only: frozenset[UUID] | None = None,
    interval_s: float = INTERVAL_S,
) -> Generator[tuple[Shipper, Tender], None, None]:
    """A shipper of this directory, the only one while it lasts.

    Raises:
        SpoolTakenError: there is another one.
        OSError: the directory can't be written.
    """
    lock = SpoolLock(spool)
    if not lock.take():
        raise SpoolTakenError(f"another process ships {spool}")
    tender = Tender(spool, policy, Voice(spool, report), report)
    shipper = Shipper(spool, lambda wake: Sender(settings, wake), tender, report, only, interval_s)
    try:
        yield shipper, tender
    finally:
        tender.close()
        shipper.close()
        lock.release()


class Patience:
    """How long a process goes on that nobody told to stop."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._busy_at = self._moving_at = monotonic()

    def is_over(self, standing: Standing) -> bool:
        """Whether there has been nothing to do, or nothing that could be done, for long enough."""
        now = self._monotonic()
        if standing.live or standing.waiting:
            self._busy_at = now
        if standing.live or not standing.problem:
            self._moving_at = now
        return now - self._busy_at > IDLE_S or now - self._moving_at > GIVE_UP_S


def main() -> None:
    """The process that ships a spool: ``python -m epochal._kafka.shipping SPOOL``. Ends at once where there is one."""
    spool, settings = Path(sys.argv[1]), from_env()
    logging.getLogger("kafka").setLevel(logging.CRITICAL)  # what matters of it is said by the shipper, once
    with contextlib.suppress(OSError, AttributeError):  # a job's cores are the job's, if there are others
        os.sched_setaffinity(0, range(os.cpu_count() or 1))
    with contextlib.suppress(OSError, AttributeError):
        os.nice(_NICE)
    with (
        contextlib.suppress(SpoolTakenError),
        shipper_of(spool, settings, Policy(remove=True), _log) as (shipper, _),
    ):
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: shipper.stop())
        _log(f"process {os.getpid()} ships {spool} to {settings.kafka}")
        shipper.run(Patience().is_over)
        _log(f"process {os.getpid()} ends")


def _log(line: str) -> None:
    print(time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), line, flush=True)


if __name__ == "__main__":
    main()
