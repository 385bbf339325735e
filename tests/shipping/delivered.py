"""What lies in Kafka, decoded, and what lies in journals: both by identity, to be compared."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

from kafka import KafkaConsumer, TopicPartition
from sdk.children import environment

from epochal._journal.reader import EventsReader, MetricsReader, Points
from epochal_processors.frames import EventFrame, Frame
from epochal_processors.wire import decode

Row = tuple[str, float, bytes, int, int]


@dataclass
class Everything:
    """Events by (writer, seq); points likewise; whose they are; and how many came in all, copies too."""

    events: dict[tuple[UUID, int], tuple[bytes, bytes]] = field(default_factory=dict)
    points: dict[tuple[UUID, int], Row] = field(default_factory=dict)
    owners: set[tuple[UUID, str, UUID | None, int]] = field(default_factory=set)
    came: int = 0

    def take_event(self, writer: UUID, seq: int, salt: bytes, payload: bytes) -> None:
        """An event; another copy must be the same."""
        assert self.events.setdefault((writer, seq), (salt, payload)) == (salt, payload)
        self.came += 1

    def take(self, message: Any) -> Frame:
        """A message as it lies in Kafka, decoded as a worker does."""
        frame = decode(message.headers, message.key, message.value)
        if isinstance(frame, EventFrame):
            for record in frame.records:
                self.take_event(frame.writer, record.seq, record.salt, record.payload)
        else:
            self.owners.add((frame.writer, frame.project, frame.component, frame.rank))
            self.take_points(frame.points)
        return frame

    def take_points(self, points: Points) -> None:
        """Points; other copies must be the same."""
        names = [points.names[i] for i in points.rows["name"].tolist()]
        bits = [value.tobytes() for value in points.rows["value"]]
        columns = [points.rows[name].tolist() for name in ("step", "logged_ms", "occurred_ms")]
        for i, row in enumerate(zip(names, columns[0], bits, columns[1], columns[2], strict=True)):
            identity = points.writer, points.first_seq + i
            assert self.points.setdefault(identity, row) == row
            self.came += 1


def in_kafka(servers: str, prefix: str) -> Everything:
    """All that lies in both topics now, decoded as a worker does."""
    found = Everything()
    for message in messages(servers, [f"{prefix}events", f"{prefix}metrics"]):
        events = isinstance(found.take(message), EventFrame)
        assert message.topic == f"{prefix}{'events' if events else 'metrics'}"
    return found


def in_journals(directory: Path) -> Everything:
    """All that lies in the journals of a directory."""
    found = Everything()
    for path in sorted(path.parent for path in directory.glob("*/events.bin")):
        for record in EventsReader(path).read(10_000_000, final=True):
            found.take_event(UUID(path.name), record.seq, record.salt, record.payload)
        for piece in MetricsReader(path).read(100_000_000, final=True):
            found.take_points(piece)
    return found


def messages(servers: str, topics: list[str]) -> Iterator[Any]:
    """Every message that lies in the topics when this is called."""
    with KafkaConsumer(
        bootstrap_servers=servers, auto_offset_reset="earliest", fetch_max_bytes=100_000_000
    ) as consumer:
        parts = [TopicPartition(topic, part) for topic in topics for part in consumer.partitions_for_topic(topic) or ()]
        ends = {part: end for part, end in consumer.end_offsets(parts).items() if end}
        consumer.assign(list(ends))
        while any(consumer.position(part) < end for part, end in ends.items()):
            for batch in consumer.poll(1000).values():
                yield from batch


def count(servers: str, topic: str) -> int:
    """How many messages were ever written to a topic."""
    with KafkaConsumer(bootstrap_servers=servers) as consumer:
        parts = [TopicPartition(topic, part) for part in consumer.partitions_for_topic(topic) or ()]
        return sum(consumer.end_offsets(parts).values())


def shipping(home: Path, servers: str, prefix: str, directory: Path, *options: str) -> subprocess.Popen[str]:
    """``epochal ship`` in a process of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "epochal.cli", "ship", str(directory), "--json", *options],
        env=environment(home, EPOCHAL_KAFKA=servers, EPOCHAL_KAFKA_TOPIC_PREFIX=prefix),
        cwd=home,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
