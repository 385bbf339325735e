"""What a store can be told: that something is deleted, and that it is there again."""

from __future__ import annotations

import pandas as pd

from epochal_query.store_access import told
from epochal_query.store_proof import Provable
from epochal_query.times import KnownAt, When


class Changeable(Provable):
    """A store that can be changed by what is said to it; nothing is ever removed from it by these calls."""

    def delete(self, x: object, *, confirm: str = "", cascade: bool = False) -> pd.DataFrame:
        """Delete an experiment, a trial or a component, by name, id or handle; ``confirm`` is its exact name.

        Reads don't show it any more, those of an earlier instant do; ``restore`` undoes it, and its name is free for
        use again. ``cascade`` deletes the trials of an experiment, too, and components that are in no trial that
        stays. Columns of the answer: kind, id, name, change (deleted or kept), reason, points, event.

        Raises:
            DeletionError: it isn't confirmed; others depend on it and there is no ``cascade``; or something of it runs.
            UnknownNameError: nothing is meant, or several things are.
            NotAvailableError: the store is a server and there is no Kafka that leads to it.
        """
        from epochal_query.deletion import delete

        reading = self.begin()
        return told(delete(reading, self._opened.say, x, confirm, cascade=cascade), reading)

    def restore(self, x: object) -> pd.DataFrame:
        """Undo the newest deletion of something, by name, id or handle, with all that the same call deleted.

        Where its name is in use again, what was said before and after is one from then on. Columns of the answer as of
        :meth:`delete`.

        Raises:
            UnknownNameError: nothing that is meant is deleted, or several things are.
            NotAvailableError: the store is a server and there is no Kafka that leads to it.
        """
        from epochal_query.deletion import restore

        reading = self.begin()
        return told(restore(reading, self._opened.say, x), reading)

    def deleted(self, *, as_of: When | None = None, known_at: KnownAt | None = None) -> pd.DataFrame:
        """One row a deletion that wasn't undone: kind, id, name, deleted, user, host, points, event."""
        from epochal_query.deletions import listed

        reading = self.begin(as_of, known_at)
        return told(listed(reading), reading)
