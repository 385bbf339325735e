"""What a shipper makes of whatever Kafka may answer: nothing of Kafka is here, its client is dice."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from kafka.errors import KafkaTimeoutError
from sdk.children import run
from shipping.delivered import Everything, in_journals
from shipping.test_ship import assert_acknowledged, same

from epochal._kafka import source
from epochal._kafka.channel import Landed
from epochal._kafka.client import KafkaAwayError
from epochal._kafka.shipper import Shipper
from epochal._kafka.tending import Policy, Tender
from epochal._kafka.voice import Voice
from epochal._kafka.wire import Outgoing
from epochal._shipped import read_cursor
from epochal._spool import journals_in

TURNS = 40
JOB = """
for name in 'one', 'two', 'three':
    with epochal.init('x', variables={'name': name}) as run:
        for i in range(1_500):
            run.log({'a': i * 0.5, 'b': -i})
"""


@dataclass
class Pending:
    """A message that was sent, and what is said of it."""

    is_done: bool = False
    value: Any = None
    exception: BaseException | None = None


@dataclass
class Moody:
    """Takes messages in any order, or not, or says that it hasn't though it has; is away, or goes away."""

    dice: random.Random
    trouble: float = 0.02
    """How often anything goes wrong."""
    there: Everything = field(default_factory=Everything)
    failed: int = 0
    connected: bool = False
    _waiting: list[tuple[Outgoing, Pending]] = field(default_factory=list)

    def connect(self) -> str:
        """Names the topics, unless it is away."""
        self._perhaps_away(10 * self.trouble)
        self.connected = True
        return "the topics"

    def send(self, message: Outgoing) -> Pending:
        """Take a message over."""
        self._perhaps_away(self.trouble / 4)
        self._waiting.append((message, Pending()))
        answer = self._waiting[-1][1]
        self.answer()
        return answer

    def answer(self) -> None:
        """Say of some messages what became of them."""
        left = []
        for message, answer in self._waiting:
            if self.dice.random() < 0.5:
                left.append((message, answer))
                continue
            if self.dice.random() < self.trouble:
                self.failed += 1
                answer.exception = KafkaTimeoutError("nobody knows")
                self._perhaps_land(message)
            else:
                self._land(message)
                answer.value = Landed(message.channel, 0, self.there.came)
            answer.is_done = True
        self._waiting = left

    def log(self, landed: Landed) -> str:
        """The topic."""
        return landed.topic

    def describe(self, error: BaseException) -> str:
        """As it is."""
        return str(error)

    def close(self) -> None:
        """Of what was on its way some has come."""
        self.connected = False
        for message, _ in self._waiting:
            self._perhaps_land(message)
        self._waiting = []

    def _perhaps_away(self, how_often: float) -> None:
        if self.dice.random() < how_often:
            self.failed += 1
            raise KafkaAwayError("away")

    def _perhaps_land(self, message: Outgoing) -> None:
        if self.dice.random() < 0.5:
            self._land(message)

    def _land(self, message: Outgoing) -> None:
        self.there.take(message)


@pytest.fixture
def spool(tmp_path: Path) -> Path:
    """Three journals of a job that ran offline."""
    run(JOB, tmp_path, EPOCHAL_MODE="offline", EPOCHAL_JOURNAL=str(tmp_path / "spool"))
    return tmp_path / "spool"


@pytest.fixture
def small_messages(monkeypatch: pytest.MonkeyPatch) -> None:
    """Many of them."""
    monkeypatch.setattr(source, "POINTS_A_MESSAGE", 100)
    monkeypatch.setattr(source, "EVENTS_A_TURN", 3)


def turns(shipper: Shipper, client: Moody, spool: Path) -> Iterator[int]:
    """Have it take turns; how many journals wait after each, when what their cursors say was found to be there."""
    for _ in range(TURNS):
        waiting = shipper.turn().waiting
        client.answer()
        for journal in journals_in(spool):
            assert_acknowledged(journal, client.there)
        yield waiting


@pytest.mark.long
@pytest.mark.usefixtures("small_messages")
def test_whatever_kafka_answers_everything_comes_to_it(spool: Path, dice: random.Random) -> None:
    """Messages fail, land though they failed, are answered in any order; connections come and go. No cursor is ever
    ahead of what is there, and in the end all of it is.
    """
    said: list[str] = []
    client = Moody(dice)
    tender = Tender(spool, Policy(remove=False), Voice(spool, said.append), said.append)
    shipper = Shipper(spool, lambda wake: client, tender, said.append)
    try:
        for _ in turns(shipper, client, spool):
            """It goes from bad to worse."""
        assert client.failed
        client.trouble = 0.0
        assert list(turns(shipper, client, spool))[-1] == 0
    finally:
        tender.close()
        shipper.close()
    assert same(client.there, in_journals(spool))
    assert all(read_cursor(journal).ended for journal in journals_in(spool))
