"""``epochal verify`` and ``epochal checkpoint`` as they are typed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from processors.hosts import Hosts
from processors.journals import Job
from query.altered import started

from epochal._journal.process import ProcessLock
from epochal_storage.client import StoreClient
from epochal_storage.locate import find_or_start


@pytest.fixture
def hosts(tmp_path: Path) -> Iterator[Hosts]:
    """A store with one component of 5,000 points, whose writer goes on, and its real host."""
    store = tmp_path / "store"
    (store / "journals").mkdir(parents=True)
    lock, found = ProcessLock.hold(store / "journals"), Hosts(store)
    started(Job(store / "journals", lock), "training").log(5_000)
    found.client().close()
    find_or_start(store, "reader", found.spawn)
    yield found
    found.end()
    lock.release()


def epochal(hosts: Hosts, *arguments: str, status: int = 0) -> str:
    """Run a command; what it printed, or what it said when it failed."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("EPOCHAL_")}
    done = subprocess.run(
        [sys.executable, "-m", "epochal.cli", *arguments],
        env=environment | {"EPOCHAL_STORE": str(hosts.store), "EPOCHAL_PROJECT": "p"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == status, (done.stdout, done.stderr)
    return done.stderr if status in (1, 2) else done.stdout


@pytest.mark.long
def test_the_exit_code_tells(hosts: Hosts, tmp_path: Path) -> None:
    """0 where all is as it was written, 3 where something isn't, 1 where that can't be said."""
    checkpoint, key = tmp_path / "checkpoint.json", tmp_path / "key"
    said = epochal(hosts, "checkpoint", str(checkpoint), "--new-key", str(key))
    assert said.splitlines()[0] == f"made the key {key}; whoever checks needs {key}.pub"
    assert said.splitlines()[1].endswith("logs 1, signed")
    against = ("--checkpoint", str(checkpoint), "--public-key", f"{key}.pub")
    assert epochal(hosts, "verify", *against).startswith("sound: the entire store\n")
    assert epochal(hosts, "verify", "training").startswith("sound: component training (")
    assert json.loads(epochal(hosts, "verify", "--json"))["sound"] is True

    writer = StoreClient(lambda: find_or_start(hosts.store, "writer", hosts.spawn))
    writer.command("ALTER TABLE metrics UPDATE value = -1 WHERE seq = 3 SETTINGS mutations_sync = 2")
    writer.close()
    text = epochal(hosts, "verify", status=3)
    assert text.startswith("not sound: the entire store, 1 finding\n")
    assert "metrics 0 to 4,095: they aren't what their block was sealed with: its digest differs" in text
    (found,) = json.loads(epochal(hosts, "verify", "training", "--json", status=3))["findings"]
    assert (found["name"], found["channel"], found["first_seq"], found["last_seq"]) == ("training", "metrics", 0, 4095)
    epochal(hosts, "verify", *against, status=3)

    assert "is named 'nobody'" in epochal(hosts, "verify", "nobody", status=1)
    assert "isn't sound (findings: 1)" in epochal(hosts, "checkpoint", str(tmp_path / "other.json"), status=1)
    assert "is no checkpoint" in epochal(hosts, "verify", "--checkpoint", str(hosts.store / "store.json"), status=1)
    assert "choose one of" in epochal(hosts, "checkpoint", "x", "--key", "a", "--new-key", "b", status=2)
