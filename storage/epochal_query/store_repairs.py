"""How a store is told that something in it is wrong: corrections, retractions, and taking back what was said."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from epochal._repairs import Repair, Steps, correction, retraction
from epochal_query.errors import RepairError
from epochal_query.history_fields import is_cell
from epochal_query.repairing import repair, undo
from epochal_query.repairing_cells import correct_cell, retract_cell
from epochal_query.resolve import resolve_any
from epochal_query.store_proof import Provable


class Repairable(Provable):
    """A store whose points and statements can be repaired. Nothing in it is altered: what was said before stays."""

    def correct(
        self,
        component: object,
        metric: str,
        *,
        steps: Steps = None,
        scale: float | None = None,
        shift: float | None = None,
        value: Any = None,
        reason: str = "",
    ) -> str:
        """Say what points of a component should have been: multiplied by ``scale``, with ``shift`` added, or ``value``.

        ``steps`` are the first and the last one, both included; None is without end. It covers the points that the
        store has now, of all ranks; those that are logged later are not meant. One event, whose id is returned: reads
        show the corrected values, also at an earlier ``as_of``; with ``known_at`` before it they show the old ones.
        Under the names that histories use ("params.lr", "tags.team", "note", "artifacts.out/model") something else is
        corrected, tags and notes also of a trial, an experiment, an action or a context: ``value`` is what it has been
        since the time of the value that is in effect; of an artifact its URI, its digest, or a mapping of both with a
        media type.

        Raises:
            RepairError: not one operation, steps that are none or have no point, a number that is none.
            UnknownNameError: no component is meant, or nobody logged such a metric; the message has near ones.
            NotAvailableError: the store is a server that nothing can be said to from here; the message says why.
        """
        if is_cell(metric):
            alone = value is not None and (steps, scale, shift) == (None, None, None)
            event = correct_cell(self.begin(), self._opened.say, component, metric, value, reason, alone=alone)
            if event is not None:
                return event
        elif isinstance(value, str):
            raise RepairError(
                f"value={value!r}: points hold numbers; a param is corrected by the name that histories have for it, "
                f"such as 'params.{metric}'"
            )
        return self._repair(component, correction, metric, steps, scale, shift, value, reason)

    def retract(self, component: object, metric: str, steps: Steps = None, reason: str = "") -> str:
        """Take points of a component back, as if they had never been; the id of the event. As :meth:`correct`.

        Also a param, a tag, a note or an artifact, by its name in histories: it is undone, and undoing that restores
        it. An event that said several things is not taken back for one of them.
        """
        if is_cell(metric) and steps is None:
            event = retract_cell(self.begin(), self._opened.say, component, metric, reason)
            if event is not None:
                return event
        return self._repair(component, retraction, metric, steps, reason)

    def undo(self, event_id: str, reason: str = "", *, of: object = None) -> str:
        """Take an event back, as if it had never been said; the id of the event that does it.

        What can be undone: corrections and retractions, params, tags, notes, artifacts, attaching and detaching,
        verdicts, definitions, alerts, rewinds, associations, and undoing, which lets an event count again. ``of`` is
        what the event must be about.

        Raises:
            RepairError: there is no such event, it can't be undone, is not about ``of``, or is undone already.
            NotAvailableError: the store is a server that nothing can be said to from here; the message says why.
        """
        reading = self.begin()
        about = None if of is None else resolve_any(reading, of)
        return undo(reading, self._opened.say, event_id, reason, about)

    def _repair(self, component: object, made: Callable[..., Repair], *asked: Any) -> str:
        try:
            wanted = made(*asked)
        except (TypeError, ValueError) as error:
            raise RepairError(str(error)) from None
        return repair(self.begin(), self._opened.say, component, wanted)
