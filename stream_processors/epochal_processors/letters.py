"""Dead letters as messages, and the topic that takes them."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from aiokafka import AIOKafkaProducer
from aiokafka.errors import MessageSizeTooLargeError

from epochal._sent import FROM_KAFKA
from epochal_processors.decode import DeadLetter
from epochal_processors.messages import unpacked


@dataclass(frozen=True, slots=True)
class LetterMessage:
    """A message for the topic of dead letters."""

    key: bytes | None
    value: bytes | None
    headers: list[tuple[str, bytes | None]]

    def without_value(self) -> LetterMessage:
        """What is sent where the topic takes no message of this size: it says so, and where the whole is."""
        said = f"{len(self.value or b'')} bytes are more than this topic takes; the table dead_letters has them"
        return LetterMessage(self.key, None, [*self.headers, ("epochal_left_out", said.encode())])


def letter_message(letter: DeadLetter) -> LetterMessage:
    """The message for a letter: the message that couldn't be read, key, value and headers as they were, or the frame
    as the table keeps it; in further headers what is wrong with it.
    """
    about: list[tuple[str, bytes | None]] = [
        ("epochal_letter", str(letter.id).encode()),
        ("epochal_reason", letter.reason.encode()),
        ("epochal_detail", letter.detail.encode(errors="replace")),
        ("epochal_source", letter.source.encode()),
    ]
    if letter.source.startswith(FROM_KAFKA):  # it is a place in a partition: the frame is the message
        came = unpacked(letter.frame)
        return LetterMessage(came.key, came.value, [*came.headers, *about])
    key = None if letter.writer is None else str(letter.writer).encode()
    return LetterMessage(key, letter.frame, about)


class LetterTopic:
    """Sends dead letters to their topic. For one event loop."""

    def __init__(self, topic: str, connection: dict[str, Any]) -> None:
        """``connection`` are aiokafka's arguments that say where the broker is and who asks."""
        self.name = topic
        # what is too large is for the broker to say, which knows how large messages of this topic may be
        self._arguments: Any = {**connection, "acks": "all", "enable_idempotence": True, "max_request_size": 2**31 - 1}
        self._producer: AIOKafkaProducer | None = None

    async def send(self, letters: Sequence[DeadLetter]) -> None:
        """Return when the broker has all of them. Raises KafkaError; some may have been sent then."""
        if self._producer is None:
            producer = AIOKafkaProducer(**self._arguments)
            await producer.start()
            self._producer = producer
        sent = [self._send(self._producer, letter_message(letter)) for letter in letters]
        for outcome in await asyncio.gather(*sent, return_exceptions=True):
            if outcome is not None:
                raise outcome

    async def close(self) -> None:
        """Close the connection."""
        producer, self._producer = self._producer, None
        if producer is not None:
            await producer.stop()

    async def _send(self, producer: AIOKafkaProducer, message: LetterMessage) -> None:
        try:
            await producer.send_and_wait(self.name, message.value, message.key, headers=message.headers)
        except MessageSizeTooLargeError:
            if message.value is None:
                raise
            await self._send(producer, message.without_value())
