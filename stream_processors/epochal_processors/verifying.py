"""A store verified: everything that its blocks and its ledger vouch for, computed again from its rows.

It goes through the store by portions that fit into memory, whatever its size, up to one watermark, while the store
goes on taking in. The rows of facts and partials aren't looked at: they follow from the log, and can be rebuilt.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from uuid import UUID

import numpy as np
import numpy.typing as npt

from epochal_processors.ahead import ahead
from epochal_processors.chain_check import ChainCheck, Head
from epochal_processors.columns import Bools
from epochal_processors.coverage import Ranges
from epochal_processors.evidence import NO_LETTERS, NOTHING, Evidence, Letters, Read
from epochal_processors.findings import Finding, Totals, Wrong
from epochal_processors.frames import LIFECYCLE, METRICS
from epochal_processors.ledger_check import InLog, LogCheck
from epochal_processors.log_pieces import log_rows, logs_of
from epochal_processors.places import Held
from epochal_processors.stored_events import event_rows
from epochal_processors.stored_points import point_rows
from epochal_processors.stored_rows import StreamRows
from epochal_processors.stream_check import (
    BlocksOf,
    against_ledger,
    is_about,
    is_destroyed,
    is_held,
    points_back,
    taken_again,
)
from epochal_processors.survey import (
    Key,
    Query,
    StreamAt,
    Watermark,
    chosen,
    ends_of,
    portions,
    streams_of,
)
from epochal_storage.archive import Progress


@dataclass(frozen=True, slots=True)
class Asked:
    """What is to be verified.

    ``only`` are the components and writers it is about (None: the entire store); ``own_logs`` those that whoever asks
    has had taken in to their ends, with all sealed that ended; ``heads_at`` the watermark at which heads of chains are
    wanted; ``taken`` the records of intakes, by log.
    """

    watermark: Watermark
    only: Collection[UUID] | None = None
    own_logs: Collection[str] = ()
    heads_at: Watermark | None = None
    taken: Mapping[str, npt.NDArray[np.void]] = field(default_factory=dict)


@dataclass
class Verified:
    """What was found, how much was looked at, and the heads of all chains at the watermark that was asked for.

    ``pieces`` are digests of the ledger, by log and number of piece; ``erased`` streams have no head any more.
    """

    findings: list[Finding] = field(default_factory=list)
    totals: Totals = field(default_factory=Totals)
    heads: dict[Key, tuple[StreamAt, Head]] = field(default_factory=dict)
    pieces: dict[str, dict[int, bytes]] = field(default_factory=dict)
    erased: set[Key] = field(default_factory=set)


def verify(query: Query, asked: Asked, progress: Progress) -> Verified:
    """Compute again what is sealed, and compare it. Raises what ``query`` raises."""
    streams = streams_of(query)
    if asked.only is not None:
        streams = chosen(streams, asked.only)
    walk = _Walk(query, asked, {at.key: at for at in streams})
    total, done = sum(at.rows for at in streams), 0
    for read in ahead(walk.evidence.of, portions(query, streams)):
        progress("rows", done, total)
        walk.look_at(read)
        done = walk.verified.totals.events + walk.verified.totals.points
        del read  # before the next is waited for, beside which others are in memory
    progress("rows", total, total)
    walk.end()
    if asked.only is None:
        walk.look_at_logs(progress)
    return walk.verified


class _Walk:
    """What is known in the middle of a verification."""

    def __init__(self, query: Query, asked: Asked, streams: dict[Key, StreamAt]) -> None:
        self.verified = Verified()
        self._query = query
        self._asked = asked
        self._streams = streams
        self.evidence = Evidence(query, asked.watermark)
        self._ends = ends_of(query, asked.watermark)
        self._chains = {key: ChainCheck() for key in streams}
        self._heads = dict.fromkeys(streams, Head())
        self._covered = dict.fromkeys(streams, 0)

    def look_at(self, read: Read) -> None:
        """Verify a portion of streams."""
        evidence, portion = self.evidence, read.portion
        for rows in self._rows(read):
            key = rows.at.key
            ledger = read.ledgers.get(key.writer, NOTHING)
            inside = ledger.held.within(portion.first, portion.end)
            erased = evidence.erased_of(key, inside)
            parked = _parked(key, read.letters.get(key.writer, NO_LETTERS)) | erased
            said = [*rows.said, *points_back(rows, erased)]
            said += against_ledger(rows, ledger, inside, evidence.until(), evidence.logs, parked)
            replayed = self._replayed(rows, parked)
            settled = is_held(inside, rows.numbers)
            blocks = BlocksOf(rows, settled, replayed)
            about = partial(_is_explained, list(said), rows, erased)
            said += self._chains[key].go_on(read.sealed.get(key.writer, []), blocks.computed, blocks.agrees, about)
            self._say(rows.at, said)
            self._count(rows, inside, erased)
            if key.channel == METRICS and erased.end:
                self.verified.erased.add(key)
            if self._asked.heads_at is not None:
                for block in blocks.of(self._before_heads(rows, inside, replayed, self._asked.heads_at)):
                    self._heads[key] = self._heads[key].then(block)

    def end(self) -> None:
        """Look at the ends of all chains."""
        totals = self.verified.totals
        unsealed: set[UUID] = set()
        for key, chain in self._chains.items():
            ended = self._ends.get(key.writer)
            complete = ended is not None and all(
                self._covered.get(Key(key.writer, channel), 0) >= count
                for channel, count in ((LIFECYCLE, ended.lifecycle), (METRICS, ended.metrics))
            )
            sure = complete and ended is not None and ended.log in self._asked.own_logs
            self._say(self._streams[key], chain.end(ended=sure))
            totals.sealed += chain.sealed
            totals.open += chain.open
            if complete and chain.open:
                unsealed.add(key.writer)
            if self._asked.heads_at is not None:
                self.verified.heads[key] = self._streams[key], self._heads[key]
        totals.writers = len({key.writer for key in self._streams})
        totals.unsealed = len(unsealed)

    def look_at_logs(self, progress: Progress) -> None:
        """Verify the order of the ledger, log by log."""
        logs = logs_of(self._query)
        for done, log in enumerate(logs):
            progress("logs", done, len(logs))
            heads_at = self._asked.heads_at
            check = LogCheck(log, None if heads_at is None else heads_at.get(log, -1), self._asked.taken.get(log))
            for table in log_rows(self._query, log, self._asked.watermark.get(log, -1)):
                self.verified.findings += [self._found(log, one) for one in check.go_on(table)]
            self.verified.totals.ranges += check.rows
            if check.pieces:
                self.verified.pieces[log] = check.pieces

    def _rows(self, read: Read) -> Iterator[StreamRows]:
        portion = read.portion
        if portion.channel == METRICS:
            return point_rows(read.table, portion.streams, read.places)
        inside = {writer: one.within(portion.first, portion.end) for writer, one in read.letters.items()}
        return event_rows(
            read.table, portion.streams, read.places, inside, self.evidence.erased.lifecycle, self.evidence.repaired
        )

    def _replayed(self, rows: StreamRows, parked: Ranges) -> Bools:
        """Which of the numbers of blocks came out of dead letters; events count as they were in theirs."""
        if rows.at.key.channel == LIFECYCLE:
            return np.zeros(len(rows.numbers), np.bool_)
        found = taken_again(rows, self.evidence.replays, parked)
        self.verified.totals.replayed += int(found.sum())
        return found

    def _before_heads(self, rows: StreamRows, inside: Held, replayed: Bools, watermark: Watermark) -> Bools:
        """Which of the numbers of blocks a watermark reaches."""
        until = self.evidence.until(watermark)
        reached = is_held(inside.take(inside.place.offset < until[inside.place.log]), rows.numbers)
        if replayed.any():
            reached &= ~(replayed & (rows.places.offset >= until[rows.places.log]))
        return reached

    def _count(self, rows: StreamRows, inside: Held, erased: Ranges) -> None:
        totals = self.verified.totals
        totals.erased += sum(erased.within(first, count) for first, count in inside.ranges())
        if rows.at.key.channel == METRICS:
            totals.points += len(rows.seq)
        else:
            totals.events += len(rows.seq)
        totals.later += int((rows.places.offset >= self.evidence.until()[rows.places.log]).sum())
        self._covered[rows.at.key] += sum(count for _, count in inside.ranges())

    def _found(self, log: str, one: InLog) -> Finding:
        if one.stream is None:
            return Finding("", None, None, "", one.first, one.last, one.what, log)
        key, first, last = one.stream
        at = self._streams.get(key) or StreamAt(key, "", None, 0)
        return Finding(at.project, at.component, key.writer, key.channel, first, last, one.what)

    def _say(self, at: StreamAt, said: Iterable[Wrong]) -> None:
        self.verified.findings += [
            Finding(at.project, at.component, at.key.writer, at.key.channel, one.first_seq, one.last_seq, one.what)
            for one in sorted(said)
        ]


def _is_explained(said: Sequence[Wrong], rows: StreamRows, erased: Ranges, block: int) -> bool:
    """Whether it is known why a block isn't what it was sealed with."""
    return is_about(said, block) or is_destroyed(rows, erased, block)


def _parked(key: Key, letters: Letters) -> Ranges:
    """The numbers of a stream that lie in dead letters."""
    return letters.points if key.channel == METRICS else Ranges((seq, 1) for seq in letters.events)
