"""Follows the journals of a store: takes in what they hold, tells who vanished, and removes what is safe elsewhere."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from epochal._journal.layout import FormatError
from epochal.contract import WriterVanished
from epochal_processors.cleaning import Cleaner
from epochal_processors.coverage import Coverage, Ranges
from epochal_processors.delivery import Delivery
from epochal_processors.erasing import Eraser, NoEraser
from epochal_processors.folders import NAMELESS_S, JournalFolders
from epochal_processors.follower_needs import LogHistory, Voice
from epochal_processors.frames import LIFECYCLE, METRICS, Frame, Positioned, channel_of
from epochal_processors.intake import Range, Taken
from epochal_processors.journal_source import JournalSource, reread
from epochal_processors.liveness import Liveness
from epochal_processors.materialize import Ending, Materializer, Received, bounded
from epochal_processors.reports import ReportOnce

NOTHING = NoEraser()


@dataclass(frozen=True, slots=True)
class Clock:
    """The clocks of a host: microseconds since the epoch, UTC; and seconds that never run backwards."""

    now_us: Callable[[], int]
    monotonic: Callable[[], float]


@dataclass(frozen=True, slots=True)
class Progress:
    """What one cycle did, and what there is: ``live`` journals have a writer, ``waiting`` ones couldn't be read."""

    events: int
    points: int
    live: int
    waiting: int


class Follower:
    """The one reader of a store's journals. Not thread-safe: one cycle at a time.

    After an error a cycle may be run again: what has a number and isn't inserted yet comes first, with that number.
    """

    def __init__(
        self,
        folders: JournalFolders,
        liveness: Liveness,
        delivery: Delivery,
        materializer: Materializer,
        coverage: Coverage,
        history: LogHistory,
        voice: Voice,
        cleaner: Cleaner,
        clock: Clock,
        report: Callable[[str], None],
        report_once: ReportOnce,
        check: Callable[[], None],
        eraser: Eraser | NoEraser = NOTHING,
    ) -> None:
        self._folders = folders
        self._liveness = liveness
        self._delivery = delivery
        self._materializer = materializer
        self._coverage = coverage
        self._history = history
        self._voice = voice
        self._cleaner = cleaner
        self._clock = clock
        self._report = report
        self._report_once = report_once
        self._check = check
        self._eraser = eraser
        self._known: set[UUID] = set()
        self._sources: dict[UUID, JournalSource] = {}
        self._vanished: set[UUID] = set()
        self._new: list[JournalSource] = []
        self._told = False
        self._letters: list[Received] = []

    def run_once(self) -> Progress:
        """A full cycle: everything that was in the journals when it began is in the store when it returns.

        That includes the end of every writer whose process was gone by then.

        Raises:
            OSError: the intake can't be written.
            StoreError: the store refuses; the next cycle goes on where this one stopped.
            HostEndingError: the store is at its place no more; nothing was touched.
        """
        self._check()
        try:
            progress = self._cycle()
            while self._is_behind():
                more = self._cycle()
                progress = replace(more, events=progress.events + more.events, points=progress.points + more.points)
            return progress
        except BaseException:
            # what was read but not handed over is read again, from where the log ends
            self._sources = {}
            self._delivery.claim()
            raise

    def _is_behind(self) -> bool:
        """Whether the last cycle found out what one more would have looked at: that a journal never seen before belongs
        to a dead process, or what was said of vanished writers since.
        """
        self._liveness.ask_again()
        return self._told or any(
            source.identity.process is not None and not source.final and self._is_dead(source) for source in self._new
        )

    def _cycle(self) -> Progress:
        self._told = False
        self._liveness.ask_again()
        self._delivery.retry()
        self._discover()
        events = points = 0
        for frames in bounded(self._frames(), lambda frame: frame):
            self._hand_over(frames)
            for frame in frames:
                self._known.add(frame.writer)
                events += frame.count if channel_of(frame) == LIFECYCLE else 0
                points += frame.count if channel_of(frame) == METRICS else 0
        self._hand_over([])
        self._delivery.settle()
        self._conclude()
        self._erase()
        sources = self._sources.values()
        waiting = sum(not (source.caught_up or source.failure) for source in sources)
        live = sum(not source.final and source.identity.role != "host" for source in sources)
        return Progress(events, points, live, waiting)

    def resume(self, unfinished: Iterable[Taken], in_ledger: Ranges) -> None:
        """Take in what has a number but may not be in the store: the same ranges with the same numbers.

        What the journals don't hold any more can't be taken; it is reported.

        Args:
            unfinished: what to take again.
            in_ledger: the numbers that the ledger has.
        """
        self._known = self._history.writers()
        self._discover()
        for source in self._sources.values():
            self._fill(source)  # only to learn whose it is: what is read here is read again by the first cycle
        for batch in bounded(self._again(unfinished, in_ledger), lambda one: one[1]):
            self._delivery.again(batch)
        self._delivery.all_resumed()
        self._sources = {}
        self._eraser.run()

    def watermark(self) -> dict[str, int]:
        """The log and the greatest offset with everything up to it inserted; -1 when there is nothing."""
        return {self._delivery.log: self._delivery.complete}

    def _discover(self) -> None:
        """Find new journals, and what the store knows of them."""
        present = self._folders.journals()
        for writer in self._sources.keys() - present.keys():
            del self._sources[writer]
            self._coverage.forget(writer)
        new = sorted(present.keys() - self._sources.keys())
        again = {writer for writer in new if writer in self._known and not self._coverage.has(writer)}
        if again:
            for (writer, channel), ranges in self._history.ranges(again).items():
                self._coverage.load(writer, channel, ranges)
            self._vanished |= self._history.vanished(again)
        for writer in new:
            self._sources[writer] = JournalSource(present[writer], self._coverage, self._clock.monotonic)
            self._sources[writer].erased = writer in self._eraser.erased.writers
        self._new = [self._sources[writer] for writer in new]

    def _frames(self) -> Iterator[Frame]:
        """Everything that is there, each journal a share at a time."""
        for source in self._sources.values():
            source.begin_cycle(dead=self._is_dead(source))
        waiting = deque(self._sources.values())
        while waiting:
            source = waiting.popleft()
            yield from self._fill(source)
            if not source.caught_up and not source.failure:
                waiting.append(source)

    def _fill(self, source: JournalSource) -> list[Frame]:
        """A journal's next frames; what can't be read now is reported once and tried again in the next cycle."""
        try:
            frames = source.read()
        except (OSError, FormatError) as error:
            source.failure = str(error)
            self._report_once(source.writer, f"{source.directory} can't be read now: {error}")
            return []
        self._vanished |= source.identity.vanished
        now = self._clock.now_us()
        letters = [(letter, now) for letter in source.new_damage()]
        if source.writer in self._eraser.erased.whole:
            return []  # a journal that was put back, with what is to be nowhere
        self._letters += letters
        return frames

    def _hand_over(self, frames: Sequence[Frame]) -> None:
        letters, self._letters = self._letters, []
        if any(channel_of(frame) == LIFECYCLE for frame in frames):
            self._eraser.look()
        self._delivery.take(frames, letters)

    def _again(self, unfinished: Iterable[Taken], in_ledger: Ranges) -> Iterator[Positioned]:
        for taken in unfinished:
            what, position = taken.range, self._delivery.position(taken)
            frame = self._frame_again(what)
            if frame is not None:
                yield position, frame
            elif not in_ledger.within(taken.number, 1):
                self._report(
                    f"number {taken.number} of the intake was given to {what.writer}/{what.channel} "
                    f"{what.first_seq}+{what.count}, which no journal holds any more"
                )
                self._materializer.skip(position, what.writer, what.channel, what.first_seq)

    def _frame_again(self, what: Range) -> Frame | None:
        source = self._sources.get(what.writer)
        if source is None or not what.count:
            return None
        try:
            return reread(source.directory, source.identity, what.channel, what.first_seq, what.count)
        except (OSError, FormatError) as error:
            self._report(f"{source.directory} can't be read: {error}")
            return None

    def _is_dead(self, source: JournalSource) -> bool:
        """Whether the process that wrote a journal is gone. Asked before reading, so that nothing can come after."""
        process = source.identity.process
        if process is None:
            return self._clock.monotonic() - source.quiet_since > NAMELESS_S
        return self._liveness.is_dead(source.directory.parent, process)

    def _conclude(self) -> None:
        """Seal the streams that ended, and let go of their journals once that is safe."""
        ended = [s for s in self._sources.values() if s.final and s.caught_up and not s.finished]
        for source in ended:
            self._tell_vanished(source)
        if ended:
            whole = self._eraser.erased.whole
            self._materializer.finish([_ending(source, points=source.writer not in whole) for source in ended])
            self._delivery.settle()
        for source in ended:
            source.finished = True
            if source.lacking:
                self._report_once(source.writer, source.lacking)
        self.clean(now=False)

    def _erase(self) -> None:
        """Destroy what was erased since the last cycle, and every journal that holds anything erased."""
        self._eraser.run()
        self._told |= self._eraser.tell_late(self._voice.erased)
        for source in self._sources.values():
            source.erased = source.writer in self._eraser.erased.writers
        if any(source.erased and source.finished for source in self._sources.values()):
            self.clean()

    def clean(self, *, now: bool = True) -> None:
        """Remove what is in the store, synced, and ended; by default at once and not when it is time for it."""
        self._check()
        gone = self._cleaner.clean(list(self._sources.values()), self._delivery.complete, now=now)
        for writer in gone:
            del self._sources[writer]
            self._coverage.forget(writer)

    def _tell_vanished(self, source: JournalSource) -> None:
        who = source.identity
        if who.closed or who.writer in self._vanished or not who.known:
            return
        lifecycle, metrics = source.counts
        said = WriterVanished(
            writer=who.writer,
            component=who.component,
            rank=who.rank,
            attempt=who.attempt,
            lifecycle=lifecycle,
            metrics=metrics,
            lost={"damaged": source.lost} if source.lost else {},
        )
        self._voice.vanished(who.project, said)
        self._told = True
        self._vanished.add(who.writer)


def _ending(source: JournalSource, *, points: bool) -> Ending:
    """The end of its streams; without ``points`` there are none left to seal."""
    who = source.identity
    return Ending(who.project, who.component if points else None, who.rank, who.writer, *source.counts)
