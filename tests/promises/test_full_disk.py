"""What is promised when the disk under a store fills up, with real processes on a real, small file system."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from disks import enlarge, small_disk
from host_ending import end_host
from promises.jobs import environment

import epochal
from epochal_storage.errors import StoreError

JOB = """
import epochal, json
run = epochal.init("full")
for step in range(20_000):
    run.log({f"m{k}": step + k / 8 for k in range(8)}, step=step)
position = run.finish()
print(json.dumps([run.id, position.points, position.lost]))
"""
MOST_JOBS = 30


@pytest.mark.long
def test_what_was_accepted_is_read_when_there_is_room_again(tmp_path: Path) -> None:
    """Nothing that a job was not told of is lost, while host and jobs fight for the last blocks; a read says why it
    can't answer rather than leave something out.
    """
    with small_disk(tmp_path / "disk", "24m") as disk:
        place = disk / "store"
        jobs: list[tuple[str, int]] = []
        for _ in range(MOST_JOBS):
            done = subprocess.run(
                [sys.executable, "-c", JOB], env=environment(place), capture_output=True, text=True, check=True
            )
            component, points, lost = json.loads(done.stdout)
            jobs.append((component, points))
            if lost:
                break
        else:
            pytest.fail("the disk was never full")
        with pytest.raises(StoreError, match=r"not enough space|no room left|No space left"):
            epochal.open(place).metrics(component=jobs[-1][0])
        enlarge(disk, "256m")
        store = epochal.open(place)
        for component, points in jobs:
            frame = store.metrics(component=component)
            assert len(frame) == points
            assert (frame["value"] == frame["step"] + frame["metric"].str[1:].astype(int) / 8).all()
        end_host(place)
