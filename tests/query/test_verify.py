"""Verifying: whatever is altered in ClickHouse is named exactly, and nothing is said of what nobody altered."""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from processors.hosts import Hosts
from processors.journals import Job
from query.altered import Altered, Named, started

from epochal._journal.process import ProcessLock
from epochal_processors.survey import CHUNK_BITS
from epochal_query.connection import Opened
from epochal_query.store import Store
from epochal_storage.client import StoreClient
from epochal_storage.locate import find_or_start

TEN_YEARS_US = 10 * 365 * 86_400_000_000
COLUMNS = "project, component, metric, rank, step, value, logged_at, occurred_at, recorded_at, log, offset, writer, seq"
EVENT_COLUMNS = "project, writer, seq, type, schema_version, salt, digest, logged_at, occurred_at, recorded_at, log"
LEDGER_COLUMNS = "project, writer, channel, first_seq, count, log, offset, recorded_at"
RANGE = "WHERE writer = {first} AND channel = 'metrics' AND first_seq = 0"
SECOND_BLOCK = "WHERE writer = {first} AND channel = 'metrics' AND block = 1"


@pytest.fixture(scope="module")
def altered(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Altered]:
    with Altered.made(tmp_path_factory.mktemp("altered") / "store") as found:
        yield found


def row(seq: int, writer: str = "first") -> str:
    """The condition for one row."""
    return f"WHERE writer = {{{writer}}} AND seq = {seq}"


def again(which: int, **changes: str) -> str:
    """A row of metrics inserted once more, with some columns changed."""
    columns = [changes.get(name, name) for name in COLUMNS.split(", ")]
    return f"INSERT INTO metrics ({COLUMNS}) SELECT {', '.join(columns)} FROM kept.metrics {row(which)}"


def test_an_untouched_store_is_sound(altered: Altered) -> None:
    """And what was looked at is counted: ten blocks of three writers, the last two of one that goes on being open."""
    found = altered.verify()
    assert found["findings"] == []
    assert (found["sound"], found["about"]) == (True, "the entire store")
    checked = {
        "writers": 3,
        "sealed": 10,
        "open": 2,
        "unsealed": 0,
        "events": 8,
        "points": 30_000,
        "later": 0,
        "replayed": 0,
        "erased": 0,
    }
    assert found["checked"] == {**checked, "ranges": len(altered.column("SELECT offset FROM ledger"))}
    assert found["watermark"] == altered.opened().begin().watermark


def test_what_is_proven_is_said(altered: Altered) -> None:
    """Where nothing beside the tables vouches for the ledger, that is said, too."""
    (log,) = altered.verify()["watermark"]
    with_intake, without = altered.verify(), altered.verify(intake=False)
    component = altered.verify(altered.first.component)
    assert with_intake["proven"][1:] == ["the ledger agrees with the intake"]
    for found in (without, component):
        assert len(found["proven"]) == 1
        assert f"whether the ledger of {log} was rewritten together with the rows" in found.to_text()
    assert "was rewritten" not in with_intake.to_text()


ALTERATIONS: dict[str, tuple[list[str], list[Named]]] = {
    "one value of a metric": (
        [f"ALTER TABLE metrics UPDATE value = value + 1 {row(5_000)}"],
        [("training", "first", "metrics", 4096, 8191)],
    ),
    "the last bit of a value": (
        [f"ALTER TABLE metrics UPDATE value = reinterpretAsFloat64(reinterpretAsUInt64(value) + 1) {row(5_000)}"],
        [("training", "first", "metrics", 4096, 8191)],
    ),
    "a time of a point": (
        [f"ALTER TABLE metrics UPDATE occurred_at = occurred_at - INTERVAL 1 MILLISECOND {row(9_000, 'second')}"],
        [("training", "second", "metrics", 8192, 9999)],
    ),
    "one row is deleted": (
        [f"ALTER TABLE metrics DELETE {row(5_000)}"],
        [("training", "first", "metrics", 5000, 5000)],
    ),
    "the last rows are deleted": (
        ["ALTER TABLE metrics DELETE WHERE writer = {second} AND seq >= 9990"],
        [("training", "second", "metrics", 9990, 9999)],
    ),
    "all rows are deleted": (
        ["ALTER TABLE metrics DELETE WHERE writer = {first}"],
        [("training", "first", "metrics", 0, 9999)],
    ),
    "the values of two rows are swapped": (
        ["ALTER TABLE metrics UPDATE value = if(seq = 10, 12, 10) WHERE writer = {first} AND seq IN (10, 12)"],
        [("training", "first", "metrics", 0, 4095)],
    ),
    "two rows are swapped": (
        [
            "ALTER TABLE metrics DELETE WHERE writer = {first} AND seq IN (10, 12)",
            again(10, seq="12"),
            again(12, seq="10"),
        ],
        [("training", "first", "metrics", 0, 4095)],
    ),
    "a row has a copy with another value": (
        [again(7, value="value + 1")],
        [("training", "first", "metrics", 7, 7)],
    ),
    "a row has a copy at another step": ([again(7, step="step + 1")], [("training", "first", "metrics", 7, 7)]),
    "a row has a later copy that nobody recorded": (
        [again(7, recorded_at="recorded_at + INTERVAL 1 HOUR", offset="3")],
        [("training", "first", "metrics", 7, 7)],
    ),
    "a row is invented": ([again(7, seq="100000")], [("training", "first", "metrics", 100_000, 100_000)]),
    "a row stands in a log that isn't there": (
        [f"ALTER TABLE metrics UPDATE log = 'intake:other' {row(7)}"],
        [("training", "first", "metrics", 7, 7)],
    ),
    "a row is given to another component": (
        [f"ALTER TABLE metrics DELETE {row(7)}", again(7, component="generateUUIDv4()")],
        [("training", "first", "metrics", 7, 7)],
    ),
    "recorded_at of a row": (
        [f"ALTER TABLE metrics DELETE {row(7)}", again(7, recorded_at="recorded_at + INTERVAL 1 MICROSECOND")],
        [("training", "first", "metrics", 7, 7)],
    ),
    "one character of an event": (
        [f"ALTER TABLE events UPDATE payload = replaceOne(payload, 'training', 'trainimg') {row(1, 'second')}"],
        [("training", "second", "lifecycle", 1, 1)],
    ),
    "one character of an event, and its digest": (
        [
            "ALTER TABLE events UPDATE payload = replaceOne(payload, 'training', 'trainimg'), "
            "digest = SHA256(concat(toString(salt), replaceOne(payload, 'training', 'trainimg'))) "
            + row(1, "second")
        ],
        [("training", "second", "lifecycle", 0, 2)],
    ),
    "what is said of an event beside its payload": (
        [f"ALTER TABLE events UPDATE logged_at = logged_at - INTERVAL 1 DAY {row(1)}"],
        [("training", "first", "lifecycle", 1, 1)],
    ),
    "an event is deleted": (
        [f"ALTER TABLE events DELETE {row(1)}"],
        [("training", "first", "lifecycle", 1, 1)],
    ),
    "an event has a copy that says something else": (
        [
            f"INSERT INTO events ({EVENT_COLUMNS}, offset, payload) SELECT {EVENT_COLUMNS}, offset, payload || ' ' "
            f"FROM kept.events {row(1)}"
        ],
        [("training", "first", "lifecycle", 1, 1)],
    ),
    "recorded_at of the ledger": (
        [f"ALTER TABLE ledger UPDATE recorded_at = recorded_at + INTERVAL 1 MICROSECOND {RANGE}"],
        [("training", "first", "metrics", 0, 2041)],
    ),
    "the number of a range of the ledger": (
        [f"ALTER TABLE ledger UPDATE count = count - 1 {RANGE}"],
        [("training", "first", "metrics", 2041, 2041)],
    ),
    "a range of the ledger holds more than there is": (
        [f"ALTER TABLE ledger UPDATE count = 1000000000000000000 {RANGE.replace('first_seq = 0', 'first_seq = 6132')}"],
        [("training", "first", "metrics", 6_132, 9_999), ("training", "first", "metrics", 10_000, 6131 + 10**18)],
    ),
    "the project of a range of the ledger": (
        [f"ALTER TABLE ledger UPDATE project = 'q' {RANGE}"],
        [("training", "first", "metrics", 0, 2041)],
    ),
    "a range of the ledger is given to another writer": (
        [f"ALTER TABLE ledger UPDATE writer = {{second}} {RANGE}"],
        [("training", "second", "metrics", 0, 2041), ("training", "first", "metrics", 0, 2041)],
    ),
    "a range of the ledger is deleted": (
        [f"ALTER TABLE ledger DELETE {RANGE}"],
        [("training", "first", "metrics", 0, 2041)],
    ),
    "a range of the ledger is invented": (
        [
            f"INSERT INTO ledger ({LEDGER_COLUMNS}) SELECT "
            f"{LEDGER_COLUMNS.replace('first_seq', 'first_seq + 20000')} "
            f"FROM kept.ledger {RANGE}"
        ],
        [("training", "first", "metrics", 0, 2041), ("training", "first", "metrics", 20_000, 22_041)],
    ),
    "the digest of a block": (
        [f"ALTER TABLE blocks UPDATE digest = reverse(digest) {SECOND_BLOCK}"],
        [("training", "first", "metrics", 4096, 8191)],
    ),
    "the link of a block": (
        [f"ALTER TABLE blocks UPDATE link = reverse(link) {SECOND_BLOCK}"],
        [("training", "first", "metrics", 4096, 8191)],
    ),
    "the number of rows of a block": (
        [f"ALTER TABLE blocks DELETE {SECOND_BLOCK}",
         "INSERT INTO blocks (project, writer, channel, block, first_seq, count, digest, link) SELECT project, writer, "
         f"channel, block, first_seq, count - 1, digest, link FROM kept.blocks {SECOND_BLOCK}"],
        [("training", "first", "metrics", 4096, 8191)],
    ),
    "a block is deleted": (
        [f"ALTER TABLE blocks DELETE {SECOND_BLOCK}"],
        [("training", "first", "metrics", 4096, 8191)],
    ),
    "the last block of a stream that ended is deleted": (
        [f"ALTER TABLE blocks DELETE {SECOND_BLOCK.replace('= 1', '= 2')}"],
        [("training", "first", "metrics", 8192, 9999)],
    ),
    "the last full block of a stream that goes on is deleted": (
        ["ALTER TABLE blocks DELETE WHERE writer = {open} AND block = 1"],
        [("other", "open", "metrics", 4096, 8191)],
    ),
    "all blocks of a stream are deleted": (
        ["ALTER TABLE blocks DELETE WHERE writer = {first} AND channel = 'metrics'"],
        [("training", "first", "metrics", first, last) for first, last in ((0, 4095), (4096, 8191), (8192, 9999))],
    ),
}  # fmt: skip


@pytest.mark.long
@pytest.mark.parametrize("what", ALTERATIONS)
def test_an_alteration_is_named_by_component_writer_and_range(altered: Altered, what: str) -> None:
    """Each with the engine's own ALTER and INSERT, and nothing but what was altered is named."""
    statements, expected = ALTERATIONS[what]
    with altered.kept():
        altered.run(*statements)
        found = altered.verify()
        component = altered.verify(altered.first.component)
        other = altered.verify(altered.open.component)
    assert altered.named(found) == sorted(expected)
    assert not found["sound"]
    of_component = {str(altered.first.component): component, str(altered.open.component): other}
    for id_, of_one in of_component.items():
        # the intake is looked at where the entire store is
        mine = [one for one in found["findings"] if one.get("component") == id_ and "intake says" not in one["what"]]
        assert of_one["findings"] == mine
        assert of_one["sound"] == (not mine)


def test_the_intake_tells_what_nothing_in_the_tables_does(altered: Altered) -> None:
    """All is said to have been recorded a second earlier, in rows and ledger alike: that isn't what was taken in."""
    with altered.kept():
        altered.record_earlier()
        alone, with_intake = altered.verify(intake=False), altered.verify()
    assert alone["findings"] == []
    assert altered.named(with_intake) == sorted(
        (name, writer, channel, first, first + count - 1) for name, writer, channel, first, count in altered.ranges()
    )


def test_an_altered_intake_is_found(altered: Altered) -> None:
    """One byte of it suffices: it is a chain of its own."""
    path = altered.store / "intake" / "intake.log"
    data = path.read_bytes()
    record = bytearray(data[64 : 64 + 96])
    record[48] ^= 1
    record[92:] = zlib.crc32(record[:92]).to_bytes(4, "little")
    path.write_bytes(data[:64] + bytes(record) + data[64 + 96 :])
    try:
        (found,) = altered.verify()["findings"]
    finally:
        path.write_bytes(data)
    assert "was altered: record 0 doesn't continue the chain" in found["what"]


@contextmanager
def fresh(store: Path) -> Iterator[tuple[Job, Store, StoreClient]]:
    """A job that has begun in a store with a real host; the store for reading, and with all rights."""
    (store / "journals").mkdir(parents=True)
    lock, hosts = ProcessLock.hold(store / "journals"), Hosts(store)
    opened = Store(Opened(hosts.client(), lambda: None, directory=store), "p")
    writer = StoreClient(lambda: find_or_start(store, "writer", hosts.spawn))
    try:
        yield started(Job(store / "journals", lock, project="p"), "job"), opened, writer
    finally:
        writer.close()
        opened.close()
        hosts.end()
        lock.release()


@pytest.mark.long
def test_a_stream_that_is_read_in_several_portions(tmp_path: Path) -> None:
    """Its chain goes on from one to the next, and what was altered on either side of the cut is named."""
    cut = 1 << CHUNK_BITS
    with fresh(tmp_path / "store") as (job, opened, writer):
        job.log(cut // 2 + 10_000, ("loss", "acc")).close()
        opened.checkpoint(tmp_path / "checkpoint.json")
        untouched = opened.verify(checkpoint=tmp_path / "checkpoint.json")
        writer.command(f"ALTER TABLE metrics DELETE WHERE seq IN ({cut - 1}, {cut}) SETTINGS mutations_sync = 2")
        found = opened.verify()["findings"]
    assert (untouched["findings"], untouched["checked"]["points"]) == ([], cut + 20_000)
    assert untouched["checked"]["sealed"] == -(-(cut + 20_000) // 4096) + 1
    assert [(one["name"], one["first_seq"], one["last_seq"]) for one in found] == [
        ("job", cut - 1, cut - 1),
        ("job", cut, cut),
    ]


@pytest.mark.long
@pytest.mark.parametrize(("reason", "named"), [("clock ahead", (0, 3)), ("newer version", (2, 2))])
def test_an_event_that_lies_in_a_dead_letter_as_well(tmp_path: Path, reason: str, named: tuple[int, int]) -> None:
    """As what a clock far ahead says does, and what was taken in again after an upgrade: the event may be altered no
    more than any other, together with its digest.
    """
    with fresh(tmp_path / "store") as (job, opened, writer):
        about = {"kind": "component", "entity": str(job.component), "text": "as it was"}
        said = {"type": "epochal.note.written", "v": 1, "project": "p", "at": job.journal.now_us() + TEN_YEARS_US}
        job.journal.append_event(json.dumps({**said, "data": about}).encode())
        job.close()
        opened.begin()
        writer.command(f"ALTER TABLE dead_letters UPDATE reason = '{reason}' WHERE 1 SETTINGS mutations_sync = 2")
        untouched = opened.verify()
        changed = "replaceOne(payload, 'as it was', 'as it wasn\\'t')"
        writer.command(
            f"ALTER TABLE events UPDATE payload = {changed}, digest = SHA256(concat(toString(salt), {changed})) "
            "WHERE payload LIKE '%as it was%' SETTINGS mutations_sync = 2"
        )
        letters = writer.query_arrow("SELECT toString(reason) AS reason FROM dead_letters FINAL")["reason"].to_pylist()
        found = opened.verify()["findings"]
    assert (untouched["findings"], letters) == ([], [reason])
    assert [(one["name"], one["first_seq"], one["last_seq"]) for one in found] == [("job", *named)]
