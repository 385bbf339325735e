"""Workers at a broker that asks who they are."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from kafka_broker import Cluster
from kafka_field import Field
from shipping.certificates import Certificates
from shipping.test_identity import PASSWORD, certificates, environment, guarded, token  # noqa: F401 - two are fixtures
from worker_process import until
from workers.worlds import World, check

pytestmark = pytest.mark.kafka


@pytest.mark.parametrize("way", ["password, TLS", "password", "token in a file, TLS", "certificate"])
def test_a_worker_says_who_it_is(
    guarded: Cluster,  # noqa: F811
    certificates: Certificates,  # noqa: F811
    topic_prefix: str,
    tmp_path: Path,
    way: str,
) -> None:
    """It fetches, commits and parks, whatever the broker wants to see; no secret is in its log."""
    file = tmp_path / "token"
    file.write_text(token("ann"))
    user = {"SASL_USER": "ann", "SASL_PASSWORD": PASSWORD}
    listener, said = {
        "password, TLS": ("SECURE", {"SASL_MECHANISM": "SCRAM-SHA-512", **user}),
        "password": ("BARE", {"SASL_MECHANISM": "PLAIN", **user}),
        "token in a file, TLS": ("SECURE", {"SASL_MECHANISM": "OAUTHBEARER", "SASL_TOKEN": f"@{file}"}),
        "certificate": ("MUTUAL", {"CERT": str(certificates.client_cert), "KEY": str(certificates.client_key)}),
    }[way]
    trust = {} if listener == "BARE" else {"CA": str(certificates.ca)}
    world = World(random.Random(11), jobs=1)
    field = Field(guarded.bootstrap, topic_prefix, tmp_path / "field")
    try:
        worker = field.worker(**environment(guarded, listener, **said, **trust))
        world.send(field, 2)
        check(field, world)
        until(lambda: len(field.letters()) >= len(world.expected["dead_letters"]), "letters are in their topic")
        assert worker.stop() == 0
        assert field.committed() == {where: offset + 1 for where, offset in field.sent.items()}
        assert not any(worker.says(secret) for secret in (PASSWORD, file.read_text()))
    finally:
        field.close()


def test_a_worker_that_is_refused_says_so(
    guarded: Cluster,  # noqa: F811
    topic_prefix: str,
    tmp_path: Path,
) -> None:
    """A wrong password: it says that it is refused, again and again, and the password is in no log."""
    field = Field(guarded.bootstrap, topic_prefix, tmp_path / "field")
    try:
        wrong = {"SASL_MECHANISM": "SCRAM-SHA-256", "SASL_USER": "ann", "SASL_PASSWORD": "guessed-password"}
        worker = field.worker(**environment(guarded, "BARE", **wrong))
        until(lambda: worker.says("Kafka isn't there yet") or worker.process.poll() is not None, "it says something")
        assert worker.says("invalid credentials")
        assert not worker.says("guessed-password")
    finally:
        field.close()
