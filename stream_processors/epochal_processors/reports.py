"""What a host has to say again and again, said once."""

from __future__ import annotations

from collections.abc import Callable, Hashable


class ReportOnce:
    """Passes on what is wrong with something, but not the same in every cycle."""

    def __init__(self, report: Callable[[str], None]) -> None:
        self._report = report
        self._last: dict[Hashable, str] = {}

    def __call__(self, about: Hashable, line: str) -> None:
        """Report, unless this is what was last reported of it."""
        if self._last.get(about) != line:
            self._last[about] = line
            self._report(line)

    def forget(self, about: Hashable) -> None:
        """It is gone, or well again: what is wrong with it next is news."""
        self._last.pop(about, None)
