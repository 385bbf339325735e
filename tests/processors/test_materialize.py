"""Frames into rows: whatever way a stream comes in, the rows are the same."""

from __future__ import annotations

import json
import math
import random
import struct
from dataclasses import replace
from itertools import pairwise
from typing import Any
from uuid import UUID

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from processors.memory_store import MemoryStore, RefusedError, Row
from processors.points import COMPONENT, LOG, WRITER, Logged, cut, frame, position

from epochal._journal.reader import POINT, Points, Record
from epochal_processors.blocks import NO_LINK
from epochal_processors.columns import ELSEWHERE
from epochal_processors.coverage import Coverage, Ranges
from epochal_processors.evidence import integers
from epochal_processors.frames import METRICS, EventFrame, Frame, PointFrame
from epochal_processors.materialize import MAX_POINTS, Ending, Materializer, bounded
from epochal_processors.places import Places
from epochal_processors.rebuilding import DERIVED
from epochal_processors.survey import Key, StreamAt
from epochal_storage.schemas import SCHEMAS

OTHER = UUID(int=WRITER.int + 1)
PLACES = {"offset", "recorded_at", "log", "recorded_from", "recorded_until", "offset_from", "offset_until"}


def long_stream(writer: UUID, count: int, seed: int) -> PointFrame:
    """Points of three metrics, with NaN, infinities, and steps that fall and repeat now and then."""
    rng = np.random.default_rng(seed)
    rows = np.zeros(count, POINT)
    rows["seq"] = np.arange(count)
    rows["name"] = rng.integers(0, 3, count)
    rows["step"] = np.arange(count) // 3 - rng.choice([0, 0, 0, 50], count)
    rows["value"] = rng.normal(size=count)
    rows["value"][rng.random(count) < 0.01] = math.nan
    rows["value"][rng.random(count) < 0.001] = math.inf
    rows["logged_ms"] = 1_700_000_000_000 + np.arange(count)
    rows["occurred_ms"] = rows["logged_ms"] - rng.integers(0, 5, count)
    return PointFrame("p", COMPONENT, 0, writer, Points(writer, 0, ("loss", "größe", "b"), rows))


def events_of(writer: UUID, count: int) -> EventFrame:
    """Lifecycle events, every fifth of which can't be read."""
    records = []
    for seq in range(count):
        data = {"component": str(COMPONENT), "cells": [[[f"p{seq}"], seq]]}
        said = {"type": "epochal.params.logged", "v": 1, "project": "p", "at": 1_700_000_000_000_000 + seq}
        payload = json.dumps({**said, "data": data}).encode() if seq % 5 else b"{broken"
        records.append(Record(seq, struct.pack("<QQ", seq, 7), payload))
    return EventFrame(writer, "p", 0, tuple(records))


def piece(whole: Frame, first: int, end: int) -> Frame:
    """The numbers from ``first`` to ``end`` of a frame that begins at 0."""
    if isinstance(whole, EventFrame):
        return replace(whole, first_seq=first, records=whole.records[first:end])
    return cut(whole, first, end)


STREAMS: list[Frame] = [long_stream(WRITER, 9_000, 1), long_stream(OTHER, 4_096, 2), events_of(WRITER, 4_200)]
ENDS = [
    Ending("p", COMPONENT, 0, WRITER, 4_200, 9_000),
    Ending("p", COMPONENT, 0, OTHER, 0, 4_096),
]


def comparable(rows: list[Row]) -> list[tuple[Any, ...]]:
    """Rows without the place where the log holds them, bit for bit."""
    return [
        tuple(struct.pack("<d", v) if isinstance(v, float) else v for k, v in row.items() if k not in PLACES)
        for row in rows
    ]


def everything(store: MemoryStore) -> dict[str, list[tuple[Any, ...]]]:
    tables = ("metrics", "events", "facts", "partials", "blocks")
    found = {table: comparable(store.final(table)) for table in tables}
    letters = store.final("dead_letters")
    return {**found, "dead_letters": [(row["id"], row["reason"], row["frame"]) for row in letters]}


def taken_whole() -> dict[str, list[tuple[Any, ...]]]:
    """What the streams give when each is taken in one frame."""
    store = MemoryStore()
    materializer = Materializer(store, store, Coverage())
    materializer.apply([(position(i), stream) for i, stream in enumerate(STREAMS)])
    materializer.finish(ENDS)
    return everything(store)


LOGS = [LOG, "kafka:c/p.metrics/1", "kafka:c/p.metrics/2"]
PLACE = ("log", "offset_from", "offset_until")
WHOLE = taken_whole()


cases = given(st.integers(0, 2**32), st.booleans(), st.integers(0, 3), st.integers(0, 3))


@pytest.mark.long
@settings(max_examples=6, suppress_health_check=[HealthCheck.too_slow])
@cases
def test_cuts_copies_order_restarts_and_errors_change_nothing(
    seed: int, shuffled: bool, restarts: int, errors: int
) -> None:
    """The same streams cut otherwise, partly twice, in any order, with restarts and refused inserts in between, give
    the same rows, partial sums, digests and links.
    """
    check_any_way(seed, shuffled, restarts, errors)


@pytest.mark.slow
@settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow])
@cases
def test_cuts_copies_order_restarts_and_errors_change_nothing_in_many_cases(
    seed: int, shuffled: bool, restarts: int, errors: int
) -> None:
    """The same with many more cases."""
    check_any_way(seed, shuffled, restarts, errors)


def check_any_way(seed: int, shuffled: bool, restarts: int, errors: int) -> None:
    """Take the streams in by one of all possible ways and compare with taking each whole."""
    rng = random.Random(seed)
    pieces = [part for stream in STREAMS for part in random_pieces(rng, stream)]
    if shuffled:
        rng.shuffle(pieces)
    store, coverage = MemoryStore(), Coverage()
    materializer = Materializer(store, store, coverage)
    batches = in_batches(rng, pieces)
    breaks = set(rng.choices(range(len(batches)), k=restarts))
    failures = set(rng.choices(range(len(batches)), k=errors))
    offset = 0
    for i, batch in enumerate(batches):
        if i in breaks:
            coverage = from_ledger(store)
            materializer = Materializer(store, store, coverage)
        positioned = [(position(offset + n), one) for n, one in enumerate(batch)]
        offset += len(batch)
        if i in failures:
            store.refuse_in = rng.randrange(6)
        try:
            materializer.apply(positioned)
        except RefusedError:
            materializer.apply(positioned)
        store.refuse_in = None
    materializer.finish(ENDS)
    found = everything(store)
    for table, rows in WHOLE.items():
        assert found[table] == rows, table
    for table, made in derived(store).items():
        assert bits(made) == bits(store.final(table)), table


def derived(store: MemoryStore) -> dict[str, list[Row]]:
    """What a rebuild makes of the log."""
    made = MemoryStore()
    for table, source in DERIVED.items():
        rows = as_table("metrics" if source.channel == METRICS else "events", store)
        streams = [StreamAt(Key(end.writer, source.channel), "p", COMPONENT, 0) for end in ENDS]
        log = np.array([LOGS.index(one) for one in rows["log"].to_pylist()], np.int64)
        places = Places(log, integers(rows, "offset"), integers(rows, "recorded_at").view(np.int64))
        made.insert(table, source.derive(rows, streams, places, LOGS))
    return {table: made.final(table) for table in DERIVED}


@pytest.mark.parametrize("seed", [0, 3, 5])
def test_what_came_through_several_logs_has_the_same_sums_again(seed: int) -> None:
    """Each piece of a stream through any of them, as where partitions were added. Of a block that lies in several, the
    log is one of them, and no offset is the end of it; made again it may be known to lie in one.
    """
    rng = random.Random(seed)
    store = MemoryStore()
    materializer = Materializer(store, store, Coverage())
    for number, one in enumerate(part for stream in STREAMS for part in random_pieces(rng, stream)):
        materializer.apply([(replace(position(number), log=rng.choice(LOGS)), one)])
    materializer.finish(ENDS)
    made = derived(store)
    assert bits(made["facts"]) == bits(store.final("facts"))
    again, taken = made["partials"], store.final("partials")
    assert ELSEWHERE in {row["offset_until"] for row in taken}
    assert bits([apart(row) for row in again]) == bits([apart(row) for row in taken])
    for row, was in zip(again, taken, strict=True):
        assert was["offset_until"] == ELSEWHERE or all(row[name] == was[name] for name in PLACE)


def apart(row: Row) -> Row:
    """A row of sums without its place in a log."""
    return {name: value for name, value in row.items() if name not in PLACE}


def as_table(name: str, store: MemoryStore) -> pa.Table:
    """Every copy of the rows of a table, as a store answers."""
    return pa.Table.from_pylist(store.rows[name], SCHEMAS[name])


def bits(rows: list[Row]) -> list[tuple[Any, ...]]:
    """Rows with their places, bit for bit, columns in order of their names."""
    return [tuple(struct.pack("<d", v) if isinstance(v, float) else v for _, v in sorted(row.items())) for row in rows]


def random_pieces(rng: random.Random, stream: Frame) -> list[Frame]:
    """A stream cut at random, with some ranges twice."""
    cuts = sorted({0, stream.count, *(rng.randrange(stream.count) for _ in range(rng.randrange(8)))})
    pieces = [piece(stream, a, b) for a, b in pairwise(cuts)]
    for _ in range(rng.randrange(3)):
        first = rng.randrange(stream.count)
        pieces.insert(rng.randrange(len(pieces) + 1), piece(stream, first, rng.randrange(first, stream.count) + 1))
    return pieces


def in_batches(rng: random.Random, pieces: list[Frame]) -> list[list[Frame]]:
    batches: list[list[Frame]] = [[]]
    for one in pieces:
        if batches[-1] and rng.random() < 0.6:
            batches.append([])
        batches[-1].append(one)
    return batches


def from_ledger(store: MemoryStore) -> Coverage:
    coverage = Coverage()
    for (writer, channel), ranges in store.ranges(store.writers()).items():
        coverage.load(writer, channel, ranges)
    return coverage


def test_the_first_position_stays() -> None:
    """A resend changes nothing of when the log says it had an event or a point first."""
    store = MemoryStore()
    materializer = Materializer(store, store, Coverage())
    materializer.apply([(position(5), piece(STREAMS[0], 0, 100)), (position(6), piece(STREAMS[2], 0, 10))])
    materializer.apply([(position(9), piece(STREAMS[0], 50, 150)), (position(10), piece(STREAMS[2], 5, 15))])
    assert [row["offset"] for row in sorted(store.final("metrics"), key=lambda r: r["seq"])] == [5] * 100 + [9] * 50
    assert {row["seq"]: row["offset"] for row in store.final("events") if row["seq"] in (6, 11)} == {6: 6, 11: 10}


def test_partials_cover_every_stored_point_at_any_time() -> None:
    """After each batch the partial sums count as many points as are stored, unfinished blocks included."""
    store = MemoryStore()
    materializer = Materializer(store, store, Coverage())
    for i, first in enumerate(range(0, 9_000, 700)):
        materializer.apply([(position(i), cut(long_stream(WRITER, 9_000, 1), first, min(first + 700, 9_000)))])
        assert sum(row["n"] for row in store.final("partials")) == len(store.final("metrics"))


def test_full_blocks_are_sealed_at_once_and_the_last_at_the_end() -> None:
    """A block is sealed when its last number is there; the last one when the stream has ended."""
    store = MemoryStore()
    materializer = Materializer(store, store, Coverage())
    materializer.apply([(position(0), cut(long_stream(WRITER, 9_000, 1), 0, 8_191))])
    assert [row["block"] for row in store.final("blocks")] == [0]
    materializer.apply([(position(1), cut(long_stream(WRITER, 9_000, 1), 8_191, 9_000))])
    assert [row["block"] for row in store.final("blocks")] == [0, 1]
    materializer.finish([Ending("p", COMPONENT, 0, WRITER, 0, 9_000)])
    assert [(row["block"], row["count"]) for row in store.final("blocks")] == [(0, 4096), (1, 4096), (2, 808)]


def test_a_stream_with_a_hole_is_sealed_with_what_there_is() -> None:
    """What damage took away leaves a hole in its block; the blocks after it are linked all the same."""
    store = MemoryStore()
    materializer = Materializer(store, store, Coverage())
    whole = long_stream(WRITER, 9_000, 1)
    materializer.apply([(position(0), cut(whole, 0, 1_000)), (position(1), cut(whole, 1_500, 9_000))])
    assert store.final("blocks") == []
    materializer.finish([Ending("p", COMPONENT, 0, WRITER, 0, 9_000)])
    blocks = store.final("blocks")
    assert [(row["block"], row["count"]) for row in blocks] == [(0, 3_596), (1, 4_096), (2, 808)]
    assert blocks[0]["link"] != NO_LINK
    assert sum(row["n"] for row in store.final("partials")) == 8_500


def test_what_comes_after_the_end_is_linked_anew() -> None:
    """Rows that come after a stream was sealed change the digest of their block and all links behind it, so that the
    chain is again that of the rows there are.
    """
    store = MemoryStore()
    materializer = Materializer(store, store, Coverage())
    whole = long_stream(WRITER, 9_000, 1)
    ending = Ending("p", COMPONENT, 0, WRITER, 0, 9_000)
    materializer.apply([(position(0), cut(whole, 0, 1_000)), (position(1), cut(whole, 1_500, 9_000))])
    materializer.finish([ending])
    materializer.apply([(position(2), cut(whole, 1_200, 1_500))])
    materializer.finish([ending])
    assert [row["count"] for row in store.final("blocks")] == [3_896, 4_096, 808]
    materializer.apply([(position(3), cut(whole, 1_000, 1_200))])
    materializer.finish([ending])
    expected = [row for row in WHOLE["blocks"] if row[1] == WRITER.bytes and row[2] == "metrics"]
    assert comparable(store.final("blocks")) == expected
    inserted = len(store.rows["blocks"])
    materializer.finish([ending])
    assert len(store.rows["blocks"]) == inserted


def test_the_ledger_is_written_last() -> None:
    """Nothing is in the ledger while any row of its batch may be missing."""
    order: list[str] = []

    class Noting(MemoryStore):
        def insert(self, table: str, rows: Any) -> None:
            order.append(table)
            super().insert(table, rows)

    store = Noting()
    batch = [(position(i), stream) for i, stream in enumerate(STREAMS)]
    Materializer(store, store, Coverage()).apply(batch)
    assert order == ["metrics", "events", "facts", "partials", "blocks", "dead_letters", "ledger"]
    assert [(row["first_seq"], row["count"], row["channel"]) for row in store.final("ledger")] == [
        (0, 9_000, "metrics"),
        (0, 4_096, "metrics"),
        (0, 4_200, "lifecycle"),
    ]


def test_points_of_no_component_are_kept_whole() -> None:
    """Points that nobody can attribute become a dead letter that holds every one of them."""
    store = MemoryStore()
    lost = frame([Logged("a", 1.0, 2.0), Logged("b", 3.0, math.nan)], component=None)
    Materializer(store, store, Coverage()).apply([(position(0), lost)])
    (letter,) = store.final("dead_letters")
    assert letter["reason"] == "no component"
    size = int.from_bytes(letter["frame"][:4], "little")
    assert json.loads(letter["frame"][4 : 4 + size]) == ["a", "b"]
    rows = np.frombuffer(letter["frame"][4 + size :], POINT)
    assert rows.tobytes() == lost.points.rows.tobytes()
    assert store.final("metrics") == []
    assert len(store.final("ledger")) == 1


def test_batches_are_bounded() -> None:
    """However much is waiting, a batch stays small enough for memory; nothing is left out or reordered."""
    frames = [cut(long_stream(WRITER, 9_000, 1), i, i + 1) for i in range(20)]
    big = replace(frames[0], points=replace(frames[0].points, rows=np.zeros(MAX_POINTS, POINT)))
    given: list[Frame] = [*frames, big, big, *frames, big]
    batches = list(bounded(given, lambda one: one))
    assert [one for batch in batches for one in batch] == given
    assert all(sum(one.count for one in batch) <= MAX_POINTS for batch in batches)
    assert len(batches) == 5


@given(st.lists(st.tuples(st.integers(0, 60), st.integers(0, 20)), max_size=12), st.integers(0, 70), st.integers(0, 30))
def test_ranges_are_sets(ranges: list[tuple[int, int]], first: int, count: int) -> None:
    """Ranges answer as the set of the numbers put in would."""
    found = Ranges(ranges)
    numbers = {n for a, b in ranges for n in range(a, a + b)}
    asked = set(range(first, first + count))
    assert found.within(first, count) == len(numbers & asked)
    missing = [n for a, b in found.missing(first, count) for n in range(a, a + b)]
    assert missing == sorted(asked - numbers)
    assert found.end == max(numbers, default=-1) + 1
    assert found.contiguous == next(n for n in range(100) if n not in numbers)


@pytest.mark.parametrize("first", [0, 4_095, 4_096])
def test_an_unfinished_block_that_was_dropped_from_memory_is_read_back(first: int) -> None:
    """With more open blocks than may be kept, those dropped come back from the store when they are touched."""
    store = MemoryStore()
    materializer = Materializer(store, store, Coverage())
    whole = long_stream(WRITER, 9_000, 1)
    materializer.apply([(position(0), cut(whole, 0, first + 1))])
    materializer.forget()
    materializer.apply([(position(1), cut(whole, first + 1, 9_000))])
    materializer.finish([Ending("p", COMPONENT, 0, WRITER, 0, 9_000)])
    blocks = comparable(store.final("blocks"))
    assert blocks == [row for row in WHOLE["blocks"] if row[1] == WRITER.bytes and row[2] == "metrics"]
