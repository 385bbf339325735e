"""Messages as a broker keeps them."""

from __future__ import annotations

import json
from dataclasses import dataclass

Headers = tuple[tuple[str, bytes | None], ...]


@dataclass(frozen=True, slots=True)
class Message:
    """One message at its place; ``timestamp_ms`` is when the broker appended it (milliseconds, UTC)."""

    topic: str
    partition: int
    offset: int
    timestamp_ms: int
    key: bytes | None
    value: bytes | None
    headers: Headers = ()

    @property
    def size(self) -> int:
        """Bytes of key, value and headers."""
        return (
            len(self.key or b"")
            + len(self.value or b"")
            + sum(len(name) + len(value or b"") for name, value in self.headers)
        )


def packed(message: Message) -> bytes:
    """A message whole, as one run of bytes: a dead letter's frame. The bytes are defined in docs/wire-format.md."""
    head = {
        "topic": message.topic,
        "partition": message.partition,
        "offset": message.offset,
        "timestamp": message.timestamp_ms,
        "key": _hex(message.key),
        "headers": [[name, _hex(value)] for name, value in message.headers],
        "null": message.value is None,
    }
    text = json.dumps(head, separators=(",", ":")).encode()
    return len(text).to_bytes(4, "little") + text + (message.value or b"")


def unpacked(frame: bytes) -> Message:
    """The message of :func:`packed`.

    Raises:
        ValueError: these are other bytes.
    """
    size = int.from_bytes(frame[:4], "little")
    try:
        head = json.loads(frame[4 : 4 + size])
        return Message(
            head["topic"],
            head["partition"],
            head["offset"],
            head["timestamp"],
            _bytes(head["key"]),
            None if head["null"] else frame[4 + size :],
            tuple((name, _bytes(value)) for name, value in head["headers"]),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{len(frame)} bytes are no packed message: {error!r}") from error


def _hex(value: bytes | None) -> str | None:
    return None if value is None else value.hex()


def _bytes(text: str | None) -> bytes | None:
    return None if text is None else bytes.fromhex(text)
