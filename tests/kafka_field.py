"""Topics on a real broker, a store, and real workers between them."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from host_ending import end_host
from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, TopicPartition
from kafka.errors import NotCoordinatorError
from kafka.structs import OffsetAndMetadata
from storage_hosts import Running
from store_template import prepare
from worker_process import WorkerProcess, until

from epochal._kafka.wire import Outgoing
from epochal._sent import kafka_log
from epochal_query.opening import open_store
from epochal_query.store import Store
from epochal_storage.client import StoreClient
from epochal_storage.endpoint import Endpoint
from epochal_storage.locate import find_host, find_or_start
from epochal_storage.location import Server, parsed

PARTITIONS = 4


@dataclass
class Field:
    """One prefix of topics, one store, any number of workers. Ends all of them."""

    servers: str
    prefix: str
    directory: Path
    partitions: int = PARTITIONS
    copies: int = 1
    """Of every partition; what is acknowledged is in all but one of them."""
    url: str = ""
    """The store's, where it is on a server and not in a directory."""
    supervised: bool = False
    """Whether a worker that ended for a reason is replaced while everything is waited for."""
    workers: list[WorkerProcess] = field(default_factory=list)
    sent: dict[tuple[str, int], int] = field(default_factory=dict)
    """The greatest offset that the broker acknowledged, by partition."""

    def __post_init__(self) -> None:
        self.directory.mkdir(parents=True, exist_ok=True)
        self.store = self.directory / "store"
        self.make_topics("events", "metrics", "dead-letters")
        self.producer = self._producer()
        self.client = StoreClient(self._endpoint)
        self.spawned: list[subprocess.Popen[bytes]] = []

    def make_topics(self, *names: str, times: str = "LogAppendTime") -> None:
        """Make topics of this prefix, which keep these times."""
        topics = {
            f"{self.prefix}{name}": {
                "num_partitions": self.partitions,
                "replication_factor": self.copies,
                "configs": {
                    "message.timestamp.type": times,
                    "max.message.bytes": str(64 << 20),
                    "min.insync.replicas": str(max(1, self.copies - 1)),
                },
            }
            for name in names
        }
        with KafkaAdminClient(bootstrap_servers=self.servers) as admin:
            admin.create_topics(topics, wait_for_metadata=True)
            self.cluster = str(admin.describe_cluster()["cluster_id"])

    def grow(self, partitions: int, *names: str) -> None:
        """Give topics of this prefix more partitions; from now on they are sent to as well."""
        with KafkaAdminClient(bootstrap_servers=self.servers) as admin:
            admin.create_partitions({f"{self.prefix}{name}": partitions for name in names})
        self.producer.close()
        self.producer = self._producer()

    def drop_topic(self, name: str) -> str:
        """Delete a topic of this prefix; its whole name, when it is gone."""
        topic = f"{self.prefix}{name}"
        with KafkaAdminClient(bootstrap_servers=self.servers) as admin:
            admin.delete_topics([topic])
            until(lambda: topic not in admin.list_topics(), "the topic is gone")
        return topic

    def another_store(self) -> Path:
        """From now on use an empty store; where the one before is."""
        before, self.store = self.store, self.store.with_name("another-store")
        end_host(before)
        self.client.close()
        return before

    def worker(self, **settings: str) -> WorkerProcess:
        """Start a worker."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith("EPOCHAL_")}
        environment = {
            **kept,
            "EPOCHAL_KAFKA": self.servers,
            "EPOCHAL_KAFKA_TOPIC_PREFIX": self.prefix,
            "EPOCHAL_STORE": self.url or str(self.store),
            "EPOCHAL_HOST_IDLE": "600",
            "EPOCHAL_WORKER_SESSION": "6",
            "EPOCHAL_WORKER_AGE": "0.1",
            "EPOCHAL_WORKER_HTTP": "0",
            **settings,
        }
        log = self.directory / f"worker-{len(self.workers)}.log"
        with log.open("wb") as file:
            process = subprocess.Popen(
                [sys.executable, "-m", "epochal.cli", "process"],
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=file,
                cwd=self.directory,
            )
        self.workers.append(WorkerProcess(process, log))
        return self.workers[-1]

    def store_port(self) -> int:
        """The port of the store's host, started if need be."""
        self.client.watermark()
        host = find_host(self.store)
        assert host is not None
        return host.port

    def store_behind(self, proxy_port: int, token: str = "") -> dict[str, str]:
        """Settings of a worker that reaches the store by URL, as it would a server, through a proxy."""
        host = find_host(self.store)
        assert host is not None
        return {"EPOCHAL_STORE": f"clickhouse://writer:{token or host.writer_token}@127.0.0.1:{proxy_port}/epochal"}

    def send(self, messages: Iterable[Outgoing]) -> None:
        """Send messages to the topics of their channels; returns when the broker has them."""
        topics = {"lifecycle": f"{self.prefix}events", "metrics": f"{self.prefix}metrics"}
        self.send_raw((topics[one.channel], one.key, one.value, one.headers) for one in messages)

    def send_raw(
        self, messages: Iterable[tuple[str, bytes | None, bytes | None, Sequence[tuple[str, bytes | None]]]]
    ) -> None:
        """Send anything anywhere; returns when the broker has it."""
        futures = [
            self.producer.send(topic, key=key, value=value, headers=list(headers))
            for topic, key, value, headers in messages
        ]
        self.producer.flush()
        for future in futures:
            done = future.get(60)
            where = (done.topic, done.partition)
            self.sent[where] = max(done.offset, self.sent.get(where, -1))

    @property
    def watermark(self) -> dict[str, int]:
        """What was sent, as a watermark."""
        return {kafka_log(self.cluster, *where): offset for where, offset in self.sent.items()}

    def behind(self) -> dict[str, int]:
        """How many offsets of each log are sent and not in the store."""
        there = self.client.watermark()
        return {log: end - there.get(log, -1) for log, end in self.watermark.items() if there.get(log, -1) < end}

    def wait(self) -> None:
        """Wait until everything sent is in the store."""

        def stored() -> bool:
            gone = [worker for worker in self.workers if worker.process.poll() is not None]
            if len(gone) == len(self.workers):
                said = gone[-1].log.read_text()[-3000:]
                assert self.supervised, f"no worker is left: {said}"
                assert gone[-1].process.returncode in (70, 75), said
                self.worker()
            return not self.behind()

        until(stored, "everything sent is stored")

    def wait_until_sealed(self) -> None:
        """Wait until the blocks of all writers that ended hold all their rows."""
        asked = (
            "SELECT (SELECT sum(count) FROM blocks FINAL) AS held, "
            "(SELECT sum(JSONExtractUInt(payload, 'data', 'lifecycle') + JSONExtractUInt(payload, 'data', 'metrics')) "
            "FROM events FINAL WHERE type = 'epochal.writer.closed') AS said"
        )

        def sealed() -> bool:
            (row,) = self.client.query_arrow(asked).to_pylist()
            return bool(row["held"] == row["said"])

        until(sealed, "every stream is sealed")

    def open(self) -> Store:
        """The store, for reading."""
        return open_store(self.url or self.store)

    def committed(self) -> dict[tuple[str, int], int]:
        """What the group has committed, by partition."""
        found: list[Mapping[TopicPartition, OffsetAndMetadata]] = []

        def asked() -> bool:
            try:
                found.extend(admin.list_group_offsets({f"{self.prefix}workers": None}).values())
            except NotCoordinatorError:  # of a group that it has only just begun to keep
                return False
            return True

        with KafkaAdminClient(bootstrap_servers=self.servers) as admin:
            until(asked, "the broker knows the group")
        return {(tp.topic, tp.partition): value.offset for tp, value in found[0].items()}

    def leaders(self) -> list[int]:
        """The broker that leads each partition of the points' topic."""
        with KafkaAdminClient(bootstrap_servers=self.servers) as admin:
            (topic,) = admin.describe_topics([f"{self.prefix}metrics"])
        return [partition["leader_id"] for partition in topic["partitions"]]

    def letters(self) -> list[tuple[bytes | None, bytes | None, dict[str, bytes]]]:
        """Everything in the topic of dead letters: key, value, headers."""
        topic = f"{self.prefix}dead-letters"
        consumer = KafkaConsumer(bootstrap_servers=self.servers, max_partition_fetch_bytes=64 << 20)
        places = [TopicPartition(topic, i) for i in range(self.partitions)]
        consumer.assign(places)
        ends = consumer.end_offsets(places)
        found = []
        for place in places:
            consumer.assign([place])
            consumer.seek(place, 0)
            while consumer.position(place) < ends[place]:
                for messages in consumer.poll(timeout_ms=500).values():
                    found += [(m.key, m.value, dict(m.headers)) for m in messages]
        consumer.close()
        return found

    def close(self) -> None:
        """End workers and hosts."""
        for worker in self.workers:
            with contextlib.suppress(ProcessLookupError):
                worker.process.kill()
            worker.process.wait()
        self.producer.close()
        self.client.close()
        end_host(self.store)
        for process in self.spawned:
            process.wait()

    def _producer(self) -> KafkaProducer:
        return KafkaProducer(
            bootstrap_servers=self.servers, acks="all", max_request_size=64 << 20, linger_ms=5, batch_size=1 << 18
        )

    def _endpoint(self) -> Endpoint:
        where = parsed(self.url) if self.url else None
        return (
            Endpoint.of_server(where) if isinstance(where, Server) else find_or_start(self.store, "reader", self._spawn)
        )

    def _spawn(self, store: Path) -> Running:
        prepare(store)
        command = [sys.executable, "-m", "epochal_processors.host", str(store)]
        with (store / "host.log").open("ab") as log:
            environment = {**os.environ, "EPOCHAL_HOST_IDLE": "600"}
            self.spawned.append(subprocess.Popen(command, env=environment, stdout=log, stderr=log))
        return Running(self.spawned[-1])
