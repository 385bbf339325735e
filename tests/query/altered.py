"""A store for the tests of verifying: taken in by a real host, then altered by somebody with all rights."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from processors.hosts import Hosts
from processors.journals import Job
from query.conftest import Bare

from epochal._journal.process import ProcessLock
from epochal_query.connection import Opened
from epochal_query.store import Store
from epochal_query.verification import Verification

TABLES = ("metrics", "events", "ledger", "blocks")
COLUMNS = {
    "ledger": "project, writer, channel, first_seq, count, log, offset",
    "metrics": "project, component, metric, rank, step, value, logged_at, occurred_at, log, offset, writer, seq",
    "events": "project, writer, seq, type, schema_version, payload, salt, digest, logged_at, occurred_at, log, offset",
}
"""The columns beside ``recorded_at``."""
Named = tuple[str, str, str, int, int]
"""What a finding names: component, writer, channel, first and last sequence number."""


class Altered:
    """Three writers: ``first`` and ``second`` of the component ``training`` ended, ``open`` (``other``) goes on."""

    def __init__(self, store: Path) -> None:
        self.store = store
        (store / "journals").mkdir(parents=True)
        self.lock = ProcessLock.hold(store / "journals")
        self.first = started(Job(store / "journals", self.lock, project="p"), "training")
        self.second = started(
            Job(store / "journals", self.lock, project="p", component=self.first.component), "training"
        )
        self.open = started(Job(store / "journals", self.lock, project="p"), "other")
        self.bare = Bare(store)

    @classmethod
    @contextmanager
    def made(cls, store: Path) -> Iterator[Altered]:
        """Such a store, until the end."""
        found = cls(store)
        hosts = Hosts(store)
        try:
            found._write(hosts)
            hosts.end()
            found.bare.writer.command("CREATE DATABASE kept ENGINE = Atomic")
            for table in TABLES:
                found.bare.writer.command(f"CREATE TABLE kept.{table} CLONE AS {table}")
            yield found
        finally:
            hosts.end()
            found.bare.end()
            found.lock.release()

    def _write(self, hosts: Hosts) -> None:
        """Points in two portions, so that the ledger has several ranges, which cut through blocks.

        No host is there while they are logged: the ranges are the same every time.
        """
        for count in (1_500, 3_500):
            for job in self.jobs.values():
                job.log(count, ("loss", "größe"))
            if count > 1_500:
                self.first.close()
                self.second.close()
            client = hosts.client()
            client.watermark()
            client.close()
            hosts.kill()

    def opened(self, *, intake: bool = True) -> Store:
        """The store, for reading; without its intake as one on a server would be."""
        return Store(Opened(self.bare.reader, lambda: None, directory=self.store if intake else None), "p")

    def verify(self, entity: object = None, checkpoint: Path | None = None, *, intake: bool = True) -> Verification:
        """Verify it."""
        return self.opened(intake=intake).verify(entity, checkpoint=checkpoint)

    def run(self, *statements: str) -> None:
        """Do something to it, with all rights; ``{first}`` and so on are writers."""
        writers = {name: f"'{job.writer}'" for name, job in self.jobs.items()}
        for statement in statements:
            done = statement.format(**writers)
            if done.startswith("ALTER"):
                done += " SETTINGS mutations_sync = 2"
            self.bare.writer.command(done)

    @property
    def tables(self) -> tuple[str, ...]:
        """The tables that may be altered."""
        return TABLES

    @property
    def jobs(self) -> dict[str, Job]:
        """The writers by name."""
        return {"first": self.first, "second": self.second, "open": self.open}

    def record_earlier(self) -> None:
        """Say of everything, in rows and ledger alike, that it was recorded a second earlier."""
        for table, columns in COLUMNS.items():
            self.run(
                f"TRUNCATE TABLE {table}",
                f"INSERT INTO {table} ({columns}, recorded_at) "
                f"SELECT {columns}, recorded_at - INTERVAL 1 SECOND FROM kept.{table}",
            )

    def ranges(self) -> list[Named]:
        """The ranges of the ledger: component, writer, channel, first sequence number, count."""
        names = {job.writer: name for name, job in self.jobs.items()}
        rows = self.bare.reader.query_arrow("SELECT writer, toString(channel) AS channel, first_seq, count FROM ledger")
        found = [(names[row["writer"]], row["channel"], row["first_seq"], row["count"]) for row in rows.to_pylist()]
        return [("other" if name == "open" else "training", name, *rest) for name, *rest in found]

    @contextmanager
    def kept(self) -> Iterator[None]:
        """What is done inside is undone at the end."""
        try:
            yield
        finally:
            for table in TABLES:
                self.bare.writer.command(f"ALTER TABLE {table} REPLACE PARTITION tuple() FROM kept.{table}")

    def named(self, found: Verification) -> list[Named]:
        """What the findings name, each once, with writers by their names here; those about logs left out."""
        names = {str(job.writer): name for name, job in self.jobs.items()}
        named = {
            (one["name"], names[one["writer"]], one["channel"], one["first_seq"], one["last_seq"])
            for one in found["findings"]
            if "writer" in one
        }
        return sorted(named)

    def column(self, sql: str) -> list[Any]:
        """The first column of an answer."""
        table = self.bare.reader.query_arrow(sql.format(**{name: f"'{job.writer}'" for name, job in self.jobs.items()}))
        return list(table.column(0).to_pylist())


def started(job: Job, name: str) -> Job:
    """A writer whose component exists."""
    job.open()
    job.say("component.created", component=str(job.component), key=str(job.component), name=name, kind="training")
    return job
