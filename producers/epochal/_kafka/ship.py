"""Ships a directory of journals as far as they go: what ``epochal ship`` does."""

from __future__ import annotations

import contextlib
import signal
import threading
import time
from collections.abc import Callable, Generator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal
from uuid import UUID

from epochal._errors import NotFoundError
from epochal._journal.layout import EVENTS_FILE
from epochal._journal.reader import EventsReader, MetricsReader
from epochal._places import journal_place
from epochal._settings import Settings
from epochal._shipped import Cursor, read_cursor
from epochal._spool import hurry, journals_in, read_problem

from .client import KafkaAwayError, connection
from .shipper import Shipper, Standing
from .shipping import SpoolTakenError, shipper_of
from .source import Source
from .tending import Policy

PATIENCE_S: Final = 150.0
"""How long Kafka may take nothing, once it has taken something, before this gives up."""
_INTERVAL_S: Final = 0.1

State = Literal["shipped", "live", "busy", "failed"]


@dataclass(frozen=True)
class Shipped:
    """What became of one journal: ``events`` and ``points`` were acknowledged meanwhile, ``damaged`` can't be read.

    ``shipped``: all of it is in Kafka, and nothing more comes. ``live``: all that was there; its job may write more.
    ``busy``: another process ships it, and isn't done. ``failed``: ``why`` says it; what is acknowledged stays so.
    """

    writer: UUID
    state: State
    events: int = 0
    points: int = 0
    damaged: int = 0
    why: str = ""


def ship(
    settings: Settings,
    place: Path,
    timeout_s: float | None = None,
    *,
    ended: bool = False,
    report: Callable[[str], None] = print,
) -> list[Shipped]:
    """Send what Kafka hasn't got of the journals in ``place``, and wait for its acknowledgement.

    ``place`` is a writer's journal or holds many. ``ended``: the processes that wrote on other machines are gone.

    Raises:
        NotFoundError: there are no journals.
        SettingsError: EPOCHAL_KAFKA isn't set.
        NotAvailableError: kafka-python isn't installed.
        KafkaAwayError: Kafka doesn't answer, has no topics, or takes nothing any more; what it has is noted.
        OSError: the directory can't be written.
    """
    connection(settings)
    place = place.resolve()
    single = (place / EVENTS_FILE).exists()
    spool = place.parent if single else place
    before = {writer: read_cursor(spool / str(writer)) for writer in _writers(place, single=single)}
    enough = _Enough(timeout_s)
    policy = Policy(remove=not single and place == journal_place(settings).directory.resolve(), foreign_are_gone=ended)
    try:
        ours = shipper_of(spool, settings, policy, report, frozenset(before) if single else None, _INTERVAL_S)
        with ours as (shipper, tender), _until_terminated(shipper):
            shipper.run(enough)
            tender.close()
            if not enough.problem:
                shipper.run(enough)  # what it had to say itself
            known = [source for source in shipper.sources if source.id in before]
            results = [_result(source, before[source.id], enough.problem) for source in known]
    except SpoolTakenError:
        report(f"another process ships {spool} already: waiting for it")
        return _of_another(spool, before, enough)
    if enough.problem and not enough.reached:
        raise KafkaAwayError(enough.problem)
    return results


class _Enough:
    """Ends shipping when all that can be is acknowledged, time is up, or Kafka is away for too long."""

    def __init__(self, timeout_s: float | None) -> None:
        self.problem = ""
        """Why Kafka took nothing in the last turn."""
        self.reached = False
        self._until = None if timeout_s is None else time.monotonic() + timeout_s
        self._worked_at = time.monotonic()

    def __call__(self, standing: Standing) -> bool:
        self.problem, self.reached = standing.problem, standing.reached
        now = time.monotonic()
        if not standing.problem:
            self._worked_at = now
        vain = bool(standing.problem) and (not standing.reached or now - self._worked_at > PATIENCE_S)
        return not standing.waiting or vain or self.is_over()

    def is_over(self) -> bool:
        """Whether time is up."""
        return self._until is not None and time.monotonic() >= self._until


@contextlib.contextmanager
def _until_terminated(shipper: Shipper) -> Generator[None, None, None]:
    """SIGTERM ends shipping in an orderly way."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, lambda *_: shipper.stop())
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _writers(place: Path, *, single: bool) -> list[UUID]:
    journals = [place] if single else list(journals_in(place))
    if not journals:
        raise NotFoundError(f"there are no journals in {place}: name a writer's folder, or one that holds such")
    return [UUID(journal.name) for journal in journals]


def _result(source: Source, before: Cursor, problem: str) -> Shipped:
    cursor = source.cursor
    sent = (cursor.lifecycle - before.lifecycle, cursor.metrics - before.metrics)
    if cursor.log != before.log:
        sent = (cursor.lifecycle, cursor.metrics)
    left = (source.counts[0] - cursor.lifecycle, source.counts[1] - cursor.metrics)
    why = source.failure or source.lacking or _refused(source.directory, cursor)
    if not why and not (source.read_to_end and source.idle) and not source.at_rest:
        why = f"{max(0, left[0])} events and {max(0, left[1])} points are not acknowledged yet"
        why += f": {problem}" if problem else ""
    if why:
        return Shipped(source.id, "failed", *sent, source.lost, why)
    damage = "; ".join(f"{damage.place}: {damage.detail}" for damage in source.damage)
    return Shipped(source.id, "shipped" if source.at_rest else "live", *sent, source.lost, damage)


def _refused(journal: Path, cursor: Cursor) -> str:
    if not cursor.refused:
        return ""
    which = ", ".join(f"{channel} {first}+{count}" for channel, first, count in cursor.refused)
    return (
        f"{which} of {journal} is larger than its topic takes: raise the topic's max.message.bytes, "
        f"remove {journal / 'shipped.json'}, and ship it again"
    )


def _of_another(spool: Path, before: dict[UUID, Cursor], enough: _Enough) -> list[Shipped]:
    """Wait while another process ships these, until each is acknowledged as far as it goes now."""
    extents = {writer: _extent(spool / str(writer), cursor) for writer, cursor in before.items()}
    waiting = set(extents)
    while waiting and not enough.is_over():
        hurry(spool)
        time.sleep(_INTERVAL_S)
        waiting = {writer for writer in waiting if not _is_there(spool / str(writer), extents[writer])}
    return [_watched(spool, writer, before[writer], busy=writer in waiting) for writer in before]


def _watched(spool: Path, writer: UUID, before: Cursor, *, busy: bool) -> Shipped:
    cursor = read_cursor(spool / str(writer))
    sent = (max(0, cursor.lifecycle - before.lifecycle), max(0, cursor.metrics - before.metrics))
    if busy:
        why = _refused(spool / str(writer), cursor) or read_problem(spool) or "another process ships it"
        return Shipped(writer, "busy", *sent, why=why)
    return Shipped(writer, "shipped" if cursor.ended else "live", *sent)


def _is_there(journal: Path, extent: tuple[int, int]) -> bool:
    return not journal.is_dir() or read_cursor(journal).covers(extent)


def _extent(journal: Path, cursor: Cursor) -> tuple[int, int]:
    """How many events and points a journal holds now."""
    return _end(EventsReader(journal, start_seq=cursor.lifecycle)), _end(
        MetricsReader(journal, start_seq=cursor.metrics)
    )


def _end(reader: EventsReader | MetricsReader) -> int:
    while reader.read(100_000):
        pass
    return reader.next_seq
