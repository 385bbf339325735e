"""Stores that are copied, moved or deleted while their host lives."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest
from host_ending import end_host
from processors.hosts import PATIENCE_S, Hosts, stored, wait_until
from processors.journals import Job

from epochal._journal.process import ProcessLock
from epochal_storage.client import StoreClient
from epochal_storage.errors import HostUnavailableError
from epochal_storage.locate import find_host, find_or_start

pytestmark = pytest.mark.long


def test_a_copy_has_a_host_of_its_own(hosts: Hosts, lock: ProcessLock, tmp_path: Path) -> None:
    """What is written to a copy is read from the copy, though the host of the original lives and has the same id."""
    job = Job(hosts.store / "journals", lock).open().log(10)
    assert len(stored(hosts.client(), job)) == 10
    copy = tmp_path / "copy"
    shutil.copytree(hosts.store, copy)
    assert find_host(copy) is None
    held = ProcessLock.hold(copy / "journals")
    other = Job(copy / "journals", held).open().log(20)
    client = StoreClient(lambda: find_or_start(copy, "reader", hosts.spawn))
    assert len(stored(client, other)) == 20
    assert len(stored(client, job)) == 10
    assert stored(hosts.client(), other) == []
    held.release()


def test_a_moved_store_is_read_where_it_is(hosts: Hosts, lock: ProcessLock, tmp_path: Path) -> None:
    """The host of a store that was moved away ends; the next one takes in what was logged after the move."""
    job = Job(hosts.store / "journals", lock).open().log(10)
    client = hosts.client()
    assert len(stored(client, job)) == 10
    moved = tmp_path / "moved"
    hosts.store.rename(moved)
    job.log(10)
    reader = StoreClient(lambda: find_or_start(moved, "reader", hosts.spawn))
    assert stored(reader, job) == [float(i) for i in range(20)]
    assert hosts.started[0].wait(PATIENCE_S) != 0
    assert stored(client, job) == []
    assert "was moved away or deleted" in (moved / "host.log").read_text()


def test_the_host_of_a_deleted_store_leaves_the_next_one_alone(hosts: Hosts, lock: ProcessLock) -> None:
    """Nothing of a store that is made at the same place is taken by the old host: it would be lost with it."""
    job = Job(hosts.store / "journals", lock).open().log(10)
    assert len(stored(hosts.client(), job)) == 10
    old = hosts.started[0]
    wait_until(lambda: find_host(hosts.store) is not None)
    os.rename(hosts.store, hosts.store.with_name("deleting"))
    shutil.rmtree(hosts.store.with_name("deleting"))
    journals = hosts.store / "journals"
    journals.mkdir(parents=True)
    held = ProcessLock.hold(journals)
    next_job = Job(journals, held).open().log(30).close()
    assert old.wait(PATIENCE_S) != 0
    assert (journals / str(next_job.writer)).exists()
    assert stored(hosts.client(), next_job) == [float(i) for i in range(30)]
    held.release()


@pytest.mark.parametrize("part", ["engine", "intake"])
def test_a_part_deleted_under_a_host_costs_nothing_that_comes_after(hosts: Hosts, lock: ProcessLock, part: str) -> None:
    """The host ends before it takes in, and lets go of, what it has no place for; the next one says what is missing."""
    job = Job(hosts.store / "journals", lock).open().log(10)
    assert len(stored(hosts.client(), job)) == 10
    (hosts.store / part).rename(hosts.store / "elsewhere")
    later = Job(hosts.store / "journals", lock).open().log(20).close()
    assert hosts.started[0].wait(PATIENCE_S) != 0
    assert (hosts.store / "journals" / str(later.writer)).exists()
    if part == "intake":
        with pytest.raises(HostUnavailableError, match=r"intake\.log is gone, and the ledger has"):
            stored(hosts.client(), later)
    else:
        stored(hosts.client(), later)
        hosts.kill()
        shutil.rmtree(hosts.store / part)
    (hosts.store / "elsewhere").rename(hosts.store / part)
    assert len(stored(hosts.client(), later)) == 20
    assert len(stored(hosts.client(), job)) == 10


def test_tables_that_lack_what_was_synced_are_refused(hosts: Hosts, lock: ProcessLock) -> None:
    """A store whose tables were deleted isn't shown as an empty one; with the intake gone as well, it begins anew."""
    Job(hosts.store / "journals", lock).open().log(10).close()
    hosts.client().query_arrow("SELECT 1")
    end_host(hosts.store)
    hosts.started[0].wait(PATIENCE_S)
    shutil.rmtree(hosts.store / "engine")
    with pytest.raises(HostUnavailableError, match=r"lack what was in them.*move .*intake away, too"):
        hosts.client().query_arrow("SELECT 1")
    shutil.rmtree(hosts.store / "intake")
    assert hosts.client().query_arrow("SELECT count() AS n FROM metrics")["n"].to_pylist() == [0]


def test_a_store_that_lost_its_name_keeps_its_log(hosts: Hosts, lock: ProcessLock) -> None:
    """`store.json` deleted: the intake knows which store it is."""
    job = Job(hosts.store / "journals", lock).open().log(10)
    assert len(stored(hosts.client(), job)) == 10
    name = json.loads((hosts.store / "store.json").read_text())["store"]
    hosts.kill()
    (hosts.store / "store.json").unlink()
    assert len(stored(hosts.client(), job)) == 10
    assert json.loads((hosts.store / "store.json").read_text())["store"] == name
