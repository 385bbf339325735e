"""What a killed process was staging is swept, and nothing that a living one may still need."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from processors.journals import Bench
from promises.jobs import environment

from epochal._artifacts.staging import ABANDONED_S, staging
from epochal._elsewhere import folder, read_pointer
from epochal._journal.process import is_alive
from epochal_processors.cleaning import INTERVAL_S

JOB = """
import os, pathlib, threading
import epochal
from epochal._artifacts import uploader
uploader.digest_snapshot = lambda *_: threading.Event().wait()  # the store of contents takes for ever
run = epochal.init("staging")
pathlib.Path("model.bin").write_bytes(os.urandom(1 << 20))
run.log_output("model", path="model.bin")
print("staged", flush=True)
threading.Event().wait()
"""

SILENT = """
import pathlib, sys, threading
from epochal._artifacts.staging import staging
from epochal._journal.process import ProcessLock
journals = pathlib.Path(sys.argv[1])
left = staging(journals, ProcessLock.hold(journals).id)
left.mkdir(parents=True)
print(left, flush=True)
threading.Event().wait()
"""


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    made = Bench(tmp_path / "store")
    yield made
    made.end()


def staged(journals: Path) -> list[Path]:
    """What lies staged, files and folders."""
    return sorted((journals / "staging").rglob("*"))


def job(bench: Bench, **settings: str) -> subprocess.Popen[str]:
    """A training that is at its content."""
    child = subprocess.Popen(
        [sys.executable, "-c", JOB],
        cwd=bench.directory.parent,
        env=environment(bench.directory, EPOCHAL_HOST="none", **settings),
        stdout=subprocess.PIPE,
        text=True,
    )
    assert child.stdout is not None
    assert child.stdout.readline() == "staged\n"
    return child


def killed(child: subprocess.Popen[str]) -> None:
    child.send_signal(signal.SIGKILL)
    child.wait()
    assert child.stdout is not None
    child.stdout.close()


@pytest.mark.parametrize("elsewhere", [False, True])
def test_what_a_killed_process_staged_is_swept(bench: Bench, elsewhere: bool) -> None:
    """Not while it lives; all of it once it is gone, with the lock that said so."""
    outside = bench.directory.parent / "fast disk"
    journals = outside if elsewhere else bench.journals
    child = job(bench, **{"EPOCHAL_JOURNAL": str(outside)} if elsewhere else {})
    host = bench.host()
    for _ in range(2):
        bench.seconds += INTERVAL_S
        host.follower.run_once()
    assert any(path.is_file() for path in staged(journals))
    killed(child)
    for _ in range(3):
        bench.seconds += INTERVAL_S
        host.follower.run_once()
    assert staged(journals) == []
    assert all(is_alive(journals, UUID(lock.stem)) for lock in (journals / "processes").iterdir())
    assert bench.reports == []


def test_what_is_left_when_the_journals_are_long_gone_is_swept(bench: Bench) -> None:
    """Also a process that ended its runs and was killed at what came after."""
    child = subprocess.Popen([sys.executable, "-c", SILENT, str(bench.journals)], stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    left = Path(child.stdout.readline().strip())
    host = bench.host()
    bench.seconds += INTERVAL_S
    host.follower.run_once()
    assert left.exists()
    killed(child)
    bench.seconds += INTERVAL_S
    host.follower.run_once()
    assert not left.exists()


def test_staging_without_a_lock_is_left_for_a_day(bench: Bench) -> None:
    """Where the file system has no locks nobody can tell who lives: only what is old is taken for left behind."""
    left = staging(bench.journals, uuid4())
    left.mkdir(parents=True)
    (bench.journals / "staging" / "mine").mkdir()
    host = bench.host()
    host.follower.clean()
    assert left.exists()
    old = time.time() - ABANDONED_S - 1
    os.utime(left, (old, old))
    host.follower.clean()
    assert [path.name for path in staged(bench.journals)] == ["mine"]


def test_an_sdk_without_a_host_sweeps_as_well(bench: Bench) -> None:
    """The next process that writes removes what the killed one left, in the background."""
    killed(job(bench))
    assert staged(bench.journals)
    child = job(bench)
    deadline = time.monotonic() + 30
    while len(list((bench.journals / "staging").iterdir())) != 1:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    killed(child)


def test_the_pointer_stays_until_the_staging_is_removed(bench: Bench) -> None:
    """Staging that can't be removed yet is reported once, and not forgotten."""
    outside = bench.directory.parent / "fast disk"
    killed(job(bench, EPOCHAL_JOURNAL=str(outside)))
    (note,) = folder(bench.directory).iterdir()
    process = read_pointer(note).process
    kept = staging(outside, process)
    moved = kept.rename(outside / "kept")
    kept.write_text("a file where the folder was")  # rmtree refuses it
    host = bench.host()
    for _ in range(4):
        bench.seconds += INTERVAL_S
        host.follower.run_once()
    assert note.exists()
    assert len(bench.reports) == len({*bench.reports}) >= 1
    kept.unlink()
    moved.rename(kept)
    host.follower.run_once()
    assert not note.exists()
    assert not kept.exists()
