"""Messages that can't be read, in among good ones: parked whole with a reason, and nothing else is disturbed."""

from __future__ import annotations

import json
import os
import random
import struct
import time
from uuid import UUID

import pyarrow as pa
import pytest
from cutting import cut_into
from injecting import Chaos
from kafka import KafkaAdminClient
from kafka.admin import ConfigResource, ConfigResourceType
from kafka_field import Field
from workers.worlds import PARAMS, World, check, make_job, writer_of

from epochal._ids import uuid7
from epochal._journal.reader import Record
from epochal._kafka.wire import Outgoing, encode_event
from epochal_processors.decode import record_bytes, split_record
from epochal_processors.messages import unpacked
from epochal_query.dead_letters import listed
from epochal_query.opening import open_store

pytestmark = pytest.mark.kafka
Raw = tuple[str, bytes | None, bytes | None, list[tuple[str, bytes]]]
LARGE = 50 << 20
TEN_YEARS_US = 10 * 365 * 86_400_000_000


def poison(world: World, prefix: str) -> dict[str, Raw]:
    """One message of each kind, by what it is; with the topic that it is sent to."""
    dice = world.dice
    events, metrics = f"{prefix}events", f"{prefix}metrics"
    good_points = next(one for one in world.messages if one.channel == "metrics" and one.count > 100)
    good_event = next(one for one in world.messages if one.channel == "lifecycle")
    table = pa.table({"a": [1, 2, 3]})
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as stream:
        stream.write_table(table)
    columns: bytes = sink.getvalue().to_pybytes()

    def with_header(message: Outgoing, name: str, value: bytes) -> list[tuple[str, bytes]]:
        return [(key, value if key == name else old) for key, old in message.headers]

    return {
        "random bytes": (metrics, dice.randbytes(16), dice.randbytes(5_000), [("x", dice.randbytes(9))]),
        "no value": (events, b"someone", None, []),
        "truncated Arrow": (metrics, good_points.key, good_points.value[:-200], good_points.headers),
        "other columns": (metrics, good_points.key, columns, good_points.headers),
        "a count that lies": (
            metrics, good_points.key, good_points.value, with_header(good_points, "ce_count", b"7"),
        ),
        "a later format": (events, good_event.key, good_event.value, with_header(good_event, "ce_format", b"99")),
        "50 MB": (metrics, good_points.key, os.urandom(1 << 20) * 50, good_points.headers),
    }  # fmt: skip


def marks_of(field: Field) -> dict[UUID, float]:
    """Every writer, and by how many seconds its clock was ahead."""
    rows = field.client.query_arrow("SELECT toString(writer) AS writer, clock_ahead FROM writers").to_pylist()
    return {UUID(row["writer"]): row["clock_ahead"] for row in rows}


def parked_of(field: Field, writer: UUID) -> list[tuple[str, bytes]]:
    """Reason and content of the dead letters of a writer, in the order in which it said what lies in them."""
    rows = field.client.query_arrow(
        "SELECT toString(reason) AS reason, hex(frame) AS frame FROM dead_letters FINAL WHERE writer = {writer:UUID}",
        {"writer": str(writer)},
    ).to_pylist()
    found = [(row["reason"], bytes.fromhex(row["frame"])) for row in rows]
    return sorted(found, key=lambda one: split_record(one[1])[0])


def future_event(writer: UUID) -> Outgoing:
    """A message in order, whose event has a schema of a later version."""
    said = {"type": "epochal.note.written", "v": 99, "project": "p", "at": 1_700_000_000_000_000, "data": {}}
    return encode_event(writer, "p", Record(0, bytes(16), json.dumps(said).encode()))


@pytest.mark.chaos("poison of each kind")
def test_poison_is_parked_whole_and_disturbs_nothing(field: Field, chaos: Chaos) -> None:
    """Each kind with its reason in the table and in the topic, byte for byte; every good row is there.

    Of a clock ten years ahead everything is parked, too, and taken in all the same: nothing else is wrong with it. Its
    writer is marked.
    """
    ahead = make_job(9, 300, at_us=time.time_ns() // 1000 + TEN_YEARS_US, broken=False)
    world = World(chaos.dice, jobs=3, others=[ahead])
    bad = poison(world, field.prefix)
    good = next(one for one in world.messages if one.key == bad["other columns"][1])
    worker = field.worker()
    waiting = list(bad.values()) * chaos.times
    chaos.dice.shuffle(waiting)
    strangers = [uuid7() for _ in range(chaos.times)]
    pieces = len(waiting) + 3

    def add(number: int) -> None:
        if waiting:
            field.send_raw([waiting.pop()])
        if number < len(strangers):
            field.send([future_event(strangers[number])])
            chaos.note()

    world.send(field, pieces, add)
    parked = (len(bad) + 1) * chaos.times
    check(field, world, garbage=parked)
    letters = field.client.query_arrow(
        "SELECT reason, source, writer, hex(frame) AS frame FROM dead_letters FINAL WHERE startsWith(source, 'kafka:')"
    ).to_pylist()
    kept = [unpacked(bytes.fromhex(letter["frame"])) for letter in letters]
    sent = sorted([(topic, key, value) for topic, key, value, _ in bad.values()] * chaos.times, key=repr)
    assert sorted(((one.topic, one.key, one.value) for one in kept), key=repr) == sent
    assert sorted(letter["reason"] for letter in letters) == sorted(
        ["no cloudevent", "no cloudevent", "invalid arrow", "wrong columns", "invalid points", "newer version",
         "invalid arrow"] * chaos.times
    )  # fmt: skip
    assert {letter["writer"] for letter in letters if letter["reason"] == "wrong columns"} == {writer_of(good)}
    assert parked_of(field, ahead.events.writer) == [
        ("clock ahead", record_bytes(record)) for record in ahead.events.records
    ]
    (remark,) = listed(field.client).attrs["epochal"]["remarks"]
    assert remark.startswith(f"writer {ahead.events.writer}: clock ahead by 315,")
    topic = field.letters()
    told = {headers["epochal_letter"] for _, _, headers in topic}
    assert len(told) == parked + len(world.expected["dead_letters"])
    by_source = {headers["epochal_source"].decode(): (key, value, headers) for key, value, headers in topic}
    for letter, message in zip(letters, kept, strict=True):
        key, value, headers = by_source[letter["source"]]
        assert (key, value) == (message.key, message.value)
        assert headers["epochal_reason"].decode() == letter["reason"]
        assert {name: text for name, text in headers.items() if name[:8] != "epochal_"} == dict(message.headers)
    assert worker.metric("epochal_worker_dead_letters_total", '{reason="invalid arrow"}') == 2 * chaos.times
    ahead_said = len(ahead.events.records)
    assert worker.metric("epochal_worker_dead_letters_total", '{reason="clock ahead"}') >= ahead_said
    marks = marks_of(field)
    assert marks.pop(ahead.events.writer) == pytest.approx(TEN_YEARS_US / 1e6, abs=600)
    assert marks == {job.events.writer: 0.0 for job in world.told if job is not ahead}
    assert worker.stop() == 0


def test_a_letter_too_large_for_its_topic_is_kept_in_the_table(field: Field) -> None:
    """The topic says that it is left out there, and how large it is; the worker goes on."""
    with KafkaAdminClient(bootstrap_servers=field.servers) as admin:
        small = {"max.message.bytes": "100000"}
        admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, f"{field.prefix}dead-letters", small)])
    worker = field.worker()
    large = os.urandom(200_000)
    field.send_raw([(f"{field.prefix}metrics", b"k", large, [])])
    world = World(random.Random(6), jobs=1)
    world.send(field, 1)
    check(field, world, garbage=1)
    (row,) = field.client.query_arrow(
        "SELECT hex(frame) AS frame FROM dead_letters FINAL WHERE startsWith(source, 'kafka:')"
    ).to_pylist()
    assert unpacked(bytes.fromhex(row["frame"])).value == large
    (told,) = [headers for _, value, headers in field.letters() if value is None]
    assert told["epochal_left_out"].startswith(b"200000 bytes")
    assert worker.stop() == 0


@pytest.mark.chaos("a clock ten years ahead")
def test_a_clock_ten_years_ahead_wins_nothing(field: Field, chaos: Chaos) -> None:
    """What its process says is kept, and counts as said when it came: whoever says something later still has the last
    word, in values and in points.
    """
    worker = field.worker()
    store = open_store(field.store, project="p")
    for _ in range(chaos.times):
        now_us, component = time.time_ns() // 1000, uuid7()
        ahead = make_job(0, 3_000, component=component, at_us=now_us + TEN_YEARS_US, broken=False)
        right = make_job(
            1, 3_000, component=component, at_us=now_us + 50_000_000, broken=False
        )  # within what clocks may differ
        for job in (ahead, right):
            field.send(cut_into([job.events, job.points], chaos.dice))
            field.wait()
        chaos.note()
        assert store.certificate(str(component))["state"] == "closed"
        frame = store.metrics(component=str(component), metric="loss")
        found = {
            (metric, step): value
            for metric, step, value in zip(frame["metric"], frame["step"], frame["value"], strict=True)
        }
        wanted = {**ahead.main_line, **right.main_line}
        assert found
        assert all(struct.pack("<d", value) == wanted[place] for place, value in found.items())
        assert store.state(str(component))["params"] == {f"p{i}": 1_000 + i for i in range(PARAMS)}
        marks = {one["writer"]: one["clock_ahead"] for one in store.certificate(str(component))["writers"]}
        assert marks.pop(str(ahead.events.writer)) == pytest.approx(TEN_YEARS_US / 1e6, abs=600)
        assert marks == {str(right.events.writer): 0.0}
    store.close()
    assert worker.stop() == 0
