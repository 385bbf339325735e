"""What the log recorded, read back as the frames it came in, in the order in which it came: history to be replayed."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import groupby
from typing import Any
from uuid import UUID

import numpy as np
import pyarrow as pa

from epochal._journal.reader import POINT, Points, Record
from epochal_processors.coverage import Coverage
from epochal_processors.evidence import coded, floats, integers
from epochal_processors.frames import METRICS, EventFrame, Frame, PointFrame, Position, Positioned
from epochal_processors.history import SqlHistory
from epochal_processors.materialize import Ending, Materializer
from epochal_processors.partials import group_starts
from epochal_processors.sealing import endings
from epochal_processors.survey import MAX_EVENTS, MAX_POINTS, Query
from epochal_storage.writing import Store

REPLAYED = "replayed:"
"""How the names of logs begin in a store into which history was replayed."""
_PAGE = 10_000
_LEDGER = """
SELECT toString(log) AS log, offset, recorded_at, writer, toString(channel) AS channel, count FROM ledger FINAL
WHERE count > 0 AND recorded_at < fromUnixTimestamp64Micro({until:Int64}, 'UTC')
  AND (recorded_at, log, offset) > (fromUnixTimestamp64Micro({since:Int64}, 'UTC'), {log:String}, {offset:Int64})
ORDER BY recorded_at, log, offset LIMIT {most:UInt64}
"""
_COMPONENTS = "SELECT DISTINCT writer, project, component FROM metrics"
_POINTS = """
SELECT project, component, metric, rank, step, value, logged_at, occurred_at, recorded_at, log, offset, writer, seq
FROM metrics FINAL
WHERE project IN {projects:Array(String)} AND component IN {components:Array(UUID)} AND writer IN {writers:Array(UUID)}
  AND recorded_at >= fromUnixTimestamp64Micro({since:Int64}, 'UTC')
  AND recorded_at <= fromUnixTimestamp64Micro({until:Int64}, 'UTC')
ORDER BY recorded_at, log, offset, seq
"""
_EVENTS = """
SELECT project, payload, salt, recorded_at, log, offset, writer, seq FROM events FINAL
WHERE writer IN {writers:Array(UUID)} AND payload != ''
  AND recorded_at >= fromUnixTimestamp64Micro({since:Int64}, 'UTC')
  AND recorded_at <= fromUnixTimestamp64Micro({until:Int64}, 'UTC')
ORDER BY recorded_at, log, offset, seq
"""
Row = Mapping[str, Any]


def recorded(query: Query, since_us: int, until_us: int) -> Iterator[Positioned]:
    """The frames that the log recorded from one instant on and before another (microseconds, UTC), with their places.

    Each row comes once, where its first copy stands: of a frame that brought nothing new nothing comes, and of one that
    brought a part of it, or of which a part was erased, what there is of it. Memory is bounded.
    """
    owners = {row["writer"]: (row["project"], row["component"]) for row in query(_COMPONENTS, {}).to_pylist()}
    for portion in _portions(_ranges(query, since_us, until_us)):
        span = {"since": _micros(portion[0]), "until": _micros(portion[-1])}
        found = [*_events(query, portion, span), *_points(query, portion, span, owners)]
        places = {(row["log"], row["offset"]) for row in portion}
        frames = [one for one in found if (one[0].log, one[0].offset) in places]
        yield from sorted(frames, key=lambda one: (one[0].recorded_at_us, one[0].log, one[0].offset, one[1].first_seq))


def paced(
    history: Iterable[Positioned], speed: float | None, *, sleep: Callable[[float], object] = time.sleep
) -> Iterator[Positioned]:
    """The same, waiting between one and the next as long as it took then, divided by ``speed`` (None: not at all)."""
    began: tuple[float, int] | None = None
    for position, frame in history:
        if speed is not None:
            began = began or (time.monotonic(), position.recorded_at_us)
            due = began[0] + (position.recorded_at_us - began[1]) / 1e6 / speed
            sleep(max(0.0, due - time.monotonic()))
        yield position, frame


def _ranges(query: Query, since_us: int, until_us: int) -> Iterator[Row]:
    """The rows of the ledger in order, page by page."""
    after: dict[str, object] = {"since": since_us, "log": "", "offset": -1}
    while page := query(_LEDGER, {**after, "until": until_us, "most": _PAGE}).to_pylist():
        yield from page
        last = page[-1]
        after = {"since": _micros(last), "log": last["log"], "offset": last["offset"]}


def _portions(ranges: Iterable[Row]) -> Iterator[list[Row]]:
    """Ranges in portions that fit into memory; what was recorded at one instant stays together."""
    portion: list[Row] = []
    points = events = 0
    for _, rows in groupby(ranges, key=lambda row: row["recorded_at"]):
        together = list(rows)
        more_points = sum(row["count"] for row in together if row["channel"] == METRICS)
        more_events = sum(row["count"] for row in together) - more_points
        if portion and (points + more_points > MAX_POINTS or events + more_events > MAX_EVENTS):
            yield portion
            portion, points, events = [], 0, 0
        portion += together
        points += more_points
        events += more_events
    if portion:
        yield portion


def _events(query: Query, portion: Sequence[Row], span: Mapping[str, int]) -> Iterator[Positioned]:
    writers = sorted({row["writer"] for row in portion if row["channel"] != METRICS})
    if not writers:
        return
    table = query(_EVENTS, {"writers": writers, **span})
    payloads, salts = table["payload"].to_pylist(), table["salt"].to_pylist()
    projects = table["project"].to_pylist()
    for position, writer, seq, rows in _frames(table):
        lines = range(rows.start, rows.stop)
        records = tuple(Record(seq + i, salts[line], payloads[line].encode()) for i, line in enumerate(lines))
        yield position, EventFrame(writer, projects[rows.start], seq, records)


def _points(
    query: Query, portion: Sequence[Row], span: Mapping[str, int], owners: Mapping[UUID, tuple[str, UUID]]
) -> Iterator[Positioned]:
    writers = {row["writer"] for row in portion if row["channel"] == METRICS} & owners.keys()
    if not writers:
        return
    under = {owners[writer] for writer in writers}
    asked = {
        "projects": sorted({project for project, _ in under}),
        "components": sorted({component for _, component in under}),
    }
    table = query(_POINTS, {"writers": sorted(writers), **asked, **span})
    name, names = coded(table, "metric")
    rows = np.zeros(table.num_rows, POINT)
    rows["seq"], rows["name"] = integers(table, "seq"), name
    rows["step"], rows["value"] = floats(table, "step"), floats(table, "value")
    rows["logged_ms"], rows["occurred_ms"] = integers(table, "logged_at"), integers(table, "occurred_at")
    ranks = table["rank"].to_numpy()
    for position, writer, seq, lines in _frames(table):
        project, component = owners[writer]
        points = Points(writer, seq, tuple(names), rows[lines])
        yield position, PointFrame(project, component, int(ranks[lines.start]), writer, points)


def _frames(table: pa.Table) -> Iterator[tuple[Position, UUID, int, slice]]:
    """Place, writer, first number and rows of each run of consecutive numbers at one place; rows are ordered so."""
    log, logs = coded(table, "log")
    writer, writers = coded(table, "writer")
    offset, seq, at = integers(table, "offset"), integers(table, "seq"), integers(table, "recorded_at").view(np.int64)
    # within a run the number grows as the row does
    starts = group_starts(log, offset, writer, seq - np.arange(len(seq), dtype=np.uint64))
    for first, end in zip(starts.tolist(), [*starts[1:].tolist(), len(seq)], strict=True) if len(seq) else ():
        position = Position(logs[log[first]], int(offset[first]), int(at[first]))
        yield position, UUID(bytes=writers[writer[first]]), int(seq[first]), slice(first, end)


def _micros(row: Row) -> int:
    return int(np.datetime64(row["recorded_at"].replace(tzinfo=None), "us").astype(np.int64))


def said_of(position: Position, frame: Frame) -> dict[str, Any]:
    """One frame for consumers: when it was recorded and where, who said it, and what.

    ``events`` are the envelopes as they were said (docs/events.md), numbered from ``first_seq`` on; points are columns.
    """
    about = {
        "recorded_at_us": position.recorded_at_us,
        "log": position.log,
        "offset": position.offset,
        "project": frame.project,
        "writer": str(frame.writer),
        "first_seq": frame.first_seq,
    }
    if isinstance(frame, EventFrame):
        return {**about, "events": [json.loads(record.payload) for record in frame.records]}
    rows = frame.points.rows
    return {
        **about,
        "component": str(frame.component),
        "rank": frame.rank,
        "metric": [frame.points.names[i] for i in rows["name"].tolist()],
        **{name: rows[name] for name in ("step", "value", "logged_ms", "occurred_ms")},
    }


def take_in(store: Store, history: Iterable[Positioned]) -> int:
    """Take frames into another store; how many. Streams that ended in them are sealed.

    Their places are those they had, in logs named after theirs: what came a second time leaves gaps in these.
    """
    materializer = Materializer(store, SqlHistory(store), Coverage())
    ended: list[Ending] = []
    count = 0
    for position, frame in history:
        materializer.apply([(replace(position, log=f"{REPLAYED}{position.log}"), frame)])
        count += 1
        if isinstance(frame, EventFrame):
            ended += endings(frame)
    materializer.finish(ended)
    return count
