"""The brokers that the tests start are real: they keep what they acknowledged, whoever is killed."""

from __future__ import annotations

import itertools
from pathlib import Path
from uuid import uuid4

import pytest
from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, TopicPartition
from kafka_broker import Cluster, count_brokers, free_ports

pytestmark = pytest.mark.kafka


def make_topic(servers: str, name: str, copies: int) -> None:
    with KafkaAdminClient(bootstrap_servers=servers) as admin:
        admin.create_topics({name: {"num_partitions": 1, "replication_factor": copies}}, wait_for_metadata=True)


def leader_of(servers: str, topic: str) -> int:
    with KafkaAdminClient(bootstrap_servers=servers) as admin:
        (described,) = admin.describe_topics([topic])
        leader: int = described["partitions"][0]["leader_id"]
        return leader


def send(servers: str, topic: str, values: list[bytes]) -> None:
    """Returns when all are acknowledged."""
    producer = KafkaProducer(bootstrap_servers=servers)
    for future in [producer.send(topic, value) for value in values]:
        future.get(60)
    producer.close()


def read(servers: str, topic: str, count: int) -> list[bytes | None]:
    """The first ``count`` values of the topic's one partition."""
    consumer = KafkaConsumer(bootstrap_servers=servers, auto_offset_reset="earliest", consumer_timeout_ms=60_000)
    consumer.assign([TopicPartition(topic, 0)])
    found = [message.value for message in itertools.islice(consumer, count)]
    consumer.close()
    return found


def test_the_shared_broker_keeps_what_it_is_sent(kafka: str, topic_prefix: str) -> None:
    """A message sent is a message read."""
    topic = f"{topic_prefix}plain"
    make_topic(kafka, topic, copies=1)
    send(kafka, topic, [b"one", b"two"])
    assert read(kafka, topic, 2) == [b"one", b"two"]


def test_a_killed_broker_comes_back_with_everything(tmp_path: Path) -> None:
    """SIGKILL, the same ports again, and nothing acknowledged is missing."""
    with Cluster(tmp_path) as cluster:
        make_topic(cluster.bootstrap, "kept", copies=1)
        values = [uuid4().bytes for _ in range(1000)]
        send(cluster.bootstrap, "kept", values)
        cluster.kill(0)
        assert count_brokers(cluster.bootstrap, 0.5) == 0
        cluster.start(0)
        assert read(cluster.bootstrap, "kept", len(values)) == values


def test_two_of_three_brokers_go_on_without_the_leader(tmp_path: Path) -> None:
    """When the leader is killed another one takes over, and the killed one can come back."""
    with Cluster(tmp_path, nodes=3) as cluster:
        make_topic(cluster.bootstrap, "copied", copies=3)
        send(cluster.bootstrap, "copied", [b"before"])
        cluster.kill(leader_of(cluster.bootstrap, "copied") - 1)
        send(cluster.bootstrap, "copied", [b"after"])
        assert read(cluster.bootstrap, "copied", 2) == [b"before", b"after"]
        cluster.start(next(i for i, node in enumerate(cluster.members) if node.process is None))
        assert count_brokers(cluster.bootstrap) == 3


def test_nobody_is_a_broker() -> None:
    """Where nobody listens there are no brokers, and no error."""
    assert count_brokers(f"127.0.0.1:{free_ports(1)[0]}", 0.2) == 0
