"""The host process as users have it: started, asked, killed, idle."""

from __future__ import annotations

import fcntl
import json
import os
import random
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path
from uuid import uuid4

import pytest
from host_ending import end_host
from processors.hosts import PATIENCE_S, Hosts, stored, wait_until
from processors.journals import Job

from epochal._host import Started, spawn
from epochal._journal.process import ProcessLock
from epochal._sent import kafka_log
from epochal_processors.tables import rows_table
from epochal_storage.errors import HostUnavailableError
from epochal_storage.location import Embedded
from epochal_storage.remote import open_remote


@pytest.mark.long
def test_a_read_sees_every_call_that_had_returned(hosts: Hosts, lock: ProcessLock) -> None:
    """However soon after a call a query comes, what was logged is in the answer."""
    job = Job(hosts.store / "journals", lock).open()
    client = hosts.client()
    for round_ in range(1, 8):
        job.log(100)
        assert stored(client, job) == [float(i) for i in range(round_ * 100)]


def check_kills(hosts: Hosts, lock: ProcessLock, kills: int, seed: int) -> None:
    rng = random.Random(seed)
    print(f"seed {seed}")
    journals = hosts.store / "journals"
    jobs = [Job(journals, lock, segment_bytes=1 << 18).open() for _ in range(3)]
    intake = hosts.store / "intake" / "intake.log"
    for _ in range(kills):
        for job in jobs:
            job.log(rng.randrange(20_000), ("loss", "accuracy"))
        before = size_of(intake)
        hosts.spawn(hosts.store)
        wait_until(lambda: size_of(intake) > before)  # noqa: B023 - called at once
        time.sleep(rng.random() * rng.choice([0.001, 0.02, 0.3]))
        hosts.kill()
    for job in jobs:
        job.log(100).close()
    client = hosts.client()
    for job in jobs:
        assert stored(client, job) == expected(job)
        gaps = client.query_arrow(
            "SELECT first_seq, count FROM ledger FINAL WHERE writer = {w:UUID} AND channel = 'metrics' "
            "ORDER BY first_seq",
            {"w": job.writer},
        ).to_pylist()
        assert [row["first_seq"] for row in gaps][1:] == [row["first_seq"] + row["count"] for row in gaps][:-1]
    numbers = client.query_arrow("SELECT offset FROM ledger FINAL ORDER BY offset")["offset"].to_pylist()
    assert numbers == list(range(len(numbers)))
    covered = client.query_arrow("SELECT sum(n) AS n FROM partials FINAL")["n"][0].as_py()
    assert covered == sum(job.journal.counts[1] for job in jobs)


def size_of(intake: Path) -> int:
    """The size of the intake file; of one that isn't there, that of an empty one."""
    return intake.stat().st_size if intake.exists() else 64


def expected(job: Job) -> list[float]:
    """What `Job.log` gave the points of a job: each its own number."""
    return [float(i) for i in range(job.journal.counts[1])]


@pytest.mark.long
@pytest.mark.parametrize("seed", [1, 2])
def test_a_host_killed_while_it_takes_journals_in_loses_and_doubles_nothing(
    hosts: Hosts, lock: ProcessLock, seed: int
) -> None:
    """Killed anywhere between the intake and the ledger, over and over: every point is there once, its value right."""
    check_kills(hosts, lock, 3, seed)


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("seed", range(10, 30))
def test_a_host_killed_many_times_loses_and_doubles_nothing(hosts: Hosts, lock: ProcessLock, seed: int) -> None:
    """The same with ten kills for each of twenty seeds."""
    check_kills(hosts, lock, 10, seed)


@pytest.mark.long
def test_an_idle_host_ends_and_takes_its_address_with_it(hosts: Hosts) -> None:
    """With no request, no live writer and nothing to take in, a host ends by itself."""
    hosts.spawn(hosts.store, idle_s=0.5)
    assert hosts.started[0].wait(PATIENCE_S) == 0
    assert not (hosts.store / "host.json").exists()


@pytest.mark.long
def test_a_host_stays_while_a_writer_lives(hosts: Hosts, lock: ProcessLock) -> None:
    """A live writer keeps the host; when it has closed, the host takes the rest in, removes the journal, and ends."""
    job = Job(hosts.store / "journals", lock).open().log(10)
    hosts.spawn(hosts.store, idle_s=0.2)
    wait_until((hosts.store / "host.json").exists)
    with pytest.raises(subprocess.TimeoutExpired):
        hosts.started[0].wait(2.0)
    job.log(5).close()
    assert hosts.started[0].wait(PATIENCE_S) == 0
    assert not (hosts.store / "journals" / str(job.writer)).exists()
    assert stored(hosts.client(), job) == [float(i) for i in range(15)]


@pytest.mark.long
def test_sigterm_ends_a_host_in_good_order(hosts: Hosts, lock: ProcessLock) -> None:
    """Told to end, a host takes in what is there, removes its address, and ends with 0."""
    job = Job(hosts.store / "journals", lock).open().log(1_000).close()
    hosts.spawn(hosts.store)
    wait_until((hosts.store / "host.json").exists)
    hosts.started[0].send_signal(signal.SIGTERM)
    assert hosts.started[0].wait(PATIENCE_S) == 0
    assert not (hosts.store / "host.json").exists()
    assert not (hosts.store / "journals" / str(job.writer)).exists()


def test_a_second_host_leaves_at_once(hosts: Hosts) -> None:
    """One store has one host; another one that is started meanwhile ends with 0 and changes nothing."""
    hosts.spawn(hosts.store)
    wait_until((hosts.store / "host.json").exists)
    address = (hosts.store / "host.json").read_text()
    hosts.spawn(hosts.store)
    assert hosts.started[1].wait(PATIENCE_S) == 0
    assert (hosts.store / "host.json").read_text() == address
    assert hosts.started[0].poll() is None


def test_a_store_of_a_newer_version_is_refused_with_words(hosts: Hosts) -> None:
    """A store that this version can't read is left alone, and the log says why."""
    hosts.store.mkdir(parents=True)
    content = json.dumps({"format": 2, "store": "0f0f0f0f-0000-4000-8000-000000000001", "created": ""})
    (hosts.store / "store.json").write_text(content)
    hosts.spawn(hosts.store)
    assert hosts.started[0].wait(PATIENCE_S) == 1
    assert "has format 2, this version reads up to 1: upgrade epochal" in (hosts.store / "host.log").read_text()
    assert (hosts.store / "store.json").read_text() == content
    assert not (hosts.store / "engine").exists()
    with pytest.raises(HostUnavailableError, match=r"can't start: .* has format 2, .*: upgrade epochal$"):
        hosts.client().query_arrow("SELECT 1")
    assert len(hosts.started) == 3


@pytest.mark.long
def test_a_host_that_was_started_tells_when_it_has_ended(hosts: Hosts) -> None:
    """Whoever starts one hears of its end, though it is no child of theirs."""
    hosts.store.mkdir(parents=True)
    (hosts.store / "store.json").write_text("damaged")
    started = spawn(hosts.store)
    assert started is not None
    wait_until(started.ended)
    (hosts.store / "store.json").unlink()
    living = spawn(hosts.store)
    assert living is not None
    wait_until((hosts.store / "host.json").exists)
    assert not living.ended()
    end_host(hosts.store)
    wait_until(living.ended)


def test_the_end_of_a_host_is_heard_in_a_process_with_many_open_files() -> None:
    """A training that has more than 1,024 files open may start a host like any other."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < 4096:
        pytest.skip(f"this process may never open 4,096 files, only {hard}")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, 4096), hard))
    try:
        ours, theirs = os.pipe()
        started = Started(fcntl.fcntl(ours, fcntl.F_DUPFD_CLOEXEC, 2000))
        os.close(ours)
        assert not started.ended()
        os.close(theirs)
        assert started.ended()
        del started
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.mark.long
def test_an_inline_store_needs_no_other_process(tmp_path: Path, lock: ProcessLock, hosts: Hosts) -> None:
    """Where no process may be started, a store can be opened in the reader's own."""
    job = Job(hosts.store / "journals", lock).open().log(20)
    script = (
        "import sys\n"
        "from pathlib import Path\n"
        "from epochal_processors.inline import open_inline\n"
        "store = open_inline(Path(sys.argv[1]))\n"
        "store.catch_up()\n"
        "print(store.engine.query_arrow('SELECT count() AS n FROM metrics')['n'][0].as_py())\n"
        "store.close()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(hosts.store)], capture_output=True, text=True, timeout=PATIENCE_S
    )
    assert done.stdout.strip() == "20", done.stderr
    assert stored(hosts.client(), job) == [float(i) for i in range(20)]


def test_what_workers_write_is_in_the_watermark(hosts: Hosts) -> None:
    """A host says how far the logs are that others take in, from the moment their insert was answered."""
    writer = open_remote(Embedded(hosts.store), hosts.spawn)
    reader = hosts.client()
    intake = reader.watermark()
    assert len(intake) == 1
    for offset in (3, 5):
        row = ("p", uuid4(), "metrics", 0, 1, kafka_log("c", "t", 1), offset, 1_900_000_000_000_000)
        writer.insert("ledger", rows_table("ledger", [row]))
        assert reader.watermark() == {**intake, kafka_log("c", "t", 1): offset}
    writer.close()
    reader.close()


@pytest.mark.long
def test_a_host_started_by_a_process_with_few_files_has_more(hosts: Hosts, lock: ProcessLock) -> None:
    """The soft limit of whoever starts it isn't its own: the engine alone needs hundreds of descriptors."""
    job = Job(hosts.store / "journals", lock).open().log(100)
    few, most = 48, resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    command = [sys.executable, "-m", "epochal_processors.host", str(hosts.store)]
    hosts.started.append(
        subprocess.Popen(command, preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (few, most)))
    )
    wait_until((hosts.store / "host.json").exists)
    assert stored(hosts.client(), job) == [float(i) for i in range(100)]
    assert resource.prlimit(hosts.started[0].pid, resource.RLIMIT_NOFILE)[0] > few
