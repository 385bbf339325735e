"""Digests of blocks and the chain they make. The bytes are defined in docs/wire-format.md ("Canonical rows")."""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import numpy as np
import numpy.typing as npt

from epochal_processors.columns import BLOCK_BITS, Index, PointBatch, Stream, series_order
from epochal_processors.frames import LIFECYCLE, METRICS
from epochal_processors.partials import group_starts

NO_LINK = bytes(32)
"""What stands before the first link of a chain."""
_HEADER = struct.Struct("<8sII16sQQQ")
_MAGIC = b"EPOCHBLK"
_VERSION = 1
_CHANNELS = {LIFECYCLE: 0, METRICS: 1}


@dataclass(frozen=True, slots=True)
class Block:
    """A piece of at most 4,096 sequence numbers of one stream: how many rows it holds, and their digest."""

    writer: UUID
    channel: str
    block: int
    first_seq: int
    count: int
    digest: bytes


def header(block: Block) -> bytes:
    """The 56 bytes that bind a digest to its place."""
    return _HEADER.pack(
        _MAGIC, _VERSION, _CHANNELS[block.channel], block.writer.bytes, block.block, block.first_seq, block.count
    )


def link(previous: bytes, block: Block) -> bytes:
    """A block's link: SHA-256 of the link before it (32 zero bytes for the first), its header and its digest."""
    return hashlib.sha256(previous + header(block) + block.digest).digest()


def events_digest(events: Iterable[tuple[int, bytes]]) -> bytes:
    """The digest of a lifecycle block: of (sequence number, digest of the event), in order."""
    rows = hashlib.sha256()
    for seq, digest in events:
        rows.update(struct.pack("<Q", seq) + digest)
    return rows.digest()


def points_digest(stream: Stream, names: Sequence[str], columns: Sequence[npt.NDArray[Any]]) -> bytes:
    """The digest of a metrics block.

    Args:
        stream: whose rows they are.
        names: the block's metric names, sorted by their UTF-8 bytes.
        columns: seq (u64), index into ``names`` (u32), step and value (f64), logged_at and occurred_at (i64,
            milliseconds), in sequence order, little endian.
    """
    rows = hashlib.sha256(_text(stream.project) + stream.component.bytes + struct.pack("<II", stream.rank, len(names)))
    rows.update(b"".join(_text(name) for name in names))
    for column in columns:
        rows.update(np.ascontiguousarray(column).data)
    return rows.digest()


def digest_blocks(batch: PointBatch, chosen: Sequence[tuple[int, int]], order: Index | None = None) -> Iterator[Block]:
    """The blocks that lie in the given runs of rows of a batch.

    Args:
        batch: points in sequence order within their streams, each once.
        chosen: first and end row of each block.
        order: ``series_order(batch)``, where the caller has it.
    """
    if not chosen:
        return
    local, tables = _local_names(batch, series_order(batch) if order is None else order)
    for start, end in chosen:
        stream = batch.streams[batch.stream[start]]
        block = int(batch.seq[start]) >> BLOCK_BITS
        names = [batch.names[i] for i in tables[int(batch.stream[start]), block]]
        columns = (batch.seq, local, batch.step, batch.value, batch.logged_ms, batch.occurred_ms)
        digest = points_digest(stream, names, [column[start:end] for column in columns])
        yield Block(stream.writer, METRICS, block, int(batch.seq[start]), end - start, digest)


def _local_names(batch: PointBatch, order: Index) -> tuple[npt.NDArray[np.uint32], dict[tuple[int, int], list[int]]]:
    """For every row the index of its name in its own block's table, and those tables by (stream, block)."""
    stream, name = batch.stream[order], batch.name[order]
    block = batch.seq[order] >> np.uint64(BLOCK_BITS)
    starts = group_starts(stream, name, block)
    counts = np.diff(np.append(starts, len(order)))
    stream, name, block = stream[starts], name[starts], block[starts]
    by_block = np.lexsort((name, block, stream))
    firsts = group_starts(stream[by_block], block[by_block])
    sizes = np.diff(np.append(firsts, len(by_block)))
    place = np.empty(len(starts), np.uint32)
    place[by_block] = np.arange(len(starts)) - np.repeat(firsts, sizes)
    local = np.empty(len(order), np.uint32)
    local[order] = np.repeat(place, counts)
    tables = {
        (int(stream[groups[0]]), int(block[groups[0]])): name[groups].tolist()
        for groups in np.split(by_block, firsts[1:])
    }
    return local, tables


def _text(text: str) -> bytes:
    encoded = text.encode()
    return struct.pack("<I", len(encoded)) + encoded
