"""Jobs with EPOCHAL_KAFKA: what they log comes to Kafka by itself, and they never wait for it."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from breakable import JOBS, Breakable
from injecting import Chaos
from kafka_broker import Cluster
from sdk.children import ended, run, start, wait_for
from shipping.delivered import Everything, count, in_journals, in_kafka
from shipping.jobs import end_shipper, ending_shippers, kafka, spool_of

from epochal._kafka.migrate import migrate
from epochal._settings import Settings
from epochal._shipped import read_cursor
from epochal._spool import hurry, shipper_pid

pytestmark = pytest.mark.kafka

JOB = """
import json
with epochal.init("x", params={"lr": 0.1}) as run:
    for i in range(30_000):
        run.log({"a": i * 0.5, "b": -i})
    first = run.flush(60)
    run.log({"a": 1.0})
    last = run.finish()
print(json.dumps([vars(first), vars(last)]))
"""


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    with ending_shippers(tmp_path):
        yield tmp_path


@pytest.fixture
def prefix(request: pytest.FixtureRequest, topic_prefix: str) -> str:
    """Of topics that are there."""
    migrate(Settings(kafka=request.getfixturevalue("kafka"), kafka_topic_prefix=topic_prefix))
    return topic_prefix


@pytest.fixture
def servers(request: pytest.FixtureRequest) -> str:
    found: str = request.getfixturevalue("kafka")
    return found


def same(found: Everything, expected: Everything) -> bool:
    """Whether every event and point is there, and nothing else."""
    return found.events == expected.events and found.points == expected.points


def said(found: Everything, kind: str) -> list[dict[str, Any]]:
    """The data of all events of a kind that are in Kafka."""
    payloads = [json.loads(payload) for _, payload in found.events.values()]
    return [payload["data"] for payload in payloads if payload["type"] == f"epochal.{kind}"]


@pytest.mark.parametrize("shipper", ["process", "thread"])
def test_a_job_ships_by_itself(servers: str, prefix: str, home: Path, shipper: str) -> None:
    """flush and finish say that it is there, and where; and it is there, once, with its owner."""
    child = run(JOB, home, kafka(servers, prefix, EPOCHAL_SHIPPER=shipper))
    first, last = json.loads(child.out)
    assert (first["points"], last["points"]) == (60_000, 60_001)
    assert first["acknowledged"] is last["acknowledged"] is True
    found = in_kafka(servers, prefix)
    assert same(found, in_journals(spool_of(home)))
    assert found.came == len(found.events) + len(found.points)
    assert len(found.points) == 60_001
    (owner,) = found.owners
    assert (str(owner[0]), owner[1], str(owner[2])) == (last["writer"], "default", last["component"])
    for log, offset in last["watermark"].items():
        topic, partition = log.split("/")[1:]
        assert topic in (f"{prefix}events", f"{prefix}metrics")
        assert 0 <= offset < count(servers, topic)
        assert partition.isdecimal()
    assert (shipper_pid(spool_of(home)) is None) == (shipper == "thread")
    journals = list(spool_of(home).glob("*-*-*-*-*"))
    wait_for(lambda: all(read_cursor(journal).ended for journal in journals), "the ends of the journals")
    assert not (home / "store").exists()


def test_a_job_that_is_offline_ships_nothing(servers: str, prefix: str, home: Path) -> None:
    """It starts nothing and waits for nothing; the next job of the spool ships it."""
    settings = kafka(servers, prefix)
    first, last = json.loads(run(JOB, home, settings, EPOCHAL_MODE="offline").out)
    assert first["acknowledged"] is last["acknowledged"] is None
    assert count(servers, f"{prefix}events") == 0
    assert shipper_pid(spool_of(home)) is None
    run("epochal.init('y').finish()", home, settings)
    wait_for(lambda: count(servers, f"{prefix}metrics") >= 1, "the points of the job that was offline")
    wait_for(lambda: same(in_kafka(servers, prefix), in_journals(spool_of(home))), "everything")


def test_what_a_killed_job_logged_is_shipped_and_its_end_is_told(servers: str, prefix: str, home: Path) -> None:
    """SIGKILL in the middle of logging: what its journal holds is in Kafka, and that it vanished is told once."""
    code = "run = epochal.init('x')\nprint(run.id, flush=True)\ni = 0\nwhile True:\n    run.log({'a': i}); i += 1"
    with start(code, home, **kafka(servers, prefix)) as job:
        assert job.stdout is not None
        component = job.stdout.readline().strip()
        wait_for(lambda: count(servers, f"{prefix}metrics") > 1, "the first points")
        job.kill()
    spool = spool_of(home)
    wait_for(lambda: bool(said(in_kafka(servers, prefix), "writer.vanished")), "the end")
    found = in_kafka(servers, prefix)
    assert found.points == in_journals(spool).points
    assert len(found.points) > 1000
    vanished = [data for data in said(found, "writer.vanished") if data["component"] == component]
    assert [data["metrics"] for data in vanished] == [len(found.points)]


@pytest.mark.parametrize("shipper", ["process", "thread"])
def test_a_broker_that_is_away_is_waited_for(home: Path, topic_prefix: str, tmp_path: Path, shipper: str) -> None:
    """The job goes on, flush says that nothing is acknowledged and why, and all is sent when the broker is back."""
    code = """
    import json, sys, time
    run = epochal.init("x")
    run.log({"a": 0.0})
    here = run.flush(60)
    print("started", here.acknowledged, flush=True)
    input()
    longest = 0.0
    for i in range(20_000):
        begun = time.monotonic()
        run.log({"a": i})
        longest = max(longest, time.monotonic() - begun)
    away = run.flush(2)
    print("away", away.acknowledged, away.points, flush=True)
    input()
    back = run.flush(120)
    print("back", back.acknowledged, back.points, flush=True)
    run.finish()
    """
    with Cluster(tmp_path / "kafka") as cluster:
        migrate(Settings(kafka=cluster.bootstrap, kafka_topic_prefix=topic_prefix))
        settings = kafka(cluster.bootstrap, topic_prefix, EPOCHAL_SHIPPER=shipper)
        with start(code, home, **settings) as job:
            assert job.stdout is not None
            assert job.stdin is not None
            assert job.stdout.readline() == "started True\n"
            cluster.kill(0)
            print(file=job.stdin, flush=True)
            assert job.stdout.readline() == "away False 20001\n"
            cluster.start(0)
            print(file=job.stdin, flush=True)
            assert job.stdout.readline() == "back True 20001\n"
            child = ended(job, home)
        assert child.code == 0
        assert "Kafka" in child.err
        assert "epochal ship" in child.err
        assert same(in_kafka(cluster.bootstrap, topic_prefix), in_journals(spool_of(home)))


def test_a_broker_that_never_was_costs_a_bounded_wait(home: Path, topic_prefix: str) -> None:
    """finish() says within its time that nothing is acknowledged; the journal stays."""
    code = """
    import json, time
    run = epochal.init("x")
    run.log({"a": 1.0})
    begun = time.monotonic()
    print(json.dumps([run.finish().acknowledged, time.monotonic() - begun < 30]))
    """
    settings = kafka("127.0.0.1:1", topic_prefix, EPOCHAL_KAFKA_WAIT="1")
    child = run(code, home, settings)
    assert json.loads(child.out) == [False, True]
    assert "It lies in" in child.err
    assert len(in_journals(spool_of(home)).points) == 1


def test_a_job_that_is_over_before_its_thread_has_begun(servers: str, prefix: str, home: Path) -> None:
    """An interpreter that is ending begins no threads: that is said at once, and the next job ships it."""
    settings = kafka(servers, prefix, EPOCHAL_SHIPPER="thread")
    child = run("epochal.init('x').log({'a': 1.0})", home, settings)
    if "It lies in" not in child.err:  # the thread was faster
        assert same(in_kafka(servers, prefix), in_journals(spool_of(home)))
    run("epochal.init('y').finish()", home, settings)
    wait_for(lambda: same(in_kafka(servers, prefix), in_journals(spool_of(home))), "everything")


def test_topics_that_are_missing_are_named(servers: str, topic_prefix: str, home: Path) -> None:
    """The job says what to run; when that was done, all is sent."""
    settings = kafka(servers, topic_prefix, EPOCHAL_KAFKA_WAIT="5")
    child = run("run = epochal.init('x'); run.log({'a': 1.0}); run.finish()", home, settings)
    assert "epochal migrate" in child.err
    migrate(Settings(kafka=servers, kafka_topic_prefix=topic_prefix))
    hurry(spool_of(home))
    wait_for(lambda: same(in_kafka(servers, topic_prefix), in_journals(spool_of(home))), "everything")


@pytest.mark.chaos("SIGKILL of the shipper")
def test_the_shipping_process_is_killed_again_and_again(
    breakable: Breakable, topic_prefix: str, home: Path, chaos: Chaos
) -> None:
    """SIGKILL at random moments while eight writers log and what was just sent is lost on its way: another is started,
    and nothing is lost.
    """
    servers, prefix, proxy = breakable.cluster.bootstrap, topic_prefix, breakable.proxies[JOBS]
    migrate(Settings(kafka=servers, kafka_topic_prefix=prefix))
    code = """
    import sys, threading, time
    over = threading.Event()
    steps = [0] * 8
    def work(number):
        with epochal.component(f"c{number}") as run:
            while not over.is_set():
                run.log({"a": steps[number], "b": number}, step=steps[number])
                steps[number] += 1
                time.sleep(0.02)
    threads = [threading.Thread(target=work, args=(n,)) for n in range(8)]
    [t.start() for t in threads]
    sys.stdin.readline()
    over.set()
    [t.join() for t in threads]
    print(*steps)
    """
    with start(code, home, **kafka(breakable.servers(JOBS), prefix, EPOCHAL_KAFKA_WAIT="60")) as job:
        wait_for(lambda: count(servers, f"{prefix}events") > 0, "the first events")
        while chaos.lacking():
            chaos.pause(1.5)
            proxy.lose_soon()
            lost = proxy.lost(5.0)
            chaos.pause(0.5)
            if end_shipper(spool_of(home), signal.SIGKILL) and lost:
                chaos.note()
            proxy.mend()
            proxy.cut()
        assert job.stdin is not None
        print(file=job.stdin, flush=True)
        child = ended(job, home)
    assert child.code == 0, child.err
    wait_for(lambda: same(in_kafka(servers, prefix), in_journals(spool_of(home))), "everything")
    steps = [float(step) for last in child.out.split() for step in range(int(last))]
    found = in_kafka(servers, prefix)
    assert sorted(row[1] for row in found.points.values() if row[0] == "a") == sorted(steps)


def test_forked_and_spawned_processes_log(servers: str, prefix: str, home: Path) -> None:
    """Each has a journal of its own in the spool, and all of them come to Kafka."""
    code = """
    import multiprocessing
    def work(number):
        epochal.current().log({"a": float(number)})
    if __name__ == "__main__":
        with epochal.init("x") as run:
            run.log({"a": -1.0})
            for method in ("fork", "spawn"):
                with multiprocessing.get_context(method).Pool(2) as pool:
                    pool.map(work, range(20))
                    pool.close()
                    pool.join()
    """
    for shipper in ("process", "thread"):
        run(code, home, kafka(servers, prefix, EPOCHAL_SHIPPER=shipper))
    run("epochal.init('y').finish()", home, kafka(servers, prefix))
    wait_for(lambda: same(in_kafka(servers, prefix), in_journals(spool_of(home))), "everything")
    values = sorted(row[2] for row in in_kafka(servers, prefix).points.values())
    assert len(values) == 2 * 41
