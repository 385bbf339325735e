"""Numbered SQL files that bring a store's tables to this version: the same files on chDB, a server and a cluster.

A file never changes once a store may have had it, except one that may be run again at any time, as it makes views or
only what isn't there: it is, when it has changed. `migrations/revisions.json` lists the checksums that such a file has
had, the oldest first, so that a store of an earlier version can be told from one of a newer.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import resources

from epochal_storage.errors import EngineError, MigrationError
from epochal_storage.sql_text import quoted_name, quoted_text, statements
from epochal_storage.writing import SqlRunner

_FILE = re.compile(r"^(\d{4})_[a-z0-9_]+\.sql$")
REVISIONS = "revisions.json"
_ENGINE = re.compile(r"\{engine\}(?:\(([^()]*)\))?")


@dataclass(frozen=True)
class Layout:
    """Where tables are made: a database, on one machine or on every machine of a named cluster."""

    database: str = "epochal"
    cluster: str | None = None


@dataclass(frozen=True)
class Migration:
    """One numbered file. `checksum` is SHA-256 of its text, before the layout is filled in; `earlier` are those that
    the file had in earlier versions, where it may be run again.
    """

    name: str
    text: str
    checksum: str
    earlier: tuple[str, ...] = ()

    def statements(self, layout: Layout) -> list[str]:
        """Its statements, with the layout filled in."""
        return statements(filled(self.text, layout))


@dataclass(frozen=True)
class Applied:
    """A migration that a store has had."""

    name: str
    checksum: str


def available() -> list[Migration]:
    """The migrations of this version, in order. Raises: MigrationError where numbers are doubled or left out."""
    folder = resources.files("epochal_storage") / "migrations"
    names = sorted(entry.name for entry in folder.iterdir() if _FILE.match(entry.name))
    for place, name in enumerate(names, start=1):
        if int(name[:4]) != place:
            raise MigrationError(f"migration {name} is number {place} in order; numbers count up by one from 0001")
    revisions = json.loads((folder / REVISIONS).read_text(encoding="utf-8"))
    return [_migration(name, (folder / name).read_text(encoding="utf-8"), revisions.get(name, [])) for name in names]


def filled(text: str, layout: Layout) -> str:
    """The text with `{database}`, `{on_cluster}` and `{engine}` filled in; other braces stay as they are."""
    on_cluster = f"ON CLUSTER {quoted_name(layout.cluster)}" if layout.cluster else ""
    text = _ENGINE.sub(lambda match: _engine(match[1], layout), text)
    return text.replace("{database}", quoted_name(layout.database)).replace("{on_cluster}", on_cluster)


def pending(known: Sequence[Applied], migrations: Sequence[Migration]) -> list[Migration]:
    """What is still to be applied.

    Views come again where the store has an earlier revision of them.

    Raises: MigrationError where an applied one was edited since, is unknown here (the store is newer),
    or comes after one that wasn't applied.
    """
    ours = {migration.name: migration for migration in migrations}
    for applied in known:
        if applied.name not in ours:
            raise MigrationError(
                f"the store has had migration {applied.name}, which this version doesn't know: "
                "it was made by a newer version of Epochal; install that version or a later one"
            )
        known_here = ours[applied.name]
        if known_here.earlier and applied.checksum not in (known_here.checksum, *known_here.earlier):
            raise MigrationError(
                f"the store has views of {applied.name} with the SHA-256 {applied.checksum[:16]}…, which this version "
                "doesn't know: they were made by a newer version of Epochal; install that version or a later one"
            )
        if known_here.checksum != applied.checksum and not known_here.earlier:
            raise MigrationError(
                f"migration {applied.name} was edited after the store had it: its SHA-256 was "
                f"{applied.checksum[:16]}…, now it is {ours[applied.name].checksum[:16]}…; "
                "restore the file and put the change into a new migration"
            )
    done = {applied.name for applied in known if ours[applied.name].checksum == applied.checksum}
    todo = [migration for migration in migrations if migration.name not in done]
    late = [migration.name for migration in todo if done and migration.name < max(done) and not migration.earlier]
    if late:
        raise MigrationError(
            f"migrations {late} come before {max(done)}, which the store has had; give them new numbers"
        )
    return todo


def migrate(
    store: SqlRunner,
    layout: Layout = Layout(),
    *,
    migrations: Sequence[Migration] | None = None,
    on_statement: Callable[[str], None] | None = None,
    again: bool = False,
) -> list[str]:
    """Bring the tables to this version; the names of the migrations applied now. `again`: all of them, once more.

    Guarantees: a second call applies nothing; one that was cut in half is run again from its start.
    Raises: MigrationError naming the migration and the statement that failed.
    """
    ours = available() if migrations is None else migrations
    for sql in _bookkeeping(layout):
        store.command(sql)
    todo = pending(_applied(store, layout), ours)
    todo = list(ours) if again else todo
    for migration in todo:
        for sql in migration.statements(layout):
            if on_statement is not None:
                on_statement(sql)
            _apply(store, migration, sql)
        store.command(_mark(migration, layout))
    return [migration.name for migration in todo]


def script(layout: Layout, migrations: Sequence[Migration] | None = None) -> str:
    """The SQL that `migrate` runs on an empty store, for reading or for running by hand."""
    ours = available() if migrations is None else migrations
    lines = list(_bookkeeping(layout))
    for migration in ours:
        lines += [f"-- {migration.name}\n{sql}" for sql in migration.statements(layout)]
        lines.append(_mark(migration, layout))
    return "".join(f"{line};\n\n" for line in lines)


def checksum(text: str) -> str:
    """SHA-256 of a file's text, in hexadecimal."""
    return hashlib.sha256(text.encode()).hexdigest()


def _migration(name: str, text: str, revisions: Sequence[str]) -> Migration:
    return Migration(name, text, checksum(text), tuple(revisions[:-1]))


def _engine(arguments: str | None, layout: Layout) -> str:
    if layout.cluster is None:
        return "ReplacingMergeTree" if arguments is None else f"ReplacingMergeTree({arguments})"
    place = "'/clickhouse/tables/{uuid}/{shard}', '{replica}'"
    return f"ReplicatedReplacingMergeTree({place}{', ' + arguments if arguments else ''})"


def _table(layout: Layout) -> str:
    return f"{quoted_name(layout.database)}.migrations"


def _bookkeeping(layout: Layout) -> tuple[str, ...]:
    on_cluster = filled("{on_cluster}", layout)
    return (
        f"CREATE DATABASE IF NOT EXISTS {quoted_name(layout.database)} {on_cluster}".rstrip(),
        f"CREATE TABLE IF NOT EXISTS {_table(layout)} {on_cluster} "
        "(name String, checksum String COMMENT 'SHA-256 of the file', "
        "applied_at DateTime64(6, 'UTC') DEFAULT now64(6, 'UTC')) "
        f"ENGINE = {_engine(None, layout)} ORDER BY name COMMENT 'which migrations this store has had'",
    )


def _applied(store: SqlRunner, layout: Layout) -> list[Applied]:
    rows = store.query_arrow(f"SELECT name, checksum FROM {_table(layout)} FINAL ORDER BY name")  # noqa: S608
    return [Applied(row["name"], row["checksum"]) for row in rows.to_pylist()]


def _mark(migration: Migration, layout: Layout) -> str:
    return (
        f"INSERT INTO {_table(layout)} (name, checksum) "  # noqa: S608 - our own names, quoted
        f"VALUES ({quoted_text(migration.name)}, {quoted_text(migration.checksum)})"
    )


def _apply(store: SqlRunner, migration: Migration, sql: str) -> None:
    try:
        store.command(sql)
    except EngineError as error:
        raise MigrationError(
            f"migration {migration.name} failed: {error.message}; "
            f"it will be run again from its start. The statement was:\n{sql}"
        ) from error
