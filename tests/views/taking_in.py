"""A world through the projections into the tables: every copy, in any order, in pieces of any size."""

from __future__ import annotations

import random
from collections import defaultdict
from typing import Any
from uuid import UUID

import numpy as np
import pyarrow as pa
from reference_fold import LoggedEvent, LoggedPoint, first_copies
from views.engine_of_tests import TestEngine
from views.worlds import Frame, World

from epochal._journal.reader import POINT, Points, Record
from epochal_processors.columns import Part, Stream, assemble, batch_of
from epochal_processors.decode import Event, decode
from epochal_processors.frames import PointFrame, Position
from epochal_processors.partials import partials_table
from epochal_processors.points import metrics_table
from epochal_processors.project import project_event
from epochal_processors.rows import EventRow, FactRow
from epochal_processors.tables import rows_table


def take_in(engine: TestEngine, worlds: list[World], dice: random.Random) -> None:
    """Insert what the worlds hold, twice over in places, in an order of the dice's choosing."""
    taken = [projected(event) for world in worlds for event in world.events]
    facts = [row for _, said in taken for row in said]
    facts += [row for row in facts if dice.randrange(5) == 0]
    inserts: list[tuple[str, pa.Table]] = [("facts", rows_table("facts", piece)) for piece in _pieces(facts, dice)]
    inserts += [("events", rows_table("events", piece)) for piece in _pieces([row for row, _ in taken], dice)]
    frames = [frame for world in worlds for frame in world.frames]
    inserts += [("metrics", piece) for frame in frames for piece in metrics_of(frame)]
    inserts += [("partials", piece) for world in worlds for piece in partials_of(world, dice)]
    dice.shuffle(inserts)
    by_table: dict[str, list[pa.Table]] = defaultdict(list)
    for table, piece in inserts:
        by_table[table].append(piece.cast(by_table[table][0].schema) if by_table[table] else piece)
    for table, pieces in by_table.items():
        cut = dice.randrange(len(pieces) + 1)
        for some in (pieces[:cut], pieces[cut:]):
            if some:
                engine.insert(table, pa.concat_tables(some).combine_chunks())


def projected(event: LoggedEvent) -> tuple[EventRow, list[FactRow]]:
    """One copy of an event, decoded from its JSON and projected."""
    payload = event.envelope.model_dump_json(exclude_none=True).encode()
    decoded = decode(event.writer, Record(event.seq, bytes(16), payload))
    assert isinstance(decoded, Event), decoded
    stamp = event.stamp
    return project_event(decoded, Position(stamp.log, stamp.offset, stamp.recorded_at))


def metrics_of(frame: Frame) -> list[pa.Table]:
    """Each copy of a frame as rows of ``metrics``."""
    first = frame.points[0]
    names = tuple(dict.fromkeys(point.metric for point in frame.points))
    rows = np.array(
        [(p.seq, names.index(p.metric), p.step, p.value, p.logged_ms, p.occurred_ms) for p in frame.points], POINT
    )
    piece = PointFrame(
        first.project, first.component, first.rank, first.writer, Points(first.writer, first.seq, names, rows)
    )
    return [
        metrics_table(batch_of([(Position(stamp.log, stamp.offset, stamp.recorded_at), piece)]))
        for stamp in frame.stamps
    ]


def partials_of(world: World, dice: random.Random) -> list[pa.Table]:
    """The partials of everything, and perhaps those from before the last point of each writer was there."""
    streams: dict[UUID, list[LoggedPoint]] = defaultdict(list)
    for point in sorted(first_copies(world.points), key=lambda p: p.seq):
        streams[point.writer].append(point)
    found = []
    for points in streams.values():
        found.append(partials_table(assemble(_parts(points))))
        if len(points) > 1 and dice.randrange(2):
            found.append(partials_table(assemble(_parts(points[:-1]))))
    return found


def _parts(points: list[LoggedPoint]) -> list[Part]:
    """Points of one writer as a stream; its log is that of the last one, as positions differ a stream holds one log."""
    first = points[0]
    names = tuple(dict.fromkeys(point.metric for point in points))
    stream = Stream(first.project, first.component, first.rank, first.writer, first.stamp.log)

    def column(kind: Any, values: list[Any]) -> Any:
        return np.array(values, kind)

    return [
        Part(
            stream,
            names,
            column(np.uint32, [names.index(p.metric) for p in points]),
            column(np.uint64, [p.seq for p in points]),
            column(np.float64, [p.step for p in points]),
            column(np.float64, [p.value for p in points]),
            column(np.int64, [p.logged_ms for p in points]),
            column(np.int64, [p.occurred_ms for p in points]),
            column(np.int64, [p.stamp.recorded_at for p in points]),
            column(np.uint64, [p.stamp.offset for p in points]),
        )
    ]


def _pieces(rows: list[Any], dice: random.Random) -> list[list[Any]]:
    dice.shuffle(rows)
    size = dice.choice((7, 100, 10_000))
    return [rows[i : i + size] for i in range(0, len(rows), size)]
