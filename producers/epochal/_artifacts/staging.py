"""What a process stages while it hashes and stores contents: ``staging/<process>`` beside its journals."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from pathlib import Path
from uuid import UUID

from epochal._journal.process import is_alive, lock_exists

ABANDONED_S = 86_400.0
"""Seconds without a change after which staging without a lock counts as left behind: where a file system has no locks,
its process may live.
"""


def staging(journals: Path, process: UUID) -> Path:
    """Where a process stages."""
    return journals / "staging" / str(process)


def remove(journals: Path, process: UUID) -> None:
    """Remove what a dead process was staging; nothing refers to it.

    Raises:
        OSError: it can't be removed.
    """
    try:
        shutil.rmtree(staging(journals, process))
    except FileNotFoundError:
        return


def sweep(journals: Path, trouble: Callable[[Path, OSError], None]) -> None:
    """Remove what processes that died were staging; what can't be asked or removed is passed to ``trouble``."""
    try:
        folders = list((journals / "staging").iterdir())
    except FileNotFoundError:
        return
    for folder in folders:
        try:
            process = UUID(folder.name)
        except ValueError:
            continue
        try:
            if _is_left_behind(journals, process, folder):
                remove(journals, process)
        except OSError as error:
            trouble(folder, error)


def _is_left_behind(journals: Path, process: UUID, folder: Path) -> bool:
    if lock_exists(journals, process):
        return not is_alive(journals, process)
    return time.time() - folder.stat().st_mtime > ABANDONED_S
