"""Metrics from what a program prints: named patterns over its lines. Pure.

A definition is a name alone, which reads ``name: 0.5``, ``name=0.5``, ``name 0.5`` and ``"name": 0.5`` in any case, or
a name with a regular expression that marks the number by its first group, or by the one called ``value``. What a number
looks like is settled here, whatever the group says: sign, fraction, exponent, nan and inf are read whole or not at all.
A match that begins with a word never begins inside another: ``loss`` isn't found in ``val_loss``.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, cast

from ._capture.console_text import last_state
from ._errors import MisuseError

__all__ = ["Definition", "LogReader", "definition", "definitions"]

Points = tuple[dict[str, float], float]
"""The values of metrics by name, and their step."""

LONGEST_LINE: Final = 65_536
"""Characters of a line that are looked at; what a longer one goes on with isn't."""

_DIGITS: Final = r"(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?(?![0-9]|[.,][0-9])"
_WORDS: Final = "(?:[nN][aA][nN]|[iI][nN][fF](?:[iI][nN][iI][tT][yY])?)(?!\\w)"
_NUMBER: Final = f"[-+]?(?:{_DIGITS}|{_WORDS})"
_APART: Final = r"(?:(?<!\w)(?<!\w[./-])|(?!\w))"
"""Where a match may begin: not inside a name, unless it begins with something that is in no name."""

_FLAGS: Final = re.compile(r"\(\?[aimsu]+\)")
_CONTROL: Final = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b[@-Z\\-_]|\x08+")


@dataclass(frozen=True)
class Definition:
    """What to look for, and what it is called."""

    name: str
    pattern: re.Pattern[str]

    def values(self, line: str) -> Iterator[float]:
        """The numbers it finds in a line, in order."""
        for match in self.pattern.finditer(line):
            yield float(match["value"])


def definition(text: str) -> Definition:
    """``NAME``, or ``NAME=PATTERN``.

    Raises: MisuseError where the name is missing, or the pattern is none or marks no number.
    """
    name, equals, pattern = text.partition("=")
    if not name.strip() or (equals and not pattern):
        raise MisuseError(f"{text!r} is not NAME or NAME=PATTERN")
    if not equals:
        return Definition(
            name, re.compile(rf"(?i:{_APART}{re.escape(name)})[\"']?(?:\s*[:=]\s*|\s+)(?P<value>{_NUMBER})")
        )
    return Definition(name, _compiled(name, pattern))


def definitions(said: object) -> list[Definition]:
    """Those of a JSON document: ``{"loss": "loss: ([0-9.]+)"}``, or SageMaker's ``[{"Name": ..., "Regex": ...}]``.

    Raises: MisuseError where it is neither.
    """
    if isinstance(said, Mapping):
        pairs = list(cast("Mapping[object, object]", said).items())
    elif isinstance(said, Sequence) and all(isinstance(one, Mapping) for one in cast("Sequence[object]", said)):
        pairs = [(one.get("Name"), one.get("Regex")) for one in cast("Sequence[Mapping[str, object]]", said)]
    else:
        pairs = [(None, None)]
    found: list[Definition] = []
    for name, pattern in pairs:
        if not isinstance(name, str) or not isinstance(pattern, str) or not name or not pattern:
            raise MisuseError(
                "definitions of metrics are {name: pattern} or [{'Name': name, 'Regex': pattern}], "
                f"with no text empty, not {said!r:.200}"
            )
        found.append(Definition(name, _compiled(name, pattern)))
    return found


def _compiled(name: str, pattern: str) -> re.Pattern[str]:
    try:
        # said of the user's pattern and not of ours, which is made of it
        given = re.compile(pattern)
    except re.error as error:
        raise MisuseError(f"the pattern of {name!r} is no regular expression: {error}: {pattern!r}") from None
    if given.flags & re.VERBOSE:
        raise MisuseError(f"the pattern of {name!r} can't have comments, which (?x) lets it have: {pattern!r}")
    if not given.groups:
        raise MisuseError(
            f"the pattern of {name!r} has no group that marks the number: {pattern!r}; for example {name}: ([0-9.]+)"
        )
    flags = _FLAGS.match(pattern)
    head = flags[0] if flags else ""
    rest = pattern[len(head) :]
    begin, end = _marked(rest)
    try:
        return re.compile(f"{head}{_APART}(?:{rest[:begin]}(?P<value>{_NUMBER}){rest[end:]})")
    except re.error as error:
        raise MisuseError(f"the pattern of {name!r} can't be used: {error}: {pattern!r}") from None


def _marked(pattern: str) -> tuple[int, int]:
    """Where the group that marks the number begins and ends: the one called ``value``, else the first."""
    opened: list[tuple[int, bool]] = []
    groups: list[tuple[int, int]] = []
    place, inside = 0, False
    while place < len(pattern):
        sign = pattern[place]
        if sign == "\\":
            place += 1
        elif inside:
            inside = sign != "]"
        elif sign == "[":
            inside = True
            # a bracket that is the first of a set stands for itself
            place += len(cast("re.Match[str]", re.compile(r"\^?\]?").match(pattern, place + 1))[0])
        elif sign == "(":
            opened.append((place, pattern[place + 1 : place + 2] != "?" or pattern.startswith("(?P<", place)))
        elif sign == ")":
            begin, captures = opened.pop()
            if captures:
                groups.append((begin, place + 1))
        place += 1
    named = [span for span in groups if pattern.startswith("(?P<value>", span[0])]
    return (named or [min(groups)])[0]


@dataclass
class LogReader:
    """Turns what a program prints, piece by piece, into points: ``({metric: value}, step)``.

    A line counts as it stands when it ends: of one that was rewritten (a progress bar), what it says last. Without a
    definition of the step, the n-th time that a metric is printed is its step n, from 0. With one, the step is the one
    on the line, else the last one before it, else 0.
    ``seen`` says how often each metric was found, ``steps`` how often the step, ``lines`` how many lines were read and
    ``cut`` how many of them were too long to be read whole. One reader is for one thread at a time.
    """

    metrics: Sequence[Definition]
    step: Definition | None = None
    seen: dict[str, int] = field(default_factory=dict[str, int])
    steps: int = 0
    lines: int = 0
    cut: int = 0
    _held: dict[str, str] = field(default_factory=dict[str, str])
    _last: float = 0.0

    def feed(self, stream: str, text: str) -> Iterator[Points]:
        """The points on the lines of a stream that end in this piece."""
        lines = (self._held.get(stream, "") + text).split("\n")
        self._held[stream] = _unfinished(lines.pop())
        for line in lines:
            yield from self._read(line)

    def end(self) -> Iterator[Points]:
        """The points on lines that never ended."""
        held, self._held = self._held, {}
        for line in filter(None, held.values()):
            yield from self._read(line)

    def _read(self, line: str) -> Iterator[Points]:
        self.lines += 1
        shown = last_state(line)
        self.cut += len(shown) > LONGEST_LINE
        line = _CONTROL.sub("", _bounded(shown))
        for value in self.step.values(line) if self.step else ():
            if math.isfinite(value):
                self._last = value
                self.steps += 1
        found = {metric.name: list(metric.values(line)) for metric in self.metrics}
        # what a line says twice is logged twice
        for number in range(max(map(len, found.values()), default=0)):
            points: dict[float, dict[str, float]] = {}
            for name, values in found.items():
                if number < len(values):
                    count = self.seen.get(name, 0)
                    points.setdefault(self._last if self.step else float(count), {})[name] = values[number]
                    self.seen[name] = count + 1
            for step, said in points.items():
                yield said, step


def _bounded(line: str) -> str:
    """A line, or so much of it as is looked at, up to the end of a word."""
    return line if len(line) <= LONGEST_LINE else line[:LONGEST_LINE].rpartition(" ")[0]


def _unfinished(line: str) -> str:
    r"""What can still count of a line that goes on: its last state, which a ``\r`` at its end only may replace."""
    ended = line.rstrip("\r")
    return (last_state(ended) + ("\r" if ended != line else ""))[: LONGEST_LINE + 1]
