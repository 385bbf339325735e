"""What a worker counts, for Prometheus."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence

import pyarrow as pa
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from epochal_processors.decode import DeadLetter
from epochal_processors.frames import METRICS, channel_of
from epochal_processors.inlet import Placed
from epochal_processors.messages import Message
from epochal_storage.writing import TableWriter

_DELAYS = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800, 7200)
Partition = tuple[str, int]


class WorkerMetrics:
    """The counters of one worker: the courier's gauge, and a registry of its own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.messages = 0
        """Messages stored so far."""
        self._messages = Counter("epochal_worker_messages", "Messages stored", registry=self.registry)
        self._events = Counter("epochal_worker_events", "Lifecycle events stored", registry=self.registry)
        self._points = Counter("epochal_worker_points", "Metric points stored", registry=self.registry)
        self._rows = Counter("epochal_worker_rows", "Rows inserted, by table", ["table"], registry=self.registry)
        self._inserts = Histogram(
            "epochal_worker_insert_seconds", "Time of one insert, by table", ["table"], registry=self.registry
        )
        self._retries = Counter(
            "epochal_worker_retries", "Times that something had to be tried again", registry=self.registry
        )
        self._letters = Counter(
            "epochal_worker_dead_letters", "Dead letters, by reason", ["reason"], registry=self.registry
        )
        self._delay = Histogram(
            "epochal_worker_visible_delay_seconds",
            "From the broker's append of a message to its rows being readable",
            buckets=_DELAYS,
            registry=self.registry,
        )
        self._lag = Gauge(
            "epochal_worker_lag",
            "Messages not acknowledged yet, by partition held by this worker",
            ["topic", "partition"],
            registry=self.registry,
        )
        self._away = Gauge("epochal_worker_store_away", "1 while the store is away", registry=self.registry)

    def stored(self, placed: Placed, messages: Sequence[Message]) -> None:
        """As `courier.Gauge.stored`."""
        self.messages += len(messages)
        self._messages.inc(len(messages))
        points = sum(frame.count for _, frame in placed.frames if channel_of(frame) == METRICS)
        self._points.inc(points)
        self._events.inc(sum(frame.count for _, frame in placed.frames) - points)
        now = time.time()
        for message in messages:
            self._delay.observe(max(0.0, now - message.timestamp_ms / 1000))

    def parked(self, letters: Sequence[DeadLetter]) -> None:
        """As `courier.Gauge.parked`."""
        for letter in letters:
            self._letters.labels(letter.reason).inc()

    def failed(self, error: BaseException, attempt: int) -> None:
        """As `courier.Gauge.failed`."""
        self._retries.inc()
        self._away.set(1)

    def recovered(self) -> None:
        """As `courier.Gauge.recovered`."""
        self._away.set(0)

    def lag(self, lag: Mapping[Partition, int]) -> None:
        """How many messages of each partition of this worker aren't acknowledged."""
        self._lag.clear()
        for (topic, partition), count in lag.items():
            self._lag.labels(topic, str(partition)).set(count)

    def timed(self, writer: TableWriter) -> TableWriter:
        """The same writer, its inserts counted and timed."""
        return _Timed(writer, self._rows, self._inserts)

    def text(self) -> bytes:
        """All of it in Prometheus's text format."""
        return generate_latest(self.registry)


class _Timed:
    def __init__(self, writer: TableWriter, rows: Counter, inserts: Histogram) -> None:
        self._writer = writer
        self._rows = rows
        self._inserts = inserts

    def insert(self, table: str, rows: pa.Table) -> None:
        with self._inserts.labels(table).time():
            self._writer.insert(table, rows)
        self._rows.labels(table).inc(rows.num_rows)
