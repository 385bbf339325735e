"""The way of a log's messages into a store: positions, frames, rows. Knows nothing of who fetches them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from uuid import UUID

from epochal._sent import kafka_log
from epochal_processors import wire
from epochal_processors.append_clock import AppendClock
from epochal_processors.background import BackgroundWriter, SettledHistory
from epochal_processors.columns import BLOCK_BITS, BLOCK_SIZE, Stream
from epochal_processors.coverage import Coverage, Ranges
from epochal_processors.decode import DeadLetter, dead_letter
from epochal_processors.erasing import Eraser, NoEraser, Tell
from epochal_processors.frames import LIFECYCLE, METRICS, Frame, Position, Positioned, channel_of, nothing
from epochal_processors.materialize import Ending, Materializer, Received, bounded
from epochal_processors.messages import Headers, Message, packed
from epochal_processors.tombstones import NONE, Erasures
from epochal_processors.wire import WireError
from epochal_processors.worker_history import WorkerHistory
from epochal_storage.writing import TableWriter

NOTHING = NoEraser()
STREAMS_KNOWN = 50_000
"""Streams of which a worker keeps in mind what the store holds (some kilobytes each); then it begins anew."""


Decode = Callable[[Headers, bytes | None, bytes | None], Frame]
"""The frame of a message's headers, key and value. Raises: WireError."""


@dataclass(frozen=True, slots=True)
class Placed:
    """Messages read: each as a frame at its position, and what couldn't be read as dead letters."""

    frames: list[Positioned]
    letters: list[Received]


class Inlet:
    """Turns messages into rows and has them inserted in the background. For one thread.

    What it keeps in mind of streams (which numbers the store holds, unfinished blocks) is read from the store when a
    stream is first met, and again after :meth:`forget`.
    """

    def __init__(
        self,
        cluster: str,
        store: TableWriter,
        history: WorkerHistory,
        decode: Decode = wire.decode,
        eraser: Eraser | NoEraser = NOTHING,
        tell: Tell = lambda project, event, time_us: False,
    ) -> None:
        """``cluster`` is the broker's cluster id, a part of the logs' names; ``eraser`` destroys what is erased, and
        ``tell`` says what came in of it later.
        """
        self._cluster = cluster
        self._decode = decode
        self._history = history
        self._writer = BackgroundWriter(store)
        self._coverage = Coverage()
        self._eraser = eraser
        self._tell = tell
        settled = SettledHistory(history, self._writer.settle)
        self._materializer = Materializer(self._writer, settled, self._coverage, lambda: eraser.erased)
        self._clocks: dict[str, AppendClock] = {}
        self._known: set[tuple[UUID, str]] = set()

    def place(self, messages: Sequence[Message]) -> Placed:
        """Give messages their positions and read them. Raises what the store raises.

        A message that is there twice, as when partitions changed hands and were read again, is read once.
        """
        different = {(one.topic, one.partition, one.offset): one for one in messages}
        ordered = [different[place] for place in sorted(different)]
        self._begin_clocks(ordered)
        placed = Placed([], [])
        for message in ordered:
            log = kafka_log(self._cluster, message.topic, message.partition)
            recorded_at_us = self._clocks[log].recorded_at_us(message.offset, message.timestamp_ms)
            try:
                frame = self._decode(message.headers, message.key, message.value)
            except WireError as error:
                frame = nothing(error.writer)
                letter = dead_letter(
                    error.reason, error.detail, f"{log}:{message.offset}", error.writer, packed(message)
                )
                placed.letters.append((letter, recorded_at_us))
            placed.frames.append((Position(log, message.offset, recorded_at_us), frame))
        return placed

    def hand_over(self, placed: Placed, done: Callable[[Sequence[DeadLetter]], None]) -> None:
        """Have the rows inserted; ``done`` is called when all of them are, with every dead letter found on the way, and
        nothing of them is there that was erased.

        ``done`` is called in another thread, and not at all when an insert fails: :meth:`settle` tells.
        Raises what the store raised, of this call or of one before.
        """
        self._writer.check()
        if len(self._known) > STREAMS_KNOWN:
            self.settle()
            self.forget()
        self._learn({(frame.writer, channel_of(frame)) for _, frame in placed.frames})
        if self._eraser.known < 0:
            self._eraser.run()
        known, letters = self._eraser.known, list[Received]()
        parts = chain.from_iterable(map(_one_log_each, bounded(placed.frames, lambda one: one[1])))
        for number, part in enumerate(parts):
            letters += self._materializer.apply(part, () if number else self._standing(placed.letters))
        self._writer.after(lambda: self._inserted(known, letters, done))

    def seal(self, endings: Sequence[Ending], held: dict[tuple[UUID, str], Ranges]) -> None:
        """Streams have ended and ``held`` is what the store has of them: link what is left of them, and let them go.

        Sums that were made when less was known than the store holds now are made again.
        """
        self.settle()
        whole = self._eraser.erased.whole
        # of the points of those there is nothing left to seal
        endings = [replace(one, component=None) if one.writer in whole else one for one in endings]
        for key in [key for key in held if key[0] in {ending.writer for ending in endings}]:
            self._coverage.load(*key, held[key])
        self._materializer.finish(endings)
        for ending in endings:
            self._mend(ending, held.get((ending.writer, METRICS), Ranges()))
        self.settle()
        for ending in endings:
            self._coverage.forget(ending.writer)
            self._known -= {key for key in self._known if key[0] == ending.writer}

    def settle(self) -> None:
        """Wait until everything handed over is in the store. Raises what the store raised first."""
        self._writer.settle()

    def rest(self) -> None:
        """Wait until nothing is on its way into the store, whatever became of it."""
        self._writer.rest()

    def forget(self) -> None:
        """Forget all streams and logs. Nothing may be on its way."""
        self._materializer.forget()
        self._coverage.clear()
        self._clocks.clear()
        self._known.clear()

    def close(self) -> None:
        """End the inserting thread."""
        self._writer.close()

    def _inserted(self, known: int, letters: Iterable[Received], done: Callable[[Sequence[DeadLetter]], None]) -> None:
        """Rows were inserted that were made when ``known`` tombstones were known. Called in the inserting thread."""
        self._eraser.run(known)
        self._eraser.tell_late(self._tell)
        done([letter for letter, _ in self._standing(letters)])

    def _standing(self, letters: Iterable[Received]) -> list[Received]:
        """Those of dead letters of which nothing is erased: neither all of their writer nor the event in them."""
        erased = self._eraser.erased
        return [one for one in letters if not _is_erased(one[0], erased)]

    def _begin_clocks(self, messages: Iterable[Message]) -> None:
        firsts: dict[str, int] = {}
        for message in messages:
            firsts.setdefault(kafka_log(self._cluster, message.topic, message.partition), message.offset)
        unknown = {log: first for log, first in firsts.items() if not self._goes_on(log, first)}
        if unknown:
            self._writer.settle()
            before = self._history.recorded_before(unknown)
            self._clocks |= {log: AppendClock(*before.get(log, (-1, 0))) for log in unknown}

    def _goes_on(self, log: str, first: int) -> bool:
        return log in self._clocks and self._clocks[log].offset < first

    def _learn(self, streams: set[tuple[UUID, str]]) -> None:
        unknown = streams - self._known
        if unknown:
            held = self._history.ranges({writer for writer, _ in unknown})
            for key in unknown:
                self._coverage.load(*key, held.get(key, Ranges()))
            self._known |= unknown

    def _mend(self, ending: Ending, held: Ranges) -> None:
        """Make the sums again of blocks of which the store holds other rows than they count."""
        if ending.component is None or not held.end:
            return
        summed = self._history.in_partials(ending)
        blocks = held.pieces(BLOCK_SIZE)
        wrong = [block for block in blocks if held.within(block << BLOCK_BITS, BLOCK_SIZE) != summed.get(block, 0)]
        if wrong:
            log = self._history.metrics_log(ending.writer)
            stream = Stream(ending.project, ending.component, ending.rank, ending.writer, log)
            for block in wrong:
                self._materializer.sum_again([self._history.points(stream, block)])


def _is_erased(letter: DeadLetter, erased: Erasures) -> bool:
    if letter.writer is None:
        return False
    place, _, seq = letter.source.rpartition(":")
    of_event = place == f"{letter.writer}/{LIFECYCLE}"
    gone = erased.lifecycle.get(letter.writer, NONE)
    return letter.writer in erased.whole or (of_event and gone.within(int(seq), 1) == 1)


def _one_log_each(batch: list[Positioned]) -> Iterator[list[Positioned]]:
    """The batch, cut where a stream comes through a second log: sums of one batch are made of one log's rows."""
    part: list[Positioned] = []
    logs: dict[tuple[UUID, str], str] = {}
    for position, frame in batch:
        stream = (frame.writer, channel_of(frame))
        if frame.count and logs.setdefault(stream, position.log) != position.log:
            yield part
            part, logs = [], {stream: position.log}
        part.append((position, frame))
    yield part
