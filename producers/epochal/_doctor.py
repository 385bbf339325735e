"""What ``epochal doctor`` says: where everything is, why, and how it is."""

from __future__ import annotations

import contextlib
import importlib
import os
from pathlib import Path
from typing import Any
from uuid import UUID

from . import _host
from ._elsewhere import Pointer, folder, read_pointer, whereabouts
from ._places import file_system, home, journal_place, store_directory
from ._settings import Settings
from ._shipped import read_cursor
from ._spool import journals_in, read_problem, shipper_pid

__all__ = ["examine"]


def examine(settings: Settings) -> dict[str, dict[str, Any]]:
    """Store, journals and host, as JSON. Starts nothing and changes nothing."""
    at_home = home(settings)
    kafka = {} if settings.kafka is None else {"kafka": _kafka(settings, journal_place(settings).directory)}
    return {
        "store": _store(settings, store_directory(settings.store)),
        "journals": _journals(settings, at_home),
        "host": _host_report(at_home),
        **kafka,
    }


def _kafka(settings: Settings, spool: Path) -> dict[str, Any]:
    """Where journals are shipped, by which process, and what keeps it; ``unshipped``: journals not wholly there."""
    return {
        "servers": settings.kafka,
        "topic_prefix": settings.kafka_topic_prefix,
        "security_protocol": settings.kafka_security_protocol,
        "sasl_mechanism": settings.kafka_sasl_mechanism,
        "sasl_user": settings.kafka_sasl_user,
        "shipper": shipper_pid(spool),
        "problem": read_problem(spool),
        "unshipped": sum(not read_cursor(journal).ended for journal in journals_in(spool)),
        "spool_limit": settings.spool_limit_bytes,
    }


def _store(settings: Settings, directory: Path | None) -> dict[str, Any]:
    if directory is None:
        from urllib.parse import urlsplit

        url = urlsplit(settings.store or "")
        return {
            "kind": "server",
            "place": f"{url.scheme}://{url.hostname}:{url.port or ''}{url.path}",
            "mode": settings.mode,
            "project": settings.project,
        }
    return {
        "kind": "embedded",
        "place": str(directory),
        "exists": (directory / "store.json").exists(),
        "file_system": file_system(directory),
        "why": "EPOCHAL_STORE is set" if settings.store else "the default: this user's data directory",
        "mode": settings.mode,
        "project": settings.project,
    }


def _journals(settings: Settings, at_home: Path) -> dict[str, Any]:
    """``waiting``: writers whose journal is still there, wherever; ``waiting_bytes``: what they hold on disk.

    ``elsewhere``: the directories outside the store that its processes keep journals in.
    """
    place = journal_place(settings)
    pointers = _pointers(at_home)
    directories = {place.directory, at_home / "journals", *(pointer.journals for pointer in pointers)}
    writers = {path.resolve(): path for directory in directories for path in _writers(directory)}
    return {
        "directory": str(place.directory),
        "why": place.why,
        "writable": _writable(place.directory),
        "waiting": len(writers),
        "waiting_bytes": sum(_size(path) for path in writers.values()),
        "lost": _lost(list(writers.values())),
        "elsewhere": _elsewhere(pointers),
    }


def _pointers(store: Path) -> list[Pointer]:
    found: list[Pointer] = []
    for note in _entries(folder(store)):
        with contextlib.suppress(OSError, ValueError):  # the host has said so
            found.append(read_pointer(note))
    return found


def _elsewhere(pointers: list[Pointer]) -> list[dict[str, Any]]:
    """One line for each directory and machine; ``state``: here, gone, not mounted, another machine, or an error;
    ``waiting``: None where that can't be seen from here.
    """
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for pointer in pointers:
        where = str(pointer.journals)
        if (pointer.host, where) not in found:
            state = _state(pointer)
            waiting = len(_writers(pointer.journals)) if state == "here" else None
            line = {"directory": where, "host": pointer.host, "state": state, "processes": 0, "waiting": waiting}
            found[pointer.host, where] = line
        found[pointer.host, where]["processes"] += 1
    return list(found.values())


def _state(pointer: Pointer) -> str:
    try:
        return whereabouts(pointer)
    except OSError as error:
        return str(error)


def _host_report(store: Path) -> dict[str, Any]:
    try:
        host_report = importlib.import_module("epochal_storage.doctor").host_report
    except ImportError:
        address = _host.read_address(store)
        if address is None:
            return {"pid": None, "url": None, "lag": None}
        return {"pid": address.pid, "url": f"http://{address.host}:{address.port}", "lag": None}
    report: dict[str, Any] = host_report(store)
    return report


def _lost(writers: list[Path]) -> dict[str, int]:
    """What the writers last said that they could not keep, summed by reason."""
    try:
        from ._journal.reader import EventsReader
    except ImportError:  # NumPy is not in the SDK alone
        return {}
    import json

    total: dict[str, int] = {}
    for path in writers:
        last: dict[str, int] = {}
        for record in EventsReader(path).read(1_000_000):
            data = json.loads(record.payload).get("data", {})
            last = data.get("lost", last)
        for reason, count in last.items():
            total[reason] = total.get(reason, 0) + count
    return total


def _entries(directory: Path) -> list[Path]:
    try:
        return sorted(directory.iterdir())
    except OSError:
        return []


def _writers(directory: Path) -> list[Path]:
    return [path for path in _entries(directory) if _is_writer(path)]


def _is_writer(path: Path) -> bool:
    try:
        UUID(path.name)
    except ValueError:
        return False
    return path.is_dir()


def _size(path: Path) -> int:
    total = 0
    for entry in _entries(path):
        try:
            total += entry.stat().st_blocks * 512
        except OSError:
            continue
    return total


def _writable(directory: Path) -> bool:
    while not directory.exists() and directory != directory.parent:
        directory = directory.parent
    return os.access(directory, os.W_OK)
