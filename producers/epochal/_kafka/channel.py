"""What of one stream is on its way to Kafka, and how far it is acknowledged. Pure: asks futures, waits for none."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Any, Protocol

from .wire import Outgoing


class Answer(Protocol):
    """What a client promises of a message: kafka-python's future."""

    is_done: bool
    value: Any
    exception: BaseException | None


@dataclass(frozen=True, slots=True)
class Landed:
    """A message that was acknowledged: where it lies."""

    topic: str
    partition: int
    offset: int


@dataclass(frozen=True, slots=True)
class Failed:
    """A message that Kafka didn't take, and why."""

    message: Outgoing
    error: BaseException


class Client(Protocol):
    """What sends: :class:`epochal._kafka.sender.Sender`."""

    @property
    def connected(self) -> bool:
        """Whether there is a connection."""
        ...

    def connect(self) -> str:
        """Connect; what names the topics."""
        ...

    def send(self, message: Outgoing) -> Answer:
        """Hand a message over."""
        ...

    def log(self, landed: Landed) -> str:
        """The name of the log that a message landed in."""
        ...

    def close(self) -> None:
        """Let go."""
        ...

    def describe(self, error: BaseException) -> str:
        """An error in words."""
        ...


class Channel:
    """The messages of one stream in the order of their numbers.

    Guarantees: ``acknowledged`` moves over a message only when it and all before it are acknowledged.
    """

    def __init__(self, acknowledged: int) -> None:
        self.acknowledged = acknowledged
        """The first number that isn't acknowledged."""
        self._on_the_way: deque[tuple[Outgoing, Answer]] = deque()

    @property
    def idle(self) -> bool:
        """Whether nothing is on its way."""
        return not self._on_the_way

    def sent(self, message: Outgoing, answer: Answer) -> None:
        """Take note of a message that was handed to the client."""
        self._on_the_way.append((message, answer))

    def settle(self) -> tuple[list[Landed], int, Failed | None]:
        """Take in the answers that are there: what landed, how many bytes of it, and the first failure."""
        landed: list[Landed] = []
        size = 0
        while self._on_the_way and self._on_the_way[0][1].is_done:
            message, answer = self._on_the_way[0]
            if answer.exception is not None:
                return landed, size, Failed(message, answer.exception)
            self._on_the_way.popleft()
            self.acknowledged = message.first_seq + message.count
            size += message.size
            landed.append(Landed(answer.value.topic, answer.value.partition, answer.value.offset))
        return landed, size, None

    def skip(self, message: Outgoing) -> None:
        """Go on behind a message that will never be taken. Nothing may be on its way."""
        self.acknowledged = max(self.acknowledged, message.first_seq + message.count)

    def forget(self) -> int:
        """Let go of what is on its way, to be sent again; how many bytes that were."""
        size = sum(message.size for message, _ in self._on_the_way)
        self._on_the_way.clear()
        return size
