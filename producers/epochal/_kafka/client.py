"""What every client of Kafka is told, from the settings; and what its errors mean. kafka-python with crc32c."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Generator
from contextlib import closing, contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any, Final

from epochal._errors import EpochalError, NotAvailableError, SettingsError
from epochal._settings import Settings
from epochal._settings_parsers import Secret

CLIENT_ID: Final = "epochal"
_TELLTALES: Final = ("kafka.protocol.parser", "kafka.net.connection")
"""Loggers that print at level DEBUG what is sent to the broker, passwords and tokens too."""


class KafkaAwayError(EpochalError):
    """Kafka doesn't answer, or refuses us; the text names the servers and what to look at."""


def load(module: str) -> Any:
    """A module of kafka-python, imported when it is needed.

    Raises:
        NotAvailableError: it isn't installed, or without crc32c, with which its checksums are 10 times as fast.
    """
    try:
        import_module("crc32c")
        try:
            return import_module(module)
        except DeprecationWarning:  # under -W error; it reads its schemas in a way that Python 3.12 calls deprecated
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", DeprecationWarning)
                return import_module(module)
    except ImportError as error:
        raise NotAvailableError(f"EPOCHAL_KAFKA is set, but {error}: pip install 'epochal[kafka]'") from None


def connection(settings: Settings) -> dict[str, Any]:
    """The arguments of any client: where the brokers are, and who we are.

    Passwords show themselves to nobody who prints the dictionary, which kafka-python does at level DEBUG; with SASL,
    its loggers that print requests whole are kept from that level.

    Raises:
        SettingsError: EPOCHAL_KAFKA isn't set.
        NotAvailableError: kafka-python isn't installed.
    """
    if settings.kafka is None:
        raise SettingsError("EPOCHAL_KAFKA is not set: name the bootstrap servers, host:port with commas between")
    return {
        "bootstrap_servers": settings.kafka.split(","),
        "client_id": CLIENT_ID,
        "security_protocol": settings.kafka_security_protocol,
        **_encryption(settings),
        **_identity(settings),
    }


@contextmanager
def administrator(arguments: dict[str, Any], timeout_s: float) -> Generator[Any, None, None]:
    """An admin client of kafka-python, closed at the end.

    Guarantees: nothing of one that finds nobody, or is refused, is left behind. By itself it would leave its thread,
    which goes on trying for as long as the process lives, and its sockets.

    Raises:
        KafkaError, OSError: no broker answers within ``timeout_s`` seconds, or none lets us in.
    """
    kind, parts = load("kafka").KafkaAdminClient, list[Any]()

    def part(**configs: Any) -> Any:
        parts.append(kind.DEFAULT_CONFIG["kafka_client"](**configs))
        return parts[-1]

    try:
        made = kind(kafka_client=part, bootstrap_timeout_ms=int(timeout_s * 1000), **arguments)
    except BaseException:
        for one in parts:
            one.close()
            one._net.stop()
        raise
    with closing(made):
        yield made


def _encryption(settings: Settings) -> dict[str, Any]:
    files = {"ssl_cafile": settings.kafka_ca, "ssl_certfile": settings.kafka_cert, "ssl_keyfile": settings.kafka_key}
    return {name: path for name, path in files.items() if path is not None}


def _identity(settings: Settings) -> dict[str, Any]:
    if not settings.kafka_security_protocol.startswith("SASL"):
        return {}
    for name in _TELLTALES:
        logging.getLogger(name).setLevel(logging.INFO)
    if settings.kafka_sasl_mechanism == "OAUTHBEARER":
        return {"sasl_mechanism": "OAUTHBEARER", "sasl_oauth_token_provider": _token_provider(settings)}
    return {
        "sasl_mechanism": settings.kafka_sasl_mechanism,
        "sasl_plain_username": settings.kafka_sasl_user,
        "sasl_plain_password": settings.kafka_sasl_password,
    }


def _token_provider(settings: Settings) -> object:
    given = settings.kafka_sasl_token or Secret()

    def token(provider: object) -> str:
        del provider
        return Path(given[1:]).read_text("utf-8").strip() if given.startswith("@") else str(given)

    base: type = load("kafka.net.sasl.oauth").AbstractTokenProvider
    return type("Token", (base,), {"token": token})()


def away(settings: Settings, error: BaseException, may: str) -> KafkaAwayError:
    """The error to raise for one of kafka-python's; ``may`` is what the user has to be allowed to do."""
    return KafkaAwayError(
        f"Kafka at {settings.kafka} ({settings.kafka_security_protocol}): {type(error).__name__}: {error}. "
        f"Are the servers and EPOCHAL_KAFKA_* right, and may this user {may}?"
    )
