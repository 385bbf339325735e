"""Promises of reading while jobs write and hosts die, with real processes and real SIGKILL."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from promises.job import value
from promises.jobs import TESTS, environment, host_pid, job

import epochal

pytestmark = pytest.mark.long


def test_a_read_sees_every_call_that_had_returned(tmp_path: Path) -> None:
    """Whatever `log()` had returned before the read began is in its answer, value for value."""
    with job(tmp_path, "writer", 1, 5_000) as running:
        store = epochal.open(tmp_path)
        while running.process.poll() is None:
            returned = running.acknowledged
            values = store.metrics(component=running.component, metric="loss")["value"].to_list()
            assert len(values) >= returned
            assert values == [value(1, call) for call in range(len(values))]
        assert running.wait() == 0
        assert len(store.metrics(component=running.component, metric="half")) == 5_000


@pytest.mark.slow
@pytest.mark.parametrize("seed", [11, 12, 13])
def test_five_readers_and_three_jobs_survive_the_host(tmp_path: Path, seed: int) -> None:
    """The host is killed again and again: no error reaches a reader or a job, and counts never go down."""
    chance = random.Random(seed)
    with (
        job(tmp_path, "a", seed, 40_000) as first,
        job(tmp_path, "b", seed + 1, 40_000) as second,
        job(tmp_path, "c", seed + 2, 40_000) as third,
    ):
        readers = [
            subprocess.Popen(
                [sys.executable, "-m", "promises.reader", watched.component, str(watched.seed)],
                cwd=TESTS,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                env=environment(tmp_path),
            )
            for watched in (first, second, third, first, second)
        ]
        kills = 0
        deadline = time.monotonic() + 40
        while time.monotonic() < deadline and kills < 6:
            if (pid := host_pid(tmp_path)) is not None:
                time.sleep(chance.uniform(0, 2))  # the moment of the kill, not a synchronisation
                os.kill(pid, signal.SIGKILL)
                kills += 1
        assert kills >= 3
        assert [each.wait() for each in (first, second, third)] == [0, 0, 0]
        for reader in readers:
            out, err = reader.communicate("stop\n", timeout=120)
            assert reader.returncode == 0, err
            assert int(out.split()[0]) >= 1
        store = epochal.open(tmp_path)
        for watched in (first, second, third):
            values = store.metrics(component=watched.component, metric="loss")["value"].to_list()
            assert values == [value(watched.seed, call) for call in range(40_000)]


def test_a_killed_job_loses_nothing_that_had_returned(tmp_path: Path) -> None:
    """SIGKILL of a job: every call that had returned is read back, and the job is lost, not running for ever."""
    chance = random.Random(7)
    store = epochal.open(tmp_path)
    for number in range(3):
        with job(tmp_path, f"killed-{number}", number, 1_000_000) as running:
            wanted = chance.randrange(1, 3000)
            while running.acknowledged < wanted:
                time.sleep(0.001)
            running.kill()
            frame = store.metrics(component=running.component, metric="loss")
            assert len(frame) >= running.acknowledged
            assert frame["value"].to_list() == [value(number, call) for call in range(len(frame))]
            certificate = store.certificate(running.component)
            assert certificate["state"] == "recovered"
            assert store.state(running.component)["status"] == "lost"
