"""Ships all journals of a spool to Kafka, again and again: the one place where reading, sending and cursors meet."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final
from uuid import UUID

from epochal._journal.layout import FormatError
from epochal._shipped import Cursor, read_cursor, write_cursor
from epochal._spool import hurried_ns, journals_in, write_problem

from .channel import Client, Landed
from .client import KafkaAwayError
from .sender import is_too_large
from .source import Source
from .tending import Tender
from .wire import Outgoing

INTERVAL_S: Final = 1.0
"""Between two looks at journals of which everything is sent: large messages at a low rate disturb jobs least."""
MOST_ON_THE_WAY: Final = 32 << 20
"""Bytes sent and not answered, beyond which nothing more is read."""
LEAST_BYTES: Final = 65_536
"""A topic that takes no messages as small as this is not made for us: nothing is left out for its sake."""
TURN_S: Final = 2.0
"""How long journals that keep growing are read before the others, and who died, are looked at again."""
_GLANCE_S: Final = 0.05
_PAUSES_S: Final = (0.5, 1.0, 2.0, 5.0, 10.0, 30.0)


@dataclass(frozen=True, slots=True)
class Standing:
    """How a spool stands: ``live`` journals have a writer, ``waiting`` ones aren't acknowledged as far as they go,
    ``stuck`` ones can't be read or are not whole; ``problem`` is why Kafka takes nothing, or empty.
    ``reached``: whether it and its topics were ever found.
    """

    live: int
    waiting: int
    stuck: int
    problem: str
    reached: bool


class Shipper:
    """Reads journals, sends what Kafka hasn't got, and moves each journal's cursor as Kafka acknowledges it.

    Guarantees: a cursor never says more than what was acknowledged; whatever is killed in between, everything is sent,
    some of it twice. Kafka being away is reported once and waited for, in growing pauses. For one thread, and one
    shipper a spool: :class:`epochal._spool.SpoolLock`.
    """

    def __init__(
        self,
        spool: Path,
        client: Callable[[Callable[[], None]], Client],
        tender: Tender,
        report: Callable[[str], None],
        only: frozenset[UUID] | None = None,
        interval_s: float = INTERVAL_S,
    ) -> None:
        """``client`` makes what sends, given what to call when an answer has come. ``only``: journals of these
        writers, of all that lie there. ``interval_s``: seconds between two looks at what grows.
        """
        self._spool = spool
        self._wake = threading.Event()
        self._client = client(self._wake.set)
        self._tender = tender
        self._report = report
        self._only = only
        self._interval_s = interval_s
        self._sources: dict[UUID, Source] = {}
        self._log = ""
        self._on_the_way = 0
        self._flying: set[UUID] = set()
        self._failures = 0
        self._problem = ""
        self._said: set[str] = set()
        self._hurried = 0
        self._stopping = False
        self._say_problem("")

    @property
    def sources(self) -> Iterable[Source]:
        """The journals as they are known now."""
        return self._sources.values()

    def stop(self) -> None:
        """Have :meth:`run` and :meth:`rest` return soon; from any thread and from signal handlers."""
        self._stopping = True
        self._wake.set()

    def run(self, until: Callable[[Standing], bool]) -> None:
        """Ship until somebody says stop, or ``until`` says that it is enough."""
        while not self._stopping:
            standing = self.turn()
            if until(standing):
                return
            self.rest()
        self._settle()
        self._tender.tend(list(self._sources.values()))

    def turn(self) -> Standing:
        """Send what is there, for about :data:`TURN_S` seconds at most, and take in what was answered.

        Never raises because of Kafka or of a journal: both are reported, and tried again in the next turn.
        """
        self._hurried = hurried_ns(self._spool)
        self._discover()
        self._tender.begin(self._sources.values())
        try:
            self._connect()
            self._send_all()
        except KafkaAwayError as error:
            self._away(str(error))
        self._settle()
        self._tender.tend(list(self._sources.values()))
        self._discover()  # what the shipper itself said is to be sent as well
        return self._standing()

    def rest(self) -> None:
        """Wait until it is time for the next turn: at once when somebody is in a hurry, later when Kafka is away."""
        seconds = _PAUSES_S[min(self._failures, len(_PAUSES_S)) - 1] if self._failures else self._interval_s
        until = time.monotonic() + seconds
        soonest = time.monotonic() + (_PAUSES_S[0] if self._failures else 0.0)
        while not self._stopping and time.monotonic() < until:
            if self._wake.wait(_GLANCE_S):
                self._wake.clear()
                self._settle()
            if hurried_ns(self._spool) != self._hurried and time.monotonic() >= soonest:
                return

    def close(self) -> None:
        """Let go of Kafka; what is on its way is not waited for."""
        self._client.close()

    def _connect(self) -> None:
        if self._client.connected:
            return
        self._log = self._client.connect()
        for source in self._sources.values():
            self._adopt(source)

    def _discover(self) -> None:
        present = {UUID(journal.name): journal for journal in journals_in(self._spool)}
        if self._only is not None:
            present = {writer: present[writer] for writer in present.keys() & (self._only | self._tender.own)}
        for writer in self._sources.keys() - present.keys():
            self._forget(self._sources.pop(writer))
        for writer in present.keys() - self._sources.keys():
            self._open(writer, present[writer])

    def _open(self, writer: UUID, journal: Path) -> None:
        try:
            self._sources[writer] = Source(journal, read_cursor(journal))
            self._adopt(self._sources[writer])
        except (OSError, FormatError) as error:
            self._report_once(f"{journal} can't be read now: {error}")

    def _adopt(self, source: Source) -> None:
        """A cursor of other topics says nothing about these: all is sent."""
        if self._log and source.cursor.log != self._log:
            self._forget(source)
            source.restart(Cursor(log=self._log, vanished=source.cursor.vanished))

    def _forget(self, source: Source) -> None:
        self._on_the_way -= source.rewind()
        self._flying.discard(source.id)

    def _send_all(self) -> None:
        until = time.monotonic() + TURN_S
        work = deque(source for source in self._sources.values() if not source.at_rest)
        while work and self._client.connected and not self._stopping and time.monotonic() < until:
            source = work.popleft()
            for message in self._read(source):
                answer = self._client.send(message)
                self._on_the_way += message.size
                self._flying.add(source.id)
                source.channel(message).sent(message, answer)
            if not source.read_to_end and not source.failure:
                work.append(source)
            self._make_way(until)

    def _make_way(self, until: float) -> None:
        """Wait while too much is on its way."""
        self._settle()
        while self._on_the_way > MOST_ON_THE_WAY and not self._stopping and time.monotonic() < until:
            self._wake.wait(_GLANCE_S)
            self._wake.clear()
            self._settle()

    def _read(self, source: Source) -> list[Outgoing]:
        """A journal's next messages; what can't be read now is reported once and tried again in the next turn."""
        if self._on_the_way > MOST_ON_THE_WAY:
            return []
        try:
            messages = source.read()
        except (OSError, FormatError) as error:
            source.failure = str(error)
            self._report_once(f"{source.directory} can't be read now: {error}")
            return []
        for damage in source.new_damage():
            self._report_once(f"{damage.place}: {damage.detail} ({damage.count} from {damage.first_seq} on are lost)")
        return messages

    def _settle(self) -> None:
        """Take in all answers that are there, and write down what they say."""
        for writer in list(self._flying):
            source = self._sources[writer]
            landed, size, failed = source.settle(time.time())
            self._on_the_way -= size
            if landed:
                self._landed(source, landed)
            if source.idle:
                self._flying.discard(writer)
            if failed is None:
                continue
            if is_too_large(failed.error) and failed.message.size > LEAST_BYTES:
                self._too_large(source, failed.message, failed.error)
            else:
                self._away(self._client.describe(failed.error))
                return

    def _landed(self, source: Source, landed: list[Landed]) -> None:
        offsets = dict(source.cursor.offsets)
        for one in landed:
            log = self._client.log(one)
            offsets[log] = max(one.offset, offsets.get(log, -1))
        self._keep(source, replace(source.cursor, log=self._log, offsets=offsets))
        self._failures = 0
        if self._problem:
            self._say_problem("")
            self._report("Kafka takes messages again.")

    def _too_large(self, source: Source, message: Outgoing, error: BaseException) -> None:
        before = source.cursor.refused
        self._on_the_way -= source.refuse(message, time.time())
        self._flying.discard(source.id)
        if source.cursor.refused != before:
            self._keep(source, source.cursor)
            what = f"{source.directory}: the {message.channel} message {message.first_seq}+{message.count}"
            self._report_once(
                f"{what} has {message.size:,} bytes, more than its topic takes ({type(error).__name__}). It is left "
                "out, its journal is kept: raise the topic's max.message.bytes and run `epochal ship`"
            )

    def _away(self, problem: str) -> None:
        """Begin again from the cursors, with a new connection, a while later."""
        self._client.close()
        for source in self._sources.values():
            source.rewind()
        self._on_the_way = 0
        self._flying.clear()
        self._failures += 1
        if problem != self._problem:
            self._say_problem(problem)
            self._report(f"{problem} What is logged stays in {self._spool} and is sent as soon as Kafka takes it.")

    def _say_problem(self, problem: str) -> None:
        self._problem = problem
        try:
            write_problem(self._spool, problem)
        except OSError as error:
            self._report_once(f"{self._spool} can't be written: {error}")

    def _keep(self, source: Source, cursor: Cursor) -> None:
        """Write a cursor down; where that can't be, more is sent again than needed."""
        source.cursor = cursor
        try:
            write_cursor(source.directory, cursor)
        except OSError as error:
            self._report_once(f"{source.directory} can't be written, so how far it is isn't noted: {error}")

    def _standing(self) -> Standing:
        sources = self._sources.values()
        live = sum(not source.final and not source.at_rest and source.writer.role != "host" for source in sources)
        stuck = sum(bool(source.failure or (source.final and source.lacking)) for source in sources)
        unsent = [source for source in sources if not source.at_rest and not source.failure]
        waiting = sum(not (source.read_to_end and source.idle) for source in unsent)
        return Standing(live, waiting, stuck, self._problem, bool(self._log))

    def _report_once(self, line: str) -> None:
        if line not in self._said:
            self._said.add(line)
            self._report(line)
