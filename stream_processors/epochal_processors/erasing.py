"""Destroys what tombstones name: the payloads of events with their salts, facts, points and their sums, dead letters.

What stays of an event is its digest, and what stays of points are those of their blocks: the chains still fit.
Nothing is remembered of how far it came. What is still there is looked for, so that it may be cut off anywhere.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from typing import Protocol

import pyarrow as pa

from epochal._entity_events import entity_erased
from epochal._events import Event
from epochal_processors.late import Late, late
from epochal_processors.tombstones import Erasures, conditions, erasures, tombstones
from epochal_storage.shadow import drop_shadows
from epochal_storage.writing import SqlRunner

TABLES = ("events", "facts", "metrics", "partials", "dead_letters")
Tell = Callable[[str, Event, int], bool]
"""Says in a project that something was erased, at a time (microseconds since 1970, UTC); whether it could."""
_EMPTIED = "payload = '', salt = unhex('00000000000000000000000000000000')"


class Contents(Protocol):
    """Where contents of artifacts lie."""

    def remove(self, digests: Iterable[str], kept: Iterable[str]) -> object:
        """Remove some, but for what is kept or belongs to that. Raises OSError: it can't."""
        ...


class NoEraser:
    """Erases nothing: where that is for others to do."""

    erased = Erasures()
    known = 0

    def look(self) -> None:
        """Nothing."""

    def run(self, known: int | None = None) -> None:
        """Nothing."""

    def tell_late(self, tell: Tell) -> bool:
        """Nothing."""
        return False


class Eraser:
    """Erases from the tables of a store, which others may insert into meanwhile.

    Whoever inserts runs it after its inserts, before it says that they are done, with what it knew when it made its
    rows. So what was erased is destroyed, whichever comes last: by who took the tombstone in, where that came after
    the rows; by who inserted the rows, where they came after the tombstone. What no tombstone names, because nobody
    knew of it, gets one.
    """

    def __init__(
        self,
        store: SqlRunner,
        forget: Callable[[Collection[str]], None] = lambda tables: None,
        contents: Callable[[], Contents | None] = lambda: None,
        report: Callable[[str], None] = lambda line: None,
    ) -> None:
        """``forget`` has the engine remove the parts of tables that it replaced, by default it does so in its time;
        ``contents`` are those of the store's artifacts, where they can be reached; ``report`` takes lines for a log.
        """
        self._store = store
        self._forget = forget
        self._contents = contents
        self._report = report
        self.erased = Erasures()
        """What is erased, as far as it is known; nothing of that should be inserted."""
        self.known = -1
        """How many tombstones say so; -1 before the first look."""
        self._done = -1
        self._look = True
        self._may_be_late = True
        self._told: set[str] = set()

    def look(self) -> None:
        """Somebody wrote to the store: there may be more tombstones. From any thread."""
        self._look = True

    def run(self, known: int | None = None) -> None:
        """Erase what is still there, if there may be any: at first, and when there are more tombstones.

        ``known``: how many of them whoever calls knew of when it made the rows that it inserted; without it, nobody
        inserted anything but who said so by :meth:`look`.

        Raises:
            StoreError: the engine refuses; the next call goes on.
        """
        if known is None and self._done == self.known and not self._look:
            return
        self._look = False
        try:
            found = tombstones(self._query)
            if found != self._done or known not in (None, found):
                self._done = -1
                self.erased, self.known = erasures(self._query), found
                self._destroy(self.erased)
                self._done = found
            if self.erased.writers:  # others may have changed rows, too
                self._forget(TABLES)
            self._may_be_late = True
        except BaseException:
            self._look = True
            raise

    def tell_late(self, tell: Tell) -> bool:
        """Say tombstones of what came in of things erased and was said before, if the last run may have found any:
        nobody knew of it then. They come in like everything else. Returns whether something was said; what couldn't be
        is tried again when more comes in.

        Raises:
            StoreError: the engine refuses.
        """
        if not self._may_be_late:
            return False
        told = False
        for one in late(self._query, self.erased):
            whose, named = one.tombstone, one.traces.named()
            event = entity_erased(kind=whose.kind, entity=str(whose.entity), reason=whose.reason, **named)
            if (text := json.dumps(event)) in self._told:  # it is on its way
                continue
            # contents first: when the tombstone has done its work, nobody knows which these were
            if self._removed(one) and tell(whose.project, event, whose.at_us):
                self._told.add(text)
                told = True
        self._may_be_late = False
        return told

    def _removed(self, one: Late) -> bool:
        """Whether no content of an artifact is left that only this has."""
        mine, others = one.stored(self._query)
        if not mine:
            return True
        what = f"{len(mine):,} contents of {one.tombstone.entity}, which came in after it was erased, "
        contents = self._contents()
        if contents is None:
            self._report(f"{what}can't be reached from here: set EPOCHAL_ARTIFACTS to where they lie")
            return False
        try:
            contents.remove(mine, others)
        except OSError as error:
            self._report(f"{what}can't be removed: {error}")
            return False
        return True

    def _destroy(self, erased: Erasures) -> None:
        if not erased.writers:
            return
        for condition in conditions(erased.lifecycle):
            self._change("events", f"UPDATE {_EMPTIED}", f"{condition} AND payload != ''")
        for condition in conditions(erased.metrics):
            self._change("metrics", "DELETE", condition)
        # what is being made of the log as it was must not take the place of what is changed now
        drop_shadows(self._store)
        for table, condition in _derived(erased):
            self._change(table, "DELETE", condition)

    def _change(self, table: str, change: str, condition: str) -> None:
        if int(self._query(f"SELECT count() AS n FROM {table} WHERE {condition}", {})["n"][0].as_py()):  # noqa: S608
            self._store.command(f"ALTER TABLE {table} {change} WHERE {condition} SETTINGS mutations_sync = 2")

    def _query(self, sql: str, parameters: Mapping[str, object]) -> pa.Table:
        return self._store.query_arrow(sql, parameters)


def _derived(erased: Erasures) -> Iterator[tuple[str, str]]:
    """Table and condition, for what follows from the log."""
    for condition in conditions(erased.lifecycle):
        yield "facts", condition
    # an event that lies among the letters, too
    for condition in conditions(erased.lifecycle, "toUInt64OrZero(splitByString('/lifecycle:', source)[2])"):
        yield "dead_letters", f"source LIKE '%/lifecycle:%' AND {condition}"
    for table, writers in (("partials", erased.metrics.keys()), ("dead_letters", erased.whole)):
        listed = ", ".join(f"toUUID('{writer}')" for writer in sorted(writers))
        if listed:
            yield table, f"assumeNotNull(writer) IN ({listed})"
