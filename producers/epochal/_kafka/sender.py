"""The client that sends: idempotent, acknowledged by all copies in sync, checksums by crc32c."""

from __future__ import annotations

import atexit
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final

from epochal._sent import kafka_log
from epochal._settings import Settings

from .channel import Answer, Landed
from .client import KafkaAwayError, administrator, away, connection, load
from .migrate import MISSING
from .topics import EVENTS, METRICS
from .wire import Outgoing

MOST_REQUEST_BYTES: Final = 100_000_000
"""What a broker takes at most unless it is told otherwise (socket.request.max.bytes), less what surrounds it."""
_ANSWER_MS: Final = 10_000
_DELIVERY_MS: Final = 60_000
_BATCH_BYTES: Final = 60_000
"""Small messages are sent together up to this: a topic refuses batches for their size, not messages. Points of a busy
job, larger by themselves, are never held back for company.
"""
_LINGER_MS: Final = 20
"""How long a small message waits for those of other journals: a request each costs three times the processor time."""


class Sender:
    """Connects when it is told to, and again after :meth:`close`. For one thread; answers come in another."""

    def __init__(self, settings: Settings, wake: Callable[[], None]) -> None:
        """``wake`` is called whenever an answer has come, in a thread of the client."""
        self._settings = settings
        self._wake = wake
        prefix = settings.kafka_topic_prefix
        self._topics = {"lifecycle": prefix + EVENTS, "metrics": prefix + METRICS}
        self._producer: Any = None
        self._cluster = ""

    @property
    def connected(self) -> bool:
        """Whether there is a connection, as far as anybody knows."""
        return self._producer is not None

    def connect(self) -> str:
        """Find the brokers and the topics; what names these very topics, and no others of the same names.

        Raises:
            KafkaAwayError: nobody answers, or refuses us, or a topic is missing.
            NotAvailableError: kafka-python isn't installed.
            SettingsError: EPOCHAL_KAFKA isn't set.
        """
        arguments = connection(self._settings)
        kafka, errors = load("kafka"), load("kafka.errors")
        try:
            self._producer = kafka.KafkaProducer(
                acks="all",
                enable_idempotence=True,
                max_request_size=MOST_REQUEST_BYTES,
                batch_size=_BATCH_BYTES,
                linger_ms=_LINGER_MS,
                max_block_ms=_ANSWER_MS,
                bootstrap_timeout_ms=_ANSWER_MS,
                delivery_timeout_ms=_DELIVERY_MS,
                allow_auto_create_topics=False,
                **arguments,
            )
            # its own handler would close it before ours, which still has last words to send
            atexit.unregister(self._producer._cleanup)
            with administrator(arguments, _ANSWER_MS / 1000) as admin:
                self._cluster = str(admin.describe_cluster()["cluster_id"])
                ids = self._topic_ids(admin, errors)
        except (errors.KafkaError, OSError) as error:
            self.close()
            raise KafkaAwayError(self.describe(error)) from None
        except KafkaAwayError:
            self.close()
            raise
        return "/".join((self._cluster, *ids))

    def send(self, message: Outgoing) -> Answer:
        """Hand a message over; its answer comes later.

        Raises:
            KafkaAwayError: it isn't even taken.
        """
        errors = load("kafka.errors")
        try:
            answer = self._producer.send(
                self._topics[message.channel], value=message.value, key=message.key, headers=message.headers
            )
        except (errors.KafkaError, OSError) as error:
            raise KafkaAwayError(self.describe(error)) from None
        answer.add_both(lambda _: self._wake())
        made: Answer = answer
        return made

    def log(self, landed: Landed) -> str:
        """The name of the log that a message landed in."""
        return kafka_log(self._cluster, landed.topic, landed.partition)

    def close(self) -> None:
        """Let go; what wasn't acknowledged may have come or not."""
        producer, self._producer = self._producer, None
        if producer is None:
            return
        refused = load("kafka.errors").KafkaError
        try:
            producer.close(timeout=0)
        except refused:
            # it won't be closed while messages wait, and its thread would go on sending them
            producer._sender.force_close()
            with suppress(refused):
                producer.close(timeout=1)

    def describe(self, error: BaseException) -> str:
        """What went wrong, in words for the one who set EPOCHAL_KAFKA."""
        if is_too_large(error):
            topics = " and ".join(self._topics.values())
            return (
                f"Kafka at {self._settings.kafka} takes no messages of usual size: raise max.message.bytes of {topics}."
            )
        return str(away(self._settings, error, "describe and write to the topics"))

    def _topic_ids(self, admin: Any, errors: Any) -> list[str]:
        found: list[str] = []
        for described in admin.describe_topics(list(self._topics.values())):
            code, name = described["error_code"], described["name"]
            if code == MISSING:
                raise KafkaAwayError(f"Kafka at {self._settings.kafka} has no topic {name}: run `epochal migrate`.")
            if code:
                raise errors.for_code(code)(name)
            found.append(f"{name}={described.get('topic_id')}")
        return sorted(found)


def is_too_large(error: BaseException) -> bool:
    """Whether Kafka refused a message for its size alone."""
    errors = load("kafka.errors")
    return isinstance(error, (errors.MessageSizeTooLargeError, errors.RecordListTooLargeError))
