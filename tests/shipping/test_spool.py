"""The spool: its bound on disk, when journals leave it, and what is said of journals that are not whole."""

from __future__ import annotations

import json
import os
import random
import struct
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from injecting import TIMES, Chaos
from kafka import KafkaAdminClient
from kafka.admin import ConfigResource, ConfigResourceType
from sdk.children import run, start
from shipping.delivered import in_journals, in_kafka
from shipping.jobs import ending_shippers, kafka, spool_of
from shipping.test_ship import LONG, SHORT, offline, same, shipped

from epochal._kafka import source, tending
from epochal._kafka.migrate import migrate
from epochal._kafka.ship import ship
from epochal._kafka.shipper import Standing
from epochal._kafka.shipping import Patience
from epochal._settings import Settings
from epochal._shipped import Cursor, read_cursor, write_cursor
from epochal._spool import Room, SpoolLock, is_shipped

DAY_S = 86_400.0


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    with ending_shippers(tmp_path):
        yield tmp_path


@pytest.fixture
def servers(request: pytest.FixtureRequest) -> str:
    found: str = request.getfixturevalue("kafka")
    return found


@pytest.fixture
def prefix(servers: str, topic_prefix: str) -> str:
    """Of topics that are there."""
    migrate(Settings(kafka=servers, kafka_topic_prefix=topic_prefix))
    return topic_prefix


def test_a_full_spool_costs_new_points_and_nothing_else(home: Path) -> None:
    """At the limit points are counted as lost, with one warning; what lies there stays, and events are still kept."""
    code = """
    import json
    run = epochal.init("x")
    for i in range(200_000):
        run.log({"a": float(i)})
    run.log_params({"late": 1})
    print(json.dumps(vars(run.finish())))
    """
    child = run(code, home, kafka("127.0.0.1:1", "p."), EPOCHAL_SHIPPER="none", EPOCHAL_KAFKA_WAIT="0.1",
                EPOCHAL_SPOOL_LIMIT="1 MB")  # fmt: skip
    said = json.loads(child.out)
    kept = in_journals(spool_of(home))
    assert said["lost"] > 100_000
    assert len(kept.points) + said["lost"] == 200_000
    assert sorted(struct.unpack("<d", row[2])[0] for row in kept.points.values()) == [
        float(i) for i in range(len(kept.points))
    ]
    assert child.err.count("EPOCHAL_SPOOL_LIMIT is 1,000,000") == 1
    assert any(b'"late"' in payload for _, payload in kept.events.values())
    sizes = [path.stat().st_blocks * 512 for path in spool_of(home).glob("*-*/*")]
    assert sum(sizes) < 1_100_000


def test_there_is_room_again_when_journals_are_gone(tmp_path: Path) -> None:
    """The spool is measured anew, with what others wrote."""
    room = Room(tmp_path, 1_000_000)
    room.admit(600_000)
    with pytest.raises(OSError, match="EPOCHAL_SPOOL_LIMIT is 1,000,000"):
        room.admit(600_000)
    room.measure()
    room.admit(600_000)
    journal = tmp_path / "01900000-0000-7000-8000-000000000001"
    journal.mkdir()
    (journal / "points-000000.seg").write_bytes(os.urandom(900_000))
    room.measure()
    with pytest.raises(OSError, match="the spool"):
        room.admit(200_000)


def test_a_cursor_comes_back_as_it_was(tmp_path: Path) -> None:
    """One that is missing, damaged or of a later version is the beginning."""
    assert read_cursor(tmp_path) == Cursor()
    cursor = Cursor("c/1", 3, 70_000, (("metrics", 4, 1),), {"kafka:c/t/0": 9}, 12.5, True, 100, True)
    write_cursor(tmp_path, cursor)
    assert read_cursor(tmp_path) == cursor
    (file,) = tmp_path.iterdir()
    text = file.read_text()
    for other in ("{", text.replace('"format": 1', '"format": 2'), text.replace("70000", '"x"'), "[]"):
        file.write_text(other)
        assert read_cursor(tmp_path) == Cursor()


def test_a_spool_has_one_shipper(tmp_path: Path) -> None:
    """Also within a process, and until it lets go."""
    first, second = SpoolLock(tmp_path), SpoolLock(tmp_path)
    assert not is_shipped(tmp_path)
    assert first.take()
    assert not second.take()
    assert is_shipped(tmp_path)
    second.release()
    assert is_shipped(tmp_path)
    first.release()
    assert not is_shipped(tmp_path)
    assert second.take()
    second.release()


def test_the_process_ends_when_there_is_nothing_to_do_or_nothing_to_be_done() -> None:
    """A minute after the last job and the last acknowledgement, or a day after Kafka went away with no job alive."""
    now = [0.0]
    patience = Patience(lambda: now[0])

    def over_after(seconds: float, standing: Standing) -> bool:
        now[0] += seconds
        return patience.is_over(standing)

    nothing = Standing(live=0, waiting=0, stuck=0, problem="", reached=True)
    assert not over_after(59, nothing)
    assert not over_after(59, replace(nothing, live=1))
    assert not over_after(59, replace(nothing, waiting=1))
    assert not over_after(59, nothing)
    assert over_after(2, nothing)
    away = replace(nothing, waiting=1, problem="away")
    assert not over_after(100_000, replace(away, live=1))
    assert not over_after(86_000, away)
    assert over_after(500, away)


@pytest.mark.kafka
def test_journals_leave_the_spool_a_day_after_kafka_has_them(servers: str, prefix: str, home: Path) -> None:
    """Not before, and never what Kafka hasn't got; a directory that somebody names is left alone."""
    settings = kafka(servers, prefix)
    run(SHORT, home, settings, EPOCHAL_SHIPPER="thread")
    spool = spool_of(home)
    journals = sorted(spool.glob("*-*-*-*-*"))

    def aged(days: float) -> None:
        for journal in journals:
            cursor = read_cursor(journal)
            write_cursor(journal, Cursor(**{**vars(cursor), "moved_at": time.time() - days * DAY_S}))

    def ship_the_spool() -> None:
        run("from epochal.cli import main; main(['ship'])", home, settings)

    ship_the_spool()
    aged(0.9)
    ship_the_spool()
    assert sorted(spool.glob("*-*-*-*-*")) == journals
    aged(1.1)
    shipped(home, servers, prefix, spool)  # named by its path, it is the same spool
    assert sorted(spool.glob("*-*-*-*-*")) == []
    assert list((spool / "processes").iterdir()) == []

    copies = offline(SHORT, home)
    assert {line["state"] for line in shipped(home, servers, prefix, copies)} == {"shipped"}
    journals = sorted(copies.glob("*-*-*-*-*"))
    aged(9.0)
    shipped(home, servers, prefix, copies)
    assert sorted(copies.glob("*-*-*-*-*")) == journals


@pytest.mark.kafka
def test_segments_of_a_long_job_leave_the_spool_as_well(
    servers: str, prefix: str, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A segment that Kafka has whole and that nobody wrote to for a day goes; the job goes on, and nothing is lost."""
    monkeypatch.setattr(tending, "SWEEP_S", 0.0)
    code = f"{LONG}\nprint('there', flush=True)\ninput()\nrun.log({{'a': 7.0}})"
    spool = home / "spool"
    settings = Settings(kafka=servers, kafka_topic_prefix=prefix, journal=str(spool))
    with start(code, home, EPOCHAL_MODE="offline", EPOCHAL_JOURNAL=str(spool)) as job:
        assert job.stdout is not None
        assert job.stdin is not None
        assert job.stdout.readline() == "there\n"
        (journal,) = (path.parent for path in spool.glob("*/points-000000.seg"))
        whole = in_journals(spool)
        for path in sorted(journal.glob("points-*.seg"))[:-2]:
            os.utime(path, (time.time() - 2 * DAY_S,) * 2)
        left = len(list(journal.glob("points-*.seg")))
        ship(settings, spool)
        ship(settings, spool)
        assert len(list(journal.glob("points-*.seg"))) < left
        job.communicate("\n", timeout=60)
    ship(settings, spool)
    found = in_kafka(servers, prefix)
    assert whole.points.items() <= found.points.items()
    assert len(found.points) == len(whole.points) + 1
    assert read_cursor(journal).ended


@pytest.mark.kafka
@pytest.mark.chaos("the same journal shipped again, cut otherwise", times=max(10, TIMES))
def test_a_journal_shipped_ten_times_with_other_cuts_is_one_journal(
    servers: str, prefix: str, home: Path, chaos: Chaos, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However it is cut, and wherever a cursor begins, every copy of a point is the same."""
    spool = offline(LONG, home)
    settings = Settings(kafka=servers, kafka_topic_prefix=prefix)
    while chaos.lacking():
        monkeypatch.setattr(source, "POINTS_A_MESSAGE", chaos.dice.randrange(1_000, 50_000))
        monkeypatch.setattr(source, "EVENTS_A_TURN", chaos.dice.randrange(1, 20))
        for journal in spool.glob("*-*-*-*-*"):
            cursor = read_cursor(journal)
            some = {name: chaos.dice.randint(0, getattr(cursor, name)) for name in ("lifecycle", "metrics")}
            write_cursor(journal, Cursor(**{**vars(cursor), **some, "ended": False}))
        assert {done.state for done in ship(settings, spool)} == {"shipped"}
        chaos.note()
    found, expected = in_kafka(servers, prefix), in_journals(spool)
    assert same(found, expected)
    assert found.came > 2 * len(expected.points)


@pytest.mark.kafka
def test_an_event_that_is_too_large_is_left_out_and_said(
    servers: str, prefix: str, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All others are shipped, the journal is kept, and when the topic takes it, it is shipped, too."""
    text = "".join(random.Random(1).choices("abcdefghijklmnopqrstuvwxyz", k=300_000))
    spool = offline(f"{SHORT}\nrun.note('{text}')\nrun.log({{'a': 7.0}})", home)
    topic = ConfigResource(ConfigResourceType.TOPIC, f"{prefix}events", {"max.message.bytes": "200000"})
    with KafkaAdminClient(bootstrap_servers=servers) as admin:
        admin.alter_configs([topic])
        time.sleep(2)  # brokers learn of it a moment later
        said = shipped(home, servers, prefix, spool, expect=1)
        (failed,) = [line for line in said if line["state"] == "failed"]
        assert "larger than its topic takes" in failed["why"]
        found, expected = in_kafka(servers, prefix), in_journals(spool)
        assert found.points == expected.points
        missing = expected.events.keys() - found.events.keys()
        assert [text.encode() in expected.events[one][1] for one in missing] == [True]
        topic = ConfigResource(ConfigResourceType.TOPIC, f"{prefix}events", {"max.message.bytes": "16777216"})
        admin.alter_configs([topic])
        time.sleep(2)
    (spool / failed["writer"] / "shipped.json").unlink()
    assert {line["state"] for line in shipped(home, servers, prefix, spool)} == {"shipped"}
    assert same(in_kafka(servers, prefix), expected)


@pytest.mark.kafka
def test_points_are_cut_until_the_topic_takes_them(servers: str, prefix: str, home: Path) -> None:
    """A topic for smaller messages than usual gets smaller messages."""
    spool = offline(LONG, home)
    with KafkaAdminClient(bootstrap_servers=servers) as admin:
        config = {"max.message.bytes": "100000"}
        admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, f"{prefix}metrics", config)])
    time.sleep(2)
    assert {line["state"] for line in shipped(home, servers, prefix, spool)} == {"shipped"}
    assert same(in_kafka(servers, prefix), in_journals(spool))


@pytest.mark.kafka
def test_a_damaged_journal_is_shipped_as_far_as_it_can_be_read(servers: str, prefix: str, home: Path) -> None:
    """What is lost is said with its place, and what lies behind it is shipped; a missing file keeps it open."""
    spool = offline(LONG, home)
    (journal,) = (path.parent for path in spool.glob("*/points-000000.seg"))
    with (journal / "points-000001.seg").open("r+b") as file:
        file.seek(32 * 100)
        file.write(b"\xff" * 320)
    last = sorted(journal.glob("points-*.seg"))[-1]
    last.rename(home / "aside")
    (failed,) = [line for line in shipped(home, servers, prefix, spool, expect=1) if line["state"] == "failed"]
    assert "put the missing files back" in failed["why"]
    assert failed["damaged"] == 10
    (home / "aside").rename(last)
    said = {line["writer"]: line for line in shipped(home, servers, prefix, spool)}
    assert said[journal.name]["state"] == "shipped"
    found = in_kafka(servers, prefix)
    assert len(found.points) == 400_000 - 10
    assert found.points == in_journals(spool).points


@pytest.mark.kafka
def test_topics_made_anew_get_everything_again(servers: str, prefix: str, home: Path) -> None:
    """A cursor speaks of the very topics that it was acknowledged by, not of others of the same name."""
    spool = offline(SHORT, home)
    shipped(home, servers, prefix, spool)
    with KafkaAdminClient(bootstrap_servers=servers) as admin:
        admin.delete_topics([f"{prefix}{kind}" for kind in ("events", "metrics", "dead-letters")])
    time.sleep(1)
    migrate(Settings(kafka=servers, kafka_topic_prefix=prefix))
    assert sum(line["points"] for line in shipped(home, servers, prefix, spool)) == 2_000
    assert same(in_kafka(servers, prefix), in_journals(spool))


@pytest.mark.kafka
def test_journals_of_another_machine(servers: str, prefix: str, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody here can tell whether their writer lives: it is gone when --ended says so, and not before."""
    code = f"{SHORT}\nprint('there', flush=True)\nwhile True:\n    run.log({{'a': 1.0}})"
    spool = home / "spool"
    with start(code, home, EPOCHAL_MODE="offline", EPOCHAL_JOURNAL=str(spool)) as job:
        assert job.stdout is not None
        assert job.stdout.readline() == "there\n"
        job.kill()
    settings = Settings(kafka=servers, kafka_topic_prefix=prefix)
    with monkeypatch.context() as elsewhere:
        elsewhere.setattr("epochal._kafka.tending.host_name", lambda: "another")
        assert "live" in {done.state for done in ship(settings, spool)}
        assert not any(b"writer.vanished" in payload for _, payload in in_kafka(servers, prefix).events.values())
        assert {done.state for done in ship(settings, spool, ended=True)} == {"shipped"}
    found = in_kafka(servers, prefix)
    assert sum(b'"epochal.writer.vanished"' in payload for _, payload in found.events.values()) >= 1
    assert same(found, in_journals(spool))
