"""The follower over real journals: each number once, whatever happens in between."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import pytest
from processors.journals import Bench, Job
from processors.memory_store import RefusedError

from epochal._ids import uuid7
from epochal._journal.process import ProcessLock
from epochal_processors import cleaning, journal_source
from epochal_processors.cleaning import INTERVAL_S
from epochal_processors.folders import NAMELESS_S
from epochal_processors.frames import Frame
from epochal_processors.journal_source import JournalSource


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    made = Bench(tmp_path)
    yield made
    made.end()


def numbered(count: int) -> list[float]:
    return [float(i) for i in range(count)]


def gapless(ranges: list[tuple[int, int]]) -> bool:
    """Whether ranges follow each other from 0 on, without holes and without overlap."""
    at = 0
    for first, count in ranges:
        if first != at:
            return False
        at += count
    return True


def test_a_cycle_takes_all_that_was_there(bench: Bench) -> None:
    """When a cycle returns, everything that journals held when it began is in the store."""
    jobs = [bench.job(segment_bytes=1 << 16).open().log(3_000, ("a", "b")) for _ in range(3)]
    host = bench.host()
    progress = host.follower.run_once()
    assert (progress.points, progress.events, progress.live, progress.waiting) == (18_000, 3, 3, 0)
    for job in jobs:
        assert bench.values(job) == numbered(6_000)
    assert host.follower.run_once().points == 0
    jobs[0].log(1)
    assert host.follower.run_once().points == 1
    assert bench.values(jobs[0])[-1] == 6_000
    assert host.follower.watermark() == {host.intake.log: host.intake.count - 1}


def test_new_journals_are_found_and_other_things_left_alone(bench: Bench) -> None:
    """Journals may appear at any time; what isn't one is ignored."""
    host = bench.host()
    assert host.follower.run_once().points == 0
    (bench.journals / "notes.txt").write_text("mine")
    (bench.journals / "processes").mkdir(exist_ok=True)
    (bench.journals / str(uuid7())).mkdir()
    job = bench.job().open().log(5)
    assert host.follower.run_once().points == 5
    assert bench.values(job) == numbered(5)
    assert (bench.journals / "notes.txt").read_text() == "mine"


@pytest.mark.parametrize("seed", range(4))
def test_hosts_replaced_and_inserts_refused_at_any_moment(bench: Bench, seed: int) -> None:
    """With hosts that end at any point and a store that refuses now and then, every point and event is there once,
    and no number of the intake is given to a range twice.
    """
    rng = random.Random(seed)
    jobs = [bench.job(segment_bytes=1 << 16).open() for _ in range(3)]
    host = bench.host()
    for _ in range(25):
        for job in jobs:
            job.log(rng.randrange(400))
        if rng.random() < 0.5:
            bench.store.refuse_in = rng.randrange(8)
        try:
            host.follower.run_once()
        except RefusedError:
            if rng.random() < 0.5:
                bench.store.refuse_in = None
                host = bench.host()
        bench.store.refuse_in = None
    for job in jobs:
        job.close()
    host.close()
    for job in jobs:
        assert bench.values(job) == numbered(job.journal.counts[1])
        assert gapless(bench.ranges(job))
        assert gapless(bench.ranges(job, "lifecycle"))
    offsets = [row["offset"] for row in bench.store.final("ledger")]
    assert offsets == list(range(len(offsets)))
    assert sum(row["n"] for row in bench.store.final("partials")) == len(bench.store.final("metrics"))


def test_after_a_crash_ranges_keep_their_numbers_and_instants(bench: Bench) -> None:
    """What had a number when the host died is taken again with the same number, instant and range."""
    job = bench.job().open().log(100)
    host = bench.host()
    bench.store.refuse_in = 1  # metrics are inserted, nothing else
    with pytest.raises(RefusedError):
        host.follower.run_once()
    given = list(host.intake.records())
    seen = {row["seq"]: (row["offset"], row["recorded_at"]) for row in bench.store.final("metrics")}
    job.log(50)
    host = bench.host()
    host.follower.run_once()
    ledger = {row["offset"]: row for row in bench.store.final("ledger")}
    for one in given:
        row = ledger[one.number]
        assert (row["first_seq"], row["count"], row["recorded_at"]) == (
            one.range.first_seq,
            one.range.count,
            one.recorded_at_us,
        )
    after = {row["seq"]: (row["offset"], row["recorded_at"]) for row in bench.store.final("metrics")}
    assert {seq: after[seq] for seq in seen} == seen
    assert bench.values(job) == numbered(150)


def test_a_range_whose_journal_is_gone_is_told_and_not_tried_for_ever(bench: Bench) -> None:
    """When somebody deleted a journal before it was taken in, the log says which range is missing, once."""
    job = bench.job().open().log(100)
    host = bench.host()
    bench.store.refuse_in = 0
    with pytest.raises(RefusedError):
        host.follower.run_once()
    shutil.rmtree(bench.journals / str(job.writer))
    bench.host().follower.run_once()
    told = [line for line in bench.reports if str(job.writer) in line]
    assert len(told) == 2
    assert "metrics 0+100, which no journal holds any more" in told[1]
    bench.host().follower.run_once()
    assert len([line for line in bench.reports if str(job.writer) in line]) == 2
    assert bench.values(job) == []


CHILD = """
import sys, time
from pathlib import Path
from epochal._journal.process import ProcessLock
from processors.journals import Job
journals = Path(sys.argv[1])
job = Job(journals, ProcessLock.hold(journals)).open().log(1000)
print(job.writer, flush=True)
time.sleep(600)
"""


def killed_job(bench: Bench) -> UUID:
    """A writer whose process was killed."""
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD, str(bench.journals)],
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parent.parent)},
    )
    assert child.stdout is not None
    writer = UUID(child.stdout.readline().decode().strip())
    child.send_signal(signal.SIGKILL)
    child.wait()
    child.stdout.close()
    return writer


def test_a_writer_that_vanished_is_told_once(bench: Bench) -> None:
    """A killed writer's journal is read to the end, and its vanishing is an event: one, over any number of hosts."""
    writer = killed_job(bench)
    host = bench.host()
    host.follower.run_once()
    host = bench.host()  # the vanishing is in the dead host's journal only
    for _ in range(3):
        host.follower.run_once()
    host = bench.host()
    host.follower.run_once()
    host.close()
    told = [data for data in bench.events("writer.vanished") if data["writer"] == str(writer)]
    assert len(told) == 1
    assert (told[0]["lifecycle"], told[0]["metrics"], told[0]["lost"]) == (1, 1000, {})
    assert len([row for row in bench.store.final("metrics") if row["writer"] == writer.bytes]) == 1000
    sealed = [row for row in bench.store.final("blocks") if row["writer"] == writer.bytes]
    assert {(row["channel"], row["count"]) for row in sealed} == {("lifecycle", 1), ("metrics", 1000)}
    hosts = {row["writer"] for row in bench.store.final("events") if b'"role":"host"' in row["payload"].encode()}
    vanished = bench.events("writer.vanished")
    assert len({data["writer"] for data in vanished}) == len(vanished)
    assert len(hosts) >= 1


def test_a_writer_that_goes_on_and_ends_within_a_cycle_loses_nothing(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is added to a journal while a long cycle reads it, up to its writer's proper end, is taken before the
    journal is let go.
    """
    monkeypatch.setattr(journal_source, "SHARE", 1_000)
    job = bench.job(segment_bytes=1 << 16).open().log(10_000)
    read, looks = JournalSource.read, iter(range(1_000))

    def read_and_go_on(source: JournalSource) -> list[Frame]:
        look = next(looks)
        if look == 2:
            job.log(30_000).close()
        return read(source)

    monkeypatch.setattr(JournalSource, "read", read_and_go_on)
    host = bench.host()
    for _ in range(3):
        host.follower.run_once()
        host.follower.clean()
    assert bench.values(job) == numbered(40_000)
    assert not (bench.journals / str(job.writer)).exists()


def test_a_journal_that_lacks_what_its_writer_says_it_wrote_is_kept(bench: Bench) -> None:
    """Somebody deleted the last segment of a journal: what is left of it is taken and stays, and the log says why."""
    job = bench.job(segment_bytes=1 << 16).open().log(5_000).close()
    last = max((bench.journals / str(job.writer)).glob("points-*.seg"))
    last.rename(bench.directory / last.name)
    host = bench.host()
    host.follower.run_once()
    host.follower.clean()
    (told,) = [line for line in bench.reports if str(job.writer) in line]
    assert "5000" in told
    assert len(bench.values(job)) < 5_000
    (bench.directory / last.name).rename(last)
    host.follower.run_once()
    host.follower.clean()
    assert bench.values(job) == numbered(5_000)
    assert not (bench.journals / str(job.writer)).exists()


@pytest.mark.parametrize("meanwhile", [0, 1], ids=["unseen", "seen missing"])
def test_a_journal_deleted_under_writer_and_host(bench: Bench, meanwhile: int) -> None:
    """The host follows the journal that the writer makes again, to its closing event, and the rest is told as lost."""
    job = bench.job(segment_bytes=1 << 16).open().log(100)
    for _ in range(3):
        job.say("writer.heartbeat", component=str(job.component), attempt="a", lifecycle=1, metrics=100)
    host = bench.host()
    host.follower.run_once()
    job.log(50)
    shutil.rmtree(job.journal.directory)
    for _ in range(meanwhile):
        host.follower.run_once()
    job.journal.check()
    job.log(30).close()
    host.follower.run_once()
    assert bench.values(job) == [*numbered(100), *(float(i) for i in range(150, 180))]
    assert bench.ranges(job, "lifecycle") == [(0, 4), (4, 1)]
    assert bench.events("writer.vanished") == []
    (letter,) = bench.store.final("dead_letters")  # the events that were read before are not lost
    assert "50 from 100 on are lost" in letter["detail"]


def test_the_first_look_at_a_dead_writer_concludes(bench: Bench) -> None:
    """One cycle after a kill the store has all the writer wrote and knows that it vanished, though nobody had looked
    at its journal before.
    """
    writer = killed_job(bench)
    bench.host().follower.run_once()
    assert [data["writer"] for data in bench.events("writer.vanished")] == [str(writer)]


def test_what_comes_after_the_vanishing_is_taken_all_the_same(bench: Bench) -> None:
    """Late data of a writer thought gone (a journal that was copied in two parts) is taken in."""
    whole = killed_job(bench)
    source = bench.journals / str(whole)
    kept = bench.directory / "elsewhere"
    shutil.copytree(source, kept)
    (source / "points-000000.seg").unlink()
    host = bench.host()
    host.follower.run_once()
    host.follower.run_once()
    host.follower.run_once()
    assert [data["metrics"] for data in bench.events("writer.vanished")] == [0]
    shutil.copy(kept / "points-000000.seg", source)
    host.follower.run_once()
    host.close()
    assert len([row for row in bench.store.final("metrics") if row["writer"] == whole.bytes]) == 1000
    assert len(bench.events("writer.vanished")) == 1


def test_journals_are_removed_only_when_the_store_was_synced(bench: Bench) -> None:
    """At the moment of the sync that lets a journal go, its ledger is complete and the journal is still there."""
    ended, live = bench.job().open().log(50).close(), bench.job(segment_bytes=1 << 16).open().log(10_000)
    host = bench.host()
    at_sync: list[tuple[bool, list[tuple[int, int]]]] = []
    bench.synced.append(lambda: at_sync.append(((bench.journals / str(ended.writer)).exists(), bench.ranges(ended))))
    host.follower.run_once()
    assert (bench.journals / str(ended.writer)).exists()
    assert at_sync == []
    bench.seconds += INTERVAL_S
    host.follower.run_once()
    assert at_sync == [(True, [(0, 50)])]
    assert not (bench.journals / str(ended.writer)).exists()
    left = sorted(path.name for path in (bench.journals / str(live.writer)).glob("points-*.seg"))
    assert "points-000000.seg" not in left
    assert left
    live.log(10)
    host.follower.run_once()
    assert bench.values(live) == numbered(10_010)


def test_a_store_that_cannot_be_synced_keeps_its_journals(bench: Bench) -> None:
    """While the disk refuses the sync nothing is removed, and the log says why."""
    job = bench.job().open().log(50).close()

    def refuse() -> None:
        raise OSError("disk on fire")

    host = bench.host()
    bench.synced.append(refuse)
    bench.seconds += INTERVAL_S
    host.follower.run_once()
    assert (bench.journals / str(job.writer)).exists()
    assert "disk on fire" in bench.reports[-1]


def test_after_a_loss_of_power_what_was_not_synced_is_taken_again(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The ledger may have survived where the rows did not: behind the last sync, journals are taken again."""
    job = bench.job().open().log(10)
    host = bench.host()
    bench.seconds += INTERVAL_S
    host.follower.run_once()
    job.log(20)
    host.follower.run_once()
    bench.store.rows["metrics"] = [row for row in bench.store.rows["metrics"] if row["seq"] < 15]
    bench.host().follower.run_once()
    assert len(bench.values(job)) == 15  # the same run of the machine: the ledger is believed
    monkeypatch.setattr(cleaning, "_BOOT_ID", bench.directory / "boot_id")
    (bench.directory / "boot_id").write_text("another")
    bench.host().follower.run_once()
    assert bench.values(job) == numbered(30)
    assert len({row["offset"] for row in bench.store.rows["ledger"]}) == len(bench.ranges(job)) + 1


def test_damage_is_told_and_what_surrounds_it_taken(bench: Bench) -> None:
    """A hole in a journal is a dead letter that says what is lost; everything else is in the store."""
    writer = killed_job(bench)
    segment = bench.journals / str(writer) / "points-000000.seg"
    data = bytearray(segment.read_bytes())
    data[128 + 32 * 500 + 20] ^= 1
    segment.write_bytes(data)
    host = bench.host()
    host.follower.run_once()
    host.close()
    values = sorted(row["value"] for row in bench.store.final("metrics"))
    lost = [value for value in numbered(1000) if value not in values]
    assert len(lost) == 1
    (letter,) = bench.store.final("dead_letters")
    assert (letter["reason"], letter["writer"]) == ("damaged journal", writer.bytes)
    assert f"1 from {int(lost[0])} on are lost" in letter["detail"]
    (told,) = bench.events("writer.vanished")
    assert told["lost"] == {"damaged": 1}
    (block,) = [r for r in bench.store.final("blocks") if r["channel"] == "metrics" and r["writer"] == writer.bytes]
    assert block["count"] == 999


def test_what_cannot_be_decoded_does_not_stop_the_rest(bench: Bench) -> None:
    """An undecodable event is a dead letter; what follows it is taken."""
    job = bench.job().open()
    job.journal.append_event(b"{nonsense")
    job.say("note.written", kind="component", entity=str(job.component), text="after")
    job.log(3)
    bench.host().follower.run_once()
    assert [row["reason"] for row in bench.store.final("dead_letters")] == ["invalid json"]
    assert bench.events("note.written")[0]["text"] == "after"
    assert bench.values(job) == numbered(3)
    assert bench.ranges(job, "lifecycle") == [(0, 3)]


def test_a_journal_without_its_opening_event_is_known_by_its_heartbeats(bench: Bench) -> None:
    """Where the first event is lost, a later one that names the component is enough."""
    job = bench.job().log(3)
    job.say("writer.heartbeat", component=str(job.component), attempt="a", lifecycle=0, metrics=3)
    bench.host().follower.run_once()
    assert bench.values(job) == numbered(3)


def test_a_nameless_journal_ends_up_whole_in_the_dead_letters(bench: Bench) -> None:
    """Points of a journal that never says whose it is wait, and then are kept as dead letters."""
    bench.job().log(3)
    host = bench.host()
    assert host.follower.run_once().points == 0
    assert bench.store.final("dead_letters") == []
    bench.seconds += NAMELESS_S + 1
    host.follower.run_once()
    (letter,) = bench.store.final("dead_letters")
    assert letter["reason"] == "no component"
    assert json.loads(letter["frame"][4:12]) == ["loss"]


def test_a_journal_from_elsewhere_is_taken_once(bench: Bench, tmp_path_factory: pytest.TempPathFactory) -> None:
    """A journal directory copied in from another machine is taken like any other; a second copy changes nothing."""
    other = Bench(tmp_path_factory.mktemp("other"))
    job = other.job().open().log(7).close()
    host = bench.host()
    shutil.copytree(other.journals / str(job.writer), bench.journals / str(job.writer))
    host.follower.run_once()
    bench.seconds += INTERVAL_S
    host.follower.run_once()
    assert not (bench.journals / str(job.writer)).exists()
    shutil.copytree(other.journals / str(job.writer), bench.journals / str(job.writer))
    assert host.follower.run_once().points == 0
    assert bench.host().follower.run_once().points == 0
    assert bench.values(job) == numbered(7)
    assert bench.ranges(job) == [(0, 7)]
    other.end()


def test_a_newer_journal_is_left_alone(bench: Bench) -> None:
    """A journal of a newer format stays where it is, and the log says that a newer version is needed; once."""
    job = bench.job().open()
    path = bench.journals / str(job.writer) / "events.bin"
    import zlib

    data = bytearray(path.read_bytes())
    data[8:12] = (99).to_bytes(4, "little")
    data[60:64] = zlib.crc32(data[:60]).to_bytes(4, "little")
    path.write_bytes(data)
    other = bench.job().open().log(1)
    host = bench.host()
    for _ in range(3):
        host.follower.run_once()
    assert bench.values(other) == numbered(1)
    told = [line for line in bench.reports if str(job.writer) in line]
    assert len(told) == 1
    assert "99" in told[0]
    assert path.read_bytes() == data


def test_a_host_with_nothing_to_say_leaves_no_journal(bench: Bench) -> None:
    """Hosts write events only when there is something to say."""
    bench.job().open().log(1).close()
    host = bench.host()
    host.close()
    assert [path.name for path in bench.journals.iterdir()] == ["processes"]


def test_a_live_process_is_not_thought_gone(bench: Bench) -> None:
    """A writer whose process lives never vanishes, however long it is silent."""
    job = bench.job().open().log(1)
    host = bench.host()
    for _ in range(3):
        bench.seconds += 10_000
        assert host.follower.run_once().live == 1
    assert bench.events("writer.vanished") == []
    assert ProcessLock.__name__
    assert isinstance(job, Job)
