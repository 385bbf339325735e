"""Kafka starts with the settings that deploy/compose.yaml gives it."""

from __future__ import annotations

from pathlib import Path

import pytest
from deploy.compose import environment
from kafka import KafkaAdminClient
from kafka_broker import Cluster, free_ports

from epochal._kafka.migrate import migrate
from epochal._settings import from_env

pytestmark = pytest.mark.kafka


def properties(ports: dict[str, int], directory: Path) -> dict[str, str]:
    """The broker's properties, as its image makes them of the environment; only places are other ones here."""
    given = {
        name.removeprefix("KAFKA_").lower().replace("_", "."): value
        for name, value in environment("kafka").items()
        if name.startswith("KAFKA_") and name != "KAFKA_HEAP_OPTS"
    }
    for name, value in given.items():
        for before, after in ports.items():
            given[name] = given[name].replace(f":{before}", f":{after}")
        given[name] = given[name].replace("//:", "//127.0.0.1:").replace("//kafka:", "//127.0.0.1:")
        assert value
    return given | {"log.dirs": str(directory)}


def test_a_broker_starts_with_these_settings_and_takes_the_topics(tmp_path: Path) -> None:
    """On both listeners, and the topics can be made on it as they have to be."""
    jobs, workers, controller = free_ports(3)
    given = properties({"19092": workers, "9092": jobs, "9093": controller}, tmp_path / "data")
    with Cluster(tmp_path, port=jobs, properties=given):
        made = migrate(from_env({"EPOCHAL_KAFKA": f"127.0.0.1:{workers}"}))
        assert len(made.create) == 3
        assert made.wrong == []
        again = migrate(from_env({"EPOCHAL_KAFKA": f"127.0.0.1:{jobs}"}))
        assert (again.create, again.wrong, len(again.sound)) == ([], [], 3)
        with KafkaAdminClient(bootstrap_servers=f"127.0.0.1:{workers}") as admin:
            (broker,) = admin.describe_cluster()["brokers"]
        assert broker["port"] == workers
