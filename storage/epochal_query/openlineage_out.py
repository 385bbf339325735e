"""Where OpenLineage events go: a file of lines, an HTTP endpoint, a Kafka topic."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from epochal._kafka.client import KafkaAwayError, connection, load
from epochal._settings import Settings
from epochal_query.errors import ReadError

if TYPE_CHECKING:
    from openlineage.client.event_v2 import RunEvent

TOPIC: Final = "openlineage.events"
_ANSWER_S: Final = 30


def deliver(events: Sequence[RunEvent], to: str, settings: Callable[[], Settings]) -> None:
    """Send all events, in their order, to where they are to go, and wait until they are there.

    ``to`` is a file, to whose end they are written, one a line (- is standard output), an ``http://`` or ``https://``
    URL, or ``kafka`` or ``kafka:TOPIC`` on the brokers of EPOCHAL_KAFKA. The order of one job's events is kept.

    Raises:
        ReadError: they could not all be delivered; those before the one that is named were.
        SettingsError: EPOCHAL_KAFKA isn't set. NotAvailableError: kafka-python isn't installed.
    """
    if not events:
        return
    if to.startswith(("http://", "https://")):
        _post(events, to)
    elif to == "kafka" or to.startswith("kafka:"):
        _produce(events, to.partition(":")[2] or TOPIC, settings())
    elif to == "-":
        sys.stdout.writelines(f"{_line(event)}\n" for event in events)
    else:
        with Path(to).open("a", encoding="utf-8") as file:
            file.writelines(f"{_line(event)}\n" for event in events)


def _line(event: RunEvent) -> str:
    from openlineage.client.serde import Serde

    return Serde.to_json(event)


def _post(events: Sequence[RunEvent], url: str) -> None:
    from openlineage.client.transport.http import HttpConfig, HttpTransport

    parts = urlsplit(url)
    where = {"url": f"{parts.scheme}://{parts.netloc}", "timeout": _ANSWER_S}
    path = parts.path.strip("/")
    transport = HttpTransport(HttpConfig.from_dict({**where, **({"endpoint": path} if path else {})}))
    try:
        for place, event in enumerate(events):
            try:
                transport.emit(event)
            except Exception as error:
                raise _undelivered(event, place, len(events), url, error) from error
    finally:
        transport.close()


def _produce(events: Sequence[RunEvent], topic: str, settings: Settings) -> None:
    arguments = connection(settings)
    kafka, errors = load("kafka"), load("kafka.errors")
    try:
        producer: Any = kafka.KafkaProducer(acks="all", enable_idempotence=True, **arguments)
    except (errors.KafkaError, OSError) as error:
        raise KafkaAwayError(f"Kafka at {settings.kafka} doesn't answer: {error}") from None
    try:
        keys = [f"run:{event.job.namespace}/{event.job.name}".encode() for event in events]
        sent = [
            producer.send(topic, key=key, value=_line(event).encode()) for key, event in zip(keys, events, strict=True)
        ]
        for place, (event, answer) in enumerate(zip(events, sent, strict=True)):
            try:
                answer.get(timeout=_ANSWER_S)
            except errors.KafkaError as error:
                raise _undelivered(event, place, len(events), f"topic {topic!r}", error) from None
    finally:
        producer.close()


def _undelivered(event: RunEvent, place: int, count: int, where: str, error: Exception) -> ReadError:
    return ReadError(
        f"{count - place:,} of {count:,} events did not get to {where}, from run {event.run.runId} of job "
        f"{event.job.name!r} on: {error}; see that it is there, and export again: readers know a run by its id"
    )
