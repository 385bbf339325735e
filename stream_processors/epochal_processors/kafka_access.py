"""Access to the broker with aiokafka and Faust, from the settings that every client of Kafka shares."""

from __future__ import annotations

import ssl
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.abc import AbstractTokenProvider
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import CommitFailedError, UnknownMemberIdError
from faust import auth

from epochal._errors import EpochalError
from epochal._kafka.client import CLIENT_ID
from epochal._settings import Settings
from epochal_processors.resuming import Extent, Partition


class TopicsMissingError(EpochalError):
    """Topics aren't there yet; the text says how they are made."""


class OthersAtWorkError(EpochalError):
    """The group has members, so that where it reads on can't be changed; the text says what to do."""


def connection(settings: Settings) -> dict[str, Any]:
    """The arguments of any client of aiokafka: where the brokers are, and who we are.

    Raises:
        OSError: a certificate can't be read.
    """
    arguments: dict[str, Any] = {
        "bootstrap_servers": settings.kafka,
        "client_id": CLIENT_ID,
        "security_protocol": settings.kafka_security_protocol,
        "ssl_context": _tls(settings),
    }
    if settings.kafka_sasl_mechanism == "OAUTHBEARER":
        given = {"sasl_mechanism": "OAUTHBEARER", "sasl_oauth_token_provider": _token_provider(settings)}
        return {**arguments, **given}
    if settings.kafka_sasl_mechanism is not None:
        arguments |= {"sasl_mechanism": settings.kafka_sasl_mechanism, "sasl_plain_username": settings.kafka_sasl_user}
        arguments["sasl_plain_password"] = settings.kafka_sasl_password
    return arguments


def credentials(settings: Settings) -> Any:
    """The same as Faust takes it; None where nothing has to be shown.

    Raises:
        OSError: a certificate can't be read.
    """
    tls = _tls(settings)
    if settings.kafka_sasl_mechanism == "OAUTHBEARER":
        return auth.OAuthCredentials(oauth_cb=_token_provider(settings), ssl_context=tls)
    if settings.kafka_sasl_mechanism is not None:
        return auth.SASLCredentials(
            mechanism=settings.kafka_sasl_mechanism,
            username=settings.kafka_sasl_user,
            password=settings.kafka_sasl_password,
            ssl_context=tls,
        )
    return None if tls is None else auth.SSLCredentials(tls)


async def cluster_id(connection: dict[str, Any]) -> str:
    """The id of the cluster, a part of its logs' names. Raises KafkaError where no broker answers."""
    arguments: Any = connection
    client = AIOKafkaAdminClient(**arguments)
    await client.start()
    try:
        return str((await client.describe_cluster())["cluster_id"])
    finally:
        await client.close()


async def extents(connection: dict[str, Any], group: str, topics: Collection[str]) -> dict[Partition, Extent]:
    """Every partition of these topics, as it is now for a group.

    Raises:
        TopicsMissingError: one of the topics isn't there.
        KafkaError: no broker answers.
    """
    places = await _partitions(connection, topics)
    consumer = await _started({**connection, "group_id": group, "enable_auto_commit": False})
    try:
        begins, ends = await consumer.beginning_offsets(places), await consumer.end_offsets(places)
        return {
            (one.topic, one.partition): Extent(begins[one], ends[one], await consumer.committed(one)) for one in places
        }
    finally:
        await consumer.stop()


async def rewind(connection: dict[str, Any], group: str, offsets: Mapping[Partition, int]) -> None:
    """Commit earlier offsets for a group that has no members.

    Raises:
        OthersAtWorkError: it has some.
        KafkaError: no broker answers.
    """
    consumer = await _started({**connection, "group_id": group, "enable_auto_commit": False})
    try:
        places = {TopicPartition(*where): offset for where, offset in offsets.items()}
        consumer.assign(list(places))
        await consumer.commit(places)
    except (CommitFailedError, UnknownMemberIdError) as error:
        raise OthersAtWorkError(
            f"other workers of the group {group} are at work, so that nothing can be read again; stop all of them for "
            "a moment: whoever begins first reads again what the store lacks"
        ) from error
    finally:
        await consumer.stop()


async def _partitions(connection: Any, topics: Collection[str]) -> list[TopicPartition]:
    client = AIOKafkaAdminClient(**connection)
    await client.start()
    try:
        described = await client.describe_topics(list(topics))
    finally:
        await client.close()
    missing = sorted(one["topic"] for one in described if not one["partitions"])
    if missing:
        raise TopicsMissingError(f"there are no topics {', '.join(missing)}; `epochal migrate` makes them")
    return [TopicPartition(one["topic"], each["partition"]) for one in described for each in one["partitions"]]


async def _started(arguments: Any) -> AIOKafkaConsumer:
    consumer = AIOKafkaConsumer(**arguments)
    try:
        await consumer.start()
    except BaseException:
        await consumer.stop()
        raise
    return consumer


def _tls(settings: Settings) -> ssl.SSLContext | None:
    if "SSL" not in settings.kafka_security_protocol:
        return None
    context = ssl.create_default_context(cafile=settings.kafka_ca)
    if settings.kafka_cert is not None:
        context.load_cert_chain(settings.kafka_cert, settings.kafka_key)
    return context


def _token_provider(settings: Settings) -> Any:
    """Gives the token that was set; one in a file is read again for every connection, as it may have been renewed."""
    given = str(settings.kafka_sasl_token or "")

    async def token(provider: object) -> str:
        del provider
        return Path(given[1:]).read_text("utf-8").strip() if given.startswith("@") else given

    base: Any = AbstractTokenProvider
    return type("Token", (base,), {"token": token})()
