"""The points that a store has of streams, and the blocks that they make. Pure, and by columns."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from uuid import UUID

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from epochal_processors.blocks import Block, digest_blocks
from epochal_processors.columns import BLOCK_BITS, U64, Index, PointBatch, Stream, stream_order
from epochal_processors.evidence import coded, floats, integers
from epochal_processors.findings import Wrong, wrong_runs
from epochal_processors.partials import group_starts
from epochal_processors.places import Places
from epochal_processors.stored_rows import COPIES_DIFFER, Sorted, StreamRows, copies_differ
from epochal_processors.survey import StreamAt

Codes = npt.NDArray[np.int64]
NOBODY = UUID(int=0)


def point_rows(table: pa.Table, given: Sequence[StreamAt], places: Places) -> Iterator[StreamRows]:
    """What a store has of the metrics channels of some writers.

    Args:
        table: rows of ``metrics``, every copy, in any order.
        given: the streams whose rows they are.
        places: where they stand.
    """
    streams = _in_order(given)
    rows, batch = stored_points(table, given, places)
    under, owners = _owners(table)
    differs = _differ(table, rows, under)
    starts = group_starts(batch.stream, batch.seq >> np.uint64(BLOCK_BITS))
    ends = np.append(starts[1:], len(batch))
    runs = list(zip(starts.tolist(), ends.tolist(), strict=True)) if len(batch) else []
    made = list(digest_blocks(batch, runs))
    of_stream = np.searchsorted(starts, rows.bounds).tolist()
    for i, at in enumerate(streams):
        first, end = rows.bounds[i : i + 2]
        mine = slice(of_stream[i], of_stream[i + 1])
        seq = batch.seq[first:end]
        said = wrong_runs(rows.differing(i, differs), COPIES_DIFFER)
        said += _strangers(at, seq, under[rows.kept[first:end]], owners)
        index = np.arange(first, end)
        local = [(start - first, stop - first) for start, stop in runs[mine]]
        digest = partial(_digest, batch, first)
        yield StreamRows(at, seq, rows.places.take(index), rows.copies_of(i), seq, local, made[mine], digest, said)


def stored_points(table: pa.Table, given: Sequence[StreamAt], places: Places) -> tuple[Sorted, PointBatch]:
    """The first copy of each row, as blocks are made of them; steps as they are stored, so that the sign of a zero
    tells. Arguments as above; its streams name no log.
    """
    streams = _in_order(given)
    rows = Sorted(table, streams, places)
    name, names = coded(table, "metric")
    by_bytes = sorted(range(len(names)), key=lambda i: names[i].encode())
    place = np.empty(len(names), np.uint32)
    place[by_bytes] = np.arange(len(names))
    kept = rows.kept
    batch = PointBatch(
        tuple(_stream(at) for at in streams),
        tuple(names[i] for i in by_bytes),
        rows.stream,
        place[name[kept]] if len(names) else np.zeros(0, np.uint32),
        rows.seq,
        floats(table, "step")[kept],
        floats(table, "value")[kept],
        integers(table, "logged_at")[kept],
        integers(table, "occurred_at")[kept],
        rows.places.recorded_us,
        rows.places.offset,
        np.ones(len(kept), np.bool_),
    )
    return rows, batch


def _in_order(given: Sequence[StreamAt]) -> list[StreamAt]:
    return sorted(given, key=lambda at: stream_order(_stream(at)))


def _differ(table: pa.Table, rows: Sorted, under: Codes) -> npt.NDArray[np.bool_]:
    if not len(rows.later):
        return np.zeros(0, np.bool_)
    name, _ = coded(table, "metric")
    bits = [floats(table, column).view(np.uint64) for column in ("step", "value")]
    times = [integers(table, column) for column in ("logged_at", "occurred_at")]
    return copies_differ(rows, [name, under, *bits, *times])


def _owners(table: pa.Table) -> tuple[Codes, list[tuple[str, UUID, int]]]:
    """For each row a number for the project, component and rank under which it stands, and what the numbers mean."""
    codes = [coded(table, column) for column in ("project", "component", "rank")]
    sizes = [max(len(values), 1) for _, values in codes]
    joined = (codes[0][0] * sizes[1] + codes[1][0]) * sizes[2] + codes[2][0]
    found, under = np.unique(joined, return_inverse=True)
    (_, projects), (_, components), (_, ranks) = codes
    owners = [
        (
            projects[one // sizes[2] // sizes[1]],
            UUID(bytes=components[one // sizes[2] % sizes[1]]),
            ranks[one % sizes[2]],
        )
        for one in found.tolist()
    ]
    return under.astype(np.int64), owners


def _strangers(at: StreamAt, seq: U64, under: Codes, owners: Sequence[tuple[str, UUID, int]]) -> list[Wrong]:
    """Points that stand under another project, component or rank than the most of their stream."""
    said: list[Wrong] = []
    for code in np.unique(under).tolist():
        project, component, rank = owners[code]
        if (project, component, rank) != (at.project, at.component, at.rank):
            what = f"they stand under component {component}, rank {rank}, project {project!r}, as others of it don't"
            said += wrong_runs(seq[under == code], what)
    return said


def _digest(batch: PointBatch, first: int, index: Index) -> Block:
    (block,) = digest_blocks(batch.take(index + first), [(0, len(index))])
    return block


def _stream(at: StreamAt) -> Stream:
    return Stream(at.project, at.component or NOBODY, at.rank, at.key.writer, "")
