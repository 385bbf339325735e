"""How far a group is behind, as the broker tells it: by a connection of its own, not by what Faust believes."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

ANSWER_S = 10.0


class LagReader:
    """Asks for the ends of partitions and for what the group has committed of them. Is no member of the group."""

    def __init__(self, group: str, connection: dict[str, Any]) -> None:
        """``connection`` are aiokafka's arguments that say where the broker is and who asks."""
        self._arguments: Any = {**connection, "group_id": group, "enable_auto_commit": False}
        self._consumer: AIOKafkaConsumer | None = None

    async def read(self, partitions: Collection[tuple[str, int]]) -> dict[tuple[str, int], int] | None:
        """Messages behind, by partition; None where the broker doesn't answer."""
        try:
            return await asyncio.wait_for(self._read(partitions), ANSWER_S)
        except (TimeoutError, KafkaError, OSError):
            await self.close()
            return None

    async def close(self) -> None:
        """Close the connection; the next question opens another."""
        consumer, self._consumer = self._consumer, None
        if consumer is not None:
            await consumer.stop()

    async def _read(self, partitions: Collection[tuple[str, int]]) -> dict[tuple[str, int], int]:
        if self._consumer is None:
            consumer = AIOKafkaConsumer(**self._arguments)
            await consumer.start()
            self._consumer = consumer
        asked = [TopicPartition(topic, partition) for topic, partition in partitions]
        if not asked:
            return {}
        ends = await self._consumer.end_offsets(asked)
        begins = await self._consumer.beginning_offsets(asked)
        behind = {}
        for one in asked:
            committed = await self._consumer.committed(one)
            behind[one.topic, one.partition] = ends[one] - max(committed or 0, begins[one])
        return behind
