"""Access to the broker with aiokafka, which Faust uses, too."""

from __future__ import annotations

from typing import Any

from aiokafka.admin import AIOKafkaAdminClient


async def cluster_id(connection: dict[str, Any]) -> str:
    """The id of the cluster, a part of its logs' names. Raises KafkaError where no broker answers."""
    arguments: Any = connection
    client = AIOKafkaAdminClient(**arguments)
    await client.start()
    try:
        return str((await client.describe_cluster())["cluster_id"])
    finally:
        await client.close()
