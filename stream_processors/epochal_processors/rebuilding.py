"""The tables that follow from the log, made again from it while the store goes on taking in.

The log itself (events, points, ledger and its blocks, dead letters) is never touched: it is what the rest follows from.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from time import monotonic

import pyarrow as pa

from epochal_processors.ahead import ahead
from epochal_processors.deriving import derived_facts, derived_partials
from epochal_processors.evidence import Evidence
from epochal_processors.frames import LIFECYCLE, METRICS
from epochal_processors.places import Places
from epochal_processors.survey import Portion, Query, StreamAt, Watermark, portions, streams_of
from epochal_storage.archive import Progress
from epochal_storage.schemas import SCHEMAS
from epochal_storage.shadow import Inserting, Shadow

_Derive = Callable[[pa.Table, Sequence[StreamAt], Places, Sequence[str]], pa.Table]


@dataclass(frozen=True)
class Source:
    """What a table is made from: the channel whose rows, and how; ``until`` has the offset up to which a row goes."""

    channel: str
    derive: _Derive
    until: str

    def read(self, evidence: Evidence, portion: Portion) -> tuple[Portion, pa.Table, Places]:
        """The rows of the log, and where they stand."""
        rows = evidence.points(portion) if self.channel == METRICS else evidence.events(portion)
        return portion, rows, evidence.places(rows)


DERIVED = {
    "facts": Source(LIFECYCLE, derived_facts, "offset"),
    "partials": Source(METRICS, derived_partials, "offset_until"),
}
"""The tables that can be made again."""


@dataclass(frozen=True)
class Rebuilt:
    """What a table held and holds now, of what the watermark covers: rows, and a checksum that no order changes."""

    table: str
    rows_before: int
    checksum_before: int
    rows: int
    checksum: int
    read: int
    """How many rows of the log it was made from."""
    seconds: float


def rebuild(store: Inserting, query: Query, table: str, watermark: Watermark, progress: Progress) -> Rebuilt:
    """Make a table anew from the log and put it in place of the one there is.

    Guarantees: readers see the old table, then the new one, and nothing between; what is taken in meanwhile is in it.
    After an error, or when the process is killed, the old one stays in use.
    Raises: EngineError, UnreadableEventError.
    """
    began = monotonic()
    source = DERIVED[table]
    shadow = Shadow(store, table)
    try:
        streams = [at for at in streams_of(query) if at.key.channel == source.channel]
        total, done = sum(at.rows for at in streams), 0
        evidence = Evidence(query, watermark)
        for portion, read, places in ahead(partial(source.read, evidence), portions(query, streams)):
            progress(table, min(done, total), total)
            rows = source.derive(read, portion.streams, places, evidence.logs)
            if rows.num_rows:
                shadow.insert(rows)
            done += read.num_rows
            del portion, read, places, rows  # before the next is waited for, beside which others are in memory
        progress(table, total, total)
        covered = {"logs": [*watermark, ""], "offsets": [*watermark.values(), -1]}
        within = (
            f"toInt64(least({source.until}, 9223372036854775807)) <= "
            "transform(log, {logs:Array(String)}, {offsets:Array(Int64)}, toInt64(-1))"
        )
        (before, checksum_before), (rows_now, checksum) = shadow.compare(SCHEMAS[table].names, within, covered)
        shadow.swap()
    except BaseException:
        shadow.drop()
        raise
    return Rebuilt(table, before, checksum_before, rows_now, checksum, done, monotonic() - began)
