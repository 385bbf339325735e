"""The Faust application: fetches messages, hands them over, and acknowledges what is stored. Faust stays in here."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import faust
from faust import streams as faust_streams

from epochal._errors import EpochalError
from epochal_processors.messages import Message

TAKEN_AT_ONCE = 64
"""Messages a turn, and kept ready: with 64 messages of a megabyte that is the memory it takes."""
FETCH_BYTES = 4 << 20
MOST_IN_FLIGHT = 48 << 20
"""Bytes of messages handed over and not acknowledged; beyond them no more are fetched."""
COMMIT_S = 1.0
METADATA_S = 10.0
"""Between two looks at which partitions there are. The leader of a group that asks a broker which has just begun may be
told of none, and gives nobody anything until it looks again."""
# Faust waits for the broker as long as this without polling; whether a worker is stuck is for us to notice
_NEVER_S = 30 * 86400.0
_APPEND_TIME = 1


class FetchError(EpochalError):
    """Messages can't be taken from these topics as they are; the text says what to change."""


@dataclass(frozen=True)
class Membership:
    """Where and how a worker takes part.

    ``servers`` are host:port; ``session_s`` is after how many seconds of silence the group gives its partitions to
    others; ``age_s`` how long messages wait for others to be stored with; ``credentials`` are Faust's, or None.
    """

    servers: Sequence[str]
    group: str
    topics: Sequence[str]
    session_s: float
    age_s: float
    credentials: Any = None


class Fetcher:
    """One member of the group.

    Guarantees: a message is acknowledged when it was reported stored, never otherwise; not when anything raises.
    """

    def __init__(
        self,
        membership: Membership,
        put: Callable[[Sequence[Message], Callable[[], None]], None],
        reassigned: Callable[[], None],
        on_failure: Callable[[BaseException], None],
    ) -> None:
        """``put`` takes messages over, and calls what it is given when they are stored, from any thread."""
        if not hasattr(faust_streams, "_CStreamIterator") or faust_streams._CStreamIterator is None:  # pyright: ignore
            raise FetchError(
                "Faust runs without its compiled part here, and then acknowledges messages that it skips in a "
                "rebalance, which would lose them; install the wheel of faust-streaming, and unset NO_CYTHON"
            )
        self._put = put
        self._on_failure = on_failure
        self._age_s = membership.age_s
        self._stopping = False
        self._in_flight = 0
        self._room = asyncio.Event()
        self.joined = False
        """Whether partitions were ever assigned."""
        self._data = tempfile.TemporaryDirectory(prefix="epochal-worker-")
        self._app = _application(membership, Path(self._data.name))
        self._app.agent(
            self._app.topic(*membership.topics, key_serializer="raw", value_serializer="raw"), name="epochal.take"
        )(self._take)

        async def on_assigned(*_: Any, **__: Any) -> None:
            self.joined = True
            reassigned()

        self._app.on_partitions_assigned.connect(on_assigned, weak=False)

    async def start(self) -> None:
        """Join the group and begin. To be called in the loop in which all the rest happens."""
        await self._app.start()

    def hold(self) -> None:
        """Hand nothing over any more."""
        self._stopping = True

    async def stop(self) -> None:
        """Commit what is acknowledged, and leave the group."""
        await self._app.stop()
        self._data.cleanup()

    @property
    def crashed(self) -> BaseException | None:
        """What Faust crashed with, if it did."""
        return (self._app.crash_reason or RuntimeError("no reason given")) if self._app.crashed else None

    def assignment(self) -> list[tuple[str, int]]:
        """The partitions that are ours now."""
        return [(tp.topic, tp.partition) for tp in self._app.consumer.assignment()]

    async def _take(self, stream: Any) -> None:
        # noack_take gives back the setting that it found when it ends, and Faust goes on to read what it has fetched
        stream.enable_acks = False
        try:
            async for events in stream.noack_take(TAKEN_AT_ONCE, within=self._age_s):
                while self._stopping or self._in_flight > MOST_IN_FLIGHT:
                    self._room.clear()
                    await self._room.wait()
                self._hand_over(events)
        except asyncio.CancelledError:
            raise
        # the border of the agent: Faust would start it again and never read what it had in hand a second time
        except BaseException as error:  # noqa: BLE001
            self._on_failure(error)

    def _hand_over(self, events: list[Any]) -> None:
        loop = asyncio.get_running_loop()
        messages = [_message(event.message) for event in events]
        size = sum(message.size for message in messages)
        self._in_flight += size
        self._put(messages, lambda: _soon(loop, lambda: self._acknowledge(events, size)))

    def _acknowledge(self, events: list[Any], size: int) -> None:
        for event in events:
            event.ack()
        self._in_flight -= size
        self._room.set()


def _soon(loop: asyncio.AbstractEventLoop, call: Callable[[], None]) -> None:
    loop.call_soon_threadsafe(call)


def _message(found: Any) -> Message:
    if found.timestamp_type != _APPEND_TIME:
        raise FetchError(
            f"the topic {found.topic} keeps the times that producers say, and not when it took their messages; "
            "set its message.timestamp.type to LogAppendTime (epochal migrate says what else it needs)"
        )
    headers = found.headers.items() if isinstance(found.headers, dict) else found.headers or ()
    return Message(
        found.topic,
        found.partition,
        found.offset,
        round(found.timestamp * 1000),
        found.key,
        found.value,
        tuple((name, None if value is None else bytes(value)) for name, value in headers),
    )


def _application(membership: Membership, data: Path) -> Any:
    return faust.App(
        membership.group,
        broker=[f"kafka://{server}" for server in membership.servers],
        broker_credentials=membership.credentials,
        datadir=data,
        store="memory://",
        # Faust makes no topics, keeps no tables, and serves nothing
        topic_allow_declare=False,
        topic_disable_leader=True,
        table_standby_replicas=0,
        web_enabled=False,
        autodiscover=False,
        consumer_auto_offset_reset="earliest",
        consumer_max_fetch_size=FETCH_BYTES,
        consumer_metadata_max_age_ms=round(METADATA_S * 1000),
        stream_buffer_maxsize=TAKEN_AT_ONCE,
        # a rebalance must not wait for a store that is away
        stream_wait_empty=False,
        broker_commit_interval=COMMIT_S,
        broker_max_poll_interval=_NEVER_S,
        broker_session_timeout=membership.session_s,
        broker_heartbeat_interval=membership.session_s / 5,
        broker_request_timeout=max(membership.session_s + 10, 40),
        stream_processing_timeout=_NEVER_S,
        broker_commit_livelock_soft_timeout=_NEVER_S,
    )
