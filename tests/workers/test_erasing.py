"""Erasing through Kafka: gone from store and spool, not back by what Kafka still has, and done when that is gone."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from injecting import Chaos
from kafka import KafkaAdminClient, KafkaConsumer, TopicPartition
from kafka_field import Field
from query.test_cli import Shell
from query.test_erasure import SECRET, found_in, rest, say_of_patient, write
from shipping.jobs import ending_shippers, kafka, spool_of
from tcp_proxy import Proxy
from worker_process import until

pytestmark = pytest.mark.kafka
TOPICS = ("events", "metrics", "dead-letters")
Message = tuple[str, bytes | None, bytes | None, Sequence[tuple[str, bytes | None]]]


@dataclass
class Erasing(Shell):
    """A home from which jobs ship to the topics of a field, and commands are run."""

    field: Field
    home: Path

    def environment(self, **extra: str) -> dict[str, str]:
        """The settings of its jobs, and of its commands."""
        settings = kafka(self.field.servers, self.field.prefix, HOME=str(self.home))
        return super().environment(**settings, EPOCHAL_HOST_IDLE="600", **extra)

    def caught_up(self) -> None:
        """Wait until the store has everything that Kafka has."""
        self.field.sent = {place: end - 1 for place, end in self.ends().items() if end and "dead" not in place[0]}
        self.field.wait()

    def ends(self) -> dict[tuple[str, int], int]:
        """Where the partitions end."""
        consumer = KafkaConsumer(bootstrap_servers=self.field.servers)
        places = [TopicPartition(f"{self.field.prefix}{t}", p) for t in TOPICS for p in range(self.field.partitions)]
        found = consumer.end_offsets(places)
        consumer.close()
        return {(place.topic, place.partition): end for place, end in found.items()}

    def messages(self) -> list[Message]:
        """Everything that lies in Kafka."""
        consumer = KafkaConsumer(bootstrap_servers=self.field.servers)
        found: list[Message] = []
        for (topic, partition), end in self.ends().items():
            place = TopicPartition(topic, partition)
            consumer.assign([place])
            consumer.seek_to_beginning(place)
            while consumer.position(place) < end:
                for batch in consumer.poll(timeout_ms=500).values():
                    found += [(one.topic, one.key, one.value, one.headers) for one in batch]
        consumer.close()
        return found

    def remove_messages(self) -> None:
        """Have Kafka let go of all messages, as it does of itself when they had their time."""
        with KafkaAdminClient(bootstrap_servers=self.field.servers) as admin:
            admin.delete_records({TopicPartition(*place): end for place, end in self.ends().items()})

    def trial(self) -> str:
        """The one that is to be erased."""
        return str(next(row["id"] for row in self.json("ls", "study")["rows"] if SECRET in row["name"]))

    def erasing(self) -> list[str]:
        """The command that erases it."""
        return ["erase", self.trial(), "--confirm", f"{SECRET}-name", "--reason", "consent withdrawn", "--json"]

    def states(self) -> tuple[set[str], list[str], list[Any]]:
        """Of everything erased the state, the remarks, and the dates."""
        answer = self.json("erase")
        rows = answer["rows"]
        return {row["state"] for row in rows}, answer["epochal"].get("remarks", []), [row["until"] for row in rows]


def is_gone_from(directory: Path, word: str = SECRET) -> bool:
    """Whether no file of a directory that others work in has a word."""
    try:
        return not found_in(directory, word)
    except FileNotFoundError:  # removed while it was looked for
        return False


@pytest.fixture
def erasing(field: Field, tmp_path: Path) -> Iterator[Erasing]:
    """A store that a worker fed with a secret in everything that can hold one, beside things that are to stay."""
    made = Erasing(field.store, field, tmp_path / "home")
    made.home.mkdir()
    with ending_shippers(made.home):
        field.store_port()
        field.worker()
        write(made, tmp_path)
        made.caught_up()
        yield made


def test_it_is_gone_and_nothing_brings_it_back(erasing: Erasing, tmp_path: Path) -> None:
    """Not when everything is sent again, nor when another store is made of what Kafka has, in whatever order its
    partitions are read; it is pending while Kafka keeps it, and done when that has let go of it.
    """
    spool = spool_of(erasing.home)
    assert found_in(erasing.store)
    assert found_in(spool)
    before = erasing.messages()
    assert any(SECRET.encode() in (value or b"") for _, _, value, _ in before)

    rows = erasing.json(*erasing.erasing()[:-1])
    assert [row["kind"] for row in rows["rows"] if row["change"] == "erased" and row["event"]] == ["component", "trial"]
    (remark,) = rows["epochal"]["remarks"]
    assert remark.startswith("Kafka has messages of it until ")
    assert found_in(erasing.store) == found_in(spool) == []
    after = rest(erasing)
    assert [row["who"] for row in after[0]] == [None, "KeptWho"]
    states, remarks, dates = erasing.states()
    assert (states, remarks) == ({"pending"}, [])
    assert all(dates)

    erasing.field.send_raw(before)
    erasing.caught_up()
    assert rest(erasing) == after
    assert found_in(erasing.store) == []
    verified = erasing.json("verify")
    assert (verified["sound"], verified["checked"]["erased"] > 10) == (True, True)

    erasing.field.workers[-1].stop()
    erasing.field.another_store()
    erasing.store = erasing.field.store
    erasing.field.worker()
    erasing.caught_up()
    until(lambda: is_gone_from(erasing.store), "what came before its tombstone is erased")
    assert [row["who"] for row in rest(erasing)[0]] == [row["who"] for row in after[0]]
    assert erasing.json("verify")["sound"] is True

    assert erasing.states()[0] == {"pending"}
    erasing.remove_messages()
    assert erasing.states()[0] == {"done"}


def test_an_old_journal_that_is_shipped_later_comes_to_nothing(erasing: Erasing, tmp_path: Path) -> None:
    """From a machine that was offline when something was erased: the worker that takes it in says so, and what it said
    before that is gone; what it said of other things is there.
    """
    say_of_patient(erasing, 0, "first", tmp_path)
    erasing.caught_up()
    erasing.json("erase", "patient", "--confirm", "patient", "--reason", "consent withdrawn")
    offline = Shell(tmp_path / "offline")
    artifacts = erasing.store / "artifacts"
    say_of_patient(offline, 7200, SECRET, tmp_path, EPOCHAL_ARTIFACTS=str(artifacts))
    assert found_in(artifacts, f"patient-{SECRET}-content")
    erasing.out("ship", str(offline.store / "journals"))
    erasing.caught_up()
    until(
        lambda: erasing.json("sql", "SELECT path FROM params WHERE startsWith(path, 'doctor')")["rows"][1:], "the rest"
    )
    until(lambda: is_gone_from(erasing.store, f"patient-{SECRET}"), "what came later is erased")
    assert not is_gone_from(erasing.store, f"doctor-{SECRET}")
    verified = erasing.json("verify")
    assert verified["sound"] is True
    rows = [row for row in erasing.json("erase")["rows"] if row["kind"] == "component"]
    assert len(rows) >= 2
    assert {(row["reason"], row["state"]) for row in rows} == {("consent withdrawn", "pending")}


@pytest.mark.chaos("SIGKILL of a worker while it erases", times=1)
def test_a_worker_that_is_killed_at_it_is_followed_by_one_that_goes_on(
    erasing: Erasing, chaos: Chaos, tmp_path: Path
) -> None:
    """Wherever it was: what it hadn't acknowledged comes again."""
    field = erasing.field
    field.workers[-1].stop()
    with Proxy(field.store_port()) as proxy:
        proxy.delay_s = 0.05
        slow = field.worker(**field.store_behind(proxy.port)).ready()
        ends = sum(erasing.ends().values())
        command = [sys.executable, "-m", "epochal.cli", *erasing.erasing()]
        child = subprocess.Popen(command, env=erasing.environment(), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        until(lambda: child.poll() is not None or sum(erasing.ends().values()) > ends, "the tombstone is in Kafka")
        chaos.pause(1.5)
        slow.kill()
        chaos.note()
        field.worker()
        _, said = child.communicate()
        assert child.returncode == 0, said
    erasing.caught_up()
    assert erasing.states()[0] == {"pending"}
    until(lambda: is_gone_from(erasing.store), "the next worker has gone on")
    assert erasing.json("verify")["sound"] is True


def test_what_workers_have_not_taken_in_is_waited_for(erasing: Erasing) -> None:
    """It may be of what is to be erased, and would be there afterwards."""
    erasing.field.workers[-1].stop()
    erasing.field.send_raw(erasing.messages()[:1])
    refused = erasing.run(*erasing.erasing())
    assert refused.returncode == 1
    assert "1 messages that Kafka has aren't in the store yet, and may be of it" in refused.stderr
    refused = erasing.run("prune", "--older-than", "now", "--reason", "full", "--confirm", "0")
    assert refused.returncode == 1
    assert "nothing is removed, because 1 messages that Kafka has aren't in the store yet" in refused.stderr
    assert found_in(erasing.store)
