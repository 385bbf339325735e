"""What a store holds of streams, read back by columns to be verified."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple
from uuid import UUID

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from epochal_processors.blocks import Block
from epochal_processors.columns import BLOCK_BITS, U64
from epochal_processors.coverage import Ranges
from epochal_processors.decode import CLOCK_AHEAD, split_record
from epochal_processors.frames import METRICS, PointFrame
from epochal_processors.parcels import Letter, parcel_of
from epochal_processors.places import LAST, Held, Places, held
from epochal_processors.project import event_digest
from epochal_processors.survey import Key, Portion, Query, Watermark
from epochal_processors.tombstones import erasures
from epochal_storage.arrow_answer import in_one_piece

_LEDGER = """
SELECT writer, project, first_seq, count, log, offset, recorded_at FROM ledger FINAL
WHERE writer IN {writers:Array(UUID)} AND channel = {channel:String} AND count > 0
"""
_BLOCKS = """
SELECT writer, project, block, first_seq, count, digest, link FROM blocks FINAL
WHERE writer IN {writers:Array(UUID)} AND channel = {channel:String}
  AND block >= {first:UInt64} AND block < {end:UInt64} ORDER BY block
"""
_OF_STREAMS = """
FROM metrics
WHERE project IN {projects:Array(String)} AND component IN {components:Array(UUID)}
  AND writer IN {writers:Array(UUID)} AND seq >= {first:UInt64} AND seq < {end:UInt64}
"""
_LOGS = f"SELECT groupUniqArray(toString(log)) AS logs {_OF_STREAMS}"
_NAMED = {"project": "String", "component": "UUID", "writer": "UUID", "log": "String"}
"""Columns of points that repeat a few values, each sent once: more than half of what a point would weigh. Metrics are
not among them: a stream may have as many as points, and a server takes no parameter of any length.
"""
_PLAIN = "metric, rank, step, value, logged_at, occurred_at, recorded_at, offset, seq"
_CODES = ", ".join(
    f"transform({name}, {{{name}s:Array({kind})}}, range(toUInt32(length({{{name}s:Array({kind})}}))), "
    f"toUInt32(-1)) AS {name}_code"
    for name, kind in _NAMED.items()
)
_POINTS = f"SELECT {_CODES}, {_PLAIN} {_OF_STREAMS}"
_EVENTS = """
SELECT project, type, schema_version, payload, salt, digest, logged_at, occurred_at, recorded_at, log, offset, writer,
       seq
FROM events WHERE writer IN {writers:Array(UUID)} AND seq >= {first:UInt64} AND seq < {end:UInt64}
"""
# what was taken in all the same is looked at where it stands
_LETTERS = f"""
SELECT id, source, reason, assumeNotNull(writer) AS writer, frame FROM dead_letters FINAL
WHERE writer IN {{writers:Array(UUID)}} AND frame != '' AND NOT startsWith(source, 'kafka:')
  AND reason != '{CLOCK_AHEAD}'
ORDER BY received_at, id
"""  # noqa: S608  a word of our own
_REPLAYS = "SELECT toString(log) AS log, offset, max(repaired) AS repaired FROM replays GROUP BY log, offset"


class LedgerOf(NamedTuple):
    """What the ledger has of one stream, up to the watermark, and in which project each range is."""

    held: Held
    projects: npt.NDArray[np.object_]


class Letters(NamedTuple):
    """What dead letters hold of one writer: digests of events by number, the first to come first, as one that was
    repaired in vain has a further letter; and numbers of points of nobody.
    """

    events: dict[int, tuple[bytes, ...]]
    points: Ranges

    def within(self, first: int, end: int) -> Letters:
        """The same with those events alone that lie in a range."""
        return Letters({seq: digests for seq, digests in self.events.items() if first <= seq < end}, self.points)


@dataclass(frozen=True, slots=True)
class Read:
    """What a store holds of a portion of streams: blocks with their links, ledger and dead letters by writer, the rows
    (every copy, in no order), and where these stand.
    """

    portion: Portion
    sealed: dict[UUID, list[tuple[Block, bytes]]]
    ledgers: dict[UUID, LedgerOf]
    letters: dict[UUID, Letters]
    table: pa.Table
    places: Places


NO_LETTERS = Letters({}, Ranges())
NO_PLACES = Places(np.zeros(0, np.int64), np.zeros(0, np.uint64), np.zeros(0, np.int64))
NOTHING = LedgerOf(Held(np.zeros(0, np.uint64), np.zeros(0, np.uint64), NO_PLACES), np.zeros(0, np.object_))
"""What the ledger has of a stream of which it has nothing."""


class Evidence:
    """Reads what a store holds of portions of streams. Names of logs become numbers, in the order they are met.

    Several threads may read at once, and go on while another works with what was read before.
    """

    def __init__(self, query: Query, watermark: Watermark) -> None:
        self._query = query
        self._watermark = watermark
        self._codes: dict[str, int] = {}
        self._coding = threading.Lock()
        self.erased = erasures(query)
        replays = {
            (self._code(row["log"]), int(row["offset"])): row["repaired"] for row in query(_REPLAYS, {}).to_pylist()
        }
        self.replays = set(replays)
        """Where dead letters were taken in again, as log and offset."""
        self.repaired = {place for place, repaired in replays.items() if repaired}
        """Where what was taken in was no more what lay in the letter."""

    @property
    def logs(self) -> list[str]:
        """The names of the logs by their numbers."""
        return list(self._codes)

    def until(self, watermark: Watermark | None = None) -> U64:
        """By a log's number, the offset up to which a watermark reaches (default: that of the verification).

        Of a log that it doesn't name every offset is looked at, so that what stands there is found.
        """
        chosen = self._watermark if watermark is None else watermark
        unknown = LAST if watermark is None else -1
        ends = [chosen.get(log, unknown) for log in self.logs]
        # one more than the last, so that nothing of a log is a number, too
        return np.array([end + 1 if end < LAST else LAST for end in ends], np.uint64)

    def erased_of(self, key: Key, inside: Held) -> Ranges:
        """The numbers of a stream that were erased; where nothing is left of its writer, all that the ledger has."""
        return inside.ranges() if key.writer in self.erased.whole else self.erased.of(*key)

    def of(self, portion: Portion) -> Read:
        """All that there is of a portion."""
        # before the rows, which are there when their block is sealed
        sealed = self.blocks(portion)
        ledgers, letters = self.ledger(portion), self.letters(portion)
        table = self.points(portion) if portion.channel == METRICS else self.events(portion)
        return Read(portion, sealed, ledgers, letters, table, self.places(table))

    def ledger(self, portion: Portion) -> dict[UUID, LedgerOf]:
        """What the ledger says up to the watermark, by writer."""
        table = self._query(_LEDGER, {"writers": portion.writers, "channel": portion.channel})
        places = self.places(table)
        known = places.offset < self.until()[places.log]
        ranges = held(integers(table, "first_seq"), integers(table, "count"), places)
        writer, writers = coded(table, "writer")
        project, projects = coded(table, "project")
        found: dict[UUID, LedgerOf] = {}
        for i, raw in enumerate(writers):
            mine = known & (writer == i)
            found[UUID(bytes=raw)] = LedgerOf(ranges.take(mine), np.array(projects, np.object_)[project[mine]])
        return found

    def blocks(self, portion: Portion) -> dict[UUID, list[tuple[Block, bytes]]]:
        """The sealed blocks with their links, by writer, in order."""
        asked = {"writers": portion.writers, "channel": portion.channel}
        table = self._query(_BLOCKS, {**asked, "first": portion.first >> BLOCK_BITS, "end": portion.end >> BLOCK_BITS})
        found: dict[UUID, list[tuple[Block, bytes]]] = {}
        for row in table.to_pylist():
            writer = row["writer"]
            block = Block(writer, portion.channel, row["block"], row["first_seq"], row["count"], row["digest"])
            found.setdefault(writer, []).append((block, row["link"]))
        return found

    def points(self, portion: Portion) -> pa.Table:
        """The rows of metrics, every copy, in no order."""
        under = {one for at in portion.streams for one in at.under}
        known: dict[str, Sequence[str | UUID]] = {
            "project": sorted({project for project, _ in under}),
            "component": sorted({component for _, component in under}),
            "writer": portion.writers,
        }
        asked = {f"{name}s": values for name, values in known.items()} | _span(portion)
        while True:
            known["log"] = asked["logs"] = self._query(_LOGS, asked)["logs"].to_pylist()[0]
            table = self._query(_POINTS, asked)
            named = {name: _named(table, name, values) for name, values in known.items()}
            if all(column is not None for column in named.values()):  # else a log has come since they were asked for
                return pa.table({**named, **{name: table[name] for name in _PLAIN.split(", ")}})

    def events(self, portion: Portion) -> pa.Table:
        """The rows of events, every copy, in no order."""
        return self._query(_EVENTS, _span(portion))

    def letters(self, portion: Portion) -> dict[UUID, Letters]:
        """What dead letters hold, by writer."""
        found: dict[UUID, Letters] = {}
        table = self._query(_LETTERS, {"writers": portion.writers})
        frames = table["frame"].cast(pa.binary()).to_pylist()
        for row, content in zip(table.drop_columns(["frame"]).to_pylist(), frames, strict=True):
            writer = row["writer"]
            letters = found.setdefault(writer, Letters({}, Ranges()))
            if row["reason"] == "no component":
                letter = Letter(row["id"], row["source"], row["reason"], writer, content)
                frame = parcel_of(letter)
                if isinstance(frame, PointFrame):
                    letters.points.add(frame.first_seq, frame.count)
            else:
                seq, salt, payload = split_record(content)
                letters.events[seq] = (*letters.events.get(seq, ()), event_digest(salt, payload))
        return found

    def places(self, table: pa.Table) -> Places:
        """Where the rows of an answer stand."""
        code, names = coded(table, "log")
        numbers = np.array([self._code(name) for name in names], np.int64)
        log = numbers[code] if len(names) else np.zeros(0, np.int64)
        return Places(log, integers(table, "offset"), integers(table, "recorded_at").view(np.int64))

    def _code(self, log: str) -> int:
        with self._coding:
            return self._codes.setdefault(log, len(self._codes))


def integers(table: pa.Table, name: str) -> npt.NDArray[Any]:
    """A column of whole numbers, or of instants as such, in 64 bits."""
    column = in_one_piece(table, name)
    kind = pa.int64() if pa.types.is_timestamp(column.type) else pa.uint64()
    return column.cast(kind).to_numpy(zero_copy_only=False)  # type: ignore[no-any-return]


def floats(table: pa.Table, name: str) -> npt.NDArray[np.float64]:
    """A column of floats, bit for bit."""
    return in_one_piece(table, name).to_numpy(zero_copy_only=False)  # type: ignore[no-any-return]


def coded(table: pa.Table, name: str) -> tuple[npt.NDArray[np.int64], list[Any]]:
    """A column as numbers, and the values that they stand for."""
    column = in_one_piece(table, name)
    encoded = column if isinstance(column, pa.DictionaryArray) else column.dictionary_encode()
    return encoded.indices.to_numpy(zero_copy_only=False).astype(np.int64), encoded.dictionary.to_pylist()


def _named(table: pa.Table, name: str, values: Sequence[str | UUID]) -> pa.Array | None:
    """A column from its codes, ids as their 16 bytes; None where a code stands for nothing."""
    codes = in_one_piece(table, f"{name}_code")
    if (np.asarray(codes) >= len(values)).any():
        return None
    plain = [value.bytes if isinstance(value, UUID) else value for value in values]
    kind = pa.string() if _NAMED[name] == "String" else pa.binary(16)
    return pa.DictionaryArray.from_arrays(codes, pa.array(plain, kind))


def _span(portion: Portion) -> dict[str, object]:
    return {"writers": portion.writers, "first": portion.first, "end": portion.end}
