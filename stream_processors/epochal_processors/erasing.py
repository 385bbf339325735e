"""Destroys what tombstones name: the payloads of events with their salts, facts, points and their sums, dead letters.

What stays of an event is its digest, and what stays of points are those of their blocks: the chains still fit.
Nothing is remembered of how far it came. What is still there is looked for, so that it may be cut off anywhere.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from uuid import UUID

from epochal_processors.tombstones import Erasures, conditions, erasures
from epochal_storage.shadow import drop_shadows
from epochal_storage.writing import SqlRunner

TABLES = ("events", "facts", "metrics", "partials", "dead_letters")
_EMPTIED = "payload = '', salt = unhex('00000000000000000000000000000000')"
_ASIDE = "_erasing"


class NoEraser:
    """Erases nothing: where that is for others to do."""

    writers: Collection[UUID] = frozenset()
    whole: Collection[UUID] = frozenset()

    def run(self, tombstones: int = 0) -> None:
        """Nothing."""


class Eraser:
    """Erases from the tables of an embedded store. Nobody may insert into them meanwhile."""

    def __init__(self, store: SqlRunner) -> None:
        self._store = store
        self._erased = Erasures()
        self._tombstones = 0
        self._due = True

    @property
    def writers(self) -> set[UUID]:
        """Whose journals must not stay, as they hold something that was erased."""
        return self._erased.writers

    @property
    def whole(self) -> set[UUID]:
        """Writers of whom nothing may be taken in any more."""
        return self._erased.whole

    def run(self, tombstones: int = 0) -> None:
        """Erase what is still there, if there may be any: at first, or when more ``tombstones`` were taken in since.

        Raises:
            StoreError: the engine refuses; the next call goes on.
        """
        if tombstones == self._tombstones and not self._due:
            return
        self._due = True
        self._erased = erasures(self._store.query_arrow)
        self._tombstones = tombstones
        if self._erased.writers:
            drop_shadows(self._store)
            for table, change, condition in _changes(self._erased):
                if self._count(f"{table} WHERE {condition}"):
                    self._store.command(f"ALTER TABLE {table} {change} WHERE {condition} SETTINGS mutations_sync = 2")
            self._forget_old_parts()
        self._due = False

    def _forget_old_parts(self) -> None:
        """Have the engine remove the parts that it replaced: it keeps them for a while, with all that was in them."""
        for table in TABLES:
            aside = f"{table}{_ASIDE}"
            self._store.command(f"DROP TABLE IF EXISTS {aside} SYNC")
            if self._count(f"system.parts WHERE database = currentDatabase() AND table = '{table}' AND NOT active"):
                self._store.command(f"CREATE TABLE {aside} CLONE AS {table}")
                self._store.command(f"EXCHANGE TABLES {aside} AND {table}")
                self._store.command(f"DROP TABLE {aside} SYNC")

    def _count(self, rows: str) -> int:
        return int(self._store.query_arrow(f"SELECT count() AS n FROM {rows}")["n"][0].as_py())  # noqa: S608


def _changes(erased: Erasures) -> Iterator[tuple[str, str, str]]:
    """Table, change and condition, for all that has to go."""
    for condition in conditions(erased.lifecycle):
        yield "events", f"UPDATE {_EMPTIED}", f"{condition} AND payload != ''"
        yield "facts", "DELETE", condition
    for condition in conditions(erased.metrics):
        yield "metrics", "DELETE", condition
    for table, writers in (("partials", erased.metrics.keys()), ("dead_letters", erased.whole)):
        listed = ", ".join(f"toUUID('{writer}')" for writer in sorted(writers))
        if listed:
            yield table, "DELETE", f"assumeNotNull(writer) IN ({listed})"
