"""What surrounds a run, captured in the background: code, packages, environment, host; console and system metrics."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ._run import Run
    from ._session import Session

__all__ = ["Surroundings"]


class Surroundings:
    """The captures of one run."""

    def __init__(self, here: Session, run: Run) -> None:
        self._here = here
        self._run = run

    def start(self) -> None:
        """Begins; returns at once."""

    def finish(self, run: Run, timeout_s: float) -> None:
        """Waits for what is being captured."""
