"""A store in memory with the semantics of the tables: rows collapse by identity, the first position stays."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any
from uuid import UUID

import numpy as np
import pyarrow as pa

from epochal._journal.reader import Record
from epochal_processors.blocks import Block
from epochal_processors.chains import START, Head
from epochal_processors.columns import BLOCK_BITS, ELSEWHERE, Part, Stream
from epochal_processors.coverage import Ranges
from epochal_processors.decode import split_record
from epochal_processors.frames import METRICS, EventFrame
from epochal_processors.materialize import Ending
from epochal_processors.project import event_digest
from epochal_processors.sealing import endings
from epochal_storage.schemas import fitted

Row = dict[str, Any]

KEYS: dict[str, tuple[str, ...]] = {
    "events": ("project", "writer", "seq"),
    "metrics": ("project", "component", "metric", "rank", "step", "writer", "seq"),
    "facts": ("project", "kind", "field", "entity", "key", "writer", "seq", "ord"),
    "ledger": ("log", "offset"),
    "blocks": ("project", "writer", "channel", "block"),
    "dead_letters": ("id",),
    "replays": ("id", "log", "offset"),
    "partials": ("project", "component", "metric", "rank", "writer", "block"),
}
BEATS: dict[str, Callable[[Row], Any]] = {
    "events": lambda row: -row["recorded_at"],
    "metrics": lambda row: -row["recorded_at"],
    "facts": lambda row: -row["recorded_at"],
    "blocks": lambda row: row["count"],
    "partials": lambda row: row["n"],
}


class RefusedError(Exception):
    """The store refused an insert, as a test asked it to."""


class MemoryStore:
    """Takes rows, and reads them back as the history of streams."""

    def __init__(self) -> None:
        self.rows: dict[str, list[Row]] = {name: [] for name in KEYS}
        self.refuse_in: int | None = None
        """How many inserts are still taken before one is refused."""

    def insert(self, table: str, rows: pa.Table) -> None:
        """As `TableWriter.insert`."""
        if self.refuse_in is not None:
            self.refuse_in -= 1
            if self.refuse_in < 0:
                self.refuse_in = None
                raise RefusedError(table)
        self.rows[table] += plain(fitted(table, rows)).to_pylist()

    def final(self, table: str, which: Callable[[Row], bool] = lambda row: True) -> list[Row]:
        """The rows that FINAL shows, in the order of their keys; ``which`` may only look at keys."""
        beats: Callable[[Row], Any] = BEATS.get(table, lambda row: 0)
        best: dict[tuple[Any, ...], Row] = {}
        for row in filter(which, self.rows[table]):
            key = tuple(row[name] for name in KEYS[table])
            if key not in best or beats(row) >= beats(best[key]):
                best[key] = row
        return [best[key] for key in sorted(best)]

    def points(self, stream: Stream, block: int) -> Part:
        """As `History.points`."""

        def mine(row: Row) -> bool:
            return bool(row["seq"] >> BLOCK_BITS == block and row["writer"] == stream.writer.bytes)

        found = self.final("metrics", mine)
        found.sort(key=lambda row: row["seq"])
        names = sorted({row["metric"] for row in found})
        where = {name: i for i, name in enumerate(names)}
        return Part(
            stream,
            names,
            np.array([where[row["metric"]] for row in found], np.uint32),
            np.array([row["seq"] for row in found], np.uint64),
            np.array([row["step"] for row in found]),
            np.array([row["value"] for row in found]),
            np.array([row["logged_at"] for row in found], np.int64),
            np.array([row["occurred_at"] for row in found], np.int64),
            np.array([row["recorded_at"] for row in found], np.int64),
            np.array([row["offset"] if row["log"] == stream.log else ELSEWHERE for row in found], np.uint64),
            fresh=False,
        )

    def event_digests(self, writer: UUID, block: int) -> Mapping[int, bytes]:
        """As `History.event_digests`."""
        mine = self.final("events", lambda row: bool(row["writer"] == writer.bytes))
        held: dict[int, bytes] = {row["seq"]: row["digest"] for row in mine}
        for row in self.final("dead_letters"):
            if row["writer"] == writer.bytes and f"{writer}/lifecycle:" in row["source"] and row["frame"]:
                seq, salt, payload = split_record(row["frame"])
                held[seq] = event_digest(salt, payload)
        return {seq: digest for seq, digest in held.items() if seq >> BLOCK_BITS == block}

    def head(self, writer: UUID, channel: str) -> Head:
        """As `History.head`."""
        rows = [r for r in self.final("blocks") if r["writer"] == writer.bytes and r["channel"] == channel]
        return Head(rows[-1]["block"] + 1, rows[-1]["link"]) if rows else START

    def sealed(self, writer: UUID, channel: str) -> list[tuple[Block, bytes]]:
        """As `History.sealed`."""
        rows = [r for r in self.final("blocks") if r["writer"] == writer.bytes and r["channel"] == channel]
        return [(Block(writer, channel, r["block"], r["first_seq"], r["count"], r["digest"]), r["link"]) for r in rows]

    def ranges(self, writers: Iterable[UUID]) -> dict[tuple[UUID, str], Ranges]:
        """As `LogHistory.ranges`."""
        wanted = {writer.bytes for writer in writers}
        found: dict[tuple[UUID, str], Ranges] = {}
        for row in self.final("ledger"):
            if row["writer"] in wanted and row["count"]:
                key = (UUID(bytes=row["writer"]), row["channel"])
                found.setdefault(key, Ranges()).add(row["first_seq"], row["count"])
        return found

    def writers(self) -> set[UUID]:
        """As `LogHistory.writers`."""
        return {UUID(bytes=row["writer"]) for row in self.rows["ledger"]}

    def numbers(self, log: str) -> Ranges:
        """The offsets of a log that the ledger has."""
        return Ranges((row["offset"], 1) for row in self.rows["ledger"] if row["log"] == log)

    def vanished(self, writers: Iterable[UUID]) -> set[UUID]:
        """As `LogHistory.vanished`."""
        import json

        said = [json.loads(row["payload"]) for row in self.final("events")]
        gone = {UUID(event["data"]["writer"]) for event in said if event["type"] == "epochal.writer.vanished"}
        return gone & set(writers)

    def recorded_before(self, firsts: Mapping[str, int]) -> dict[str, tuple[int, int]]:
        """As `StreamHistory.recorded_before`."""
        rows = sorted((row["log"], row["offset"], row["recorded_at"]) for row in self.rows["ledger"])
        return {log: (offset, at) for log, offset, at in rows if offset < firsts.get(log, 0)}

    def in_partials(self, ending: Ending) -> dict[int, int]:
        """As `StreamHistory.in_partials`."""
        found: dict[int, int] = {}
        for row in self.final("partials", lambda row: bool(row["writer"] == ending.writer.bytes)):
            found[row["block"]] = found.get(row["block"], 0) + row["n"]
        return found

    def metrics_log(self, writer: UUID) -> str:
        """As `StreamHistory.metrics_log`."""
        return next(
            str(r["log"]) for r in self.rows["ledger"] if r["writer"] == writer.bytes and r["channel"] == METRICS
        )

    def unsealed(self) -> list[Ending]:
        """As `StreamHistory.unsealed`, but also what is sealed: sealing again changes nothing."""
        said = [Record(row["seq"], row["salt"], row["payload"].encode()) for row in self.final("events")]
        writers = [UUID(bytes=row["writer"]) for row in self.final("events")]
        frames = [EventFrame(w, "", record.seq, (record,)) for w, record in zip(writers, said, strict=True)]
        return [ending for frame in frames for ending in endings(frame)]


def plain(rows: pa.Table) -> pa.Table:
    """The same rows with times as integers in their unit, which is faster to look at."""
    fields = [pa.field(field.name, pa.int64()) if pa.types.is_timestamp(field.type) else field for field in rows.schema]
    return rows.cast(pa.schema(fields))
