"""What a store proves of itself: certificates, verification, checkpoints; and what follows from its log, made again."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from epochal_query.certificate import Certificate, certificate_of, certificate_of_erased
from epochal_query.errors import UnknownNameError
from epochal_query.notebook_progress import shown
from epochal_query.resolve import resolve_one
from epochal_query.store_access import Access, told
from epochal_query.times import KnownAt, When

if TYPE_CHECKING:
    from epochal_query.verification import Verification
    from epochal_storage.archive import Progress


class Provable(Access):
    """A store that can be asked to prove what it says."""

    def certificate(
        self, component: object, *, as_of: When | None = None, known_at: KnownAt | None = None
    ) -> Certificate:
        """What is proven about a component's completeness: ``state`` is closed, recovered, open, gaps or parked.

        Of one that was erased, by its id, it is erased. Raises UnknownNameError: no component is meant, or several are.
        """
        reading = self.begin(as_of, known_at)
        try:
            return certificate_of(reading, resolve_one(reading, "component", component))
        except UnknownNameError:
            from epochal_query.erasures import erased_component

            found = erased_component(reading, component)
            if found is None:
                raise
        return certificate_of_erased(reading, *found)

    def verify(
        self,
        entity: object = None,
        *,
        checkpoint: str | os.PathLike[str] | None = None,
        public_key: str | os.PathLike[str] | None = None,
        progress: Progress | None = None,
    ) -> Verification:
        """Compute all digests again, from the rows: ``sound``, and ``findings`` with what is missing, doubled, altered.

        Of the entire store, all projects of it, or of one experiment, trial or component. With ``checkpoint``, the file
        of one, also whether the store still holds everything up to it unchanged; ``public_key`` is that of whoever
        signed it. What was logged since the checkpoint or while this runs does no harm. ``progress`` is told what is
        worked on, how much of it is done and how much there is; without one a notebook shows bars.

        Raises:
            UnknownNameError: nothing is meant, or several things are.
            CheckpointError: the checkpoint can't be read or trusted, or only a part of the store was asked for.
        """
        # not at the top: whoever only reads needn't wait for what decodes and digests
        from epochal_query.proving import verified

        file = None if checkpoint is None else Path(checkpoint)
        trusted = None if public_key is None else Path(public_key)
        with shown(progress) as told_of:
            return verified(self._opened, self.begin(), entity, file, trusted, told_of)

    def checkpoint(
        self,
        path: str | os.PathLike[str] | None = None,
        *,
        key: str | os.PathLike[str] | None = None,
        progress: Progress | None = None,
    ) -> dict[str, Any]:
        """The heads of all chains and of the ledger, as they are now; to be kept where nobody who could alter the store
        reaches it, and to be given to ``verify`` years later.

        The store is verified for it. ``path`` is a new file for it, ``key`` the file of a private Ed25519 key (PEM) to
        sign it with (``epochal checkpoint --new-key`` makes one). The format is in docs/wire-format.md.

        Raises:
            CheckpointError: the store isn't sound, the key can't be used, or there is a file already.
        """
        from epochal_query.checkpoint import write_checkpoint
        from epochal_query.proving import new_checkpoint

        signer = None if key is None else Path(key)
        with shown(progress) as told_of:
            document = new_checkpoint(self._opened, self.begin(), self._opened.now(), signer, told_of)
        if path is not None:
            write_checkpoint(document, Path(path))
        return document

    def rebuild(self, view: str | None = None, *, progress: Progress | None = None) -> pd.DataFrame:
        """Drop what a view is read from, or all views (None, "all"), and make it again from the log.

        Reads go on meanwhile, and so does taking in: the new takes the place of the old in one step, and what came
        meanwhile is in it. The log itself (events, points, ledger, blocks, dead letters) is never touched.

        One row a table: table, rows_before and rows (of what the watermark in ``attrs`` covers), read (how many rows of
        the log it was made from), seconds, checksum (of the rows, in no order), and changed: whether the old one was
        another, be it that somebody altered it or that this version makes other rows of the same events.

        Raises:
            UnknownNameError: there is no such view; the message has near names.
            ReadError: EPOCHAL_HOST=inline, where nobody but this process has the store.
            UnreadableEventError: this version can't read an event that an other one took in; nothing was changed.
        """
        from epochal_query.rebuilding import rebuilt, tables_of

        tables = tables_of(view)
        store = self._opened.with_rights()
        try:
            reading = self.begin()
            with shown(progress) as told_of:
                return told(rebuilt(store, tables, reading.watermark, told_of), reading)
        finally:
            store.close()

    def replay(
        self, since: When | None = None, until: When | None = None, *, speed: float | None = None
    ) -> Iterator[dict[str, Any]]:
        """What the log recorded from ``since`` on and before ``until``, in that order, as if it happened now.

        Each is a dict: recorded_at_us (microseconds since the epoch, UTC), log, offset, project, writer, first_seq, and
        either ``events``, envelopes as in docs/events.md, or points as columns: component, rank, metric, step, value,
        logged_ms, occurred_ms. Between one and the next it waits as long as it took then, divided by ``speed``; without
        one not at all. All projects are in it, and each row once, where it was recorded first.

        Raises:
            TimeError: an instant can't be understood.
            ReadError: ``speed`` is not a number above 0.
        """
        from epochal_query.replaying import replayed

        return replayed(self.begin(), since, until, speed)

    def replay_into(
        self,
        directory: str | os.PathLike[str],
        since: When | None = None,
        until: When | None = None,
        *,
        speed: float | None = None,
    ) -> int:
        """The same into a new store, which whoever reads it, such as a dashboard, sees filling; the number of frames.

        Raises ReadError: there is something in the directory already; and as ``replay`` does.
        """
        from epochal_query.replaying import replay_into

        return replay_into(self.begin(), Path(directory), since, until, speed)
