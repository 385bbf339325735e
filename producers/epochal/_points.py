"""Where a handle's points go in, and what becomes of those that can't."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol, TypeVar, cast

from ._numbers import flatten, to_float

__all__ = ["Nothing", "Over", "PointSink", "Refusals", "first_call", "measured"]

_Value = TypeVar("_Value")


class PointSink(Protocol):
    """Takes points; see ``epochal._journal.writer.JournalWriter.append_points``."""

    def append_points(self, metrics: Mapping[str, object], step: float | None, time_ms: int | None) -> None:
        """Appends one point a name."""
        ...


class Nothing:
    """Takes points and does nothing: mode "disabled"."""

    def append_points(self, metrics: Mapping[str, object], step: float | None, time_ms: int | None) -> None:
        """Does nothing."""


class Over:
    """Takes the points of a run that was finished: they are counted, not recorded."""

    def __init__(self, refuse: Callable[[int], None]) -> None:
        self._refuse = refuse

    def append_points(self, metrics: Mapping[str, object], step: float | None, time_ms: int | None) -> None:
        """Refuses."""
        self._refuse(len(metrics))


class _FirstCall:
    def __init__(self, opened: Callable[[], PointSink]) -> None:
        self._opened = opened

    def append_points(self, metrics: Mapping[str, object], step: float | None, time_ms: int | None) -> None:
        self._opened().append_points(metrics, step, time_ms)


def first_call(opened: Callable[[], PointSink]) -> PointSink:
    """Opens the real sink with the first points."""
    return _FirstCall(opened)


class Refusals:
    """What of one ``log()`` call can't be recorded: kind to (points, why the first of them)."""

    def __init__(self) -> None:
        self.counts: dict[str, tuple[int, str]] = {}
        self.all_of_it = False

    def add(self, kind: str, text: str, points: int = 1) -> None:
        """Notes points that can't be recorded."""
        count, first = self.counts.get(kind, (0, text))
        self.counts[kind] = count + points, first

    def whole(self, points: int, kind: str, convert: Callable[[], _Value]) -> _Value | None:
        """What ``convert`` returns; if it can't, the whole call is refused."""
        try:
            return convert()
        except (TypeError, ValueError) as error:
            if not self.all_of_it:
                self.add(kind, str(error), max(points, 1))
            self.all_of_it = True
            return None


def measured(metrics: object, refusals: Refusals) -> dict[str, float]:
    """The metrics of one call, flat and as float64; what can't be is noted.

    Raises:
        TypeError: the metrics are no mapping.
        ValueError: they are nested without end.
    """
    if not isinstance(metrics, Mapping):
        raise TypeError(f"metrics are a mapping of names to numbers, such as {{'loss': 0.3}}; got {metrics!r}")
    points: dict[str, float] = {}
    for name, value in flatten(cast("Mapping[object, object]", metrics)):
        if not isinstance(name, str) or not name:
            refusals.add("name", f"the metric name {name!r} is not a non-empty text")
            continue
        try:
            number = to_float(value)
        except (TypeError, ValueError) as error:
            refusals.add("value", f"metric {name!r}: {error}")
            continue
        if name in points:
            refusals.add("name", f"two values for metric {name!r} in one call: the later one is kept")
        points[name] = number
    return points
