"""Bars on standard error for what takes long."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn


@contextmanager
def progress_bars(after_s: float = 0.0) -> Generator[Callable[[str, int, int], None]]:
    """A bar for each thing that is worked on, from ``after_s`` seconds on; nothing where that is no terminal.

    What it gives is told what is worked on, how much of it is done and how much there is.
    """
    columns = (TextColumn("{task.description:<14}"), BarColumn(), MofNCompleteColumn())
    tasks: dict[str, TaskID] = {}
    begun = time.monotonic()
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bars:

        def progress(what: str, done: int, total: int) -> None:
            if what not in tasks:
                tasks[what] = bars.add_task(what, total=total, visible=False)
            bars.update(tasks[what], completed=done, total=total, visible=time.monotonic() - begun >= after_s)

        yield progress
