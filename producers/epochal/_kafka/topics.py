"""Topics as data: what is declared in topics.toml, and what has to be done about what is there. Pure."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from epochal._errors import SettingsError

DECLARED: Final = Path(__file__).with_name("topics.toml")
EVENTS: Final = "events"
METRICS: Final = "metrics"
DEAD_LETTERS: Final = "dead-letters"

_AT_LEAST: Final = frozenset({"max.message.bytes", "min.insync.replicas", "retention.ms", "retention.bytes"})
_UNBOUNDED: Final = frozenset({"retention.ms", "retention.bytes"})
_IN_SYNC: Final = "min.insync.replicas"


@dataclass(frozen=True)
class Topic:
    """A topic with its configuration, as declared or as found."""

    name: str
    partitions: int
    replication_factor: int
    config: Mapping[str, str]


@dataclass(frozen=True)
class Plan:
    """What to create, what is well, what the cluster is too small for, and what is wrong and how to change it."""

    create: list[Topic]
    sound: list[str]
    notes: list[str]
    wrong: list[str]


def declared(path: Path, prefix: str) -> list[Topic]:
    """The topics of a file, with their names.

    Raises:
        SettingsError: it can't be read, or declares something else than the three topics.
    """
    try:
        content = tomllib.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise SettingsError(f"{path} can't be read: {error}") from None
    if content.keys() != {EVENTS, METRICS, DEAD_LETTERS}:
        found = ", ".join(sorted(content)) or "nothing"
        raise SettingsError(f"{path} declares {found}; expected are exactly {EVENTS}, {METRICS} and {DEAD_LETTERS}")
    return [_topic(path, prefix, kind, section) for kind, section in content.items()]


def plan(wanted: list[Topic], found: Mapping[str, Topic], brokers: int, servers: str) -> Plan:
    """What to do so that every topic is as declared, as far as there are brokers for it."""
    done = Plan([], [], [], [])
    for topic in wanted:
        capped = _capped(topic, brokers)
        if capped != topic:
            done.notes.append(_too_few_brokers(topic, capped, brokers))
        there = found.get(topic.name)
        if there is None:
            done.create.append(capped)
            continue
        wrong = [*_wrong_shape(capped, there), *_wrong_config(capped, there, servers)]
        done.wrong.extend(wrong)
        if not wrong:
            done.sound.append(topic.name)
    return done


def _topic(path: Path, prefix: str, kind: str, section: Mapping[str, Any]) -> Topic:
    try:
        partitions, copies, config = section["partitions"], section["replication_factor"], section["config"]
        numbers = [partitions, copies, config.get(_IN_SYNC, 1)]
        if not all(type(number) is int and number > 0 for number in numbers):
            raise TypeError
        texts = {name: str(value) for name, value in config.items()}
    except (KeyError, TypeError, AttributeError):
        raise SettingsError(
            f"{path}: [{kind}] needs partitions and replication_factor, numbers above 0, and a table [{kind}.config]"
        ) from None
    return Topic(prefix + kind, partitions, copies, texts)


def _capped(topic: Topic, brokers: int) -> Topic:
    copies = min(topic.replication_factor, brokers)
    config = dict(topic.config)
    if _IN_SYNC in config:
        config[_IN_SYNC] = str(min(int(config[_IN_SYNC]), copies))
    return replace(topic, replication_factor=copies, config=config)


def _too_few_brokers(topic: Topic, capped: Topic, brokers: int) -> str:
    return (
        f"{topic.name}: {brokers} of {topic.replication_factor} brokers are there: {capped.replication_factor} copies "
        f"and {_IN_SYNC}={capped.config.get(_IN_SYNC, 1)} are all there can be; what a lost broker held alone is lost"
    )


def _wrong_shape(wanted: Topic, there: Topic) -> list[str]:
    wrong: list[str] = []
    if there.partitions < wanted.partitions:
        wrong.append(
            f"{there.name} has {there.partitions} partitions, {wanted.partitions} are declared. Declare as many as "
            "there are (a copy of topics.toml, epochal migrate --topics FILE) or begin with topics of another prefix: "
            "partitions added later move the writers that write now"
        )
    if there.replication_factor < wanted.replication_factor:
        wrong.append(
            f"{there.name} has {there.replication_factor} copies of each partition, {wanted.replication_factor} are "
            "declared and there are brokers for them: reassign its partitions with kafka-reassign-partitions.sh"
        )
    return wrong


def _wrong_config(wanted: Topic, there: Topic, servers: str) -> list[str]:
    wrong: list[str] = []
    for name, value in wanted.config.items():
        has = there.config.get(name)
        if has is not None and _suffices(name, has, value):
            continue
        least = "at least " if name in _AT_LEAST else ""
        wrong.append(
            f"{there.name}: {name} is {has}, {least}{value} is declared. Change it: kafka-configs.sh "
            f"--bootstrap-server {servers} --alter --entity-type topics --entity-name {there.name} "
            f"--add-config {name}={value}"
        )
    return wrong


def _suffices(name: str, has: str, wanted: str) -> bool:
    if name not in _AT_LEAST or has == wanted:
        return has == wanted
    if name in _UNBOUNDED and "-1" in (has, wanted):
        return has == "-1"
    return int(has) >= int(wanted)
