"""How a store's host is doing, for `epochal doctor`. Starts nothing."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from epochal_storage.endpoint import Pulse, ping, posted
from epochal_storage.errors import EngineError
from epochal_storage.hostfile import is_inline, lock_holder, published_host
from epochal_storage.locate import endpoint_of, store_id, unusable


def host_report(store: str | os.PathLike[str], *, patience: float = 5.0) -> dict[str, Any]:
    """What is known of a store's host; `patience` is how many seconds it may take to answer.

    Returns `state` (none, starting, running, silent, inline: a process reads in itself and answers nobody, or unknown:
    the files that tell it can't be read, as `failure` says), `pid`
    and `url` (None without a host), and, of a host that runs, what it says of itself: `lag` (seconds since it last
    looked into the journals), `started_at`, `watermark` and more. Never holds a token.
    """
    directory = Path(store)
    nobody: dict[str, Any] = {"state": "none", "pid": None, "url": None, "lag": None}
    try:
        info, holder = published_host(directory), lock_holder(directory)
    except OSError as error:
        return {**nobody, "state": "unknown", "failure": unusable(directory, error)}
    if holder is not None:
        nobody = {**nobody, "state": "inline" if is_inline(directory) else "starting", "pid": holder or None}
    if info is None:
        return nobody
    pulse = ping(info.host, info.port, store_id(directory), patience)
    if pulse in (Pulse.GONE, Pulse.FOREIGN):
        return nobody
    known = {"state": "silent", "pid": info.pid, "url": info.url, "lag": None, "started_at": info.started_at}
    known["version"] = info.version
    if pulse is Pulse.SILENT:
        return known
    try:
        said = posted(endpoint_of(info, "reader"), "/epochal/status", seconds=patience)
    except (OSError, EngineError):
        return known
    return {**known, "state": "running", **said}
