"""TLS and SASL against a broker that asks for them, and secrets that stay secret."""

from __future__ import annotations

import base64
import json
import logging
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from kafka_broker import Cluster
from shipping.certificates import Certificates, make

from epochal._errors import SettingsError
from epochal._kafka.client import KafkaAwayError, connection
from epochal._kafka.migrate import migrate
from epochal._settings import Settings, from_env
from epochal._settings_parsers import Secret

PASSWORD = "correct-horse-battery"
JAAS = "org.apache.kafka.common.security"


def token(subject: str) -> str:
    """What Kafka takes where it is told to trust anybody's word: a token without a signature."""

    def part(content: dict[str, object]) -> str:
        return base64.urlsafe_b64encode(json.dumps(content).encode()).decode().rstrip("=")

    now = int(time.time())
    return f"{part({'alg': 'none'})}.{part({'sub': subject, 'iat': now, 'exp': now + 600})}."


def refusal(settings: Settings) -> str:
    """What is said when the broker doesn't let us in.

    It hangs up without a word, and the client tries again for as long as it may: that needn't be long here. Nothing of
    the client is left behind, which would go on trying, and talking, in the tests that follow.
    """
    before = set(threading.enumerate())
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("epochal._kafka.migrate.ANSWER_S", 3.0)
        with pytest.raises(KafkaAwayError) as caught:
            migrate(settings)
    assert set(threading.enumerate()) <= before
    return str(caught.value)


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return make(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory, certificates: Certificates) -> Iterator[Cluster]:
    """A broker with a listener for each way of saying who one is."""
    mechanisms = {
        "plain": f'{JAAS}.plain.PlainLoginModule required user_ann="{PASSWORD}";',
        "scram-sha-256": f"{JAAS}.scram.ScramLoginModule required;",
        "scram-sha-512": f"{JAAS}.scram.ScramLoginModule required;",
        "oauthbearer": f"{JAAS}.oauthbearer.OAuthBearerLoginModule required;",
    }
    properties = {
        "sasl.enabled.mechanisms": ",".join(name.upper() for name in mechanisms),
        "ssl.keystore.type": "PEM",
        "ssl.keystore.location": str(certificates.server),
        "ssl.truststore.type": "PEM",
        "ssl.truststore.location": str(certificates.ca),
        "listener.name.mutual.ssl.client.auth": "required",
    }
    for listener in ("secure", "bare"):
        for name, module in mechanisms.items():
            properties[f"listener.name.{listener}.{name}.sasl.jaas.config"] = module
    cluster = Cluster(
        tmp_path_factory.mktemp("guarded"),
        properties=properties,
        listeners={"SECURE": "SASL_SSL", "BARE": "SASL_PLAINTEXT", "MUTUAL": "SSL"},
        scram=tuple(f"SCRAM-SHA-{bits}=[name=ann,password={PASSWORD}]" for bits in (256, 512)),
    )
    with cluster:
        yield cluster


def environment(cluster: Cluster, listener: str, **settings: str) -> dict[str, str]:
    """What the user sets."""
    return {
        "EPOCHAL_KAFKA": cluster.servers(listener),
        "EPOCHAL_KAFKA_SECURITY_PROTOCOL": cluster.listeners[listener],
        **{f"EPOCHAL_KAFKA_{name}": value for name, value in settings.items()},
    }


@pytest.mark.kafka
@pytest.mark.parametrize("mechanism", ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"])
@pytest.mark.parametrize("listener", ["SECURE", "BARE"])
def test_user_and_password(
    guarded: Cluster, certificates: Certificates, topic_prefix: str, mechanism: str, listener: str
) -> None:
    """They let us in, over TLS and without; a wrong password doesn't, and nothing shows either."""
    who = {"SASL_MECHANISM": mechanism, "SASL_USER": "ann", "TOPIC_PREFIX": topic_prefix}
    trust = {"CA": str(certificates.ca)} if listener == "SECURE" else {}
    settings = from_env(environment(guarded, listener, **who, **trust, SASL_PASSWORD=PASSWORD))
    assert len(migrate(settings).create) == 3
    assert len(migrate(settings).sound) == 3

    assert "wrong-password" not in refusal(replace(settings, kafka_sasl_password=Secret("wrong-password")))


@pytest.mark.kafka
@pytest.mark.parametrize("listener", ["SECURE", "BARE"])
def test_a_bearer_token(
    guarded: Cluster, certificates: Certificates, topic_prefix: str, tmp_path: Path, listener: str
) -> None:
    """As text, and from a file that somebody renews."""
    file = tmp_path / "token"
    file.write_text(f"{token('ann')}\n")
    trust = {"CA": str(certificates.ca)} if listener == "SECURE" else {}
    for given in (token("ann"), f"@{file}"):
        who = {"SASL_MECHANISM": "OAUTHBEARER", "SASL_TOKEN": given, "TOPIC_PREFIX": topic_prefix}
        done = migrate(from_env(environment(guarded, listener, **who, **trust)))
        assert len(done.create) + len(done.sound) == 3


@pytest.mark.kafka
def test_a_certificate_of_our_own(guarded: Cluster, certificates: Certificates, topic_prefix: str) -> None:
    """Where the broker asks for one, it lets us in and nobody without; whom we don't trust we don't talk to."""
    ours = {"CERT": str(certificates.client_cert), "KEY": str(certificates.client_key)}
    trust = {"CA": str(certificates.ca), "TOPIC_PREFIX": topic_prefix}
    assert len(migrate(from_env(environment(guarded, "MUTUAL", **trust, **ours))).create) == 3
    for less in (trust, ours):
        assert "Kafka at" in refusal(from_env(environment(guarded, "MUTUAL", **less)))


@pytest.mark.kafka
@pytest.mark.parametrize("mechanism", ["PLAIN", "SCRAM-SHA-256", "OAUTHBEARER"])
def test_no_secret_is_in_a_log_or_an_error(
    guarded: Cluster, topic_prefix: str, mechanism: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Not even where the whole program logs at level DEBUG, on the way in and when we are refused."""
    secrets = {"right": PASSWORD, "wrong": "a-wrong-secret"}
    if mechanism == "OAUTHBEARER":
        secrets = {"right": token("ann"), "wrong": "no.token.at-all"}
    said: list[str] = []
    with caplog.at_level(logging.DEBUG), caplog.at_level(logging.DEBUG, "kafka"):
        for kind, secret in secrets.items():
            who = {"SASL_MECHANISM": mechanism, "SASL_USER": "ann", "TOPIC_PREFIX": topic_prefix}
            who |= {"SASL_TOKEN": secret} if mechanism == "OAUTHBEARER" else {"SASL_PASSWORD": secret}
            settings = from_env(environment(guarded, "BARE", **who))
            said += [repr(settings), repr(connection(settings))]
            if kind == "right":
                migrate(settings)
            else:
                said.append(refusal(settings))
    said += [record.getMessage() for record in caplog.records]
    assert len(said) > 20
    assert [text for text in said if any(secret in text for secret in secrets.values())] == []


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"SECURITY_PROTOCOL": "SASL_SSL"}, "MECHANISM is None"),
        ({"SASL_MECHANISM": "PLAIN"}, "PROTOCOL is PLAINTEXT"),
        ({"SECURITY_PROTOCOL": "SASL_SSL", "SASL_MECHANISM": "PLAIN", "SASL_USER": "ann"}, "SASL_PASSWORD is not set"),
        (
            {"SECURITY_PROTOCOL": "SASL_SSL", "SASL_MECHANISM": "SCRAM-SHA-512", "SASL_PASSWORD": "hidden"},
            "SASL_USER is not set",
        ),
        ({"SECURITY_PROTOCOL": "SASL_SSL", "SASL_MECHANISM": "OAUTHBEARER"}, "SASL_TOKEN is not set"),
        ({"SECURITY_PROTOCOL": "TLS"}, "accepted are PLAINTEXT, SSL"),
        ({"SASL_MECHANISM": "GSSAPI"}, "accepted are PLAIN, SCRAM"),
        ({"TOPIC_PREFIX": "a/b"}, "accepted are letters"),
    ],
)
def test_settings_that_do_not_belong_together(given: dict[str, str], said: str) -> None:
    """They are errors at once, name the setting, and show no secret."""
    with pytest.raises(SettingsError, match=said) as caught:
        from_env({"EPOCHAL_KAFKA": "k:9092", **{f"EPOCHAL_KAFKA_{name}": value for name, value in given.items()}})
    assert "hidden" not in str(caught.value)
