"""OpenLineage events, read back by OpenLineage's own classes: the same runs, datasets and edges."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from openlineage.client.event_v2 import InputDataset, Job, OutputDataset, Run, RunEvent, RunState
from openlineage.client.serde import Serde
from query.conftest import Bare

from epochal._ids import association_id, entity_id
from epochal._settings import from_env
from epochal_query.errors import ReadError
from epochal_query.openlineage import place_of
from epochal_query.openlineage_out import deliver
from epochal_query.store import Store

RAW, MODEL = (f"sha256:{char * 64}" for char in "ab")


class Told:
    """A training that completed, one that failed, one of which nothing was heard since; a component that never ran."""

    def __init__(self, bare: Bare) -> None:
        self.log = log = bare.log("openlineage")
        self.writer = uuid4()
        trial = log.trial(log.experiment("digits"), {"n": 1})
        self.done = log.run([trial], "training")
        self.artifact(self.done, "in", "raw", digest=RAW, uri="s3://bucket/raw.csv")
        self.artifact(self.done, "in", "place", uri="s3://bucket/other")
        self.artifact(self.done, "out", "model", digest=MODEL)
        self.failed = log.run([], "evaluation", kind="evaluation", status="failed")
        self.artifact(self.failed, "in", "model", digest=MODEL)
        log.run([], "metadata", kind="metadata", status="never")
        self.lost = log.run([], "serving", kind="serving", status=None)
        self.heard = log.now - timedelta(seconds=1)
        self.middle = log.flush()

    def artifact(self, component: UUID, direction: str, name: str, **data: Any) -> None:
        """It went in or came out."""
        self.log.say("artifact.logged", self.writer, component=component, name=name, direction=direction, **data)


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bare]:
    """A store of its own: what was lost by a watermark depends on all that its log had by then."""
    found = Bare(tmp_path_factory.mktemp("openlineage"))
    yield found
    found.end()


@pytest.fixture(scope="module")
def told(bare: Bare) -> Told:
    return Told(bare)


@pytest.fixture(scope="module")
def store(bare: Bare, told: Told) -> Store:
    return bare.open("openlineage")


def read_back(line: str) -> RunEvent:
    """The event in a line of JSON, made again by OpenLineage's classes, which check it."""
    said = json.loads(line)
    assert said["schemaURL"].startswith("https://openlineage.io/spec/")
    return RunEvent(
        eventTime=said["eventTime"],
        producer=said["producer"],
        eventType=RunState[said["eventType"]],
        run=Run(**said["run"]),
        job=Job(**said["job"]),
        inputs=[InputDataset(**one) for one in said["inputs"]],
        outputs=[OutputDataset(**one) for one in said["outputs"]],
    )


def test_every_run_is_told_from_its_start_to_its_end(told: Told, store: Store, tmp_path: Path) -> None:
    """In a file of lines, appended to; by run id, state, job, datasets."""
    deliver(store.openlineage(), str(tmp_path / "events.jsonl"), from_env)
    lines = (tmp_path / "events.jsonl").read_text("utf-8").splitlines()
    events = [read_back(line) for line in lines]
    assert [event.eventTime for event in events] == sorted(event.eventTime for event in events)
    states: dict[str, list[str]] = {}
    for event in events:
        assert event.eventType is not None
        states.setdefault(event.run.runId, []).append(event.eventType.value)
    assert states == {
        str(told.done): ["START", "COMPLETE"],
        str(told.failed): ["START", "FAIL"],
        str(told.lost): ["START", "ABORT"],
    }
    jobs = {event.run.runId: (event.job.namespace, event.job.name) for event in events}
    assert jobs[str(told.done)] == ("epochal://openlineage", "digits/training")
    assert jobs[str(told.failed)] == ("epochal://openlineage", "evaluation")
    deliver(store.openlineage(), str(tmp_path / "events.jsonl"), from_env)
    assert (tmp_path / "events.jsonl").read_text("utf-8").splitlines() == lines * 2


def test_datasets_join_by_content(told: Told, store: Store) -> None:
    """The model that one made and another used is one dataset; its place is a symlink, or its name where alone."""
    ends = {event.run.runId: event for event in store.openlineage()}
    assert not {"epochal_associations"} & {name for one in ends.values() for name in one.run.facets or ()}
    made, used = ends[str(told.done)], ends[str(told.failed)]
    assert made.outputs is not None
    assert used.inputs is not None
    assert [(one.namespace, one.name) for one in made.outputs] == [("epochal://openlineage", MODEL)]
    assert [(one.namespace, one.name) for one in used.inputs] == [("epochal://openlineage", MODEL)]
    assert made.inputs is not None
    named = {one.name: Serde.to_dict(one)["facets"] for one in made.inputs}
    assert set(named) == {RAW, "other"}
    (link,) = named[RAW]["symlinks"]["identifiers"]
    assert (link["namespace"], link["name"]) == ("s3://bucket", "raw.csv")
    assert named[RAW]["documentation"]["description"] == "raw"


def test_a_lineage_tells_its_own_runs(told: Told, store: Store) -> None:
    """The edges that the events tell are those of the lineage."""
    found = store.lineage(MODEL, "both")
    edges = set(zip(found.edges["source"], found.edges["target"], strict=True))
    told_edges = set[tuple[str, str]]()
    for event in found.to_openlineage():
        told_edges |= {(_key(one), event.run.runId) for one in event.inputs or ()}
        told_edges |= {(event.run.runId, _key(one)) for one in event.outputs or ()}
    assert told_edges == edges
    assert len(edges) == 4


def _key(one: InputDataset | OutputDataset) -> str:
    return one.name if one.namespace.startswith("epochal:") else f"{one.namespace}/{one.name}"


@pytest.mark.long
def test_what_happened_since(bare: Bare) -> None:
    """Live: only what the log accepted after a watermark; asked piece by piece it is what it is as a whole."""
    log = bare.log("live")
    first = log.run([], "one")
    middle = log.flush()
    store = bare.open("live")
    before = store.openlineage(known_at=middle)
    second, writer = log.run([], "two", status=None), uuid4()
    mark = log.flush()
    began = store.openlineage(middle, as_of=log.now)
    assert [event.run.runId for event in before] == [str(first)] * 2
    assert [event.run.runId for event in began] == [str(second)]
    assert store.openlineage(mark, as_of=log.now) == []
    log.say("run.finished", writer, component=second, rank=0, attempt="one", status="completed")
    log.flush()
    assert [event.eventType for event in store.openlineage(mark)] == [RunState.COMPLETE]
    assert len(store.openlineage()) == 4


@pytest.mark.long
def test_a_run_that_was_lost_is_aborted_when_it_counts_as_lost(bare: Bare, told: Told, store: Store) -> None:
    """A minute after its last sign of life; told once, to who asked before that; if it comes back its end follows."""
    (aborted,) = [event for event in store.openlineage() if event.run.runId == str(told.lost)][1:]
    lost_at = told.heard + timedelta(seconds=60, microseconds=1)
    assert aborted.eventTime == lost_at.isoformat()
    for seconds, states in ((0, ["START"]), (59, ["START"]), (61, ["START", "ABORT"])):
        seen = store.openlineage(as_of=told.heard + timedelta(seconds=seconds))
        assert [
            event.eventType.value for event in seen if event.eventType and event.run.runId == str(told.lost)
        ] == states
    for since, count in ((told.heard + timedelta(seconds=1), 1), (lost_at + timedelta(seconds=1), 0), (told.middle, 1)):
        assert [event.run.runId for event in store.openlineage(since)] == [str(told.lost)] * count
    log, writer = bare.log("back"), uuid4()
    run = log.run([], "away", status=None)
    log.tick(600)
    gone = log.flush()
    before = bare.open("back").openlineage(known_at=gone)
    log.say("run.finished", writer, component=run, rank=0, attempt="one", status="completed")
    log.flush()
    after = bare.open("back").openlineage(gone)
    assert [event.eventType for event in [*before, *after]] == [RunState.START, RunState.ABORT, RunState.COMPLETE]


def facets_of(event: RunEvent, dataset: str | None = None) -> dict[str, Any]:
    """Facets as a reader gets them: of the run, or of one of its datasets."""
    said = json.loads(Serde.to_json(event))
    if dataset is None:
        return dict(said["run"].get("facets", {}))
    (found,) = [one for one in (*said["inputs"], *said["outputs"]) if one["name"] == dataset]
    return dict(found["facets"])


@pytest.mark.long
def test_associations_are_facets_of_what_they_join(bare: Bare, tmp_path: Path) -> None:
    """Of datasets and runs; what is associated after a run has ended is told as OTHER, also that it is no more."""
    log, writer = bare.log("joined"), uuid4()
    run = log.run([], "training")
    log.say("artifact.logged", writer, component=run, name="model", direction="out", digest=MODEL)
    prod, approval = (str(entity_id("joined", kind, "x")) for kind in ("context", "action"))
    data: dict[str, Any] = {"type": "alias", "properties": {"region": "eu"}}
    log.say("entity.declared", writer, kind="context", entity=prod, name="production", **data)
    log.say("entity.declared", writer, kind="action", entity=approval, name="approve", type="approval")
    before = log.flush()
    store = bare.open("joined")
    assert all("epochal_associations" not in facets_of(event, MODEL) for event in store.openlineage())
    only = association_id("joined", "AssociatedWith", None, ("context", prod))
    said: dict[str, Any] = {"source_kind": "artifact", "source": MODEL, "target_kind": "context", "target": prod}
    log.say("association.made", writer, association=only, relation="AssociatedWith", **said)
    associated_at = log.now - timedelta(seconds=1)
    said = {"source_kind": "action", "source": approval, "target_kind": "component", "target": run}
    log.say("association.made", writer, association=uuid4(), relation="ContributedTo", **said)
    joined = log.flush()
    (other,) = store.openlineage(before)
    assert (other.eventType, other.run.runId) == (RunState.OTHER, str(run))
    assert other.eventTime == (log.now - timedelta(seconds=1)).isoformat()
    deliver([other], str(tmp_path / "events"), from_env)
    assert read_back((tmp_path / "events").read_text("utf-8")).run.runId == str(run)
    for event in (other, *store.openlineage()):
        facet = facets_of(event, MODEL)["epochal_associations"]
        assert facet["_schemaURL"].endswith("EpochalAssociationsFacet/1")
        assert facet["associations"] == [
            {
                "relation": "AssociatedWith",
                "as": "source",
                "kind": "context",
                "id": prod,
                "name": "production",
                **data,
                "since": associated_at.isoformat(),
            }
        ]
        (of_run,) = facets_of(event)["epochal_associations"]["associations"]
        assert (of_run["as"], of_run["kind"], of_run["name"]) == ("target", "action", "approve")
    log.say("association.removed", writer, association=only)
    log.flush()
    (removed,) = store.openlineage(joined)
    assert removed.eventType == RunState.OTHER
    assert facets_of(removed, MODEL)["epochal_associations"]["_deleted"] is True
    assert facets_of(removed)["epochal_associations"]["associations"]


class Receiver:
    """An HTTP endpoint that keeps what it is sent; it refuses when told to."""

    def __init__(self) -> None:
        self.bodies: list[tuple[str, str]] = []
        self.status = 201
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                receiver.bodies.append((self.path, body))
                self.send_response(receiver.status)
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:
                """Nothing."""

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=self.server.serve_forever)
        self.thread.start()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    made = Receiver()
    yield made
    made.server.shutdown()
    made.server.server_close()
    made.thread.join()


def test_over_http(store: Store, receiver: Receiver) -> None:
    """To OpenLineage's usual endpoint, or to the path given."""
    url = f"http://127.0.0.1:{receiver.server.server_port}"
    deliver(store.openlineage(), url, from_env)
    assert {path for path, _ in receiver.bodies} == {"/api/v1/lineage"}
    assert len([read_back(body) for _, body in receiver.bodies]) == 6
    receiver.status = 400
    with pytest.raises(ReadError, match="6 of 6 events did not get to"):
        deliver(store.openlineage(), f"{url}/other", from_env)
    assert receiver.bodies[-1][0] == "/other"


@pytest.mark.kafka
def test_to_kafka(store: Store, kafka: str, topic_prefix: str) -> None:
    """Keyed by job, so that the order of its runs is kept."""
    from kafka import KafkaAdminClient, KafkaConsumer, TopicPartition

    topic = f"{topic_prefix}openlineage"
    with KafkaAdminClient(bootstrap_servers=kafka) as admin:
        admin.create_topics({topic: {"num_partitions": 1, "replication_factor": 1}}, wait_for_metadata=True)
    deliver(store.openlineage(), f"kafka:{topic}", lambda: from_env({"EPOCHAL_KAFKA": kafka}))
    consumer = KafkaConsumer(bootstrap_servers=kafka, auto_offset_reset="earliest", consumer_timeout_ms=60_000)
    consumer.assign([TopicPartition(topic, 0)])
    found = [next(consumer) for _ in range(6)]
    consumer.close()
    events = [read_back(message.value.decode()) for message in found]
    assert [message.key.decode() for message in found] == [f"run:{e.job.namespace}/{e.job.name}" for e in events]


@pytest.mark.long
def test_from_the_command_line(bare: Bare, told: Told) -> None:
    """Lines on standard output, and what to go on from."""
    command = [sys.executable, "-m", "epochal.cli", "openlineage", "-", "--project", "openlineage"]
    command += ["--store", str(bare.directory)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert len([read_back(line) for line in done.stdout.splitlines()]) == 6
    assert done.stderr.startswith("6 events; to go on from here: --since '{")
    mark = done.stderr.split("--since ")[1].strip().strip("'")
    again = subprocess.run([*command, "--since", mark], capture_output=True, text=True, check=True)
    assert {read_back(line).eventType for line in again.stdout.splitlines()} <= {RunState.ABORT}, "of what is lost"


@pytest.mark.parametrize(
    ("uri", "place"),
    [
        ("s3://bucket/a/b", ("s3://bucket", "a/b")),
        ("file:///data/x", ("file", "/data/x")),
        ("postgres://db:5432/t", ("postgres://db:5432", "t")),
        ("plain/path", ("file", "plain/path")),
    ],
)
def test_places(uri: str, place: tuple[str, str]) -> None:
    """As OpenLineage names them."""
    assert place_of(uri) == place
