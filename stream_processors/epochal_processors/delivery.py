"""The way of frames into the store: a number each, then the rows, until nothing is left on the way."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from epochal_processors.coverage import Coverage
from epochal_processors.frames import Frame, Position, Positioned, channel_of
from epochal_processors.intake import Intake, Range, Taken
from epochal_processors.materialize import Materializer, Received


class Sink(Protocol):
    """Where the materializer's rows go, in the order in which they come."""

    def after(self, call: Callable[[], None]) -> None:
        """Call when all inserts up to here are done; never, where one of them fails."""
        ...

    def settle(self) -> None:
        """Wait until everything is inserted; raises what the first insert that failed raised."""
        ...


@dataclass(frozen=True, slots=True)
class Batch:
    """Frames at their positions and dead letters, on their way."""

    frames: Sequence[Positioned]
    letters: Sequence[Received]


class Delivery:
    """Gives frames their numbers and has them inserted; keeps what isn't in the store yet.

    After an error :meth:`retry` inserts what was on the way, in the same order and with the same positions.
    """

    def __init__(self, intake: Intake, materializer: Materializer, sink: Sink, coverage: Coverage) -> None:
        self._intake = intake
        self._materializer = materializer
        self._sink = sink
        self._coverage = coverage
        self._on_the_way: deque[Batch] = deque()
        self._complete = -1

    @property
    def log(self) -> str:
        """The log that the numbers belong to."""
        return self._intake.log

    @property
    def complete(self) -> int:
        """The greatest number up to which everything is in the store; -1 when there is nothing. From any thread."""
        return self._complete

    def take(self, frames: Sequence[Frame], letters: Sequence[Received]) -> list[Position]:
        """Give frames their numbers and hand them over for insertion; the positions that they got.

        Raises:
            OSError: the intake can't be written; none has a number.
        """
        ranges = [Range(frame.writer, channel_of(frame), frame.first_seq, frame.count) for frame in frames]
        taken = self._intake.take(ranges) if ranges else []
        positions = [self._intake.position(one) for one in taken]
        self.again(list(zip(positions, frames, strict=True)), letters)
        return positions

    def again(self, frames: Sequence[Positioned], letters: Sequence[Received] = ()) -> None:
        """Hand frames over that have their numbers already."""
        if frames or letters:
            self._on_the_way.append(Batch(frames, letters))
            self._insert(self._on_the_way[-1])

    def position(self, taken: Taken) -> Position:
        """The position that a number of the intake stands for."""
        return self._intake.position(taken)

    def all_resumed(self) -> None:
        """Everything that has a number is in the store."""
        self.settle()
        self._complete = self._intake.count - 1

    def retry(self) -> None:
        """Insert what an error kept from the store."""
        for batch in list(self._on_the_way):
            self._insert(batch)
            self.settle()

    def settle(self) -> None:
        """Wait until everything handed over is in the store; raises what the store raised."""
        try:
            self._sink.settle()
        except BaseException:
            self._materializer.forget()
            raise

    def claim(self) -> None:
        """Count what is on the way as held by the log, so that nobody takes it a second time."""
        for batch in list(self._on_the_way):
            for _, frame in batch.frames:
                self._coverage.of(frame.writer, channel_of(frame)).add(frame.first_seq, frame.count)

    def _insert(self, batch: Batch) -> None:
        self._materializer.apply(batch.frames, batch.letters)
        self._sink.after(self._inserted)

    def _inserted(self) -> None:
        """The oldest batch is in the store."""
        batch = self._on_the_way.popleft()
        self._complete = max([self._complete, *(position.offset for position, _ in batch.frames)])
