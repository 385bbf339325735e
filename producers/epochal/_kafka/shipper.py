"""Ships journals to Kafka: an idempotent producer, and cursors that move on acknowledgement only."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, Literal
from uuid import UUID

from epochal._errors import NotFoundError
from epochal._journal.layout import EVENTS_FILE, FormatError
from epochal._journal.segment_files import find_segments
from epochal._settings import Settings

from .client import away, connection, load
from .cursor import BusyError, Destination, alone, read_cursor, write_cursor
from .migrate import ANSWER_S, MISSING
from .outbox import Outbox
from .topics import EVENTS, METRICS
from .wire import Outgoing

DELIVERY_S: Final = 120.0
"""How long Kafka may take to acknowledge a message before shipping gives up."""
_AHEAD_BYTES: Final = 32 << 20
"""So much may be on its way unacknowledged: the bound of memory."""
_REQUEST_BYTES: Final = 90 << 20
_SAVE_S: Final = 1.0

State = Literal["shipped", "live", "busy", "failed"]


@dataclass(frozen=True)
class Shipped:
    """What became of one journal.

    ``shipped``: Kafka acknowledged all of it, and nothing more comes. ``live``: all that was there; its job still
    writes. ``busy``: another process ships it. ``failed``: ``why`` says it; what was acknowledged before stays so.
    """

    writer: UUID
    state: State
    events: int = 0
    points: int = 0
    damaged: int = 0
    why: str = ""


def journals(directory: Path) -> list[Path]:
    """The journals at a directory: itself one, or each named by its writer in it.

    Raises:
        NotFoundError: there are none.
    """
    found = [path for path in (directory.resolve(), *sorted(directory.resolve().iterdir())) if _is_journal(path)]
    if not found:
        raise NotFoundError(f"there are no journals in {directory}: name a writer's folder, or one that holds such")
    return found[:1] if found[0] == directory.resolve() else found


def ship(settings: Settings, directory: Path) -> Iterator[Shipped]:
    """Ship the journals at a directory, one after the other.

    Guarantees: what a result calls shipped was acknowledged by all in-sync copies. A journal may be shipped any number
    of times, by any number of processes, and killed at it: a point's or event's identity is its writer and number.

    Raises:
        SettingsError: EPOCHAL_KAFKA isn't set.
        NotAvailableError: kafka-python isn't installed.
        NotFoundError: there are no journals, or Kafka hasn't the topics.
        KafkaAwayError: Kafka doesn't answer, or no more; what was acknowledged is noted.
    """
    found = journals(directory)
    to = _destination(settings)
    errors = load("kafka.errors")
    producer = None
    try:
        for journal in found:
            producer = producer or _producer(settings)
            result = _ship_one(journal, to, producer)
            if result.state == "failed":
                _discard(producer)
                producer = None
            yield result
    except (errors.KafkaError, OSError) as error:
        raise away(settings, error, "write to the topics") from None
    finally:
        if producer is not None:
            _discard(producer)


def _ship_one(journal: Path, to: Destination, producer: Any) -> Shipped:
    writer = UUID(journal.name)
    too_large = load("kafka.errors").MessageSizeTooLargeError
    try:
        with alone(journal):
            line = _Line(journal, to, producer)
            outbox = Outbox(journal, line.cursor)
            try:
                for message in outbox.read():
                    line.send(message)
                line.wait(0)
            finally:
                line.save()
            damaged = sum(damage.count for damage in outbox.damage)
            why = "; ".join(f"{damage.place}: {damage.detail}" for damage in outbox.damage)
            return Shipped(writer, "shipped" if outbox.final else "live", line.events, line.points, damaged, why)
    except BusyError:
        return Shipped(writer, "busy", why="another process ships it")
    except (FormatError, OSError) as error:
        return Shipped(writer, "failed", why=str(error))
    except too_large as error:
        why = f"Kafka refuses one of its messages as too large: raise max.message.bytes of the topics ({error})"
        return Shipped(writer, "failed", why=why)


class _Line:
    """Messages of one journal on their way, in the order in which they were sent."""

    def __init__(self, journal: Path, to: Destination, producer: Any) -> None:
        self.cursor = self._saved = read_cursor(journal, to)
        self.events = 0
        self.points = 0
        self._journal = journal
        self._to = to
        self._producer = producer
        self._waiting: deque[tuple[Any, Outgoing]] = deque()
        self._bytes = 0
        self._saved_at = time.monotonic()

    def send(self, message: Outgoing) -> None:
        """Hand over a message; blocks while too much is on its way.

        Raises:
            KafkaError: Kafka is away, or refuses a message.
            OSError: the cursor can't be written.
        """
        self.wait(_AHEAD_BYTES)
        kind = EVENTS if message.channel == "lifecycle" else METRICS
        topic = f"{self._to.prefix}{kind}"
        sent = self._producer.send(topic, message.value, message.key, message.headers)
        self._waiting.append((sent, message))
        self._bytes += message.size
        if time.monotonic() - self._saved_at > _SAVE_S:
            self.save()

    def wait(self, most_bytes: int) -> None:
        """Return when so little is unacknowledged, or nothing.

        Raises:
            KafkaError: a message was not acknowledged in time, or refused.
        """
        while self._waiting and (self._bytes > most_bytes or self._waiting[0][0].is_done):
            sent, message = self._waiting[0]
            sent.get(DELIVERY_S + 30.0)
            self._waiting.popleft()
            self._bytes -= message.size
            self._acknowledged(message)

    def save(self) -> None:
        """Note what is acknowledged.

        Raises:
            OSError: it can't be written.
        """
        if self.cursor != self._saved:
            write_cursor(self._journal, self._to, self.cursor)
            self._saved = self.cursor
        self._saved_at = time.monotonic()

    def _acknowledged(self, message: Outgoing) -> None:
        end = message.first_seq + message.count
        if message.channel == "lifecycle":
            self.events += message.count
            self.cursor = replace(self.cursor, lifecycle=end)
        else:
            self.points += message.count
            self.cursor = replace(self.cursor, metrics=end)


def _producer(settings: Settings) -> Any:
    return load("kafka").KafkaProducer(
        **connection(settings),
        enable_idempotence=True,
        acks="all",
        allow_auto_create_topics=False,
        batch_size=1 << 20,
        linger_ms=5,
        delivery_timeout_ms=int(DELIVERY_S * 1000),
        max_request_size=_REQUEST_BYTES,
    )


def _discard(producer: Any) -> None:
    """Let go of it and of what it didn't deliver: that is sent again by whoever ships next."""
    with suppress(load("kafka.errors").KafkaError):
        producer.close(0)


def _destination(settings: Settings) -> Destination:
    arguments = connection(settings)
    errors = load("kafka.errors")
    prefix = settings.kafka_topic_prefix
    try:
        with closing(load("kafka").KafkaAdminClient(bootstrap_timeout_ms=int(ANSWER_S * 1000), **arguments)) as admin:
            cluster = str(admin.describe_cluster()["cluster_id"])
            described = admin.describe_topics([prefix + EVENTS, prefix + METRICS])
    except (errors.KafkaError, OSError) as error:
        raise away(settings, error, "describe topics") from None
    missing = [topic["name"] for topic in described if topic["error_code"] == MISSING]
    if missing:
        raise NotFoundError(f"Kafka at {settings.kafka} has no {' and no '.join(missing)}: run `epochal migrate`")
    return Destination(cluster, prefix)


def _is_journal(path: Path) -> bool:
    try:
        named = str(UUID(path.name)) == path.name
    except ValueError:
        return False
    return named and ((path / EVENTS_FILE).exists() or bool(find_segments(path)))
