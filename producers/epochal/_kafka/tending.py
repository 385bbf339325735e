"""What a shipper does about writers that are gone and journals that have had their time."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Final
from uuid import UUID

from epochal._elsewhere import host_name
from epochal._journal.process import forget, is_alive
from epochal._journal.segment_files import SegmentFile, find_segments, sound_header
from epochal._shipped import write_cursor

from .source import Source
from .voice import Voice

NAMELESS_S: Final = 600.0
"""Seconds without anything new after which a journal that doesn't say whose it is counts as left behind."""
SWEEP_S: Final = 60.0
"""Between two looks at what has had its time."""
KEPT_S: Final = 86_400.0
"""How long what Kafka acknowledged is kept here as well: a day to notice that a cluster lost it."""


@dataclass(frozen=True, slots=True)
class Policy:
    """What a shipper may do: remove what had its day (only of a spool of ours), and believe that processes that nobody
    here has ever seen are gone (journals from another machine).
    """

    remove: bool
    foreign_are_gone: bool = False


class Tender:
    """Finds out who is gone, says so once, and lets go of what is safe. For one thread."""

    def __init__(self, spool: Path, policy: Policy, voice: Voice, report: Callable[[str], None]) -> None:
        self._spool = spool
        self._policy = policy
        self._voice = voice
        self._report = report
        self._said: set[str] = set()
        self._swept_at = 0.0

    def begin(self, sources: Iterable[Source]) -> None:
        """Begin a turn: tell which journals will get no more. Asked before reading, so that nothing can come after."""
        alive: dict[UUID, bool] = {}
        for source in sources:
            source.read_to_end = False
            if not source.final:
                source.final = self._is_gone(source, alive)

    def tend(self, sources: Sequence[Source]) -> None:
        """Conclude what came to its end, and remove what is safe elsewhere."""
        for source in sources:
            if source.final and source.lacking:
                self._report_once(source.lacking)
            if source.done and not source.at_rest:
                self._conclude(source)
        if self._policy.remove and time.monotonic() - self._swept_at > SWEEP_S:
            self._swept_at = time.monotonic()
            for source in sources:
                self._sweep(source, time.time())

    @property
    def own(self) -> frozenset[UUID]:
        """The writers of what this shipper said itself."""
        return self._voice.writers

    def close(self) -> None:
        """End the journal of what was said, if there is one."""
        self._voice.close()

    def _is_gone(self, source: Source, alive: dict[UUID, bool]) -> bool:
        process = source.writer.process
        if process is None:
            return time.monotonic() - source.quiet_since > NAMELESS_S
        if source.writer.host != host_name() and not self._policy.foreign_are_gone:
            return False
        if process not in alive:
            try:
                alive[process] = is_alive(self._spool, process)
            except OSError as error:  # a file system without locks: better to wait than to think a writer gone
                alive[process] = True
                self._report_once(f"nobody can tell whether process {process} lives: {error}")
        return not alive[process]

    def _conclude(self, source: Source) -> None:
        """All of it is acknowledged: say that its writer is gone, if it didn't say so itself."""
        writer, size = source.writer, source.events_bytes
        try:
            if writer.closed_at is None and writer.known and not source.cursor.vanished:
                self._voice.vanished(source)
                source.cursor = replace(source.cursor, vanished=True)
            source.cursor = replace(source.cursor, ended=True, events_bytes=size)
            write_cursor(source.directory, source.cursor)
        except OSError as error:
            self._report_once(f"{source.directory}: {error}")

    def _sweep(self, source: Source, now: float) -> None:
        cursor = source.cursor
        if cursor.refused:
            return
        if source.at_rest:
            if now - cursor.moved_at > KEPT_S:
                self._remove(source)
            return
        for segment in passed_segments(find_segments(source.directory), cursor.metrics):
            try:
                if now - segment.path.stat().st_mtime > KEPT_S:
                    segment.path.unlink()
            except OSError as error:
                self._report_once(f"{segment.path} is in Kafka but can't be removed: {error}")

    def _remove(self, source: Source) -> None:
        try:
            shutil.rmtree(source.directory)
        except OSError as error:
            self._report_once(f"{source.directory} is in Kafka but can't be removed: {error}")
            return
        process = source.writer.process
        if process is not None and not is_alive(self._spool, process):
            forget(self._spool, process)

    def _report_once(self, line: str) -> None:
        if line not in self._said:
            self._said.add(line)
            self._report(line)


def passed_segments(segments: Sequence[SegmentFile], acknowledged: int) -> list[SegmentFile]:
    """Segments of which every point is acknowledged and which have a successor that was begun."""
    passed: list[SegmentFile] = []
    for segment, following in pairwise(segments):
        header = sound_header(following)
        if header is None or header.first_seq > acknowledged:
            break
        passed.append(segment)
    return passed
