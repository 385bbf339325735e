"""What the file system refuses, as the metrics channel tells it."""

from __future__ import annotations

import errno
from collections.abc import Callable
from pathlib import Path
from typing import Final

Lose = Callable[[str, int, str], None]
"""Counts so many losses of a kind, and says why."""

GONE: Final = (errno.ENOENT, errno.ENOTDIR, errno.ESTALE, errno.EIO)
"""Errors which say that a segment is not there any more, or not as it was written."""


class NoRoomError(Exception):
    """No slot can be had now; ``kind`` is the kind of loss this means."""

    def __init__(self, kind: str, text: str) -> None:
        super().__init__(text)
        self.kind = kind


def refusal_text(error: OSError, place: Path) -> str:
    """A refusal for people, with what happens next."""
    return (
        f"metric points can't be kept: {error.strerror or error} ({place}). "
        "They are counted as lost until there is room; this is tried again every second"
    )


def event_refusal_text(error: OSError, directory: Path) -> str:
    """A refused event for people; metric points are likely to be refused next, and that is not told again."""
    return (
        f"an event of the run can't be kept: {error.strerror or error} ({directory}). "
        "Events and metric points are counted as lost until they can be written; each is tried again"
    )
