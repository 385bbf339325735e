"""What is proven about the completeness of a component: which of its events and points the log holds.

closed: the writer said how many there are, and all are there. recovered: the writer died, its journal was read to
the end, and all of it is there. open: it still writes (or was never heard of again): at least so many by its last
sign of life. erased: all of it was destroyed, and the ledger tells how many there were. gaps: some are missing, and
which. parked: some could not be taken in and wait among the dead letters:
an event until it is taken in all the same, anything else until it was replayed.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any
from uuid import UUID

from epochal_processors.decode import CLOCK_AHEAD
from epochal_query.columns import ids, texts, values
from epochal_query.reading import Reading, at
from epochal_query.resolve import Entity
from epochal_query.shown import InWords

if TYPE_CHECKING:
    from epochal_processors.traces import Traces

STATES = ("parked", "gaps", "erased", "open", "recovered", "closed")
"""From the state that matters most to the best."""


@dataclass(frozen=True)
class Stream:
    """One channel of one writer: how many it said, which ranges the log holds (first, count), what is parked.

    ``clock_ahead``: by how many seconds the writer's clock was ahead of the log, where by more than a minute.
    """

    writer: str
    channel: str
    rank: int
    attempt: str
    role: str
    ended: str
    expected: int
    ranges: tuple[tuple[int, int], ...] = ()
    parked: int = 0
    blocks: int = 0
    clock_ahead: float = 0.0

    @property
    def received(self) -> int:
        """How many different sequence numbers the log holds."""
        return sum(count for _, count in merged(self.ranges))

    @property
    def gaps(self) -> list[list[int]]:
        """Missing ranges below what was said or received, as [first, end) pairs."""
        held = merged(self.ranges)
        end = max([self.expected, *(first + count for first, count in held)])
        missing, at = list[list[int]](), 0
        for first, count in held:
            if first > at:
                missing.append([at, first])
            at = first + count
        # a living writer may have said more than was sent yet: its tail is under way, not missing
        if at < end and self.ended != "open":
            missing.append([at, end])
        return missing

    @property
    def state(self) -> str:
        """One of the six states."""
        if self.parked:
            return "parked"
        if self.gaps:
            return "gaps"
        return {"closed": "closed", "vanished": "recovered", "erased": "erased"}.get(self.ended, "open")


class Certificate(InWords, dict[str, Any]):
    """A certificate: a dict (``state``, ``component``, ``name``, ``writers``, ``lost``, ``watermark``) with a text."""

    def to_text(self) -> str:
        """The certificate in words."""
        lines = [f"{self['state']}: component {self['name']} ({self['component']})"]
        for one in self["writers"]:
            lines.append(
                f"  writer {one['writer']} rank {one['rank']} {one['role']}, {one['channel']}: {one['state']}, "
                f"{one['received']:,} of {'at least ' if one['state'] == 'open' else ''}{one['expected']:,} received"
                + "".join(f", missing {first:,} to {end - 1:,}" for first, end in one["gaps"])
                + (f", {one['parked']:,} parked in dead letters" if one["parked"] else "")
            )
        ahead = {one["writer"]: one["clock_ahead"] for one in self["writers"] if one["clock_ahead"]}
        lines += [
            f"  writer {writer}: clock ahead by {seconds:,.0f} s; what it said counts as said when it was recorded"
            for writer, seconds in ahead.items()
        ]
        lines += [f"  {count:,} lost before they could be kept: {why}" for why, count in sorted(self["lost"].items())]
        lines.append(f"  as of watermark {json.dumps(self['watermark'])}")
        return "\n".join(lines)

    def __str__(self) -> str:
        """The certificate in words."""
        return self.to_text()


def merged(ranges: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """The ranges (first, count) in order, without overlap, neighbours joined."""
    found: list[tuple[int, int]] = []
    for first, count in sorted(ranges):
        if found and first <= found[-1][0] + found[-1][1]:
            start, known = found[-1]
            found[-1] = (start, max(known, first + count - start))
        elif count:
            found.append((first, count))
    return found


def certificate_of(reading: Reading, component: Entity) -> Certificate:
    """What is proven about a component, within the bounds of the read."""
    streams, lost = _streams(reading, component.id)
    return _certificate(reading, component, streams, lost)


def certificate_of_erased(reading: Reading, component: Entity, traces: Traces) -> Certificate:
    """What there was of a component that was erased, which its tombstones name."""
    streams = [
        Stream(str(writer), channel, 0, "", "", "erased", numbers[writer].end)
        for channel, numbers in (("lifecycle", traces.lifecycle), ("metrics", traces.metrics))
        for writer in sorted(traces.whole & numbers.keys())
    ]
    return _certificate(reading, component, streams, {})


def _certificate(reading: Reading, component: Entity, streams: list[Stream], lost: dict[str, int]) -> Certificate:
    streams = _received(reading, streams)
    states = {stream.state for stream in streams}
    return Certificate(
        component=str(component.id),
        name=component.name,
        state=next((state for state in STATES if state in states), "open"),
        writers=[_shown(stream) for stream in streams],
        lost=lost,
        watermark=dict(reading.watermark),
    )


def _shown(stream: Stream) -> dict[str, Any]:
    return {
        "writer": stream.writer,
        "channel": stream.channel,
        "rank": stream.rank,
        "attempt": stream.attempt,
        "role": stream.role,
        "state": stream.state,
        "expected": max(stream.expected, stream.received),
        "received": stream.received,
        "gaps": stream.gaps,
        "parked": stream.parked,
        "blocks": stream.blocks,
        "clock_ahead": stream.clock_ahead,
    }


def _streams(reading: Reading, component: UUID) -> tuple[list[Stream], dict[str, int]]:
    table = reading.rows(
        f"""SELECT writer, rank, attempt, role, ended, ifNull(lifecycle, 0) AS lifecycle, ifNull(metrics, 0) AS metrics,
                   toString(lost) AS lost, clock_ahead
            FROM {at("writers")} WHERE project = {{project:String}} AND component = {{component:UUID}}
            ORDER BY rank, opened_at, writer""",
        component=str(component),
    )
    streams: list[Stream] = []
    lost: dict[str, int] = {}
    columns = [
        values(table, name) for name in ("rank", "attempt", "role", "ended", "lifecycle", "metrics", "clock_ahead")
    ]
    for writer, rank, attempt, role, ended, lifecycle, metrics, ahead in zip(
        ids(table, "writer"), *columns, strict=True
    ):
        for channel, expected in (("lifecycle", lifecycle), ("metrics", metrics)):
            streams.append(Stream(str(writer), channel, rank, attempt, role, ended, expected, clock_ahead=ahead))
    for text in texts(table, "lost"):
        for why, count in json.loads(text or "{}").items():
            lost[why] = lost.get(why, 0) + count
    return streams, {why: count for why, count in lost.items() if count}


_WITHIN = """({known_at:String} = ''
    OR if(startsWith({known_at:String}, '{'),
          JSONHas({known_at:String}, log) AND offset <= JSONExtractUInt({known_at:String}, log),
          recorded_at <= parseDateTime64BestEffort(
              if(startsWith({known_at:String}, '{'), '2299-01-01', {known_at:String}), 6, 'UTC')))"""


def _received(reading: Reading, streams: list[Stream]) -> list[Stream]:
    writers = sorted({stream.writer for stream in streams})
    held = reading.rows(
        f"""SELECT toString(writer) AS writer, toString(channel) AS channel, first_seq, count
            FROM (SELECT * FROM ledger FINAL WHERE writer IN {{writers:Array(UUID)}}) WHERE {_WITHIN}""",
        writers=writers,
    )
    ranges: dict[tuple[str, str], list[tuple[int, int]]] = {}
    rows = zip(*(values(held, name) for name in ("writer", "channel", "first_seq", "count")), strict=True)
    for writer, channel, first, count in rows:
        ranges.setdefault((writer, channel), []).append((first, count))
    sealed = reading.rows(
        """SELECT toString(writer) AS writer, toString(channel) AS channel, uniqExact(block) AS blocks
           FROM blocks WHERE writer IN {writers:Array(UUID)} GROUP BY writer, channel""",
        writers=writers,
    )
    blocks = {
        (writer, channel): count
        for writer, channel, count in zip(*(values(sealed, n) for n in ("writer", "channel", "blocks")), strict=True)
    }
    # parked frames don't say their channel in a column of its own: they count on the lifecycle channel
    dead = reading.rows(
        f"""SELECT toString(assumeNotNull(writer)) AS owner, uniqExact(id) AS parked FROM dead_letters
           WHERE writer IN {{writers:Array(UUID)}} AND reason != '{CLOCK_AHEAD}' AND if(
               match(source, '/lifecycle:[0-9]+$') AND frame != '',
               (assumeNotNull(writer), toUInt64OrZero(splitByChar(':', source)[-1])) NOT IN (
                   SELECT writer, seq FROM (
                       SELECT * FROM events FINAL
                       WHERE project = {{project:String}} AND writer IN {{writers:Array(UUID)}}
                   ) WHERE {_WITHIN}
               ),
               id NOT IN (SELECT id FROM replays))
           GROUP BY owner""",
        writers=writers,
    )
    parked = dict(zip(values(dead, "owner"), values(dead, "parked"), strict=True))
    return [
        replace(
            stream,
            ranges=tuple(ranges.get((stream.writer, stream.channel), ())),
            blocks=blocks.get((stream.writer, stream.channel), 0),
            parked=parked.get(stream.writer, 0) if stream.channel == "lifecycle" else 0,
        )
        for stream in streams
    ]
