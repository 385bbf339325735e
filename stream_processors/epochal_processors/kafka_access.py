"""Access to the broker with aiokafka and Faust, from the settings that every client of Kafka shares."""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import Any

from aiokafka.abc import AbstractTokenProvider
from aiokafka.admin import AIOKafkaAdminClient
from faust import auth

from epochal._kafka.client import CLIENT_ID
from epochal._settings import Settings


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
