"""The composition that takes a store's journals in: what the host process and an inline store share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

from epochal._version import __version__
from epochal_processors.background import BackgroundWriter, SettledHistory
from epochal_processors.cleaning import SYNCED, Cleaner, Safety, boot_id, read_synced
from epochal_processors.coverage import Coverage, Ranges
from epochal_processors.delivery import Delivery
from epochal_processors.erasing import Eraser, NoEraser
from epochal_processors.folders import JournalFolders
from epochal_processors.follower import NOTHING, Clock, Follower
from epochal_processors.follower_needs import LogHistory
from epochal_processors.host_voice import HostVoice
from epochal_processors.intake import Intake
from epochal_processors.liveness import Liveness
from epochal_processors.materialize import History, Materializer
from epochal_processors.replaying import Replayer
from epochal_processors.reports import ReportOnce
from epochal_processors.store_file import read_or_create
from epochal_storage.errors import StoreError
from epochal_storage.writing import TableWriter


@dataclass(frozen=True, slots=True)
class Ingest:
    """A follower with all that belongs to it."""

    store_id: str
    follower: Follower
    voice: HostVoice
    intake: Intake
    writer: BackgroundWriter
    replayer: Replayer
    eraser: Eraser | NoEraser

    def close(self) -> None:
        """Take in what is there, with the host's own last words, and let the intake go.

        Raises:
            OSError, StoreError: something couldn't be taken in; the next host will.
        """
        try:
            self.follower.run_once()
            self.voice.close()
            self.follower.run_once()
            self.follower.clean()
        finally:
            self.abandon()

    def abandon(self) -> None:
        """Let go of everything as it is; the next host resumes from the intake."""
        self.writer.close()
        self.intake.close()


class IngestHistory(History, LogHistory, Protocol):
    """What a store knows of its past, all in all."""

    def numbers(self, log: str) -> Ranges:
        """The offsets of a log that the ledger has."""
        ...


def open_ingest(
    directory: Path,
    store: TableWriter,
    history: IngestHistory,
    clock: Clock,
    report: Callable[[str], None],
    safety: Safety = SYNCED,
    check: Callable[[], None] = lambda: None,
    eraser: Eraser | NoEraser = NOTHING,
) -> Ingest:
    """Open the intake of a store and resume what a host before this one left unfinished.

    Args:
        directory: the store's.
        store: its tables, migrated.
        history: reads the same tables.
        clock: the time.
        report: takes lines for the host's log.
        safety: when a journal may go.
        check: raises where what lies in the directory is this store no more; asked before it is touched.
        eraser: destroys what is erased.

    Raises:
        IntakeError: the intake is damaged or newer.
        StoreError: ``store.json`` is, the tables lack what was in them, or the engine refuses.
    """
    store_id = read_or_create(directory, datetime.fromtimestamp(clock.now_us() / 1_000_000, UTC))
    in_ledger = history.numbers(f"intake:{store_id}")
    if not safety.kept_s:
        _check_tables(directory, in_ledger)
    intake = Intake(directory / "intake" / "intake.log", store_id, clock.now_us, in_ledger.end)
    coverage = Coverage()
    writer = BackgroundWriter(store)
    materializer = Materializer(writer, SettledHistory(history, writer.settle), coverage, lambda: eraser.erased)
    voice = HostVoice(directory / "journals", __version__, clock.now_us, report)
    once = ReportOnce(report)
    cleaner = Cleaner(directory, safety, clock.monotonic, once)
    liveness = Liveness(once)
    delivery = Delivery(intake, materializer, writer, coverage)
    follower = Follower(
        JournalFolders(directory, liveness, clock.monotonic, once),
        liveness,
        delivery,
        materializer,
        coverage,
        history,
        voice,
        cleaner,
        clock,
        report,
        once,
        check,
        eraser,
    )
    follower.resume(intake.records(_first_unsafe(directory, in_ledger.contiguous)), in_ledger)
    return Ingest(str(store_id), follower, voice, intake, writer, Replayer(delivery, coverage, history), eraser)


def _check_tables(directory: Path, in_ledger: Ranges) -> None:
    synced = read_synced(directory).number
    if in_ledger.contiguous <= synced:
        raise StoreError(
            f"the tables of {directory} lack what was in them: the ledger begins with {in_ledger.contiguous} numbers, "
            f"and {synced + 1} were on the disk. Bring {directory / 'engine'} back from a copy; to go on without what "
            f"was in it, move {directory / 'intake'} away, too"
        )


def _first_unsafe(directory: Path, complete: int) -> int:
    """The first number that may not be in the store: not in the ledger, or not on the disk when power was lost."""
    synced = read_synced(directory)
    return min(complete, synced.number + 1) if synced.boot not in ("", boot_id()) else complete
