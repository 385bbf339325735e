"""How far a group is behind, as the broker tells it: by a connection of its own, not by what Faust believes."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

ANSWER_S = 10.0


@dataclass(frozen=True, slots=True)
class Lag:
    """Of some partitions: messages that the group has not acknowledged, by partition, and all that it has."""

    behind: dict[tuple[str, int], int]
    committed: int

    @property
    def total(self) -> int:
        """Messages that wait."""
        return sum(self.behind.values())


class LagReader:
    """Asks for the ends of partitions and for what the group has committed of them. Is no member of the group."""

    def __init__(self, group: str, connection: dict[str, Any]) -> None:
        """``connection`` are aiokafka's arguments that say where the broker is and who asks."""
        self._arguments: Any = {**connection, "group_id": group, "enable_auto_commit": False}
        self._consumer: AIOKafkaConsumer | None = None

    async def read(self, partitions: Collection[tuple[str, int]]) -> Lag | None:
        """The group's lag in these partitions; None where the broker doesn't answer."""
        try:
            return await asyncio.wait_for(self._read(partitions), ANSWER_S)
        except (TimeoutError, KafkaError, OSError):
            await self.close()
            return None

    async def close(self) -> None:
        """Close the connection; the next question opens another."""
        consumer, self._consumer = self._consumer, None
        if consumer is not None:
            # it waits for what it is at, which over a connection that swallows everything may be for ever
            with contextlib.suppress(TimeoutError, KafkaError, OSError):
                await asyncio.wait_for(consumer.stop(), ANSWER_S)

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
