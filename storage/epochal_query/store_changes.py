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

    def delete_unassigned(self, *, confirm: int | None = None, cascade: bool = False) -> pd.DataFrame:
        """Delete all components that are in no trial, in one call; ``confirm`` is how many they are, to the number.

        What is running, and what a process still has open, stays; so does, without ``cascade``, what others that stay
        use or continue. ``restore`` of one of them brings all back. Columns of the answer as of :meth:`delete`.

        Raises:
            DeletionError: it isn't confirmed; the message lists them and says how many they are.
            NotAvailableError: the store is a server and there is no Kafka that leads to it.
        """
        from epochal_query.deletion import carried_out
        from epochal_query.deletion_extent import unassigned
        from epochal_query.deletion_plan import check_counted, cleared

        reading = self.begin()
        plan = cleared(unassigned(reading), cascade=cascade)
        check_counted(plan, confirm)
        return told(carried_out(reading, self._opened.say, plan), reading)

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
            DeletionError: it isn't confirmed, no reason is given, it is still being written, or workers haven't taken
                in all that Kafka has.
            UnknownNameError: nothing is meant, or several things are.
            NotAvailableError: Kafka has it, and isn't known here; or the store is a server and no Kafka leads to it.
            KafkaAwayError: Kafka doesn't answer.
        """
        from epochal_query.erasure import check_possible, check_taken_in, erase, not_yet

        check_possible(self.begin(), self._opened)
        check_taken_in(self._opened, self.watermark, "erased")
        frame, traces, remarks = erase(self.begin(), self._opened, x, confirm, reason)
        reading = self.begin()  # who takes the tombstone in erases
        return told(frame, reading.remarking(*remarks, *not_yet(reading, self._opened, traces)))

    def prune(
        self,
        older_than: When,
        *,
        used: bool = False,
        aliased: bool = False,
        reason: str = "",
        confirm: int | None = None,
    ) -> pd.DataFrame:
        """Remove stored contents of artifacts that were logged last before a time, or list which these are.

        Records stay: artifacts keep digest, size and lineage at every instant, and ``fetch`` says when and why the
        content was removed. Contents that went into a component stay unless ``used``, those that an alias stands for
        unless ``aliased``; what another project has stays, and what a directory has that stays. Nothing is removed
        unless ``confirm`` is how many would go, to the number, and ``reason`` says why. Columns: digest, name, size,
        logged, change (prunable, removed or kept), reason.

        Raises:
            DeletionError: ``confirm`` isn't how many would go, there is no reason, or workers are behind.
            NotAvailableError: the store is a server and there is no Kafka that leads to it, or no place for contents.
            KafkaAwayError: Kafka doesn't answer.
            OSError: contents can't be removed; what was removed before is gone, and another call removes the rest.
        """
        from epochal_query.erasure import check_taken_in
        from epochal_query.retention import Kept, prune

        if confirm is not None:
            check_taken_in(self._opened, self.watermark, "removed")
        reading = self.begin()
        kept = Kept(used=not used, aliased=not aliased)
        return told(prune(reading, self._opened, older_than, kept, reason, confirm), reading)

    def erased(self, *, as_of: When | None = None, known_at: KnownAt | None = None) -> pd.DataFrame:
        """One row a thing that was erased: kind, id, erased, reason, user, host, state, until, event.

        ``state`` is ``done`` when nothing of it is left in the store, nor in Kafka; ``pending`` while Kafka keeps
        messages of it, which are gone by ``until``, where that is known. The remarks say what else has to be done.

        Raises:
            KafkaAwayError: Kafka has some of it, and doesn't answer.
        """
        from epochal_query.erasures import listed

        reading = self.begin(as_of, known_at)
        frame, remarks = listed(reading, self._opened)
        return told(frame, reading.remarking(*remarks))

    def deleted(self, *, as_of: When | None = None, known_at: KnownAt | None = None) -> pd.DataFrame:
        """One row a deletion that wasn't undone: kind, id, name, deleted, user, host, points, event."""
        from epochal_query.deletions import listed

        reading = self.begin(as_of, known_at)
        return told(listed(reading), reading)
