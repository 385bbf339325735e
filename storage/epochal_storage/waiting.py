"""Waiting for a host: as long as it lives, but not for one that has stopped answering."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TypeVar

from epochal_storage.endpoint import Endpoint, Pulse, ping
from epochal_storage.errors import HostSilentError
from epochal_storage.processes import Progress

Result = TypeVar("Result")

_FIRST_LOOK = 2.0
_SILENCE = 8.0
_BUSY = 180.0


def run_watched(work: Callable[[], Result], endpoint: Endpoint) -> Result:
    """Run a request, and look after its host while it takes long.

    Guarantees: what `work` returns or raises; a query may take as long as it likes while its host answers pings.
    Raises: HostSilentError, 10 s after the host has stopped answering, later where its process still computes;
    the request is left behind then.
    """
    if endpoint.pid is None:
        return work()
    done = threading.Event()
    results: list[Result] = []
    errors: list[BaseException] = []

    def run() -> None:
        try:
            results.append(work())
        # handed over to the waiting thread, which raises it
        except BaseException as error:  # noqa: BLE001
            errors.append(error)
        finally:
            done.set()

    # a daemon: one that hangs in a stopped host's socket must not keep the interpreter from ending
    threading.Thread(target=run, name="epochal-request", daemon=True).start()
    progress = Progress(endpoint.pid, _BUSY)
    while not done.wait(_FIRST_LOOK):
        if ping(endpoint.host, endpoint.port, None, _SILENCE) is not Pulse.SILENT:
            progress = Progress(endpoint.pid, _BUSY)
        elif not done.is_set() and not progress.goes_on():
            raise HostSilentError(
                f"the store's host (process {endpoint.pid}) is there and gave no answer for "
                f"{_FIRST_LOOK + _SILENCE:g} s; if it is stopped, continue it (kill -CONT {endpoint.pid}), "
                f"else end it (kill {endpoint.pid}): the next reader starts another and nothing is lost",
                endpoint.pid,
            )
    if errors:
        raise errors[0]
    return results[0]
