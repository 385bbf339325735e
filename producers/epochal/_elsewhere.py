"""Pointers: what a store knows of journals outside it. One for each process that writes there, left in
``journals/elsewhere/<process>.json``; the store's host follows them, and takes them away when nothing is left behind.
"""

from __future__ import annotations

import json
import os
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from uuid import UUID

from ._places import is_local

__all__ = ["Pointer", "Whereabouts", "announce", "folder", "host_name", "may_live", "read_pointer", "whereabouts"]

Whereabouts = Literal["here", "gone", "not mounted", "another machine"]


@dataclass(frozen=True)
class Pointer:
    """Where one process of the store keeps its journals, and who can find them there."""

    process: UUID
    """Names the lock below ``journals`` that the process holds while it lives."""
    host: str
    pid: int
    pids: str
    """The name space that ``pid`` is of: two containers may have the same host name."""
    journals: Path
    mount: Path
    """The file system that the journals are on, by its mount point."""


def folder(store: Path) -> Path:
    """Where a store's pointers lie."""
    return store / "journals" / "elsewhere"


def announce(store: Path, process: UUID, journals: Path) -> None:
    """Leaves a pointer to this process's journals, durably; they are not found without it.

    Raises:
        OSError: the store can't be written.
    """
    note = folder(store) / f"{process}.json"
    said = {
        "process": str(process),
        "host": host_name(),
        "pid": os.getpid(),
        "pids": _pid_space(),
        "journals": str(journals),
        "mount": str(_mount_point(journals)),
    }
    note.parent.mkdir(parents=True, exist_ok=True)
    draft = note.with_suffix(".new")
    with draft.open("w", encoding="utf-8", errors="surrogateescape") as file:
        json.dump(said, file, ensure_ascii=False)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(note)


def read_pointer(note: Path) -> Pointer:
    """What a pointer says.

    Raises:
        OSError: it can't be read.
        ValueError: it is no pointer.
    """
    try:
        said = json.loads(note.read_text("utf-8", errors="surrogateescape"))
        return Pointer(
            process=UUID(said["process"]),
            host=str(said["host"]),
            pid=int(said["pid"]),
            pids=str(said["pids"]),
            journals=Path(said["journals"]),
            mount=Path(said["mount"]),
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"{note} is no pointer to journals: {error!r}") from None


def whereabouts(pointer: Pointer) -> Whereabouts:
    """Whether the journals can be read here.

    They can where the process was this machine's, and also where they are on a local disk of this machine, whatever
    it was called then. On a disk that machines share, the locks that tell who lives are trusted on one machine only.

    Raises:
        OSError: the directory is there and can't be asked.
    """
    ours = _is_of_this_machine(pointer)
    if not os.path.ismount(pointer.mount):
        return "not mounted" if ours else "another machine"
    try:
        there = stat.S_ISDIR(os.stat(pointer.journals).st_mode)
    except (FileNotFoundError, NotADirectoryError):
        there = False
    if not there:
        return "gone" if ours else "another machine"
    return "here" if ours or is_local(pointer.journals) else "another machine"


def may_live(pointer: Pointer) -> bool:
    """Whether this machine has a process of that number, for where the process's lock may have been deleted."""
    if not _is_of_this_machine(pointer):
        return False
    try:
        os.kill(pointer.pid, 0)
    except ProcessLookupError:
        return False
    except OSError:  # somebody else's
        return True
    return True


def host_name() -> str:
    """What this machine is called."""
    return os.uname().nodename if hasattr(os, "uname") else os.environ.get("COMPUTERNAME", "")


def _is_of_this_machine(pointer: Pointer) -> bool:
    return (pointer.host, pointer.pids) == (host_name(), _pid_space())


def _pid_space() -> str:
    """The name space of process ids, such as ``pid:[4026531836]``; empty where the system has none."""
    try:
        return os.readlink("/proc/self/ns/pid")
    except OSError:
        return ""


def _mount_point(path: Path) -> Path:
    at = Path(os.path.realpath(path))
    while not os.path.ismount(at) and at != at.parent:
        at = at.parent
    return at
