"""EPOCHAL_JOURNAL outside the store: what is logged there is read like everything else, with real jobs and hosts."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from host_ending import end_host
from promises.jobs import environment
from sdk.children import wait_for

import epochal
from epochal_storage.hostfile import lock_holder

JOB = """
import os, epochal
run = epochal.init("fast", name="{name}")
for step in range(100):
    run.log({{"loss": step}}, step=step)
print(run.id, flush=True)
{end}
"""


def job(store: Path, journals: Path, name: str, end: str) -> str:
    """A process that logs a hundred points to journals outside the store; its component."""
    ended = subprocess.run(
        [sys.executable, "-c", JOB.format(name=name, end=end)],
        env=environment(store, EPOCHAL_JOURNAL=str(journals)),
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert ended.stderr == ""
    return ended.stdout.strip()


def doctor(store: Path) -> dict[str, Any]:
    """What `epochal doctor` says of journals, in a process that knows nothing of EPOCHAL_JOURNAL."""
    command = [sys.executable, "-m", "epochal.cli", "doctor", "--json"]
    said = subprocess.run(command, env=environment(store), capture_output=True, text=True, check=True, timeout=60)
    found: dict[str, Any] = json.loads(said.stdout)["journals"]
    return found


@pytest.mark.long
def test_what_is_logged_outside_the_store_is_read(tmp_path: Path) -> None:
    """Whoever opens the store sees it, whether the job ended or was killed; then nothing is left outside."""
    store, journals = tmp_path / "store", tmp_path / "fast disk"
    ended = job(store, journals, "ended", "")
    gone = job(store, journals, "killed", f"os.kill(os.getpid(), {signal.SIGKILL.value})")
    (place,) = doctor(store)["elsewhere"]
    assert (place["directory"], place["host"], place["state"]) == (str(journals), os.uname().nodename, "here")
    opened = epochal.open(store)
    for component, status in ((ended, "completed"), (gone, "lost")):
        assert opened.metrics(component=component, metric="loss")["value"].to_list() == [float(n) for n in range(100)]
        assert opened.state(component)["status"] == status
    assert opened.certificate(gone)["state"] == "recovered"
    opened.close()
    end_host(store)
    wait_for(lambda: lock_holder(store) is None, "the host to end")
    assert [path.name for path in journals.iterdir() if path.name not in ("processes", "claims")] == []
    assert doctor(store)["waiting"] == 0
