"""What Kafka still keeps of what was erased: where partitions begin, for how long, and whose dead letters there are."""

from __future__ import annotations

import shutil
import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from epochal._clock import now_us
from epochal._places import journal_place
from epochal._sent import FROM_KAFKA, kafka_log
from epochal._settings import Settings
from epochal._shipped import read_cursor

from .client import administrator, away, connection, load
from .migrate import MISSING
from .topics import DEAD_LETTERS, EVENTS, METRICS

__all__ = ["Kept", "Partition", "Place", "Topics"]

ANSWER_S: Final = 15.0
MOST_LETTERS: Final = 100_000
"""Dead letters that are looked through; of more it isn't known whose they are."""


@dataclass(frozen=True)
class Place:
    """A message: the log it is in, its offset, and when the log took it (microseconds, UTC)."""

    log: str
    offset: int
    at_us: int


@dataclass(frozen=True)
class Partition:
    """From which offset on a partition has messages, where it ends, and how long a message may stay, in milliseconds:
    None for ever.
    """

    begin: int
    end: int
    kept_ms: int | None


@dataclass(frozen=True)
class Kept:
    """What there is: the partitions by the name of the log, and the last dead letter of each writer that has any."""

    partitions: Mapping[str, Partition]
    letters: Mapping[UUID, Place]
    ends: Mapping[str, int]
    """By log the last offset of what workers take in."""


class Topics:
    """The topics that settings lead to, and this machine's spool."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def forget(self, writers: Collection[UUID]) -> list[Path]:
        """Remove the journals of writers from this machine's spool; those that stay, as Kafka hasn't got all of them.

        Raises:
            OSError: one can't be removed.
        """
        spool = journal_place(self._settings).directory
        there = [spool / str(writer) for writer in writers if (spool / str(writer)).is_dir()]
        left = [journal for journal in there if not read_cursor(journal).ended]
        for journal in there:
            if journal not in left:
                shutil.rmtree(journal)
        return left

    def kept(self, logs: Collection[str], writers: Collection[UUID]) -> Kept:
        """What there is of these logs, and of the topics that events, points and dead letters go to; and the letters of
        these writers. A log of a topic that was deleted has nothing; those of another cluster are left out.

        Raises:
            NotAvailableError: kafka-python isn't installed.
            KafkaAwayError: the cluster doesn't answer, or doesn't let us.
        """
        prefix, errors = self._settings.kafka_topic_prefix, load("kafka.errors")
        arguments = connection(self._settings)
        try:
            with administrator(arguments, ANSWER_S) as admin:
                cluster = str(admin.describe_cluster()["cluster_id"])
                own = f"{FROM_KAFKA}{cluster}/"
                asked = {log: tuple(log.removeprefix(own).rsplit("/", 1)) for log in logs if log.startswith(own)}
                names = {prefix + one for one in (EVENTS, METRICS, DEAD_LETTERS)} | {
                    topic for topic, _ in asked.values()
                }
                found = {
                    kafka_log(cluster, topic, number): partition
                    for (topic, number), partition in _partitions(admin, sorted(names)).items()
                }
            gone = Partition(1 << 62, 0, 0)
            partitions = dict.fromkeys(asked, gone) | found
            letters = kafka_log(cluster, prefix + DEAD_LETTERS, 0).rpartition("/")[0]
            lying = {log: one for log, one in found.items() if log.rpartition("/")[0] == letters}
            fed = {log: one.end - 1 for log, one in found.items() if log not in lying and one.begin < one.end}
            return Kept(partitions, _letters(arguments, lying, set(writers)), fed)
        except (errors.KafkaError, OSError) as error:
            raise away(
                self._settings, error, "describe topics and their configuration, and read dead letters"
            ) from None


def _partitions(admin: Any, topics: list[str]) -> dict[tuple[str, int], Partition]:
    described = [one for one in admin.describe_topics(topics) if one["error_code"] != MISSING]
    there = {one["name"]: [each["partition_index"] for each in one["partitions"]] for one in described}
    if not there:
        return {}
    kinds, place = load("kafka.admin"), load("kafka").TopicPartition
    asked = [kinds.ConfigResource(kinds.ConfigResourceType.TOPIC, name) for name in there]
    configs = admin.describe_configs(asked, config_filter="all")["topic"]
    places = [place(name, number) for name, numbers in there.items() for number in numbers]
    begins = admin.list_partition_offsets(dict.fromkeys(places, kinds.OffsetSpec.EARLIEST))
    ends = admin.list_partition_offsets(dict.fromkeys(places, kinds.OffsetSpec.LATEST))
    kept = {name: _kept_ms(configs[name]) for name in there}
    return {
        (one.topic, one.partition): Partition(begins[one].offset, ends[one].offset, kept[one.topic]) for one in places
    }


def _kept_ms(config: Mapping[str, Mapping[str, Any]]) -> int | None:
    """How long a message may stay: it goes with its segment, which takes more messages for a while after it."""
    retention, segment = (int(config[name]["value"]) for name in ("retention.ms", "segment.ms"))
    return None if retention < 0 else retention + segment


def _letters(arguments: dict[str, Any], logs: Mapping[str, Partition], writers: set[UUID]) -> dict[UUID, Place]:
    """The last dead letter of each of the writers; where there are too many to look through, as if all had the last."""
    found: dict[UUID, Place] = {}
    lying = {log: one for log, one in logs.items() if one.begin < one.end}
    if not writers or not lying:
        return found
    kafka = load("kafka")
    if sum(one.end - one.begin for one in lying.values()) > MOST_LETTERS:
        log, last = max(lying.items(), key=lambda one: one[1].end)
        return dict.fromkeys(writers, Place(log, last.end - 1, now_us()))
    consumer = kafka.KafkaConsumer(**arguments, max_partition_fetch_bytes=64 << 20)
    try:
        for log, extent in lying.items():
            _, topic, number = log.rsplit("/", 2)
            place = kafka.TopicPartition(topic, int(number))
            consumer.assign([place])
            consumer.seek(place, extent.begin)
            heard = time.monotonic()
            while (position := consumer.position(place)) < extent.end:
                messages = [one for batch in consumer.poll(timeout_ms=500).values() for one in batch]
                # a broker that goes away is polled in vain for ever
                if consumer.position(place) != position:
                    heard = time.monotonic()
                elif time.monotonic() - heard > ANSWER_S:
                    raise load("kafka.errors").KafkaTimeoutError(f"{log} answered nothing for {ANSWER_S:g} s")
                for message in messages:
                    writer = _writer(message.key)
                    if writer is not None and writer in writers:
                        found[writer] = Place(log, message.offset, message.timestamp * 1000)
    finally:
        consumer.close()
    return found


def _writer(key: bytes | None) -> UUID | None:
    try:
        return UUID((key or b"").decode())
    except ValueError:
        return None
