"""The events that a store has of streams, and the blocks that they make. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple
from uuid import UUID

import numpy as np
import pyarrow as pa
from pydantic import ValidationError

from epochal.contract import parse_envelope
from epochal_processors.blocks import Block, events_digest
from epochal_processors.columns import BLOCK_BITS, U64, Bools, Index
from epochal_processors.coverage import Ranges
from epochal_processors.evidence import NO_LETTERS, Letters, integers
from epochal_processors.findings import ERASED_IS_BACK, Wrong, wrong_runs
from epochal_processors.frames import LIFECYCLE
from epochal_processors.partials import group_starts
from epochal_processors.places import Places
from epochal_processors.project import event_digest
from epochal_processors.stored_rows import COPIES_DIFFER, Sorted, StreamRows
from epochal_processors.survey import StreamAt
from epochal_processors.tombstones import NONE


class Line(NamedTuple):
    """What a row of an event says: what it was made of, and what is in columns of its own; times in microseconds."""

    payload: bytes
    salt: bytes
    digest: bytes
    type: str
    schema_version: int
    project: str
    logged_at: int
    occurred_at: int


_COLUMNS = Line._fields[3:]


def event_rows(
    table: pa.Table,
    streams: Sequence[StreamAt],
    places: Places,
    letters: Mapping[UUID, Letters],
    erased: Mapping[UUID, Ranges],
    repaired: Collection[tuple[int, int]],
) -> Iterator[StreamRows]:
    """What a store has of the lifecycle channels of some writers. Blocks are made of dead letters, too.

    Args:
        table: rows of ``events``, every copy, in any order.
        streams: the streams whose rows they are.
        places: where they stand.
        letters: what dead letters hold of the writers.
        erased: the numbers whose events are destroyed but for their digests.
        repaired: where events stand that were repaired, as log and offset: they differ from their letters.
    """
    rows = Sorted(table, streams, places)
    lines = _lines(table, rows.kept)
    differs = _differ(table, rows)
    for i, at in enumerate(streams):
        first, end = rows.bounds[i : i + 2]
        seq = rows.seq[first:end]
        differing = rows.differing(i, differs)
        doubtful = set(differing.tolist())
        destroyed = erased.get(at.key.writer, NONE)
        said = wrong_runs(differing, COPIES_DIFFER)
        mine = dict(zip(seq.tolist(), lines[first:end], strict=True))
        for number, line in mine.items():
            if number not in doubtful:
                faults = _remains(line) if destroyed.end and destroyed.within(number, 1) else _faults(line)
                said += [Wrong(number, number, what) for what in faults]
        digests = {number: line.digest for number, line in mine.items()}
        places_ = rows.places.take(np.arange(first, end))
        lying = letters.get(at.key.writer, NO_LETTERS).events
        for number, place in zip(mine, zip(places_.log.tolist(), places_.offset.tolist(), strict=True), strict=True):
            if number in lying and digests[number] not in lying[number] and place not in repaired:
                said.append(Wrong(number, number, "it isn't what lies in the dead letter of it"))
        digests |= {number: first for number, (first, *_) in lying.items()}
        numbers = np.array(sorted(digests), np.uint64)
        runs = _runs(numbers)
        digest = partial(_digest, at.key.writer, numbers, digests)
        blocks = [digest(np.arange(*run)) for run in runs]
        yield StreamRows(at, seq, places_, rows.copies_of(i), numbers, runs, blocks, digest, said)


def _runs(numbers: U64) -> list[tuple[int, int]]:
    starts = group_starts(numbers >> np.uint64(BLOCK_BITS))
    return list(zip(starts.tolist(), np.append(starts[1:], len(numbers)).tolist(), strict=True))


def _digest(writer: UUID, numbers: U64, digests: Mapping[int, bytes], index: Index) -> Block:
    chosen = [(seq, digests[seq]) for seq in numbers[index].tolist()]
    first = chosen[0][0]
    return Block(writer, LIFECYCLE, first >> BLOCK_BITS, first, len(chosen), events_digest(chosen))


def _lines(table: pa.Table, rows: Index) -> list[Line]:
    columns = [_content(table, name).take(pa.array(rows)).to_pylist() for name in Line._fields]
    return list(map(Line._make, zip(*columns, strict=True)))


def _differ(table: pa.Table, rows: Sorted) -> Bools:
    if not len(rows.later):
        return np.zeros(0, np.bool_)
    later, first = _lines(table, rows.later), _lines(table, rows.of_later)
    return np.array([one != other for one, other in zip(later, first, strict=True)], np.bool_)


def _content(table: pa.Table, name: str) -> Any:
    """A column as it can be compared: text as bytes, times as microseconds."""
    if name in ("logged_at", "occurred_at"):
        return pa.array(integers(table, name))
    column = pa.concat_arrays(table[name].chunks) if table[name].num_chunks else pa.array([], table[name].type)
    return column.cast(pa.binary()) if name == "payload" else column


def _remains(line: Line) -> Iterator[str]:
    """What there is of an event that was erased, besides its digest."""
    if line.payload or any(line.salt):
        yield ERASED_IS_BACK


def _faults(line: Line) -> Iterator[str]:
    """What of an event's row doesn't follow from its payload."""
    if event_digest(line.salt, line.payload) != line.digest:
        yield "salt and payload aren't what the digest of the event was made of"
        return
    try:
        said = parse_envelope(line.payload)
    except ValidationError:
        yield "the payload is no event"
        return
    follows = (said.type, said.v, said.project, said.at, said.at if said.time is None else said.time)
    if line[3:] != follows:
        for column, found, value in zip(_COLUMNS, line[3:], follows, strict=True):
            if found != value:
                yield f"{column} is {found!r}, and {value!r} by the payload"
