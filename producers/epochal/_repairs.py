"""Corrections of metric points: what is asked for, checked in one way for live runs and for stores that were opened."""

from __future__ import annotations

import importlib
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ._entity_events import points_corrected
from ._errors import NotAvailableError
from ._events import Event
from ._guard import guarded
from ._ids import normal_text
from ._numbers import to_float, to_step
from ._values import to_json

if TYPE_CHECKING:
    from ._about import About

__all__ = ["Repair", "Repairs", "Steps", "correction", "retraction"]

Steps = tuple[float | None, float | None] | None
"""First and last step, both included; None is without end, instead of the pair: all steps."""


@dataclass(frozen=True)
class Repair:
    """What is to be done to the points of a metric at some steps: ``operation`` is scale, shift, set or retract."""

    metric: str
    first_step: float | None
    last_step: float | None
    operation: str
    operand: float | None
    reason: str

    def event(self, component: str, rank: int | None, covers: Sequence[tuple[str, int]]) -> Event:
        """The event that does it to so many of the points of each of these writers; rank None: of all ranks."""
        return points_corrected(
            component=component,
            metric=self.metric,
            rank=rank,
            first_step=self.first_step,
            last_step=self.last_step,
            operation=self.operation,
            operand=None if self.operand is None else to_json(self.operand),
            covers=covers,
            reason=self.reason,
        )


def correction(metric: object, steps: object, scale: object, shift: object, value: object, reason: object) -> Repair:
    """A correction as it is asked for.

    Raises:
        TypeError: the metric or the reason is no text, the steps are no pair, or a number is none.
        ValueError: not exactly one of ``scale``, ``shift``, ``value``; one of the first two isn't finite; ``scale`` is
            0; or steps that are NaN, infinite, or in the wrong order.
    """
    given = {"scale": scale, "shift": shift, "value": value}
    chosen = {name: operand for name, operand in given.items() if operand is not None}
    if len(chosen) != 1:
        said = " and ".join(f"{name}={operand!r}" for name, operand in chosen.items()) or "nothing"
        raise ValueError(f"one of scale=, shift= and value= says what is wrong with the values; got {said}")
    ((name, operand),) = chosen.items()
    try:
        number = to_float(operand)
    except (TypeError, ValueError) as error:
        raise type(error)(f"{name}={operand!r}: points hold numbers, and {error}") from None
    if name != "value" and not math.isfinite(number):
        raise ValueError(f"{name}={operand!r}: a finite number is accepted; value={operand!r} makes all of them that")
    if name == "scale" and number == 0:
        raise ValueError(
            f"scale={operand!r} leaves nothing of the values: another number is accepted; value=0 makes all 0"
        )
    return _repair(metric, steps, "set" if name == "value" else name, number, reason)


def retraction(metric: object, steps: object, reason: object) -> Repair:
    """A retraction as it is asked for; raises as :func:`correction`."""
    return _repair(metric, steps, "retract", None, reason)


def _repair(metric: object, steps: object, operation: str, operand: float | None, reason: object) -> Repair:
    if not isinstance(metric, str) or not metric:
        raise TypeError(f"a metric's name is a non-empty text; got {metric!r}")
    if not isinstance(reason, str):
        raise TypeError(f"reason={reason!r}: a text is accepted")
    first, last = _range(steps)
    return Repair(normal_text(metric), first, last, operation, operand, reason)


def _range(steps: object) -> tuple[float | None, float | None]:
    if steps is None:
        return None, None
    if not isinstance(steps, (tuple, list)) or len(steps) != 2:  # pyright: ignore[reportUnknownArgumentType]
        raise TypeError(f"steps={steps!r}: a pair is accepted, the first and the last step; None for all")
    first, last = (None if step is None else to_step(step) for step in steps)  # pyright: ignore[reportUnknownVariableType]
    if first is not None and last is not None and first > last:
        raise ValueError(f"steps={steps!r}: no step lies between them; did you mean steps=({last:g}, {first:g})?")
    return first, last


class Repairs:
    """What a live run can say of what it said by mistake."""

    _about: About
    disabled: bool

    def _say(self, event: Event, time_us: int | None = None) -> None:
        raise NotImplementedError

    def _refuse(self, call: str, error: Exception) -> None:
        raise NotImplementedError

    def _logged(self) -> list[tuple[str, int]]:
        """This rank's writers, as far as this handle knows them, and how many points each has logged."""
        raise NotImplementedError

    @guarded
    def correct(
        self,
        metric: str,
        *,
        steps: Steps = None,
        scale: float | None = None,
        shift: float | None = None,
        value: float | None = None,
        reason: str = "",
    ) -> None:
        """Says what points that this rank has logged should have been: multiplied by ``scale``, with ``shift`` added,
        or ``value`` (which may be NaN or an infinity).

        ``steps`` are the first and the last one, both included; None is without end. One event for any number of
        points: reads show the corrected values, also those of an earlier instant; history shows both, and the reason.
        Points that are logged afterwards are not meant. Several corrections apply one after the other.
        """
        self._say(self._mine(correction(metric, steps, scale, shift, value, reason)))

    @guarded
    def retract(self, metric: str, steps: Steps, reason: str = "") -> None:
        """Takes points that this rank has logged back, as if they had never been; history shows them."""
        self._say(self._mine(retraction(metric, steps, reason)))

    @guarded
    def undo(self, event_id: str, reason: str = "") -> None:
        """Takes an event of this component back, as if it had never been said: a correction, a param, a tag, an input.

        The store is looked at for what the event was; history shows ids. Undoing an undo lets the event count again.
        """
        try:
            reading = importlib.import_module("epochal_query.for_sdk")
        except ImportError as error:
            raise NotAvailableError("undo() looks at the store: it needs `pip install 'epochal[query]'`") from error
        reading.undo(event_id, reason, component=self._about.component, project=self._about.project)

    def _mine(self, repair: Repair) -> Event:
        return repair.event(str(self._about.component), self._about.rank, self._logged())
