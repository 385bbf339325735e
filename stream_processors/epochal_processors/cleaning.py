"""Removes journals, once the store holds all of them and its files are on the disk."""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from epochal._artifacts.staging import remove, staging, sweep
from epochal._journal.process import forget, is_alive, lock_exists
from epochal_processors.journal_source import JournalSource
from epochal_processors.reports import ReportOnce
from epochal_storage.durability import sync_filesystem

INTERVAL_S = 30.0
"""Seconds between syncs of the file system, each of which may let journals go."""
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


@dataclass(frozen=True, slots=True)
class Synced:
    """Up to which number of the intake everything is on the disk, and in which run of the machine it was written."""

    number: int
    boot: str


@dataclass(frozen=True, slots=True)
class Safety:
    """When what a journal holds is safe in the store.

    ``sync`` brings everything below a path to the disk; ``kept_s`` is how many seconds a file of a journal stays after
    its last change, for a store whose disk can't be synced from here.
    """

    sync: Callable[[Path], None] = sync_filesystem
    kept_s: float = 0.0


SYNCED = Safety()
"""What an embedded store holds is safe once its files are on the disk."""


class Cleaner:
    """Syncs the store now and then, notes how far that reaches, and removes what is safe.

    Guarantees: what a journal holds is removed only when it is in the store and the store was synced after that.
    """

    def __init__(
        self,
        store: Path,
        safety: Safety,
        monotonic: Callable[[], float],
        report: ReportOnce,
        interval_s: float = INTERVAL_S,
    ) -> None:
        self._store = store
        self._journals = store / "journals"
        self._safety = safety
        self._monotonic = monotonic
        self._report = report
        self._interval_s = interval_s
        self._next = self._next_sweep = monotonic() + interval_s
        self._synced = -1

    def clean(self, sources: Sequence[JournalSource], watermark: int, *, now: bool = False) -> list[UUID]:
        """Remove what can go, if it is time; the writers whose journals are gone.

        Args:
            sources: the journals, everything read of them being in the store.
            watermark: the number up to which the store has everything.
            now: whether to do it at once.
        """
        whole = [one for one in sources if one.finished and (one.erased or not one.lacking)]
        finished = [one for one in whole if self._is_old(one.directory)]
        segments = [path for one in sources if not one.finished for path in one.taken_segments() if self._is_old(path)]
        if now or self._monotonic() >= self._next_sweep:
            self._next_sweep = self._monotonic() + self._interval_s
            sweep(self._journals, self._not_swept)
        due = now or self._monotonic() >= self._next
        if not due or not (finished or segments or watermark > self._synced):
            return []
        self._next = self._monotonic() + self._interval_s
        try:
            self._safety.sync(self._store)
            write_synced(self._store, watermark)
        except OSError as error:
            self._report(self._store, f"the store can't be synced, so no journal is removed: {error}")
            return []
        self._synced = watermark
        self._report.forget(self._store)
        for path in segments:
            path.unlink(missing_ok=True)
        return [source.writer for source in finished if self._remove(source)]

    def _is_old(self, path: Path) -> bool:
        if not self._safety.kept_s:
            return True
        try:
            changed = max(file.stat().st_mtime for file in (path, *path.glob("*")))
        except FileNotFoundError:  # somebody else removed it
            return True
        return time.time() - changed > self._safety.kept_s

    def _remove(self, source: JournalSource) -> bool:
        try:
            shutil.rmtree(source.directory)
        except OSError as error:
            self._report(source.writer, f"{source.directory} is in the store but can't be removed: {error}")
            return False
        process, journals = source.identity.process, source.directory.parent
        if process is not None and lock_exists(journals, process) and not is_alive(journals, process):
            try:
                remove(journals, process)
                forget(journals, process)
            except OSError as error:
                self._not_swept(staging(journals, process), error)
        return True

    def _not_swept(self, folder: Path, error: OSError) -> None:
        self._report(folder, f"{folder} was left behind by a process that died, and can't be removed: {error}")


def boot_id() -> str:
    """Which run of the machine this is; empty where the system doesn't say."""
    try:
        return _BOOT_ID.read_text().strip()
    except OSError:
        return ""


def read_synced(store: Path) -> Synced:
    """How far the last sync reached; nothing at all when there is no note of it."""
    try:
        content = json.loads(_note(store).read_text())
        return Synced(int(content["number"]), str(content["boot"]))
    except (OSError, ValueError, KeyError, TypeError):
        return Synced(-1, "")


def write_synced(store: Path, number: int) -> None:
    """Note how far a sync reached, atomically and durably.

    Raises:
        OSError: it can't be written.
    """
    path = _note(store)
    draft = path.with_suffix(".new")
    with draft.open("w") as file:
        json.dump({"number": number, "boot": boot_id()}, file)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)


def _note(store: Path) -> Path:
    return store / "intake" / "synced.json"
