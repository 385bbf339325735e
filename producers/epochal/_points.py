"""Where a handle's points go in, and what becomes of those that can't."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeAlias, cast

from ._clock import to_us
from ._numbers import flatten, to_float, to_step

__all__ = ["Append", "Understood", "first_call", "nothing", "over", "understood"]


Append: TypeAlias = Callable[[Mapping[str, object], float | None, int | None], None]
"""Appends one point a name: (metrics, step, time in milliseconds); see ``JournalWriter.append_points``."""


def nothing(metrics: Mapping[str, object], step: float | None, time_ms: int | None) -> None:
    """Takes points and does nothing: mode "disabled"."""


def over(refuse: Callable[[int], None]) -> Append:
    """Takes the points of a run that was finished: they are counted, not recorded."""

    def append(metrics: Mapping[str, object], step: float | None, time_ms: int | None) -> None:
        del step, time_ms
        refuse(len(metrics))

    return append


def first_call(opened: Callable[[], Append]) -> Append:
    """Opens the real sink with the first points."""

    def append(metrics: Mapping[str, object], step: float | None, time_ms: int | None) -> None:
        opened()(metrics, step, time_ms)

    return append


class Understood:
    """One ``log()`` call: the points that can be recorded, and why the others can't."""

    def __init__(self) -> None:
        self.points: dict[str, float] = {}
        self.step: float | None = None
        self.time_ms: int | None = None
        self.refused: dict[tuple[str, str], tuple[int, str]] = {}
        """Kind and metric to (points, what is wrong with the first of them)."""

    def refuse(self, kind: str, text: str, points: int = 1, about: str = "") -> None:
        """Notes points that can't be recorded."""
        count, first = self.refused.get((kind, about), (0, text))
        self.refused[kind, about] = count + points, first

    def refuse_all(self, kind: str, text: str) -> None:
        """Notes that nothing of the call can be recorded."""
        if self.points:
            self.refuse(kind, text, len(self.points))
            self.points = {}

    def append_to(self, append: Append) -> None:
        """Records what can be."""
        if self.points:
            append(self.points, self.step, self.time_ms)


def understood(metrics: object, step: object, time: object) -> Understood:
    """What the arguments of ``log()`` mean. A step or time that can't be refuses the whole call.

    Raises:
        TypeError: the metrics are no mapping.
        ValueError: they are nested without end.
    """
    if not isinstance(metrics, Mapping):
        raise TypeError(f"metrics are a mapping of names to numbers, such as {{'loss': 0.3}}; got {metrics!r}")
    asked = Understood()
    for name, value in flatten(cast("Mapping[object, object]", metrics)):
        if not isinstance(name, str) or not name:
            asked.refuse("name", f"the metric name {name!r} is not a non-empty text", about=repr(name))
            continue
        try:
            number = to_float(value)
        except (TypeError, ValueError) as error:
            asked.refuse("value", f"metric {name!r}: {error}", about=name)
            continue
        if name in asked.points:
            asked.refuse("name", f"two values for metric {name!r} in one call: the later one is kept", about=name)
        asked.points[name] = number
    try:
        asked.step = None if step is None else to_step(step)
    except (TypeError, ValueError) as error:
        asked.refuse_all("step", str(error))
    try:
        asked.time_ms = None if time is None else to_us(time) // 1000
    except (TypeError, ValueError) as error:
        asked.refuse_all("time", str(error))
    return asked
