"""What a store can be told: that something is deleted, that it is there again, and that it is to be destroyed."""

from __future__ import annotations

import pandas as pd

from epochal_query.store_access import told
from epochal_query.store_proof import Provable
from epochal_query.times import KnownAt, When


class Changeable(Provable):
    """A store that can be changed by what is said to it; nothing is removed from it but by ``erase``."""

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

    def erase(self, x: object, *, confirm: str = "", reason: str = "") -> pd.DataFrame:
        """Destroy what was said of an experiment, a trial or a component, with all that is only its own; for good.

        Payloads are gone from the tables, from journals and from stored artifacts that nothing else has, at every
        instant, and don't come back. What stays: the id, digests, who erased it, when, and the ``reason``. ``x`` may
        have been deleted before. Columns of the answer as of :meth:`delete`; its remark says if something isn't gone
        yet.

        Raises:
            DeletionError: it isn't confirmed, no reason is given, or it is still being written.
            UnknownNameError: nothing is meant, or several things are.
            NotAvailableError: the store isn't a directory, or its log is Kafka's.
        """
        from epochal_query.erasure import erase
        from epochal_query.erasure_extent import is_exported, remains

        frame, traces = erase(self.begin(), self._opened, x, confirm, reason)
        reading = self.begin()  # the host erases when it takes the tombstone in
        remarks: list[str] = []
        if left := remains(reading, traces):
            remarks.append(f"{left:,} events and points aren't gone yet: the host goes on, see its host.log")
        if is_exported(reading):
            remarks.append("an export that is under way has it, on the disk until it ends and in what it writes")
        return told(frame, reading.remarking(*remarks))

    def erased(self, *, as_of: When | None = None, known_at: KnownAt | None = None) -> pd.DataFrame:
        """One row a thing that was erased: kind, id, erased, reason, user, host, event."""
        from epochal_query.erasure import listed

        reading = self.begin(as_of, known_at)
        return told(listed(reading), reading)

    def deleted(self, *, as_of: When | None = None, known_at: KnownAt | None = None) -> pd.DataFrame:
        """One row a deletion that wasn't undone: kind, id, name, deleted, user, host, points, event."""
        from epochal_query.deletions import listed

        reading = self.begin(as_of, known_at)
        return told(listed(reading), reading)
