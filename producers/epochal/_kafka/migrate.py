"""Creates the topics, or checks those that are there."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from epochal._settings import Settings

from .client import administrator, away, connection, load
from .topics import DECLARED, Plan, Topic, declared, plan

ANSWER_S: Final = 15.0
"""How long the cluster may take to answer."""
MISSING: Final = 3
"""Kafka's code for a topic that doesn't exist."""


def migrate(settings: Settings, path: Path = DECLARED) -> Plan:
    """Create the topics that are missing; what was done, and what is wrong with those that were there.

    Raises:
        SettingsError: EPOCHAL_KAFKA isn't set, or the file of topics can't be used.
        NotAvailableError: kafka-python isn't installed.
        KafkaAwayError: the cluster doesn't answer, or doesn't let us.
    """
    wanted = declared(path, settings.kafka_topic_prefix)
    arguments = connection(settings)
    errors = load("kafka.errors")
    try:
        with administrator(arguments, ANSWER_S) as admin:
            brokers = len(admin.describe_cluster()["brokers"])
            made = plan(wanted, _found(admin, wanted), brokers, str(settings.kafka))
            if made.create and not made.wrong:
                admin.create_topics({topic.name: _new(topic) for topic in made.create}, wait_for_metadata=True)
            return made
    except errors.TopicAlreadyExistsError:  # by somebody else, in this very moment
        return migrate(settings, path)
    except (errors.KafkaError, OSError) as error:
        raise away(settings, error, "create and describe topics") from None


def _found(admin: Any, wanted: list[Topic]) -> dict[str, Topic]:
    shapes: dict[str, list[dict[str, Any]]] = {}
    for described in admin.describe_topics([topic.name for topic in wanted]):
        if described["error_code"] not in (0, MISSING):
            raise load("kafka.errors").for_code(described["error_code"])(described["name"])
        if not described["error_code"]:
            shapes[described["name"]] = described["partitions"]
    if not shapes:
        return {}
    kinds = load("kafka.admin")
    asked = [kinds.ConfigResource(kinds.ConfigResourceType.TOPIC, name) for name in shapes]
    configs: Mapping[str, Mapping[str, Any]] = admin.describe_configs(asked, config_filter="all")["topic"]
    return {
        name: Topic(
            name,
            len(partitions),
            min((len(one["replica_nodes"]) for one in partitions), default=0),
            {key: str(said["value"]) for key, said in configs[name].items()},
        )
        for name, partitions in shapes.items()
    }


def _new(topic: Topic) -> dict[str, Any]:
    return {
        "num_partitions": topic.partitions,
        "replication_factor": topic.replication_factor,
        "configs": dict(topic.config),
    }
