"""Verifying says nothing of stores that nobody altered, however they were taken in and whatever was lost before."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from cutting import frames_of
from processors.hosts import Hosts
from processors.journals import Job
from query.altered import started
from query.conftest import Bare

from epochal._journal.process import ProcessLock
from epochal_processors.coverage import Coverage
from epochal_processors.frames import EventFrame, Frame, PointFrame, Position
from epochal_processors.history import SqlHistory
from epochal_processors.materialize import Ending, Materializer
from epochal_query.connection import Opened
from epochal_query.store import Store
from epochal_query.verification import Verification

pytestmark = pytest.mark.long


@pytest.fixture
def journals(tmp_path: Path) -> Path:
    """Where a live process keeps its journals, in a store."""
    found = tmp_path / "store" / "journals"
    found.mkdir(parents=True)
    return found


@pytest.fixture
def lock(journals: Path) -> Iterator[ProcessLock]:
    """That process."""
    held = ProcessLock.hold(journals)
    yield held
    held.release()


@pytest.fixture
def hosts(journals: Path) -> Iterator[Hosts]:
    """Real hosts of the store."""
    found = Hosts(journals.parent)
    yield found
    found.end()


def verified(hosts: Hosts, checkpoint: Path | None = None) -> Verification:
    """The store verified through its real host."""
    opened = Store(Opened(hosts.client(), lambda: None, directory=hosts.store), "p")
    try:
        return opened.verify(checkpoint=checkpoint)
    finally:
        opened.close()


def pieces(frame: Frame, dice: random.Random) -> list[Frame]:
    """A frame cut anywhere, some of it twice."""
    cuts = sorted({0, frame.count, *(dice.randrange(frame.count) for _ in range(4))})
    spans = [*pairwise(cuts), (0, dice.randint(1, frame.count))]
    return [part(frame, first, end) for first, end in spans]


def part(frame: Frame, first: int, end: int) -> Frame:
    """Some numbers of a frame."""
    if isinstance(frame, EventFrame):
        return replace(frame, first_seq=frame.first_seq + first, records=frame.records[first:end])
    rows = frame.points.rows[first:end]
    return replace(frame, points=replace(frame.points, first_seq=frame.first_seq + first, rows=rows))


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_other_cuts_copies_and_orders(journals: Path, lock: ProcessLock, tmp_path: Path, seed: int) -> None:
    """Two ranks of a component and two attempts, cut anywhere, doubled, shuffled, through two logs."""
    dice = random.Random(seed)
    component = uuid4()
    jobs = [Job(journals, lock, project="p", component=component) for _ in range(4)]
    endings = []
    for rank, job in enumerate(jobs):
        started(job, "training").log(dice.randint(1, 5_000), ("loss", "acc")).close()
        endings.append(Ending("p", component, rank // 2, job.writer, *job.journal.counts))
    ranks = {job.writer: number // 2 for number, job in enumerate(jobs)}
    frames = [ranked(one, ranks) for frame in frames_of(journals) for one in pieces(frame, dice)]
    dice.shuffle(frames)
    bare = Bare(tmp_path / "bare")
    try:
        materializer = Materializer(bare.writer, SqlHistory(bare.writer), Coverage())
        # nothing of one stream lies in two logs, as on the way through Kafka
        for offset, frame in enumerate(frames):
            log = f"kafka:cluster/topic/{ranks[frame.writer]}"
            materializer.apply([(Position(log, offset, 1_700_000_000_000_000 + offset), frame)])
        opened = Store(Opened(bare.reader, lambda: None), "p")
        before = opened.verify()
        opened.checkpoint(tmp_path / "checkpoint.json")
        materializer.finish(endings)
        found = opened.verify(checkpoint=tmp_path / "checkpoint.json")
    finally:
        bare.end()
    assert (before["findings"], before["checked"]["unsealed"]) == ([], 4)
    assert (found["findings"], found["checked"]["unsealed"], found["checked"]["open"]) == ([], 0, 0)
    assert found["checked"]["points"] == sum(ending.metrics for ending in endings)


def ranked(frame: Frame, ranks: dict[UUID, int]) -> Frame:
    """The frame as its rank's."""
    return replace(frame, rank=ranks[frame.writer]) if isinstance(frame, PointFrame) else frame


def test_a_damaged_journal(journals: Path, lock: ProcessLock, hosts: Hosts) -> None:
    """Bytes of points and of an event were flipped before anybody read them: what is lost is nothing of the store."""
    job = started(Job(journals, lock, project="p"), "training")
    for number in range(5):
        job.say("note.written", kind="component", entity=str(job.component), text=f"note {number}")
    job.log(10_000).close()
    segment = sorted(journals.glob("*/points-*.seg"))[0]
    flip(segment, segment.stat().st_size // 2)
    events = next(journals.glob("*/events.bin"))
    flip(events, events.read_bytes().index(b"note 3"))
    lock.release()
    found = verified(hosts)
    assert found["findings"] == []
    assert (found["checked"]["points"], found["checked"]["sealed"]) == (9_999, 4)
    client = hosts.client()
    assert client.query_arrow("SELECT count() AS n FROM dead_letters")["n"].to_pylist() == [2]
    client.close()


def flip(path: Path, at: int) -> None:
    """Change one byte of a file."""
    data = bytearray(path.read_bytes())
    data[at] ^= 0xFF
    path.write_bytes(bytes(data))


def test_dead_letters_before_and_after_they_were_taken_in_again(
    journals: Path, lock: ProcessLock, hosts: Hosts, tmp_path: Path
) -> None:
    """Events nobody can read and points of nobody are parked; repaired they stand at later places than those."""
    job = Job(journals, lock, project="p")
    about = {"heartbeat_s": 10.0, "host": "h", "pid": 1, "process": str(lock.id), "version": "0"}
    job.say("writer.opened", component=None, attempt="a", role="main", **about)
    good = json.dumps({"type": "epochal.note.written", "v": 1, "project": "p", "at": job.journal.now_us(),
                       "data": {"kind": "component", "entity": str(job.component), "text": "t"}}).encode()  # fmt: skip
    job.journal.append_event(good[:-2])
    job.log(5_000)
    job.say("writer.closed", component=None, attempt="a", lifecycle=3, metrics=5_000)
    job.journal.close()
    assert verified(hosts)["findings"] == []
    opened = Store(Opened(hosts.client(), lambda: None, directory=hosts.store), "p")
    opened.checkpoint(tmp_path / "checkpoint.json")
    for reason in ("invalid json", "no component"):
        (letter,) = epochal(hosts, "dead-letters", "ls", "--reason", reason)["rows"][:1]
        epochal(hosts, "dead-letters", "replay", letter["id"])
        repair = tmp_path / reason
        epochal(hosts, "dead-letters", "show", letter["id"], "--save", str(repair))
        if reason == "invalid json":
            (repair / "content").write_bytes(good)
        else:
            said = json.loads((repair / "about.json").read_text()) | {"component": str(job.component)}
            (repair / "about.json").write_text(json.dumps(said))
        epochal(hosts, "dead-letters", "replay", letter["id"], "--repaired", str(repair))
    found = opened.verify(checkpoint=tmp_path / "checkpoint.json")
    opened.close()
    assert found["findings"] == []
    assert found["checked"]["points"] == found["checked"]["replayed"] > 0
    assert found["checked"]["events"] >= 3


def epochal(hosts: Hosts, *arguments: str) -> dict[str, list[dict[str, str]]]:
    """Run a command on the store; its JSON."""
    done = subprocess.run(
        [sys.executable, "-m", "epochal.cli", *arguments, "--json", "--store", str(hosts.store)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found: dict[str, list[dict[str, str]]] = json.loads(done.stdout)
    return found


def test_writers_that_were_killed_and_hosts_that_were(journals: Path, lock: ProcessLock, hosts: Hosts) -> None:
    """What a host tells of writers that vanished is an event like others; the next one goes on where it was killed."""
    gone = ProcessLock.hold(journals)
    started(Job(journals, gone, project="p"), "gone").log(5_000)
    live = started(Job(journals, lock, project="p"), "live").log(5_000)
    assert verified(hosts)["findings"] == []
    gone.release()
    hosts.kill()
    live.log(5_000)
    found = verified(hosts)
    assert found["findings"] == []
    assert found["checked"]["points"] == 15_000
