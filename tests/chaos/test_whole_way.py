"""Real jobs, what ships for them, a broker, workers, a host, and reads: whatever fails on the way, all of it is there.

Each test names its faults, injects each as often as it is asked to, in an order and at moments from a printed seed,
lets the jobs come to their end, and compares the certificate and every point of every job with what it logged; of
killed ones everything that had returned.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest
from breakable import JOBS, WORKERS, Breakable
from chaos.estate import Estate
from chaos.faults import BROKER, LEADER, NETWORK, PROCESSES, Fault
from injecting import Chaos
from kafka_broker import Cluster
from kafka_field import Field

pytestmark = pytest.mark.kafka


def inject(faults: Mapping[str, Fault], chaos: Chaos, breakable: Breakable, prefix: str, home: Path) -> None:
    """All of these faults so many times each, shuffled, and the check at the end."""
    plan = [name for name in faults for _ in range(chaos.times)]
    chaos.dice.shuffle(plan)
    cluster = breakable.cluster
    field = Field(cluster.bootstrap, prefix, home / "field", copies=cluster.nodes)
    with Estate(field, home, chaos.dice, breakable.servers(JOBS), breakable.servers(WORKERS)) as estate:
        for name in plan:
            estate.pass_time(chaos.dice.uniform(0.0, 1.5))
            faults[name](estate, breakable)
            chaos.note(name)
        breakable.mend()
        estate.finish()


@pytest.mark.chaos(*PROCESSES)
def test_any_process_may_be_killed_at_any_moment(
    chaos: Chaos, breakable: Breakable, topic_prefix: str, tmp_path: Path
) -> None:
    """Jobs, the shipper, workers, the host and the broker, in any order."""
    inject(PROCESSES, chaos, breakable, topic_prefix, tmp_path)


@pytest.mark.chaos(*NETWORK)
def test_the_network_may_fail_on_either_side(
    chaos: Chaos, breakable: Breakable, topic_prefix: str, tmp_path: Path
) -> None:
    """Connections of jobs and of workers to the broker are cut, swallow everything for a while, or are slow."""
    inject(NETWORK, chaos, breakable, topic_prefix, tmp_path)


@pytest.mark.chaos(*BROKER)
def test_the_broker_may_be_away_for_long(chaos: Chaos, breakable: Breakable, topic_prefix: str, tmp_path: Path) -> None:
    """SIGKILL, and the same broker again after five seconds or a minute."""
    inject(BROKER, chaos, breakable, topic_prefix, tmp_path)


@pytest.mark.chaos(*LEADER)
def test_the_leader_of_three_brokers_may_be_killed(chaos: Chaos, topic_prefix: str, tmp_path: Path) -> None:
    """The others go on without it, and it comes back."""
    with Cluster(tmp_path / "kafka", nodes=3) as cluster:
        inject(LEADER, chaos, Breakable(cluster, {}), topic_prefix, tmp_path)
