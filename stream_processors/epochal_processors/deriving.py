"""The rows that follow from the log, made again from what a store holds of it. Pure, and points by columns."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from epochal._errors import EpochalError
from epochal._journal.reader import Record
from epochal_processors.columns import BLOCK_BITS, ELSEWHERE, PointBatch
from epochal_processors.decode import DeadLetter, decode
from epochal_processors.frames import Position
from epochal_processors.partials import group_starts, partials_table
from epochal_processors.places import Places
from epochal_processors.project import project_event
from epochal_processors.rows import FactRow
from epochal_processors.stored_points import stored_points
from epochal_processors.stored_rows import Sorted
from epochal_processors.survey import StreamAt
from epochal_processors.tables import rows_table


class UnreadableEventError(EpochalError):
    """An event that was taken in can't be read by this version; the text says which one."""


def derived_partials(table: pa.Table, given: Sequence[StreamAt], places: Places, logs: Sequence[str]) -> pa.Table:
    """Rows of ``partials`` of all blocks that these points lie in, which must be whole.

    Args:
        table: rows of ``metrics``, every copy, in any order.
        given: the streams whose rows they are.
        places: where they stand.
        logs: the names of the logs that the places number.
    """
    rows, batch = stored_points(table, given, places)
    return partials_table(_through_logs(batch, rows.places, logs))


def derived_facts(table: pa.Table, given: Sequence[StreamAt], places: Places, logs: Sequence[str]) -> pa.Table:
    """Rows of ``facts`` that these events state, each by its first copy; arguments as above, rows those of ``events``.

    Raises:
        UnreadableEventError: one of them is no event to this version.
    """
    rows = Sorted(table, given, places)
    payloads, salts = (table[name].take(pa.array(rows.kept)).to_pylist() for name in ("payload", "salt"))
    place = rows.places
    positions = zip(place.log.tolist(), place.offset.tolist(), place.recorded_us.tolist(), strict=True)
    lines = zip(rows.stream.tolist(), rows.seq.tolist(), payloads, salts, positions, strict=True)
    facts: list[FactRow] = []
    for stream, seq, payload, salt, (log, offset, recorded_us) in lines:
        if not payload:  # it was erased, but for its digest
            continue
        writer = given[stream].key.writer
        event = decode(writer, Record(seq, salt, payload.encode()))
        if isinstance(event, DeadLetter):
            raise UnreadableEventError(
                f"event {writer}:{seq} was taken in once and can't be read now ({event.reason}: {event.detail}); "
                "rebuild with the version of Epochal that took it in, or a later one"
            )
        facts += project_event(event, Position(logs[int(log)], offset, recorded_us))[1]
    return rows_table("facts", facts)


def _through_logs(batch: PointBatch, places: Places, logs: Sequence[str]) -> PointBatch:
    """The batch with the logs of its streams: of a block that came through several, that of its newest row, which makes
    the others' offsets mean nothing, as when it is taken in.
    """
    starts = group_starts(batch.stream, batch.seq >> np.uint64(BLOCK_BITS))
    counts = np.diff(np.append(starts, len(batch)))
    block = np.repeat(np.arange(len(starts)), counts)
    newest = starts if len(logs) < 2 else np.lexsort((places.offset, places.recorded_us, block))[starts + counts - 1]
    log = places.log[newest]
    # by blocks, of which there are few: to sort the points by pairs takes longer than all sums of them
    codes, stream = np.unique(batch.stream[starts] * np.int64(len(logs)) + log, return_inverse=True)
    pairs = (divmod(code, len(logs)) for code in codes.tolist())
    streams = tuple(batch.streams[of]._replace(log=logs[its]) for of, its in pairs)
    offset = np.where(places.log == log[block], batch.offset, np.uint64(ELSEWHERE))
    columns = (batch.name, batch.seq, batch.step + 0.0, batch.value, batch.logged_ms, batch.occurred_ms)
    return PointBatch(
        streams, batch.names, stream[block].astype(np.uint32), *columns, batch.recorded_us, offset, batch.fresh
    )
