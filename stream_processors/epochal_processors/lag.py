"""How far a group is behind, as the broker tells it: by a connection of its own, not by what Faust believes."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Collection, Coroutine
from dataclasses import dataclass
from typing import Any, TypeVar

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

ANSWER_S = 10.0
Found = TypeVar("Found")


@dataclass(frozen=True, slots=True)
class Lag:
    """Of some partitions: messages that the group has not acknowledged, by partition, and all that it has."""

    behind: dict[tuple[str, int], int]
    committed: int

    @property
    def total(self) -> int:
        """Messages that wait."""
        return sum(self.behind.values())


async def within(seconds: float, work: Coroutine[Any, Any, Found]) -> Found:
    """What it gives, if it does in time; else it is cancelled and let go of, whatever it makes of that.

    Clients of Kafka wait for what they are at before they end, over a connection that swallows everything for ever;
    ``asyncio.wait_for`` would wait with them.
    Raises:
        TimeoutError: it didn't.
    """
    task = asyncio.ensure_future(work)
    done, _ = await asyncio.wait({task}, timeout=seconds)
    if not done:
        task.add_done_callback(lambda ended: ended.cancelled() or ended.exception())  # nobody asks for it any more
        task.cancel()
        raise TimeoutError(f"no answer in {seconds:.0f} s")
    return task.result()


class LagReader:
    """Asks for the ends of partitions and for what the group has committed of them. Is no member of the group."""

    def __init__(self, group: str, connection: dict[str, Any]) -> None:
        """``connection`` are aiokafka's arguments that say where the broker is and who asks."""
        self._arguments: Any = {**connection, "group_id": group, "enable_auto_commit": False}
        self._consumer: AIOKafkaConsumer | None = None

    async def read(self, partitions: Collection[tuple[str, int]]) -> Lag | None:
        """The group's lag in these partitions; None where the broker doesn't answer."""
        try:
            return await within(ANSWER_S, self._read(partitions))
        except (TimeoutError, KafkaError, OSError):
            await self.close()
            return None

    async def close(self) -> None:
        """Close the connection; the next question opens another."""
        consumer, self._consumer = self._consumer, None
        if consumer is not None:
            with contextlib.suppress(TimeoutError, KafkaError, OSError):
                await within(ANSWER_S, consumer.stop())

    async def _read(self, partitions: Collection[tuple[str, int]]) -> Lag:
        if self._consumer is None:
            # known before it has begun, so that one that doesn't is closed as well
            self._consumer = AIOKafkaConsumer(**self._arguments)
            await self._consumer.start()
        asked = [TopicPartition(topic, partition) for topic, partition in partitions]
        if not asked:
            return Lag({}, 0)
        ends = await self._consumer.end_offsets(asked)
        begins = await self._consumer.beginning_offsets(asked)
        done = {one: max(await self._consumer.committed(one) or 0, begins[one]) for one in asked}
        return Lag({(one.topic, one.partition): ends[one] - done[one] for one in asked}, sum(done.values()))
