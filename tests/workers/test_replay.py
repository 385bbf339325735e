"""Dead letters sent again through Kafka, repaired, by the command line: the stream is whole then."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from cutting import cut_into
from kafka_field import Field
from processors.points import COMPONENT
from processors.test_materialize import long_stream
from workers.worlds import stored

from epochal._ids import uuid7
from epochal._journal.reader import Record
from epochal._kafka.wire import encode_event
from epochal_processors.frames import PointFrame
from epochal_query.opening import open_store

pytestmark = pytest.mark.kafka


def epochal(field: Field, *arguments: str) -> Any:
    """The JSON that a command answers."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("EPOCHAL_")}
    settings = {"EPOCHAL_KAFKA": field.servers, "EPOCHAL_KAFKA_TOPIC_PREFIX": field.prefix}
    done = subprocess.run(
        [sys.executable, "-m", "epochal.cli", "dead-letters", *arguments, "--json"],
        env={**kept, **settings, "EPOCHAL_STORE": str(field.store)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def said(type_: str, /, **data: object) -> bytes:
    """An event of the one component, as its writer says it."""
    event = {"type": f"epochal.{type_}", "v": 1, "project": "p", "at": time.time_ns() // 1000}
    return json.dumps({**event, "data": {"component": str(COMPONENT), **data}}).encode()


def sent_again(field: Field, done: Any) -> None:
    """Wait for what was sent again, as for everything else that was sent."""
    for one in done["replayed"]:
        _, topic, partition = one["log"].rsplit("/", 2)
        field.sent[topic, int(partition)] = one["offset"]
    field.wait()


def test_a_message_and_an_event_are_repaired(field: Field, tmp_path: Path) -> None:
    """A message of points that lies about their count, and an event that is no JSON: parked at first, and the stream
    has a gap; then shown, repaired and sent again, twice, and all of it is there once.
    """
    writer, dice = uuid7(), random.Random(12)
    points = long_stream(writer, 3_000, 1)
    assert isinstance(points, PointFrame)
    about = {"heartbeat_s": 10.0, "host": "h", "pid": 1, "process": str(uuid7()), "version": "0", "role": "main"}
    good = said("component.created", key="k", name="training", kind="training")
    events = [said("writer.opened", attempt="a", **about), good[:-3], said("writer.closed", lifecycle=3, metrics=3_000)]
    field.send([encode_event(writer, "p", Record(seq, bytes(16), event)) for seq, event in enumerate(events)])
    messages = cut_into([points], dice)
    bad = messages.pop(0)
    lying = [(name, b"1" if name == "ce_count" else value) for name, value in bad.headers]
    field.send(messages)
    field.send_raw([(f"{field.prefix}metrics", bad.key, bad.value, lying)])
    worker = field.worker()
    field.wait()
    letters = {row["reason"]: row for row in epochal(field, "ls")["rows"]}
    assert set(letters) == {"invalid json", "invalid points"}
    assert len(stored(field, "metrics")) < 3_000

    repair = tmp_path / "points"
    epochal(field, "show", letters["invalid points"]["id"], "--save", str(repair))
    about = json.loads((repair / "about.json").read_text())
    about["headers"] = [[name, str(bad.count) if name == "ce_count" else value] for name, value in about["headers"]]
    (repair / "about.json").write_text(json.dumps(about))
    for _ in range(2):
        sent_again(field, epochal(field, "replay", letters["invalid points"]["id"], "--repaired", str(repair)))
    assert len(stored(field, "metrics")) == 3_000

    store = open_store(field.store, project="p")
    repair = tmp_path / "event"
    epochal(field, "show", letters["invalid json"]["id"], "--save", str(repair))
    (repair / "content").write_bytes(good)
    for _ in range(2):
        sent_again(field, epochal(field, "replay", letters["invalid json"]["id"], "--repaired", str(repair)))
    assert store.certificate("training")["state"] == "closed"
    assert epochal(field, "ls", "--waiting")["rows"] == []
    assert len(epochal(field, "ls")["rows"]) == 2
    store.close()
    assert worker.stop() == 0
