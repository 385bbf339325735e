"""What a rank logged before, as far as a rewind or a correction has to name it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from ._errors import MisuseError
from ._events import Event, run_rewound
from ._numbers import LARGEST_EXACT
from ._resume import Unread, past_of

if TYPE_CHECKING:
    from ._about import About
    from ._session import Session
    from ._writer import Writer

__all__ = ["Before"]


class Before:
    """The earlier writers of a rank: of attempts before this one, and of what a fork continues."""

    def __init__(self, session: Session, about: About):
        self._session = session
        self._about = about
        self._writers: list[tuple[str, int]] = []
        self._known = True

    def take_up(self, writer: Writer, next_step: float, writers: Iterable[tuple[str, int]], *, known: bool) -> None:
        """Goes on after these, and with the count of steps; ``known``: nobody else logged anything."""
        self._writers = list(writers)
        self._known = known
        writer.journal.next_step = max(writer.journal.next_step, next_step)

    def rewound(self, step: float, writer: Writer) -> Event:
        """The event of a rewind by this writer.

        Raises:
            MisuseError: the step lies beyond all that the rank logged.
        """
        abandoned = self.logged(writer)
        if self._known:
            self._check(step, writer.journal.next_step)
        return run_rewound(
            component=str(self._about.component),
            rank=self._about.rank,
            attempt=self._about.attempt,
            to_step=step,
            abandoned=abandoned,
        )

    def logged(self, writer: Writer) -> list[tuple[str, int]]:
        """The writers of the rank, this one last, each with how many points it logged; the store is read where earlier
        attempts aren't known.
        """
        if not self._known:
            self._ask(writer)
        return [*self._writers, (str(writer.id), writer.journal.counts[1])]

    def _ask(self, writer: Writer) -> None:
        about, without = self._about, "only what this process logged is meant"
        try:
            past = past_of(self._session, about.project, about.component, about.rank, "rewind() or correct()", without)
        except Unread:
            return
        self._known = True
        if past is not None:
            earlier = [(id_, points) for id_, points in past.writers if id_ != str(writer.id)]
            self.take_up(writer, past.next_step, earlier, known=True)

    def _check(self, step: float, next_step: float) -> None:
        if step <= next_step - 1 or step > LARGEST_EXACT:
            return
        reached = f"the greatest step that it has is {next_step - 1:g}" if next_step else "it has logged nothing yet"
        raise MisuseError(
            f"rewind({step:g}) of component {self._about.name!r}, rank {self._about.rank}: {reached}, so nothing is "
            "taken out of the main line. Give the step of the checkpoint as it was logged"
        )
