"""Carries batches of messages into the store, in the order in which they came, for as long as it takes."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from epochal._errors import EpochalError
from epochal_processors.decode import DeadLetter
from epochal_processors.inlet import Inlet, Placed
from epochal_processors.messages import Message
from epochal_processors.sealing import Sealer
from epochal_storage.errors import may_heal

FIRST_PAUSE_S = 0.5
MOST_PAUSE_S = 30.0
TICK_S = 1.0
MOST_MESSAGES = 20_000
MOST_BYTES = 16 << 20
"""What is carried at once; points on the wire are about a tenth of the size of their rows."""


class LettersRefusedError(EpochalError):
    """Dead letters couldn't be sent to their topic; they may be taken later."""


@dataclass(eq=False)
class Batch:
    """Messages on their way, and what to call when they are in the store, from another thread."""

    messages: Sequence[Message]
    done: Callable[[], None]
    assignment: int = 0
    placed: Placed | None = field(default=None, init=False)


class Gauge(Protocol):
    """What happens, for those who count it."""

    def stored(self, placed: Placed, messages: Sequence[Message]) -> None:
        """A batch is in the store."""
        ...

    def parked(self, letters: Sequence[DeadLetter]) -> None:
        """Dead letters are in the table and in their topic."""
        ...

    def failed(self, error: BaseException, attempt: int) -> None:
        """Something that may heal kept a batch from the store; it will be tried again."""
        ...

    def recovered(self) -> None:
        """What failed is in the store now."""
        ...


class Courier:
    """A thread that hands batches to the inlet and stays with them until they are in the store.

    Guarantees: ``done`` is called for a batch only when all its rows are in the store, the ledger's last, and its dead
    letters are in their topic. What may heal is tried again in growing pauses, with everything that isn't stored yet,
    in the same order at the same positions. Anything else ends the thread: ``on_bug`` is told, nothing more is done.
    """

    def __init__(
        self,
        inlet: Inlet,
        sealer: Sealer,
        send: Callable[[Sequence[DeadLetter]], None],
        gauge: Gauge,
        on_bug: Callable[[BaseException], None],
        first_pause_s: float = FIRST_PAUSE_S,
    ) -> None:
        """``send`` puts dead letters into their topic, or raises LettersRefusedError; called in another thread."""
        self._inlet = inlet
        self._sealer = sealer
        self._send_letters = send
        self._gauge = gauge
        self._on_bug = on_bug
        self._first_pause_s = first_pause_s
        self._changed = threading.Condition()
        self._waiting: deque[Batch] = deque()
        self._on_the_way: deque[Batch] = deque()
        self._assignment = self._seen = 0
        self._stopping = self._ended = self._away = False
        self._thread = threading.Thread(target=self._run, name="courier", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    @property
    def away(self) -> bool:
        """Whether the store (or the topic of dead letters) is away, and everything waits for it."""
        return self._away

    def put(self, messages: Sequence[Message], done: Callable[[], None]) -> None:
        """Take over messages, which belong to the present assignment of partitions; never blocks."""
        with self._changed:
            self._waiting.append(Batch(messages, done, self._assignment))
            self._changed.notify_all()

    def reassigned(self) -> None:
        """Partitions were given and taken: what others stored meanwhile is read anew before the next batch."""
        with self._changed:
            self._assignment += 1
            self._changed.notify_all()

    def drain(self, seconds: float) -> bool:
        """Wait until all that was put is in the store; False when time is up, or the store is away."""
        with self._changed:
            self._changed.wait_for(lambda: self._idle() or self._ended or self._away, seconds)
            return self._idle()

    def stop(self) -> None:
        """End; what isn't in the store yet stays undone."""
        with self._changed:
            self._stopping = True
            self._changed.notify_all()
        if self._thread.is_alive():
            self._thread.join()

    def _idle(self) -> bool:
        return not self._waiting and not self._on_the_way

    def _run(self) -> None:
        try:
            while not self._stopping:
                self._turn()
        # the border of the thread: a bug must end the worker and not leave it mute
        except BaseException as error:  # noqa: BLE001
            self._on_bug(error)
        finally:
            with self._changed:
                self._ended = True
                self._changed.notify_all()

    def _turn(self) -> None:
        batch = self._next()
        if batch is not None:
            if batch.assignment != self._seen:
                self._healing(self._begin_assignment)
                self._seen = batch.assignment
            self._on_the_way.append(batch)
            self._healing(lambda: self._carry(batch), repeat=False)
        if not self._waiting:
            self._healing(self._inlet.settle, repeat=False)
            self._healing(self._sealer.step)

    def _begin_assignment(self) -> None:
        self._sealer.look_again()
        self._inlet.settle()
        self._inlet.forget()

    def _next(self) -> Batch | None:
        """What waits, as one batch of one assignment; None when nothing came for a moment."""
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._stopping, TICK_S)
            if not self._waiting or self._stopping:
                return None
            taken = [self._waiting.popleft()]
            messages, size = len(taken[0].messages), _size(taken[0])
            while self._waiting and self._waiting[0].assignment == taken[0].assignment:
                messages += len(self._waiting[0].messages)
                size += _size(self._waiting[0])
                if messages > MOST_MESSAGES or size > MOST_BYTES:
                    break
                taken.append(self._waiting.popleft())
        return _joined(taken)

    def _carry(self, batch: Batch) -> None:
        placed = batch.placed = batch.placed or self._inlet.place(batch.messages)
        self._sealer.note(placed.frames)
        self._inlet.hand_over(placed, lambda letters: self._stored(batch, placed, letters))

    def _stored(self, batch: Batch, placed: Placed, letters: Sequence[DeadLetter]) -> None:
        """A batch is in the store; it is the oldest on the way. Called in the inserting thread."""
        if letters:
            self._send_letters(letters)
            self._gauge.parked(letters)
        batch.done()
        self._gauge.stored(placed, batch.messages)
        with self._changed:
            self._on_the_way.popleft()
            self._changed.notify_all()

    def _healing(self, work: Callable[[], None], *, repeat: bool = True) -> None:
        """Do it; when it fails for a while, do everything again that isn't in the store yet, until it is.

        The pauses grow while nothing gets there.

        ``repeat``: do the work itself again, too; not where it only carries what is on the way.
        """
        attempt, left = 0, len(self._on_the_way)
        while not self._stopping:
            try:
                if attempt:
                    self._carry_again()
                if repeat or not attempt:
                    work()
                break
            except Exception as error:
                if not _may_heal(error):
                    raise
                attempt, left = (1 if len(self._on_the_way) < left else attempt + 1), len(self._on_the_way)
                self._gauge.failed(error, attempt)
                self._pause(min(self._first_pause_s * 2 ** (attempt - 1), MOST_PAUSE_S))
        if attempt and not self._stopping:
            self._away = False
            self._gauge.recovered()

    def _carry_again(self) -> None:
        self._inlet.rest()
        self._inlet.forget()
        for batch in list(self._on_the_way):
            self._carry(batch)
            self._inlet.settle()  # one by one, so that each that arrives is done for good

    def _pause(self, seconds: float) -> None:
        with self._changed:
            self._away = True
            self._changed.notify_all()
            self._changed.wait_for(lambda: self._stopping, seconds)


def _may_heal(error: BaseException) -> bool:
    return may_heal(error) or isinstance(error, LettersRefusedError)


def _size(batch: Batch) -> int:
    return sum(message.size for message in batch.messages)


def _joined(batches: Sequence[Batch]) -> Batch:
    if len(batches) == 1:
        return batches[0]

    def done() -> None:
        for one in batches:
            one.done()

    return Batch([message for one in batches for message in one.messages], done, batches[0].assignment)
