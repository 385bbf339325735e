"""Journals come to Kafka whole, whoever is killed."""

from __future__ import annotations

import json
import struct
import time
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from breakable import JOBS, Breakable
from injecting import Chaos
from kafka import KafkaAdminClient
from kafka.admin import ConfigResource, ConfigResourceType
from kafka_broker import free_ports
from sdk.children import run, start
from shipping.delivered import Everything, count, in_journals, in_kafka, shipping

from epochal._kafka.migrate import migrate
from epochal._settings import Settings
from epochal._spool import SpoolLock

DEADLINE_S = 240
SHORT = "run = epochal.init('x')\nfor i in range(1000):\n    run.log({'a': i * 0.5, 'b': -i})"
LONG = """
run = epochal.init('x')
for i in range(100_000):
    run.log({'a': i * 0.5, 'b': -i, 'c': 1 / (i + 1), 'd': i % 7})
"""


@pytest.fixture
def prefix(kafka: str, topic_prefix: str) -> str:
    """Of topics that are there."""
    migrate(Settings(kafka=kafka, kafka_topic_prefix=topic_prefix))
    return topic_prefix


def offline(code: str, home: Path) -> Path:
    """A job that ran offline, and the directory of its journals."""
    run(code, home, EPOCHAL_MODE="offline", EPOCHAL_JOURNAL=str(home / "spool"))
    return home / "spool"


def shipped(
    home: Path, servers: str, prefix: str, directory: Path, *options: str, expect: int = 0
) -> list[dict[str, Any]]:
    """What ``epochal ship`` said, by journal."""
    out, err = (process := shipping(home, servers, prefix, directory, *options)).communicate(timeout=DEADLINE_S)
    assert process.returncode == expect, f"{out}\n{err}"
    return [json.loads(line) for line in out.splitlines()]


def same(found: Everything, expected: Everything) -> bool:
    """Whether every event and point is there, and nothing else."""
    return found.events == expected.events and found.points == expected.points


def assert_acknowledged(journal: Path, found: Everything) -> None:
    """What the cursor of a journal says is in Kafka is there."""
    for file in journal.glob("shipped.json"):
        cursor = json.loads(file.read_text())
        assert {(UUID(journal.name), i) for i in range(cursor["metrics"])} <= found.points.keys()
        assert {(UUID(journal.name), i) for i in range(cursor["lifecycle"])} <= found.events.keys()


@pytest.mark.kafka
def test_journals_left_behind_come_to_kafka_whole(kafka: str, prefix: str, tmp_path: Path) -> None:
    """Of a job that ended and of one that was killed; each point with its owner; and a second time nothing is sent."""
    spool = offline(SHORT, tmp_path)
    code = f"{SHORT}\nprint('there', flush=True)\nwhile True:\n    run.log({{'a': 1.0}})"
    with start(code, tmp_path, EPOCHAL_MODE="offline", EPOCHAL_JOURNAL=str(spool)) as job:
        assert job.stdout is not None
        assert job.stdout.readline() == "there\n"
        job.kill()
    said = shipped(tmp_path, kafka, prefix, spool)
    found, expected = in_kafka(kafka, prefix), in_journals(spool)
    assert {line["state"] for line in said} == {"shipped"}
    assert same(found, expected)
    assert found.came == len(expected.events) + len(expected.points)
    values = sorted(struct.unpack("<d", row[2])[0] for row in expected.points.values() if row[0] == "b")
    assert values == sorted(2 * [float(-i) for i in range(1000)])
    assert {(project, rank) for _, project, _, rank in found.owners} == {("default", 0)}
    assert len({component for _, _, component, _ in found.owners} - {None}) == 2

    again = shipped(tmp_path, kafka, prefix, spool)
    assert {(line["events"], line["points"]) for line in again} == {(0, 0)}
    assert in_kafka(kafka, prefix).came == found.came


@pytest.mark.kafka
@pytest.mark.chaos("SIGKILL of `epochal ship`, with what it sent still on its way")
def test_a_shipper_killed_in_the_middle_loses_nothing(
    breakable: Breakable, topic_prefix: str, tmp_path: Path, chaos: Chaos
) -> None:
    """SIGKILL after a random number of bytes, when what was sent since is lost on its way: all that the cursor says is
    acknowledged is in Kafka. Then the rest is shipped.
    """
    servers, proxy = breakable.cluster.bootstrap, breakable.proxies[JOBS]
    migrate(Settings(kafka=servers, kafka_topic_prefix=topic_prefix))
    spool = offline(LONG, tmp_path)
    (journal,) = (path.parent for path in spool.glob("*/points-000000.seg"))
    while chaos.lacking():
        proxy.lose_soon(after_bytes=chaos.dice.randrange(10_000, 1_500_000))
        with shipping(tmp_path, breakable.servers(JOBS), topic_prefix, journal) as shipper:
            while shipper.poll() is None and not proxy.lost(0.05):
                """It has sent less yet."""
            lost = proxy.lost(0.0)
            chaos.pause(1.0, least_s=0.1)
            shipper.kill()
        proxy.mend()
        if shipper.returncode == 0:  # it was faster
            (journal / "shipped.json").unlink()
            continue
        if lost:
            chaos.note()
        assert_acknowledged(journal, in_kafka(servers, topic_prefix))
    assert {line["state"] for line in shipped(tmp_path, servers, topic_prefix, spool)} == {"shipped"}
    found, expected = in_kafka(servers, topic_prefix), in_journals(spool)
    assert len(expected.points) == 400_000
    assert same(found, expected)


@pytest.mark.kafka
def test_what_was_only_sent_is_not_called_acknowledged(kafka: str, prefix: str, tmp_path: Path) -> None:
    """Kafka refuses the points; that is said, no cursor counts them, and when it takes them they are shipped."""
    spool = offline(LONG, tmp_path)
    (journal,) = (path.parent for path in spool.glob("*/points-000000.seg"))
    topic = f"{prefix}metrics"
    with KafkaAdminClient(bootstrap_servers=kafka) as admin:
        admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, topic, {"max.message.bytes": "1000"})])
        time.sleep(2)  # brokers learn of it a moment later
        (said,) = shipped(tmp_path, kafka, prefix, journal, "--timeout", "3", expect=1)
        assert said["state"] == "failed"
        assert "max.message.bytes" in said["why"]
        assert count(kafka, topic) == 0
        for file in journal.glob("shipped.json"):
            assert json.loads(file.read_text())["metrics"] == 0
        admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, topic, {"max.message.bytes": "16777216"})])
        time.sleep(2)
    assert {line["state"] for line in shipped(tmp_path, kafka, prefix, spool)} == {"shipped"}
    assert same(in_kafka(kafka, prefix), in_journals(spool))


@pytest.mark.kafka
def test_a_job_that_still_writes(kafka: str, prefix: str, tmp_path: Path) -> None:
    """What is there is shipped, and the rest when it has ended."""
    code = f"{SHORT}\nprint('there', flush=True)\ninput()\nrun.log({{'a': 7.0}})"
    spool = tmp_path / "spool"
    with start(code, tmp_path, EPOCHAL_MODE="offline", EPOCHAL_JOURNAL=str(spool)) as job:
        assert job.stdout is not None
        assert job.stdin is not None
        assert job.stdout.readline() == "there\n"
        assert "live" in {line["state"] for line in shipped(tmp_path, kafka, prefix, spool)}
        assert len(in_kafka(kafka, prefix).points) == 2000
        job.stdin.write("\n")
        job.stdin.close()
        assert job.wait(60) == 0
    assert {line["state"] for line in shipped(tmp_path, kafka, prefix, spool)} == {"shipped"}
    found = in_kafka(kafka, prefix)
    assert same(found, in_journals(spool))
    assert len(found.points) == 2001


@pytest.mark.kafka
def test_two_shippers_and_two_destinations(kafka: str, prefix: str, tmp_path: Path) -> None:
    """Journals that somebody ships are waited for, in vain with exit code 1; topics of another prefix get all again."""
    spool = offline(SHORT, tmp_path)
    lock = SpoolLock(spool)
    assert lock.take()
    said = shipped(tmp_path, kafka, prefix, spool, "--timeout", "1", expect=1)
    assert {line["state"] for line in said} == {"busy"}
    lock.release()
    shipped(tmp_path, kafka, prefix, spool)
    other = f"{prefix}other."
    migrate(Settings(kafka=kafka, kafka_topic_prefix=other))
    shipped(tmp_path, kafka, other, spool)
    assert same(in_kafka(kafka, prefix), in_kafka(kafka, other))
    assert same(in_kafka(kafka, other), in_journals(spool))


@pytest.mark.kafka
def test_what_stands_in_the_way_is_said(kafka: str, topic_prefix: str, tmp_path: Path) -> None:
    """No journals, no topics."""
    (tmp_path / "empty").mkdir()
    for directory, said in ((tmp_path / "empty", "no journals"), (offline(SHORT, tmp_path), "epochal migrate")):
        out, err = (process := shipping(tmp_path, kafka, topic_prefix, directory)).communicate(timeout=DEADLINE_S)
        assert (process.returncode, out) == (1, "")
        assert said in err
        assert "Traceback" not in err


@pytest.mark.kafka
def test_nobody_to_ship_to(tmp_path: Path) -> None:
    """An error that names the servers; the journals have no cursor."""
    spool, servers = offline(SHORT, tmp_path), f"127.0.0.1:{free_ports(1)[0]}"
    out, err = (process := shipping(tmp_path, servers, "p.", spool)).communicate(timeout=DEADLINE_S)
    assert (process.returncode, out) == (1, "")
    assert f"Error: Kafka at {servers}" in err
    assert not list(spool.rglob("shipped.json"))
