"""What a store says of its own past, over HTTP: the same as what was put in."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from processors.memory_store import MemoryStore
from processors.points import position
from processors.test_materialize import ENDS, STREAMS, everything, taken_whole
from storage_hosts import Hosts

from epochal_processors.columns import Stream
from epochal_processors.coverage import Coverage
from epochal_processors.frames import PointFrame
from epochal_processors.history import SqlHistory
from epochal_processors.materialize import Materializer
from epochal_storage.location import Embedded
from epochal_storage.remote import RemoteStore, open_remote
from epochal_storage.schemas import SCHEMAS


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RemoteStore]:
    """A real host with the streams in it, taken in half and half by two materializers that share nothing else."""
    hosts = Hosts()
    remote = open_remote(Embedded(tmp_path_factory.mktemp("store")), hosts.spawn)
    halves = [(0, STREAMS[:2]), (2, STREAMS[2:])]
    for first, streams in halves:
        materializer = Materializer(remote, SqlHistory(remote), Coverage())
        materializer.apply([(position(first + i), one) for i, one in enumerate(streams)])
    yield remote
    remote.close()
    hosts.end()


@pytest.fixture(scope="module")
def memory() -> MemoryStore:
    """The same in memory."""
    kept = MemoryStore()
    Materializer(kept, kept, Coverage()).apply([(position(i), one) for i, one in enumerate(STREAMS)])
    return kept


def test_streams_are_what_was_put_in(store: RemoteStore, memory: MemoryStore) -> None:
    """Ranges, heads, links, numbers and writers of every stream."""
    history = SqlHistory(store)
    writers = {stream.writer for stream in STREAMS}
    held = {key: ranges.missing(0, 20_000) for key, ranges in history.ranges(writers).items()}
    assert held == {key: ranges.missing(0, 20_000) for key, ranges in memory.ranges(writers).items()}
    assert history.writers() == memory.writers() == writers
    log = position(0).log
    assert history.numbers(log).missing(0, 5) == [(3, 2)]
    for key in held:
        assert history.head(*key) == memory.head(*key)
        assert history.sealed(*key) == memory.sealed(*key)


def test_points_and_digests_come_back(store: RemoteStore, memory: MemoryStore) -> None:
    """A block's rows bit for bit; the digests of events, of those that are dead letters too."""
    points = next(one for one in STREAMS if isinstance(one, PointFrame))
    assert points.component is not None
    stream = Stream(points.project, points.component, points.rank, points.writer, position(0).log)
    for block in range(3):
        there, here = SqlHistory(store).points(stream, block), memory.points(stream, block)
        assert [there.names[i] for i in there.name] == [here.names[i] for i in here.name]
        for column in ("seq", "step", "value", "logged_ms", "occurred_ms", "recorded_us", "offset"):
            assert getattr(there, column).tobytes() == getattr(here, column).tobytes(), column
    for block in range(2):
        assert dict(SqlHistory(store).event_digests(STREAMS[2].writer, block)) == dict(
            memory.event_digests(STREAMS[2].writer, block)
        )


def test_streams_are_sealed_from_what_the_store_holds(store: RemoteStore) -> None:
    """A process that took nothing in itself seals to the very links of one that took everything in."""
    history = SqlHistory(store)
    coverage = Coverage()
    for (writer, channel), ranges in history.ranges({stream.writer for stream in STREAMS}).items():
        coverage.load(writer, channel, ranges)
    Materializer(store, history, coverage).finish(ENDS)
    found = MemoryStore()
    for table in SCHEMAS:
        columns = ", ".join(f"`{name}`" for name in SCHEMAS[table].names)
        found.insert(table, store.query_arrow(f"SELECT {columns} FROM {table} FINAL").cast(SCHEMAS[table]))
    assert everything(found) == taken_whole()
