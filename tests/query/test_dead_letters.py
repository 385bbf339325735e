"""Dead letters of an embedded store, by the command line: listed, shown, repaired, taken in again."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from host_ending import end_host
from processors.journals import Job

from epochal._journal.process import ProcessLock
from epochal_query.opening import open_store
from epochal_query.store import Store

pytestmark = pytest.mark.long


@pytest.fixture
def job(tmp_path: Path) -> Iterator[Job]:
    """A writer in a store of its own, whose host ends with the test."""
    journals = tmp_path / "store" / "journals"
    journals.mkdir(parents=True)
    lock = ProcessLock.hold(journals)
    yield Job(journals, lock, project="default")
    lock.release()
    end_host(tmp_path / "store")


def epochal(store: Path, *arguments: str, status: int = 0) -> Any:
    """Run a command; its JSON, or what it said."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("EPOCHAL_")}
    done = subprocess.run(
        [sys.executable, "-m", "epochal.cli", *arguments],
        env=environment | {"EPOCHAL_STORE": str(store)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == status, done.stderr
    if status:
        return done.stderr
    return json.loads(done.stdout) if "--json" in arguments else done.stdout


def store_of(job: Job) -> Path:
    return job.journals.parent


def created(job: Job) -> Job:
    """The writer's component exists."""
    job.say("component.created", component=str(job.component), key="k", name="training", kind="training")
    return job


def test_a_broken_event_is_repaired_and_the_component_is_whole(job: Job, tmp_path: Path) -> None:
    """It is listed with its reason and shown whole; as it is it comes back; repaired it is taken in, and again changes
    nothing. Before, its component was parked; afterwards it is closed.
    """
    created(job.open())
    event = {"type": "epochal.note.written", "v": 1, "project": "default", "at": job.journal.now_us()}
    data = {"kind": "component", "entity": str(job.component), "text": "größer"}
    good = json.dumps({**event, "data": data}, ensure_ascii=False).encode()
    job.journal.append_event(good[:-2])
    job.close()
    store = store_of(job)

    (row,) = epochal(store, "dead-letters", "ls", "--json")["rows"]
    assert (row["reason"], row["writer"], row["replayed"]) == ("invalid json", str(job.writer), None)
    assert row["id"][:8] in epochal(store, "dead-letters", "ls")
    shown = epochal(store, "dead-letters", "show", row["id"][:13], "--json")
    assert shown["holds"]["content"].encode() == good[:-2]
    assert shown["holds"]["seq"] == 2
    assert state(store, job) == ("parked", None)

    epochal(store, "dead-letters", "replay", row["id"])
    assert state(store, job) == ("parked", None)
    (again,) = epochal(store, "dead-letters", "ls", "--json")["rows"]
    assert (again["id"], again["replayed"] is None) == (row["id"], False)

    epochal(store, "dead-letters", "show", row["id"], "--save", str(tmp_path / "repair"))
    (tmp_path / "repair" / "content").write_bytes(good)
    for _ in range(2):
        done = epochal(store, "dead-letters", "replay", row["id"], "--repaired", str(tmp_path / "repair"), "--json")
        assert done["replayed"][0]["log"].startswith("intake:")
        assert state(store, job) == ("closed", "größer")
    assert epochal(store, "dead-letters", "ls", "--waiting", "--json")["rows"] == []
    assert len(epochal(store, "dead-letters", "ls", "--json")["rows"]) == 1


def state(store: Path, job: Job) -> tuple[str, object]:
    """The component's certificate, and its note."""
    opened = open_store(store)
    try:
        found = opened.certificate(job.component)["state"], opened.state(job.component).get("note")
    finally:
        opened.close()
    return found


def test_points_of_nobody_are_given_to_their_component(job: Job, tmp_path: Path) -> None:
    """Points of a writer that named no component belong to nobody; repaired they are the component's own."""
    about = {"heartbeat_s": 10.0, "host": "h", "pid": 1, "process": str(job.lock.id), "version": "0"}
    job.say("writer.opened", component=None, attempt="a", role="main", **about)
    created(job).log(100)
    job.say("writer.closed", component=None, attempt="a", lifecycle=3, metrics=100)
    job.journal.close()
    store = store_of(job)
    opened = open_store(store)
    assert points(opened) == []
    letters = epochal(store, "dead-letters", "ls", "--reason", "no component", "--json")["rows"]
    assert len(letters) == 1
    repair = tmp_path / "repair"
    epochal(store, "dead-letters", "show", letters[0]["id"], "--save", str(repair))
    about = json.loads((repair / "about.json").read_text())
    assert (about["kind"], about["component"], about["names"]) == ("points", None, ["loss"])
    (repair / "about.json").write_text(json.dumps({**about, "component": str(job.component)}))
    for _ in range(2):
        epochal(store, "dead-letters", "replay", letters[0]["id"], "--repaired", str(repair))
        assert points(opened) == [float(i) for i in range(100)]
    opened.close()


def points(store: Store) -> list[float]:
    """All values, in the order of their steps."""
    frame = store.metrics()
    return frame["value"].tolist()


def test_mistakes_are_said(job: Job, tmp_path: Path) -> None:
    """An unknown id, a repair that makes no sense, nothing named: each with what to do."""
    created(job.open())
    job.journal.append_event(b"{broken")
    job.close()
    store = store_of(job)
    (row,) = epochal(store, "dead-letters", "ls", "--json")["rows"]
    assert "no dead letter has an id that begins with 'ffff'" in epochal(
        store, "dead-letters", "show", "ffff", status=1
    )
    assert "name letters by their ids" in epochal(store, "dead-letters", "replay", status=2)
    empty = tmp_path / "empty"
    empty.mkdir()
    assert "isn't what `epochal dead-letters show --save` wrote" in epochal(
        store, "dead-letters", "replay", row["id"], "--repaired", str(empty), status=1
    )
    epochal(store, "dead-letters", "show", row["id"], "--save", str(tmp_path / "repair"))
    about = tmp_path / "repair" / "about.json"
    about.write_text(about.read_text().replace('"event"', '"parcel"'))
    assert "kind 'parcel'" in epochal(
        store, "dead-letters", "replay", row["id"], "--repaired", str(tmp_path / "repair"), status=1
    )
    assert "give a directory of its own" in epochal(
        store, "dead-letters", "show", row["id"], "--save", str(tmp_path / "repair"), status=1
    )
