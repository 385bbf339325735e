"""Bars in a notebook for what takes long, shown by themselves; elsewhere nothing (the command line has its own)."""

from __future__ import annotations

import importlib
import sys
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from html import escape
from typing import Any

from epochal_storage.archive import Progress, silent

AFTER_S = 1.0
"""What is done sooner has no bar."""
EVERY_S = 0.2
"""A notebook is told no more often than that."""


class Bars:
    """A bar for each thing that is worked on, as HTML, for ``show``."""

    def __init__(self, show: Callable[[str], None], clock: Callable[[], float] = time.monotonic) -> None:
        self._show = show
        self._clock = clock
        self._next = clock() + AFTER_S
        self._shown = False
        self._work: dict[str, tuple[int, int]] = {}

    def __call__(self, what: str, done: int, total: int) -> None:
        """So much of it is done."""
        self._work[what] = done, total
        if self._clock() >= self._next:
            self._next = self._clock() + EVERY_S
            self._shown = True
            rows = (
                f'<div>{escape(what)} <progress value="{done}" max="{total}"></progress> {done:,} of {total:,}</div>'
                for what, (done, total) in self._work.items()
            )
            self._show("".join(rows))

    def end(self) -> None:
        """Leave nothing behind."""
        if self._shown:
            self._show("")


@contextmanager
def shown(progress: Progress | None) -> Generator[Progress]:
    """Whom to tell of progress: the caller's own, else bars in a notebook, else nobody."""
    if progress is not None or "ipykernel" not in sys.modules:
        yield progress or silent
        return
    bars = Bars(_display())
    try:
        yield bars
    finally:
        bars.end()


def _display() -> Callable[[str], None]:
    """Shows HTML in one place of the notebook, again and again."""
    display: Any = importlib.import_module("IPython.display")
    handle: Any = None

    def show(html: str) -> None:
        nonlocal handle
        content = {"text/html": html, "text/plain": ""}
        if handle is None:
            handle = display.display(content, raw=True, display_id=True)
        else:
            handle.update(content, raw=True)

    return show
