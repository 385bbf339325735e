"""Parameters that a command line holds: its long options. Pure."""

from __future__ import annotations

import json
from collections.abc import Sequence

__all__ = ["from_arguments", "value_of"]


def value_of(text: str) -> object:
    """What a word on a command line stands for: JSON where it is, else the text itself."""
    try:
        return json.loads(text)
    except ValueError:
        return text


def from_arguments(command: Sequence[str]) -> dict[str, object]:
    """The long options of a command as parameters; secrets redacted.

    ``--lr 0.1`` and ``--lr=0.1`` are lr = 0.1, ``--layers 64 32`` is a list as long as numbers follow, and an option
    that no value follows is true. One that is given again gets a list of what was said each time. What comes after
    ``--`` alone, short options and words of no option are no parameters: the run's command line has them.
    """
    # here and not at the top: its patterns take longer to compile than most commands to run
    from ._capture.redact import redact_command

    words = redact_command(command[: command.index("--")] if "--" in command else command)
    said: dict[str, list[object]] = {}
    place = 0
    while place < len(words):
        name, equals, text = words[place].partition("=")
        place += 1
        if not name.startswith("--") or not name.strip("-"):
            continue
        values = [value_of(text)] if equals else _following(words[place:])
        place += 0 if equals else len(values)
        said.setdefault(name.removeprefix("--"), []).append(values[0] if len(values) == 1 else values or True)
    return {name: times[0] if len(times) == 1 else times for name, times in said.items()}


def _following(words: Sequence[str]) -> list[object]:
    """The value of an option, which is the next word; all of them as long as they are numbers."""
    found: list[object] = []
    for word in words:
        value = value_of(word)
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if (word.startswith("-") and not number) or (found and not number):
            break
        found.append(value)
        if not number:
            break
    return found
