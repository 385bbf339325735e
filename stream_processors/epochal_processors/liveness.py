"""Which of the processes that write journals live."""

from __future__ import annotations

from pathlib import Path
from uuid import UUID

from epochal._journal.process import is_alive
from epochal_processors.reports import ReportOnce


class Liveness:
    """Asks for each process at most once between two calls of :meth:`ask_again`.

    A process is asked for before its journals are looked at, so that nothing can come after that.
    """

    def __init__(self, report: ReportOnce) -> None:
        self._report = report
        self._known: dict[tuple[Path, UUID], bool] = {}

    def ask_again(self) -> None:
        """Forget the answers."""
        self._known.clear()

    def is_dead(self, journals: Path, process: UUID) -> bool:
        """Whether the process that writes below ``journals`` is gone.

        Where the file system can't tell, it is not: better to wait than to think a writer gone.
        """
        key = journals, process
        if key not in self._known:
            try:
                self._known[key] = is_alive(journals, process)
            except OSError as error:
                self._known[key] = True
                self._report(process, f"nobody can tell whether process {process} lives: {error}")
        return not self._known[key]
