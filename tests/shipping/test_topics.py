"""Topics are what topics.toml declares, or an error says what to change."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner
from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import ConfigResource, ConfigResourceType
from kafka_broker import Cluster, free_ports

from epochal._errors import SettingsError
from epochal._kafka.client import KafkaAwayError
from epochal._kafka.migrate import migrate
from epochal._kafka.topics import DECLARED, Topic, declared, plan
from epochal._settings import Settings
from epochal.cli import group, load_commands

ROOT = Path(__file__).parents[2]
WANTED = declared(DECLARED, "p.")
NAMES = ["p.events", "p.metrics", "p.dead-letters"]


def changed(topic: Topic, **config: str) -> Topic:
    return replace(topic, config={**topic.config, **{name.replace("_", "."): value for name, value in config.items()}})


def test_the_file_in_deploy_is_the_one_that_is_shipped() -> None:
    """There is one file, seen from two places."""
    assert (ROOT / "deploy" / "topics.toml").resolve() == DECLARED.resolve()
    assert [topic.name for topic in WANTED] == NAMES


def test_nothing_is_there() -> None:
    """All are created, as declared."""
    made = plan(WANTED, {}, brokers=3, servers="k:1")
    assert (made.create, made.sound, made.notes, made.wrong) == (WANTED, [], [], [])


def test_all_are_there() -> None:
    """Nothing is done."""
    made = plan(WANTED, {topic.name: topic for topic in WANTED}, brokers=3, servers="k:1")
    assert (made.create, made.sound, made.notes, made.wrong) == ([], NAMES, [], [])


@pytest.mark.parametrize(("brokers", "copies", "in_sync"), [(1, 1, "1"), (2, 2, "2"), (3, 3, "2"), (9, 3, "2")])
def test_a_cluster_may_be_too_small(brokers: int, copies: int, in_sync: str) -> None:
    """As many copies as there are brokers for, and a note that says so."""
    made = plan(WANTED, {}, brokers=brokers, servers="k:1")
    assert {(topic.replication_factor, topic.config["min.insync.replicas"]) for topic in made.create} == {
        (copies, in_sync)
    }
    assert len(made.notes) == (3 if brokers < 3 else 0)
    assert all(f"{brokers} of 3 brokers" in note for note in made.notes)


@pytest.mark.parametrize(
    "config",
    [
        {"max_message_bytes": "33554432"},
        {"min_insync_replicas": "3"},
        {"retention_ms": "-1"},
        {"retention_ms": "99999999999"},
        {"segment_bytes": "1"},
    ],
)
def test_more_than_declared_is_fine(config: Mapping[str, str]) -> None:
    """Larger, longer, safer, and what isn't declared at all."""
    metrics = changed(replace(WANTED[1], partitions=100), **config)
    assert plan([WANTED[1]], {metrics.name: metrics}, brokers=3, servers="k:1").sound == ["p.metrics"]


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ({"max_message_bytes": "1048588"}, "at least 16777216 is declared"),
        ({"min_insync_replicas": "1"}, "min.insync.replicas is 1, at least 2"),
        ({"retention_ms": "604800000"}, "--add-config retention.ms=-1"),
        ({"cleanup_policy": "compact"}, "--add-config cleanup.policy=delete"),
        ({"message_timestamp_type": "CreateTime"}, "--bootstrap-server k:1"),
    ],
)
def test_less_or_other_than_declared_says_what_to_change(config: Mapping[str, str], said: str) -> None:
    """Each in one sentence, with the command."""
    events = changed(WANTED[0], **config)
    made = plan([WANTED[0]], {events.name: events}, brokers=3, servers="k:1")
    assert len(made.wrong) == 1
    assert said in made.wrong[0]
    assert "p.events" in made.wrong[0]


def test_fewer_partitions_or_copies_say_what_to_do() -> None:
    """Both, as neither can be changed with a word."""
    found = {"p.events": replace(WANTED[0], partitions=4, replication_factor=1)}
    partitions, copies = plan([WANTED[0]], found, brokers=3, servers="k:1").wrong
    assert "p.events has 4 partitions, 12 are declared" in partitions
    assert "kafka-reassign-partitions.sh" in copies


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "declares nothing"),
        ("[events", "can't be read"),
        ("[events]\n[metrics]\n[dead-letters]", "needs partitions"),
        ("[events]\n[metrics]\n[more]", "declares events, metrics, more"),
        (DECLARED.read_text().replace("partitions = 12", "partitions = 0"), "needs partitions"),
        (DECLARED.read_text().replace('"min.insync.replicas" = 2', '"min.insync.replicas" = "two"'), "needs"),
    ],
)
def test_a_file_that_declares_something_else(tmp_path: Path, text: str, said: str) -> None:
    """It is named, with what is wrong."""
    path = tmp_path / "topics.toml"
    path.write_text(text)
    with pytest.raises(SettingsError, match=said):
        declared(path, "p.")


def test_migrate_without_kafka_says_what_to_set() -> None:
    """One sentence."""
    with pytest.raises(SettingsError, match="EPOCHAL_KAFKA is not set"):
        migrate(Settings())


@pytest.mark.kafka
def test_migrate_creates_checks_and_refuses(kafka: str, topic_prefix: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a real broker: created, then sound, then changed by somebody, then an error with the way back."""
    load_commands(group)
    monkeypatch.setenv("EPOCHAL_KAFKA", kafka)
    monkeypatch.setenv("EPOCHAL_KAFKA_TOPIC_PREFIX", topic_prefix)
    names = [topic_prefix + kind for kind in ("events", "metrics", "dead-letters")]

    first = CliRunner().invoke(group, ["migrate", "--json"])
    assert first.exit_code == 0, first.output
    assert json.loads(first.output)["created"] == names
    assert len(json.loads(first.output)["notes"]) == 3

    again = CliRunner().invoke(group, ["migrate"])
    assert again.exit_code == 0
    assert [line.split()[1] for line in again.output.splitlines() if line.startswith("sound")] == names

    with KafkaAdminClient(bootstrap_servers=kafka) as admin:
        config = {"max.message.bytes": "1000000"}
        admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, names[1], config)])
        until = time.monotonic() + 60  # brokers learn of it a moment later
        asked = [ConfigResource(ConfigResourceType.TOPIC, names[1])]
        while admin.describe_configs(asked)["topic"][names[1]]["max.message.bytes"]["value"] != "1000000":
            assert time.monotonic() < until
            time.sleep(0.05)
    wrong = CliRunner().invoke(group, ["migrate", "--json"])
    assert wrong.exit_code == 1
    (problem,) = json.loads(wrong.output)["wrong"]
    assert f"{names[1]}: max.message.bytes is 1000000, at least 16777216 is declared" in problem


@pytest.mark.kafka
def test_the_topics_do_what_they_are_for(kafka: str, topic_prefix: str) -> None:
    """The broker's clock stamps the messages, whatever the writer says, and large ones fit."""
    migrate(Settings(kafka=kafka, kafka_topic_prefix=topic_prefix))
    topic = f"{topic_prefix}metrics"
    producer = KafkaProducer(bootstrap_servers=kafka, max_request_size=20_000_000)
    sent = producer.send(topic, b"x" * 16_000_000, timestamp_ms=1, partition=0).get(60)
    producer.close()
    consumer = KafkaConsumer(bootstrap_servers=kafka, auto_offset_reset="earliest", fetch_max_bytes=100_000_000)
    consumer.assign([TopicPartition(topic, 0)])
    message = next(iter(consumer))
    consumer.close()
    assert (message.offset, len(message.value)) == (sent.offset, 16_000_000)
    assert message.timestamp_type == 1
    assert message.timestamp > 1_700_000_000_000


@pytest.mark.kafka
def test_two_who_migrate_at_once_and_three_brokers(tmp_path: Path, topic_prefix: str) -> None:
    """With three brokers nothing is capped, and the second finds all in order."""
    with Cluster(tmp_path, nodes=3) as cluster:
        settings = Settings(kafka=cluster.bootstrap, kafka_topic_prefix=topic_prefix)
        assert [len(made) for made in (migrate(settings).create, migrate(settings).sound)] == [3, 3]
        assert migrate(settings).notes == []


@pytest.mark.kafka
def test_nobody_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    """An error that names the servers, in a bounded time."""
    monkeypatch.setattr("epochal._kafka.migrate.ANSWER_S", 1.0)
    servers = f"127.0.0.1:{free_ports(1)[0]}"
    with pytest.raises(KafkaAwayError, match=servers):
        migrate(Settings(kafka=servers))
