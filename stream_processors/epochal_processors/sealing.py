"""Streams that have ended: their last block is linked once the store holds all of them.

The event that ends a writer and the points it ends may be in the hands of two workers. The one that reads the event
sees to both streams of the writer, from what the store holds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from uuid import UUID

from epochal.contract import WriterClosed, WriterVanished
from epochal_processors.coverage import Ranges
from epochal_processors.decode import Event, decode
from epochal_processors.frames import LIFECYCLE, METRICS, EventFrame, Positioned
from epochal_processors.identity import says_of_writers
from epochal_processors.inlet import Inlet
from epochal_processors.materialize import Ending
from epochal_processors.worker_history import StreamHistory

FIRST_PAUSE_S = 0.5
MOST_PAUSE_S = 60.0
AT_ONCE = 200
"""Streams asked about in one query."""


@dataclass
class _Pending:
    ending: Ending
    due: float
    pause_s: float = FIRST_PAUSE_S


class Sealer:
    """Remembers who ended, and seals when everything is there. For one thread; stateless but for what it waits for.

    After a restart, or when partitions change hands, it asks the store who ended and isn't sealed. A stream with
    holes is not sealed as long as it has them.
    """

    def __init__(self, inlet: Inlet, history: StreamHistory, monotonic: Callable[[], float]) -> None:
        self._inlet = inlet
        self._history = history
        self._monotonic = monotonic
        self._pending: dict[UUID, _Pending] = {}
        self._look = True

    def look_again(self) -> None:
        """Ask the store who ended and isn't sealed, at the next step."""
        self._look = True

    def note(self, frames: Iterable[Positioned]) -> None:
        """Remember the writers of whom these frames say that they ended."""
        for _, frame in frames:
            if isinstance(frame, EventFrame):
                for ending in endings(frame):
                    self._pending[ending.writer] = _Pending(ending, self._monotonic())

    def step(self) -> None:
        """Seal what is due and complete. Raises what the store raises; nothing is forgotten then."""
        if self._look:
            found = self._history.unsealed()
            self._pending |= {one.writer: _Pending(one, self._monotonic()) for one in found}
            self._look = False
        now = self._monotonic()
        due = [one for one in self._pending.values() if one.due <= now]
        for first in range(0, len(due), AT_ONCE):
            self._try(due[first : first + AT_ONCE], now)

    def _try(self, due: Sequence[_Pending], now: float) -> None:
        held = self._history.ranges({one.ending.writer for one in due})
        complete = [one.ending for one in due if is_complete(one.ending, held)]
        if complete:
            self._inlet.seal(complete, held)
        for ending in complete:
            del self._pending[ending.writer]
        for one in due:
            one.pause_s = min(2 * one.pause_s, MOST_PAUSE_S)
            one.due = now + one.pause_s


def endings(frame: EventFrame) -> Iterator[Ending]:
    """The ends of writers that the events of a frame tell of."""
    for record in frame.records:
        event = decode(frame.writer, record) if says_of_writers(record) else None
        if isinstance(event, Event):
            match event.data:
                case WriterClosed() as said:
                    yield Ending(event.project, said.component, said.rank, frame.writer, said.lifecycle, said.metrics)
                case WriterVanished() as said:
                    yield Ending(event.project, said.component, said.rank, said.writer, said.lifecycle, said.metrics)
                case _:
                    pass


def is_complete(ending: Ending, held: dict[tuple[UUID, str], Ranges]) -> bool:
    """Whether the store holds every number of both streams."""
    counts = ((LIFECYCLE, ending.lifecycle), (METRICS, ending.metrics))
    return all(held.get((ending.writer, channel), Ranges()).within(0, count) == count for channel, count in counts)
