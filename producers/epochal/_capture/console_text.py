"""Console text as it should be kept: progress bars by their last state, pieces of bounded size. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

LONGEST_HELD_LINE = 8192
"""An unfinished line is held back until it ends, but not beyond this many characters."""


@dataclass(frozen=True, slots=True)
class Tidied:
    """Text to keep now, and the beginning of a line that is not finished."""

    text: str
    held: str


def tidy(text: str, *, held: str = "", final: bool = False) -> Tidied:
    r"""Collapse what carriage returns overwrote, and hold back the unfinished last line.

    A finished line is kept in its last state. An unfinished line that was overwritten (a progress bar at work) is kept
    in its present state followed by ``\r``, which says that the next state replaces it. ``final`` holds nothing back.
    """
    whole = held + text
    lines = whole.split("\n")
    last = lines.pop()
    kept = [last_state(line) + "\n" for line in lines]
    if not last:
        return Tidied("".join(kept), "")
    if "\r" in last:
        return Tidied("".join(kept) + last_state(last) + "\r", "")
    if final or len(last) > LONGEST_HELD_LINE or last == held:
        return Tidied("".join(kept) + last, "")
    return Tidied("".join(kept), last)


def pieces(text: str, size: int) -> Iterator[str]:
    """The text in pieces of at most ``size`` characters, cut after a line's end where there is one."""
    start = 0
    while start < len(text):
        end = min(start + size, len(text))
        if end < len(text):
            newline = text.rfind("\n", start, end)
            end = newline + 1 if newline >= start else end
        yield text[start:end]
        start = end


def last_state(line: str) -> str:
    r"""What remains visible of a line: the text after its last ``\r`` that is followed by any."""
    return line.rstrip("\r").rpartition("\r")[2]
