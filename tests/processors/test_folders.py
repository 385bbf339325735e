"""Journals outside the store: found by pointers, taken in by the promises of those inside, let go when that is safe."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from processors.journals import Bench, Job

from epochal._elsewhere import announce, folder
from epochal._ids import uuid7
from epochal._journal.process import ProcessLock
from epochal_processors.cleaning import INTERVAL_S
from epochal_processors.folders import NAMELESS_S


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    made = Bench(tmp_path / "store")
    yield made
    made.end()


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    """A directory for journals that no store owns."""
    return tmp_path / "fast disk"


CHILD = """
import sys, time
from pathlib import Path
from epochal._elsewhere import announce
from epochal._journal.process import ProcessLock
from processors.journals import Job
store, journals = Path(sys.argv[1]), Path(sys.argv[2])
lock = ProcessLock.hold(journals)
announce(store, lock.id, journals)
job = Job(journals, lock).open().log(1000)
print(job.writer, flush=True)
time.sleep(600)
"""


def started(store: Path, journals: Path) -> tuple[subprocess.Popen[str], UUID]:
    """A process of a store that has logged 1,000 points to a directory outside, and lives."""
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD, str(store), str(journals)],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parent.parent)},
    )
    assert child.stdout is not None
    return child, UUID(child.stdout.readline().strip())


def killed(child: subprocess.Popen[str]) -> None:
    """It is gone, by SIGKILL."""
    child.send_signal(signal.SIGKILL)
    child.wait()
    assert child.stdout is not None
    child.stdout.close()


def pointers(bench: Bench) -> list[str]:
    """The pointers that are left."""
    return sorted(path.name for path in folder(bench.directory).glob("*"))


def points(bench: Bench, writer: UUID) -> int:
    """How many points of a writer the store has."""
    return len([row for row in bench.store.final("metrics") if row["writer"] == writer.bytes])


def changed(bench: Bench, **said: Any) -> None:
    """The one pointer, saying something else."""
    (note,) = folder(bench.directory).glob("*.json")
    note.write_text(json.dumps({**json.loads(note.read_text()), **said}))


def test_journals_outside_are_taken_in_and_let_go(bench: Bench, outside: Path) -> None:
    """A live process's journals are followed, a killed one's vanishing is told, and nothing of it is left lying."""
    child, writer = started(bench.directory, outside)
    host = bench.host()
    assert (host.follower.run_once().points, host.follower.run_once().live) == (1000, 1)
    bench.seconds += INTERVAL_S
    host.follower.run_once()
    assert (outside / str(writer)).exists()
    killed(child)
    host.follower.run_once()
    assert [data["writer"] for data in bench.events("writer.vanished")] == [str(writer)]
    assert len(pointers(bench)) == 1
    bench.seconds += INTERVAL_S
    host.follower.run_once()
    host.follower.run_once()
    assert not (outside / str(writer)).exists()
    assert pointers(bench) == []
    assert list((outside / "processes").iterdir()) == []
    assert points(bench, writer) == 1000
    assert bench.reports == []


def test_a_live_process_keeps_its_pointer_though_it_has_nothing_there(bench: Bench, outside: Path) -> None:
    """What a process writes later is found, also when all it wrote before is gone."""
    lock = ProcessLock.hold(outside)
    announce(bench.directory, lock.id, outside)
    Job(outside, lock).open().log(1).close()
    host = bench.host()
    for _ in range(3):
        bench.seconds += INTERVAL_S
        host.follower.run_once()
    assert [path.name for path in outside.iterdir()] == ["processes"]
    later = Job(outside, lock).open().log(2)
    host.follower.run_once()
    assert bench.values(later) == [0.0, 1.0]
    lock.release()


def test_stores_that_share_a_directory_take_their_own_journals(bench: Bench, outside: Path, tmp_path: Path) -> None:
    """Two stores point to one directory: each takes what its own processes wrote there, and removes nothing else."""
    other = Bench(tmp_path / "other")
    first, mine = started(bench.directory, outside)
    second, theirs = started(other.directory, outside)
    killed(first)
    killed(second)
    for each in (bench, other):
        host = each.host()
        host.follower.run_once()
        each.seconds += INTERVAL_S
        host.follower.run_once()
        host.follower.run_once()
    other.end()
    assert (points(bench, mine), points(bench, theirs)) == (1000, 0)
    assert (points(other, mine), points(other, theirs)) == (0, 1000)
    assert pointers(bench) == pointers(other) == []


def test_a_directory_that_was_deleted(bench: Bench, outside: Path) -> None:
    """Told once; the pointer stays while the process lives and may write there again, and goes with it."""
    child, _ = started(bench.directory, outside)
    shutil.rmtree(outside)
    job = bench.job().open().log(3)
    host = bench.host()
    for _ in range(3):
        host.follower.run_once()
    assert bench.values(job) == [0.0, 1.0, 2.0]
    (told,) = bench.reports
    assert str(outside) in told
    assert str(child.pid) in told
    assert len(pointers(bench)) == 1
    killed(child)
    for _ in range(3):
        host.follower.run_once()
    assert [str(outside) in line for line in bench.reports] == [True, True]
    assert pointers(bench) == []


def test_a_disk_that_is_not_mounted_is_waited_for(bench: Bench, outside: Path) -> None:
    """Nothing is concluded from an empty mount point, however dead the process: journals come back with the disk."""
    child, writer = started(bench.directory, outside)
    killed(child)
    (note,) = folder(bench.directory).glob("*.json")
    mounted = json.loads(note.read_text())["mount"]
    assert os.path.ismount(mounted)
    changed(
        bench, mount=str(outside.parent)
    )  # a directory like any other: what is left of a mount point without a disk
    away = outside.rename(outside.with_name("unplugged"))
    job = bench.job().open().log(3)
    host = bench.host()
    for _ in range(3):
        host.follower.run_once()
    assert bench.values(job) == [0.0, 1.0, 2.0]
    assert [str(outside) in line and "not mounted" in line for line in bench.reports] == [True]
    assert len(pointers(bench)) == 1
    away.rename(outside)
    changed(bench, mount=mounted)
    bench.host().follower.run_once()
    assert points(bench, writer) == 1000


def test_a_directory_of_another_machine_is_left_to_its_host(bench: Bench, tmp_path: Path) -> None:
    """What only another machine can reach is no trouble here, and its pointer stays."""
    gone = tmp_path / "its own disk"
    lock = ProcessLock.hold(gone)
    announce(bench.directory, lock.id, gone)
    lock.release()
    shutil.rmtree(gone)
    changed(bench, host="another")
    host = bench.host()
    host.follower.run_once()
    assert bench.reports == []
    assert len(pointers(bench)) == 1


def test_a_machine_that_was_renamed_finds_its_journals(bench: Bench, outside: Path) -> None:
    """Journals on a local disk are this machine's, whatever it was called when they were written."""
    child, writer = started(bench.directory, outside)
    killed(child)
    changed(bench, host="as it was called before")
    host = bench.host()
    host.follower.run_once()
    bench.seconds += INTERVAL_S
    host.follower.run_once()
    host.follower.run_once()
    assert points(bench, writer) == 1000
    assert pointers(bench) == []


@pytest.mark.parametrize("content", ["{", "[]", '{"process": 7}', "\x00"])
def test_a_broken_pointer_is_told_once_and_left(bench: Bench, content: str) -> None:
    """A file that is no pointer stops nothing."""
    note = folder(bench.directory) / f"{uuid4()}.json"
    note.parent.mkdir()
    note.write_text(content)
    job = bench.job().open().log(1)
    host = bench.host()
    for _ in range(3):
        host.follower.run_once()
    assert bench.values(job) == [0.0]
    assert [str(note) in line for line in bench.reports] == [True]
    assert note.exists()


def test_a_journal_outside_that_never_says_whose_it_is(bench: Bench, outside: Path) -> None:
    """It is waited for, its pointer stays, and at last it is kept as dead letters like one inside."""
    lock = ProcessLock.hold(outside)
    announce(bench.directory, lock.id, outside)
    changed(bench, pid=2**22 + 1)  # no process has this number
    Job(outside, lock).log(3)
    lock.release()
    host = bench.host()
    host.follower.run_once()
    assert bench.store.final("dead_letters") == []
    assert len(pointers(bench)) == 1
    for _ in range(2):
        bench.seconds += NAMELESS_S + 1
        host.follower.run_once()
    (letter,) = bench.store.final("dead_letters")
    assert letter["reason"] == "no component"


def test_an_unreadable_journal_outside_keeps_its_pointer(bench: Bench, outside: Path) -> None:
    """Of a newer version, or of somebody else: it stays, and so does the way to it."""
    lock = ProcessLock.hold(outside)
    announce(bench.directory, lock.id, outside)
    changed(bench, pid=2**22 + 1)
    lock.release()
    newer = outside / str(uuid7())
    (newer / "events.bin").mkdir(parents=True)  # reading it is an error
    host = bench.host()
    for _ in range(3):
        host.follower.run_once()
    assert [str(newer) in line for line in bench.reports] == [True]
    assert len(pointers(bench)) == 1
