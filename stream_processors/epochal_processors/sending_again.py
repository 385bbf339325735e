"""Dead letters sent once more, to the topics they are for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from epochal._errors import EpochalError
from epochal._kafka.client import administrator, load
from epochal._sent import kafka_log
from epochal_processors.parcels import as_message
from epochal_processors.replaying import Place, Replay

ANSWER_S = 60.0


class SendingError(EpochalError):
    """Kafka didn't take what was to be sent again; the text says what to do."""


def send_again(replays: Sequence[Replay], topics: Mapping[str, str], connection: dict[str, Any]) -> list[Place]:
    """Send replays to their topics; where each is now.

    Args:
        replays: what to send.
        topics: the topic of each channel.
        connection: kafka-python's arguments that say where the broker is and who asks.

    Raises:
        SendingError: the broker didn't take all of them; those it took may be sent again, which changes nothing.
    """
    kafka = load("kafka")
    try:
        with administrator(connection, ANSWER_S) as admin:
            cluster = str(admin.describe_cluster()["cluster_id"])
        # what is too large is for the broker to say, which knows how large messages of this topic may be
        producer = kafka.KafkaProducer(**connection, acks="all", max_request_size=2**31 - 1)
        try:
            sent = [_sent(producer, one, topics) for one in replays]
            places = [future.get(ANSWER_S) for future in sent]
        finally:
            producer.close(ANSWER_S)
    except (kafka.errors.KafkaError, OSError) as error:
        raise SendingError(f"Kafka didn't take the letters ({error!r}); try again, nothing is lost") from error
    return [(kafka_log(cluster, place.topic, place.partition), place.offset) for place in places]


def _sent(producer: Any, replay: Replay, topics: Mapping[str, str]) -> Any:
    message = as_message(replay.parcel, topics)
    return producer.send(message.topic, key=message.key, value=message.value, headers=list(message.headers))
