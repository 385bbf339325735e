"""The composition that takes a store's journals in: what the host process and an inline store share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from epochal._version import __version__
from epochal_processors.background import BackgroundWriter, SettledHistory
from epochal_processors.cleaning import Cleaner, boot_id, read_synced
from epochal_processors.coverage import Coverage
from epochal_processors.delivery import Delivery
from epochal_processors.follower import Clock, Follower
from epochal_processors.history import SqlHistory
from epochal_processors.host_voice import HostVoice
from epochal_processors.intake import Intake
from epochal_processors.materialize import Materializer
from epochal_processors.store_file import read_or_create
from epochal_storage.durability import sync_filesystem
from epochal_storage.writing import Store


@dataclass(frozen=True, slots=True)
class Ingest:
    """A follower with all that belongs to it."""

    store_id: str
    follower: Follower
    voice: HostVoice
    intake: Intake
    writer: BackgroundWriter

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


def open_ingest(directory: Path, store: Store, clock: Clock, report: Callable[[str], None]) -> Ingest:
    """Open the intake of a store and resume what a host before this one left unfinished.

    Args:
        directory: the store's.
        store: its tables, migrated.
        clock: the time.
        report: takes lines for the host's log.

    Raises:
        IntakeError: the intake is damaged or newer.
        StoreError: ``store.json`` is, or the engine refuses.
    """
    store_id = read_or_create(directory, datetime.fromtimestamp(clock.now_us() / 1_000_000, UTC))
    history = SqlHistory(store)
    in_ledger = history.numbers(f"intake:{store_id}")
    intake = Intake(directory / "intake" / "intake.log", store_id, clock.now_us, in_ledger.end)
    coverage = Coverage()
    writer = BackgroundWriter(store)
    materializer = Materializer(writer, SettledHistory(history, writer.settle), coverage)
    voice = HostVoice(directory / "journals", __version__, clock.now_us, report)
    cleaner = Cleaner(directory, sync_filesystem, clock.monotonic, report)
    follower = Follower(
        directory / "journals",
        Delivery(intake, materializer, writer, coverage),
        materializer,
        coverage,
        history,
        voice,
        cleaner,
        clock,
        report,
    )
    follower.resume(intake.records(_first_unsafe(directory, in_ledger.contiguous)), in_ledger)
    return Ingest(str(store_id), follower, voice, intake, writer)


def _first_unsafe(directory: Path, complete: int) -> int:
    """The first number that may not be in the store: not in the ledger, or not on the disk when power was lost."""
    synced = read_synced(directory)
    return min(complete, synced.number + 1) if synced.boot not in ("", boot_id()) else complete
