"""The end of the handle that decides a run's status: what it waits for, and the event that says how it ended, once."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from ._about import About
from ._ending import STOPPED, Ending, ending_of
from ._events import run_finished
from ._surroundings import Surroundings
from ._writer import Writer

if TYPE_CHECKING:
    from ._session import Session

__all__ = ["Closing"]

_PATIENCE_S = 20.0
_HURRIED_S = 2.0
"""Seconds to wait for the look at the surroundings: at an ordinary end, and at one in a hurry."""
_HURRIED_CONTENTS_S = 15.0


class Closing:
    """Ends a component's main writer.

    Whoever is told to stop may be killed before its artifacts are stored: then the status is said first.
    """

    def __init__(self, here: Session, about: About, writer: Writer) -> None:
        self._here = here
        self._about = about
        self._writer = writer
        self._lock = threading.RLock()
        self._said: Ending | None = None

    def say(self, ending: Ending) -> None:
        """Says how it ended, if nobody did."""
        with self._lock:
            if self._said is None and self._about.is_work:
                about = self._about
                self._writer.emit(
                    run_finished(
                        component=str(about.component),
                        rank=about.rank,
                        attempt=about.attempt,
                        status=ending.status,
                        error=ending.error,
                    )
                )
                self._said = ending

    def wait_and_say(self, ending: Ending, surroundings: Surroundings | None) -> None:
        """Waits until what belongs to the run is recorded, then says how it ended.

        Raises: what interrupts the waiting, such as KeyboardInterrupt; the run has ended with that then.
        """
        if ending is STOPPED:
            self.say(ending)
        try:
            self._wait(surroundings, hurried=ending is STOPPED)
        except BaseException as error:
            self.say(ending_of(error))
            raise
        self.say(ending)
        self._here.claims.give_back(self._about.component, self._about.rank)

    def _wait(self, surroundings: Surroundings | None, *, hurried: bool) -> None:
        if surroundings is not None:
            surroundings.finish(_HURRIED_S if hurried else _PATIENCE_S)
        self._here.watching.end(self._about)
        if not self._here.contents.flush(_HURRIED_CONTENTS_S if hurried else None):
            self._here.warn.notice("the process ends while artifacts are still being stored: they are not recorded")
