"""Where a store's journals lie: in its own directory, and wherever the pointers of its processes lead."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from uuid import UUID

from epochal._artifacts.staging import remove
from epochal._elsewhere import Pointer, folder, may_live, read_pointer, whereabouts
from epochal._journal.layout import FormatError
from epochal._journal.process import forget
from epochal._journal.reader import EventsReader
from epochal_processors.identity import Identity, learned
from epochal_processors.liveness import Liveness
from epochal_processors.reports import ReportOnce

NAMELESS_S = 600.0
"""Seconds after which a journal that doesn't say whose it is counts as left behind."""


class JournalFolders:
    """Finds journals. Outside the store, those of its own processes only: stores may share a directory.

    Guarantees: a pointer is dropped only when its process is dead and left nothing behind, or its directory was
    deleted; a directory that can't be read now is reported once and looked for again in every cycle.
    """

    def __init__(self, store: Path, liveness: Liveness, monotonic: Callable[[], float], report: ReportOnce) -> None:
        self._journals = store / "journals"
        self._notes = folder(store)
        self._liveness = liveness
        self._monotonic = monotonic
        self._report = report
        self._pointers: dict[Path, Pointer] = {}
        self._whose: dict[Path, UUID] = {}
        self._nameless: dict[Path, float] = {}

    def journals(self) -> dict[UUID, Path]:
        """The journals there are, by writer; drops the pointers that have done their work.

        Raises:
            OSError: the store's own directory is there and can't be read.
        """
        found: dict[UUID, Path] = {}
        for place, notes in self._places().items():
            found |= self._outside(place, notes)
        return found | {writer: self._journals / str(writer) for writer in _writers(self._journals)}

    def _places(self) -> dict[Path, list[Path]]:
        """The directories outside, each with the pointers that lead to it."""
        try:
            notes = {path for path in self._notes.iterdir() if path.suffix == ".json"}
        except FileNotFoundError:
            notes = set()
        for note in self._pointers.keys() - notes:
            del self._pointers[note]
        for note in notes - self._pointers.keys():
            try:
                self._pointers[note] = read_pointer(note)
            except (OSError, ValueError) as error:
                self._report(note, f"{note} can't be followed: {error}")
        places: dict[Path, list[Path]] = defaultdict(list)
        for note, pointer in sorted(self._pointers.items()):
            places[pointer.journals].append(note)
        return places

    def _outside(self, place: Path, notes: Sequence[Path]) -> dict[UUID, Path]:
        """The journals at a place outside that are of the processes of these pointers."""
        readable: list[Path] = []
        for note in notes:
            try:
                where = whereabouts(self._pointers[note])
            except OSError as error:
                self._report(place, f"the journals in {place} can't be read now: {error}")
                continue
            if where == "here":
                readable.append(note)
            elif where == "gone":
                self._gone(note)
            elif where == "not mounted":
                self._report(place, f"{place} is not mounted: what its journals hold is taken in when it is again")
        return self._read(place, readable) if readable else {}

    def _read(self, place: Path, notes: Sequence[Path]) -> dict[UUID, Path]:
        ours = {self._pointers[note].process: note for note in notes}
        dead = {process for process, note in ours.items() if self._is_dead(place, note)}
        try:
            present = {writer: place / str(writer) for writer in _writers(place)}
        except OSError as error:
            self._report(place, f"the journals in {place} can't be read now: {error}")
            return {}
        self._report.forget(place)
        self._forget_removed(place, present)
        whose = {writer: self._process(directory) for writer, directory in present.items()}
        left_behind = {writer for writer, process in whose.items() if process is None}
        for process in dead - set(whose.values()):
            if not left_behind:
                self._drop(ours[process])
        late = {writer for writer in left_behind if self._is_left_behind(present[writer])}
        return {writer: present[writer] for writer in present if whose[writer] in ours or writer in late}

    def _is_dead(self, place: Path, note: Path) -> bool:
        pointer = self._pointers[note]
        return self._liveness.is_dead(place, pointer.process) and not may_live(pointer)

    def _forget_removed(self, place: Path, present: Mapping[UUID, Path]) -> None:
        known: tuple[dict[Path, Any], ...] = (self._whose, self._nameless)
        for about in known:
            for directory in about.keys() - present.values():
                if directory.parent == place:
                    del about[directory]

    def _process(self, directory: Path) -> UUID | None:
        """The process whose journal it is, which the first event says; None where there is none yet."""
        if directory not in self._whose:
            try:
                first = EventsReader(directory).read(1)
            except (OSError, FormatError) as error:
                self._report(directory, f"{directory} can't be read now: {error}")
                return None
            process = learned(Identity(UUID(directory.name)), first).process
            if process is None:
                return None
            self._whose[directory] = process
        return self._whose[directory]

    def _is_left_behind(self, directory: Path) -> bool:
        """Whether a journal has been there for so long without saying whose it is that it never will."""
        since = self._nameless.setdefault(directory, self._monotonic())
        return self._monotonic() - since > NAMELESS_S

    def _gone(self, note: Path) -> None:
        pointer = self._pointers[note]
        line = f"{pointer.journals}, the directory of the journals of process {pointer.pid} on {pointer.host}, is gone"
        if may_live(pointer):
            self._report(note, f"{line}, though the process may still write there")
        else:
            self._report(note, f"{line}, and so is the process: what was not taken in before is lost")
            self._drop(note)

    def _drop(self, note: Path) -> None:
        pointer = self._pointers[note]
        try:
            remove(pointer.journals, pointer.process)
            note.unlink(missing_ok=True)
            forget(pointer.journals, pointer.process)
        except OSError as error:
            self._report(note, f"{note} has done its work but can't be removed: {error}")
            return
        del self._pointers[note]


def _writers(journals: Path) -> Iterator[UUID]:
    """The writers that have a journal in a directory."""
    try:
        names = [entry.name for entry in journals.iterdir()]
    except FileNotFoundError:
        return
    for name in names:
        try:
            if str(UUID(name)) == name:
                yield UUID(name)
        except ValueError:
            continue
