"""What the store already holds of a stream: read back after a restart, and when an old block is touched again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

import numpy as np
import pyarrow as pa

from epochal_processors.blocks import Block
from epochal_processors.chains import START, Head
from epochal_processors.columns import BLOCK_BITS, BLOCK_SIZE, Part, Stream
from epochal_processors.coverage import Ranges
from epochal_processors.decode import split_record
from epochal_processors.partials import group_starts
from epochal_processors.project import event_digest
from epochal_storage.writing import SqlRunner

_POINTS = """
SELECT metric, seq, step, value, logged_at, occurred_at, recorded_at,
       if(log = {log:String}, offset, 18446744073709551615) AS offset
FROM metrics
WHERE project = {project:String} AND component = {component:UUID} AND writer = {writer:UUID}
  AND seq >= {first:UInt64} AND seq < {end:UInt64}
ORDER BY seq, recorded_at, offset
"""
_DIGESTS = """
SELECT seq, digest FROM events
WHERE writer = {writer:UUID} AND seq >= {first:UInt64} AND seq < {end:UInt64}
"""
_LETTERS = "SELECT frame FROM dead_letters FINAL WHERE writer = {writer:UUID} AND source LIKE {source:String}"
_HEAD = """
SELECT block, link FROM blocks FINAL
WHERE writer = {writer:UUID} AND channel = {channel:String} ORDER BY block DESC LIMIT 1
"""
_SEALED = """
SELECT block, first_seq, count, digest, link FROM blocks FINAL
WHERE writer = {writer:UUID} AND channel = {channel:String} ORDER BY block
"""
_RANGES = """
SELECT writer, channel, first_seq, count FROM ledger WHERE writer IN {writers:Array(UUID)} AND count > 0
"""
_NUMBERS = "SELECT offset FROM ledger FINAL WHERE log = {log:String} ORDER BY offset"
_WRITERS = "SELECT DISTINCT writer FROM ledger"
_VANISHED = """
SELECT DISTINCT JSONExtractString(payload, 'data', 'writer') AS writer FROM events
WHERE type = 'epochal.writer.vanished' AND has({writers:Array(String)}, JSONExtractString(payload, 'data', 'writer'))
"""


class SqlHistory:
    """The history of streams, read with SQL."""

    def __init__(self, store: SqlRunner) -> None:
        self._store = store

    def points(self, stream: Stream, block: int) -> Part:
        """The rows of a block that the store holds, the first copy of each, in sequence order.

        Those that came through another log have the offset `ELSEWHERE`.
        """
        where = {"project": stream.project, "component": stream.component, "log": stream.log}
        where |= _span(stream.writer, block)
        rows = self._store.query_arrow(_POINTS, where).combine_chunks()
        seq = rows["seq"].to_numpy()
        rows = rows.take(pa.array(group_starts(seq)))
        metric = rows["metric"].combine_chunks().cast(pa.string()).dictionary_encode()
        return Part(
            stream=stream,
            names=metric.dictionary.to_pylist(),
            name=metric.indices.to_numpy(),
            seq=rows["seq"].to_numpy(),
            step=rows["step"].to_numpy(),
            value=rows["value"].to_numpy(),
            logged_ms=_integers(rows, "logged_at"),
            occurred_ms=_integers(rows, "occurred_at"),
            recorded_us=_integers(rows, "recorded_at"),
            offset=rows["offset"].to_numpy(),
            fresh=False,
        )

    def event_digests(self, writer: UUID, block: int) -> Mapping[int, bytes]:
        """Sequence number to digest, of all records of a block that the store holds (dead letters too)."""
        rows = self._store.query_arrow(_DIGESTS, _span(writer, block))
        held = dict(zip(rows["seq"].to_pylist(), rows["digest"].to_pylist(), strict=True))
        letters = self._store.query_arrow(_LETTERS, {"writer": writer, "source": f"{writer}/lifecycle:%"})
        for frame in letters["frame"].cast(pa.binary()).to_pylist():
            seq, salt, payload = split_record(frame)
            if seq >> BLOCK_BITS == block:
                held[seq] = event_digest(salt, payload)
        return held

    def head(self, writer: UUID, channel: str) -> Head:
        """How far the chain of a stream goes."""
        rows = self._store.query_arrow(_HEAD, {"writer": writer, "channel": channel})
        if not rows.num_rows:
            return START
        return Head(rows["block"][0].as_py() + 1, rows["link"][0].as_py())

    def sealed(self, writer: UUID, channel: str) -> list[tuple[Block, bytes]]:
        """The blocks of a stream that are in the chain, in order, with their links."""
        rows = self._store.query_arrow(_SEALED, {"writer": writer, "channel": channel})
        columns = [rows[name].to_pylist() for name in ("block", "first_seq", "count", "digest", "link")]
        return [
            (Block(writer, channel, block, first_seq, count, digest), linked)
            for block, first_seq, count, digest, linked in zip(*columns, strict=True)
        ]

    def ranges(self, writers: Iterable[UUID]) -> dict[tuple[UUID, str], Ranges]:
        """What the ledger says it holds of the streams of these writers."""
        rows = self._store.query_arrow(_RANGES, {"writers": list(writers)})
        found: dict[tuple[UUID, str], Ranges] = {}
        columns = (rows[name].to_pylist() for name in ("writer", "channel", "first_seq", "count"))
        for writer, channel, first, count in zip(*columns, strict=True):
            found.setdefault((writer, channel), Ranges()).add(first, count)
        return found

    def numbers(self, log: str) -> Ranges:
        """The offsets of a log that the ledger has."""
        offsets = self._store.query_arrow(_NUMBERS, {"log": log})["offset"].combine_chunks().to_numpy()
        firsts = group_starts(offsets - np.arange(len(offsets), dtype=np.uint64))
        counts = np.diff(np.append(firsts, len(offsets)))
        return Ranges((int(offsets[first]), int(count)) for first, count in zip(firsts, counts, strict=True))

    def writers(self) -> set[UUID]:
        """Every writer that the ledger has anything of."""
        return set(self._store.query_arrow(_WRITERS)["writer"].to_pylist())

    def vanished(self, writers: Iterable[UUID]) -> set[UUID]:
        """Those of the writers whose vanishing the log knows of."""
        rows = self._store.query_arrow(_VANISHED, {"writers": [str(writer) for writer in writers]})
        return {UUID(text) for text in rows["writer"].to_pylist()}


def _span(writer: UUID, block: int) -> dict[str, object]:
    first = block << BLOCK_BITS
    return {"writer": writer, "first": first, "end": first + BLOCK_SIZE}


def _integers(rows: pa.Table, column: str) -> Any:
    return rows[column].combine_chunks().cast(pa.int64()).to_numpy().astype(np.int64, copy=False)
