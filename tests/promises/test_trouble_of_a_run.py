"""What the world does to a whole run, in a real process: it ends by itself, with one warning, its loss counted."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from disks import enlarge, small_disk
from host_ending import end_host
from journal.journals import read_events
from promises.jobs import environment
from sdk.children import wait_for

import epochal
from epochal_storage.hostfile import lock_holder

JOB = """
import sys
import epochal, epochal._journal.segments as segments
if "{mode}" == "written":
    segments._IN_PLACE = frozenset()  # a file system that can't promise blocks
run = epochal.init("trouble")
for part, calls in enumerate({parts}):
    print(run.id, flush=True)
    sys.stdin.readline()
    for number in range(calls):
        run.log({{"a": number, "b": -number}})
print("done", flush=True)
"""
MODES = ("mapped", "written")
FEW, MANY = 300, 3000
"""Calls: three times few stay in the first segment, many fill it, so that the writer looks at it."""
SUMMARY = "not all of it is recorded"


@dataclass
class Ended:
    """A run whose process ended by itself: what it said, and what it should have recorded."""

    component: str
    out: str
    warnings: list[str]
    summary: list[str]
    points: int

    def said_once(self, *words: str) -> None:
        """Training came to its own end, with one warning of this, and a summary after it."""
        assert self.out.splitlines()[-1] == "done"
        (warning,) = self.warnings
        assert all(word in warning for word in words), warning
        assert len(self.summary) == 1


def run_through(store: Path, *meanwhile: Callable[[], object], parts: Sequence[int], mode: str = "mapped") -> Ended:
    """A process that makes so many calls, pauses for the first of these, makes so many more, and so on to its end.

    It starts no host, so that what is gone from its journal before it is read is gone.
    """
    child = subprocess.Popen(
        [sys.executable, "-c", JOB.format(mode=mode, parts=list(parts))],
        env=environment(store, EPOCHAL_HOST="none"),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert child.stdout is not None
        assert child.stdin is not None
        component = child.stdout.readline().strip()
        for happens in meanwhile:
            child.stdin.write("go on\n")
            child.stdin.flush()
            assert child.stdout.readline().strip() == component
            happens()
        out, err = child.communicate("go on\n", timeout=60)
    finally:
        child.kill()
        child.wait()
    assert child.returncode == 0, err
    lines = err.splitlines()
    assert all(line.startswith("epochal: ") for line in lines), err
    warnings = [line for line in lines if SUMMARY not in line]
    return Ended(component, out, warnings, lines[len(warnings) :], 2 * sum(parts))


def live_segment(store: Path) -> Path:
    """The segment that the run writes to."""
    return max((store / "journals").glob("*/points-*.seg"))


def lost_by_its_last_words(store: Path, component: str) -> dict[str, int]:
    """The loss in the closing event of the run's writer, as it lies in its journal."""
    journals = [path.parent for path in (store / "journals").glob("*/events.bin")]
    events = [json.loads(payload) for journal in journals for _, payload in read_events(journal)[0]]
    (lost,) = (
        event["data"]["lost"]
        for event in events
        if event["type"] == "epochal.writer.closed" and event["data"]["component"] == component
    )
    return dict(lost)


@contextmanager
def taken_in(store: Path) -> Iterator[epochal.Store]:
    """The store as its readers see it, through a real host, which is gone afterwards."""
    try:
        with contextlib.closing(epochal.open(store)) as opened:
            yield opened
    finally:
        end_host(store)
        wait_for(lambda: lock_holder(store) is None, "the host to end")


def missing(certificate: dict[str, Any], channel: str) -> int:
    """How many sequence numbers of a channel the certificate calls missing."""
    return sum(end - first for one in certificate["writers"] if one["channel"] == channel for first, end in one["gaps"])


@pytest.mark.long
@pytest.mark.parametrize("mode", MODES)
def test_a_full_disk_under_a_run(tmp_path: Path, mode: str) -> None:
    """Nothing that has a number is missing: what was refused never got one, and is counted."""
    with small_disk(tmp_path / "disk", "1m") as disk:
        ended = run_through(disk, parts=[40_000], mode=mode)
        ended.said_once("No space left on device", "counted")
        lost = lost_by_its_last_words(disk, ended.component)
        assert lost.keys() == {"disk"}
        enlarge(disk, "256m")
        with taken_in(disk) as store:
            certificate = store.certificate(ended.component)
            assert (certificate["state"], certificate["lost"]) == ("closed", lost)
            assert len(store.metrics(component=ended.component)) == ended.points - lost["disk"]
            assert store.state(ended.component)["status"] == "completed"


def cut(store: Path) -> None:
    """Somebody shortens the segment that is written to, to a length in the middle of a slot."""
    os.truncate(live_segment(store), 20_000)


def delete_its_own(store: Path) -> None:
    """Somebody deletes the directory of the writer of points."""
    shutil.rmtree(live_segment(store).parent)


def delete_all_journals(store: Path) -> None:
    """Somebody deletes the folder of all journals, and leaves the store."""
    shutil.rmtree(store / "journals")


@pytest.mark.long
@pytest.mark.parametrize(
    ("trouble", "mode", "later"),
    [
        (cut, "mapped", FEW),
        (cut, "written", FEW),
        (delete_its_own, "mapped", FEW),
        (delete_its_own, "written", MANY),
        (delete_all_journals, "mapped", MANY),
        (delete_all_journals, "written", FEW),
    ],
)
def test_files_taken_from_a_run(tmp_path: Path, trouble: Callable[[Path], None], mode: str, later: int) -> None:
    """What lay there is counted by the writer and missing in the certificate; the run's end is there, and all that
    was logged once the writer had noticed, which is at its end at the latest.
    """
    place = tmp_path / "store"

    def read() -> None:
        with taken_in(place) as store:
            assert len(store.metrics()) == 2 * FEW

    ended = run_through(place, read, lambda: trouble(place), parts=[FEW, FEW, later], mode=mode)
    ended.said_once("gone, unless they were read before", "counted")
    lost = lost_by_its_last_words(place, ended.component)
    assert lost.keys() == {"truncated"}
    with taken_in(place) as store:
        certificate = store.certificate(ended.component)
        assert certificate["lost"] == lost
        gone = missing(certificate, "metrics")
        assert 0 < gone <= lost["truncated"]
        assert [one["state"] for one in certificate["writers"] if one["channel"] == "metrics"] == ["gaps"]
        frame = store.metrics(component=ended.component)
        assert len(frame) == ended.points - gone
        if trouble is cut or later == MANY:  # else nothing made the writer look before its end, or its sync did
            assert frame["step"].max() == 2 * FEW + later - 1
        assert store.state(ended.component)["status"] == "completed"


def cut_last(segment: Path) -> None:
    """One byte of the last point is gone."""
    os.truncate(segment, segment.stat().st_size - 1)


def flip_last(segment: Path) -> None:
    """One bit of the last point's value is another."""
    data = bytearray(segment.read_bytes())
    data[-3] ^= 1
    segment.write_bytes(data)


@pytest.mark.long
@pytest.mark.parametrize("damage", [cut_last, flip_last])
def test_the_last_point_of_a_closed_journal_is_missed(tmp_path: Path, damage: Callable[[Path], None]) -> None:
    """In the file it looks like a call that never returned; the closing event, which counts it, tells that it did."""
    place = tmp_path / "store"
    ended = run_through(place, parts=[FEW])
    assert (ended.warnings, ended.summary) == ([], [])
    damage(live_segment(place))
    with taken_in(place) as store:
        certificate = store.certificate(ended.component)
        assert certificate["state"] == "gaps"
        last = 2 * FEW - 1
        gaps = {one["channel"]: one["gaps"] for one in certificate["writers"]}
        assert gaps == {"lifecycle": [], "metrics": [[last, last + 1]]}
        assert f"missing {last} to {last}" in certificate.to_text()
        assert len(store.metrics(component=ended.component)) == last


def test_a_read_only_directory_under_a_run(tmp_path: Path) -> None:
    """Nothing can be recorded, not even that: the process says it, once and at its end, with the numbers."""
    journals = tmp_path / "store" / "journals"
    with read_only(journals):
        ended = run_through(tmp_path / "store", parts=[1000])
        ended.said_once(str(journals), "counted")
        assert f"{ended.points:,} for reason 'disk'" in ended.summary[0]
        assert "for reason 'events'" in ended.summary[0]
        assert list(journals.iterdir()) == []


@contextmanager
def read_only(journals: Path) -> Iterator[None]:
    """A directory that its user may not write to; for root, who may write anywhere, on a read-only file system."""
    journals.parent.mkdir()
    if os.geteuid() != 0:
        journals.mkdir(mode=0o555)
        yield
        return
    with small_disk(journals, "64k"):
        subprocess.run(["mount", "-o", "remount,ro", str(journals)], check=True)
        yield
