"""What a ledger says of a log, in pieces of 4,096 offsets, and their digests (docs/wire-format.md, "Ledger pieces")."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

import numpy as np
import pyarrow as pa

from epochal_processors.columns import BLOCK_BITS, U64
from epochal_processors.evidence import coded, integers
from epochal_processors.frames import LIFECYCLE, METRICS
from epochal_processors.partials import group_starts
from epochal_processors.survey import Query

AT_ONCE = 1 << 18
"""Offsets read at once."""
_CHANNELS = {LIFECYCLE: 0, METRICS: 1}
_ROW = np.dtype(
    [
        ("offset", "<u8"),
        ("recorded_at", "<i8"),
        ("project", "V32"),
        ("writer", "V16"),
        ("channel", "<u4"),
        ("first_seq", "<u8"),
        ("count", "<u8"),
    ]
)
_LOGS = "SELECT toString(log) AS log FROM ledger GROUP BY log ORDER BY log"
_PORTIONS = """
SELECT DISTINCT intDiv(offset, {size:UInt64}) AS portion FROM ledger
WHERE log = {log:String} AND offset <= {last:UInt64} ORDER BY portion
"""
_OF_LOG = """
SELECT project, writer, toString(channel) AS channel, first_seq, count, offset, recorded_at FROM ledger FINAL
WHERE log = {log:String} AND offset >= {first:UInt64} AND offset < {end:UInt64} ORDER BY offset
"""


def logs_of(query: Query) -> list[str]:
    """The names of all logs that the ledger has anything of."""
    return list(map(str, query(_LOGS, {})["log"].to_pylist()))


def log_rows(query: Query, log: str, last: int) -> Iterator[pa.Table]:
    """The ledger's rows of a log up to an offset, in order, some pieces at once."""
    if last < 0:
        return
    found = query(_PORTIONS, {"log": log, "last": last, "size": AT_ONCE})
    for portion in found["portion"].to_pylist():
        first = portion * AT_ONCE
        yield query(_OF_LOG, {"log": log, "first": first, "end": min(first + AT_ONCE, last + 1)})


def pieces(table: pa.Table) -> dict[int, bytes]:
    """By number of piece (4,096 offsets), the digest of the rows of it that there are."""
    offset: U64 = integers(table, "offset")
    rows = np.zeros(len(offset), _ROW)
    rows["offset"], rows["recorded_at"] = offset, integers(table, "recorded_at")
    rows["first_seq"], rows["count"] = integers(table, "first_seq"), integers(table, "count")
    code, projects = coded(table, "project")
    hashed = np.frombuffer(b"".join(hashlib.sha256(one.encode()).digest() for one in projects), "V32")
    rows["project"] = hashed[code]
    code, writers = coded(table, "writer")
    rows["writer"] = np.frombuffer(b"".join(writers), "V16")[code]
    code, channels = coded(table, "channel")
    rows["channel"] = np.array([_CHANNELS.get(one, 2) for one in channels], np.uint32)[code]
    starts = group_starts(offset >> np.uint64(BLOCK_BITS))
    ends = np.append(starts[1:], len(rows))
    return {
        int(offset[first]) >> BLOCK_BITS: hashlib.sha256(rows[first:end].data).digest()
        for first, end in zip(starts.tolist(), ends.tolist(), strict=True)
    }
