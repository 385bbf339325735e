"""Networks and clusters that fail under jobs that log: everything arrives, nothing else does."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from kafka import KafkaAdminClient
from kafka_broker import Cluster
from sdk.children import ended, start, wait_for
from shipping.delivered import count, in_journals, in_kafka, seed
from shipping.jobs import ending_shippers, kafka, spool_of
from shipping.test_jobs import same
from tcp_proxy import Proxy

from epochal._kafka.migrate import migrate
from epochal._settings import Settings

pytestmark = pytest.mark.kafka

JOB = """
import time
with epochal.init("x") as run:
    begun, i = time.monotonic(), 0
    while time.monotonic() - begun < 12:
        run.log({"a": i, "b": 1 / (i + 1)}, step=i)
        i += 1
        time.sleep(0.0005)
    print(run.flush(240).acknowledged)
"""


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    with ending_shippers(tmp_path):
        yield tmp_path


def check(servers: str, prefix: str, home: Path) -> None:
    """What the job logged is in Kafka, point by point."""
    wait_for(lambda: same(in_kafka(servers, prefix), in_journals(spool_of(home))), "everything")
    steps = sorted(row[1] for row in in_kafka(servers, prefix).points.values() if row[0] == "a")
    assert steps == list(map(float, range(len(steps))))
    assert len(steps) > 1_000


@pytest.mark.parametrize("fault", ["cut", "slow", "black hole"])
def test_a_network_that_fails(topic_prefix: str, home: Path, fault: str) -> None:
    """Connections cut in the middle of requests at random moments, slowed to a crawl, or swallowing for a while."""
    print(f"SEED={(at := seed())}")
    chance = random.Random(at)
    proxies: list[Proxy] = []

    def advertise(node: int, port: int) -> int:
        proxies.append(Proxy(port))
        return proxies[node].port

    with Cluster(home / "kafka", advertise=advertise) as cluster, proxies[0] as proxy:
        migrate(Settings(kafka=cluster.bootstrap, kafka_topic_prefix=topic_prefix))
        with start(JOB, home, **kafka(cluster.bootstrap, topic_prefix)) as job:
            wait_for(lambda: count(cluster.bootstrap, f"{topic_prefix}metrics") > 0, "the first points")
            if fault == "cut":
                for _ in range(10):
                    time.sleep(chance.uniform(0.0, 1.0))
                    proxy.cut()
            elif fault == "slow":
                proxy.delay_s = 0.1
                time.sleep(8)
                proxy.delay_s = 0.0
            else:
                proxy.swallow = True
                time.sleep(8)
                proxy.swallow = False
            out, err = job.communicate(timeout=300)
        assert (job.returncode, out) == (0, "True\n"), err
        check(cluster.bootstrap, topic_prefix, home)


def test_the_leader_of_three_brokers_is_killed(topic_prefix: str, home: Path) -> None:
    """The others take over: the job's flush is acknowledged while the killed one is still away."""
    with Cluster(home / "kafka", nodes=3) as cluster:
        migrate(Settings(kafka=cluster.bootstrap, kafka_topic_prefix=topic_prefix))
        with start(JOB, home, **kafka(cluster.bootstrap, topic_prefix)) as job:
            wait_for(lambda: count(cluster.bootstrap, f"{topic_prefix}metrics") > 0, "the first points")
            with KafkaAdminClient(bootstrap_servers=cluster.bootstrap) as admin:
                (topic,) = admin.describe_topics([f"{topic_prefix}metrics"])
            leaders = [partition["leader_id"] for partition in topic["partitions"]]
            cluster.kill(max(set(leaders), key=leaders.count) - 1)
            child = ended(job, home)
        assert (child.code, child.out) == (0, "True\n"), child.err
        check(cluster.bootstrap, topic_prefix, home)
