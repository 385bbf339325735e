"""Dead letters sent once more, to the topics they are for."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from epochal._errors import EpochalError
from epochal._sent import kafka_log
from epochal_processors.kafka_access import cluster_id
from epochal_processors.parcels import as_message
from epochal_processors.replaying import Place, Replay


class SendingError(EpochalError):
    """Kafka didn't take what was to be sent again; the text says what to do."""


def send_again(replays: Sequence[Replay], topics: Mapping[str, str], connection: dict[str, Any]) -> list[Place]:
    """Send replays to their topics; where each is now.

    Args:
        replays: what to send.
        topics: the topic of each channel.
        connection: aiokafka's arguments that say where the broker is and who asks.

    Raises:
        SendingError: the broker didn't take all of them; those it took may be sent again, which changes nothing.
    """
    try:
        return asyncio.run(_send_again(replays, topics, connection))
    except (KafkaError, OSError) as error:
        raise SendingError(f"Kafka didn't take the letters ({error!r}); try again, nothing is lost") from error


async def _send_again(replays: Sequence[Replay], topics: Mapping[str, str], connection: dict[str, Any]) -> list[Place]:
    cluster = await cluster_id(connection)
    arguments: Any = {**connection, "acks": "all", "enable_idempotence": True, "max_request_size": 2**31 - 1}
    producer = AIOKafkaProducer(**arguments)
    await producer.start()
    places: list[Place] = []
    try:
        for one in replays:
            message = as_message(one.parcel, topics)
            headers = list(message.headers)
            sent = await producer.send_and_wait(message.topic, message.value, message.key, headers=headers)
            places.append((kafka_log(cluster, sent.topic, sent.partition), sent.offset))
    finally:
        await producer.stop()
    return places
