"""What the SDK has to say while training goes on: once per thing, counted, never an exception unless strict.

Texts go to the logger ``epochal`` (to stderr when logging is not configured). Python's ``warnings`` is not
used: under ``-W error`` it would raise into training.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from ._errors import EpochalError, JournalError, MisuseError, RefusedError

__all__ = ["Warner", "say"]

_ERRORS: Final[dict[str, type[EpochalError]]] = {"disk": JournalError, "journal": JournalError, "misuse": MisuseError}


def say(text: str) -> None:
    """One line at level WARNING on the logger ``epochal``."""
    import logging

    logging.getLogger("epochal").warning("epochal: %s", text)


MOST_THINGS: Final = 5
"""Of how many different things one kind of trouble is said aloud: a loop over thousands must not bury the rest."""


class Warner:
    """Says each trouble once for each thing it is about, and counts all of it.

    In strict mode :meth:`raise_first` raises what was reported since the last call; reporting itself never
    raises, because it happens under the journal's lock and in signal handlers.
    """

    def __init__(self, *, strict: bool, tell: Callable[[str], None] = say) -> None:
        self.strict = strict
        self.counts: dict[str, int] = {}
        self._things: dict[str, set[str]] = {}
        self._tell = tell
        self._unraised: list[EpochalError] = []

    def report(self, kind: str, text: str, about: str = "") -> None:
        """Counts one trouble of this kind; the first one ``about`` a thing (a metric, an artifact) is said aloud."""
        self.counts[kind] = self.counts.get(kind, 0) + 1
        if self.strict:
            self._unraised.append(_ERRORS.get(kind, RefusedError)(text))
            return
        things = self._things.setdefault(kind, set())
        if about in things or len(things) == MOST_THINGS:
            return
        things.add(about)
        rest = "further ones are counted" if len(things) < MOST_THINGS else "further ones of any such are only counted"
        self._tell(f"{text} (said once; {rest})")

    def notice(self, text: str) -> None:
        """Says something that is no trouble, every time."""
        self._tell(text)

    def raise_first(self) -> None:
        """In strict mode: raises the first trouble reported since the last call, if there is one.

        Raises:
            EpochalError: what was reported.
        """
        if self._unraised:
            first, self._unraised = self._unraised[0], []
            raise first

    def clear(self) -> None:
        """Forgets what :meth:`raise_first` would raise."""
        self._unraised.clear()
