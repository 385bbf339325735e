"""The same recorded journals, taken in by a follower and through Kafka by workers: every read answers the same."""

from __future__ import annotations

import contextlib
import os
import random
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import pandas as pd
import pytest
from clickhouse_server import any_clickhouse
from cutting import cut_into, frames_of
from host_ending import end_host
from injecting import new_seed
from kafka_field import Field
from pandas.testing import assert_frame_equal

from epochal_query.opening import open_store
from epochal_query.store import Store

pytestmark = pytest.mark.kafka
EXPERIMENT = "same answers"


@dataclass(frozen=True)
class Both:
    """The stores that the two ways led to."""

    embedded: Store
    kafka: Store


@pytest.fixture(scope="module", params=["host", "server"])
def both(request: pytest.FixtureRequest, kafka: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Both]:
    """The recording in both stores: in Kafka cut otherwise, some of it twice, writers in among each other, two workers
    that are there from the beginning and one that joins in the middle; from there to the host of an embedded store, or
    to a server.
    """
    with contextlib.ExitStack() as ending:
        url = ""
        if request.param == "server":
            url = ending.enter_context(any_clickhouse(tmp_path_factory.mktemp("server")))
        yield from _both(kafka, url, tmp_path_factory)


def _both(kafka: str, url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Both]:
    dice = random.Random(new_seed())
    here = tmp_path_factory.mktemp("embedded")
    record(here / "store")
    field = Field(kafka, f"t{uuid4().hex[:12]}.", tmp_path_factory.mktemp("kafka"), url=url)
    try:
        messages = cut_into(frames_of(here / "store" / "journals"), dice)
        queues = [[one for one in messages if one.key == key] for key in sorted({one.key for one in messages})]
        field.worker().ready()  # by then there are tables
        field.worker()
        while left := [queue for queue in queues if queue]:
            field.send([dice.choice(left).pop(0)])
            if sum(map(len, queues)) == len(messages) // 2:
                field.worker()
        field.wait()
        field.wait_until_sealed()
        embedded, through = open_store(here / "store"), field.open()
        embedded.certificate("shared")  # after which everything is taken in and sealed
        yield Both(embedded, through)
        embedded.close()
        through.close()
    finally:
        field.close()
        end_host(here / "store")


def record(store: Path) -> None:
    """Run the program whose journals are compared, with nothing started."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("EPOCHAL_")}
    environment |= {"EPOCHAL_STORE": str(store), "EPOCHAL_MODE": "offline", "EPOCHAL_CAPTURE": "none"}
    script = Path(__file__).with_name("recording.py")
    subprocess.run([sys.executable, str(script)], env=environment, check=True, cwd=store.parent)
    assert sorted(store.glob("journals/*/events.bin"))


FRAMES: dict[str, Callable[[Store], pd.DataFrame]] = {
    "experiments": lambda store: store.experiments(),
    "trials": lambda store: store.trials(EXPERIMENT),
    "components": lambda store: store.components(),
    "unassigned components": lambda store: store.components(unassigned=True),
    "report": lambda store: store.report(EXPERIMENT),
    "report of all": lambda store: store.report(),
    "report with a filter": lambda store: store.report(
        EXPERIMENT, where="metrics.`val/acc.1`.last > 0.5 and params.epochs >= 3", order_by="metrics.loss.min"
    ),
    "best": lambda store: store.best(EXPERIMENT, "val/acc.1"),
    "metrics": lambda store: store.metrics(experiment=EXPERIMENT),
    "few points": lambda store: store.metrics(experiment=EXPERIMENT, metric="loss", max_points=50),
    "params as of the middle": lambda store: store.report(EXPERIMENT, as_of=_middle(store)),
    "metrics as of the middle": lambda store: store.metrics(experiment=EXPERIMENT, as_of=_middle(store)),
    "sql": lambda store: store.sql(
        "SELECT component, metric, rank, count, nan_count, min, max, mean, std, first, last FROM summaries "
        "ORDER BY component, metric, rank"
    ),
}


def _middle(store: Store) -> Any:
    components = store.components()
    start, end = components["start"].min(), components["end"].max()
    return (start + (end - start) / 2).to_pydatetime()


@pytest.mark.parametrize("read", FRAMES)
def test_frames_are_equal(both: Both, read: str) -> None:
    """Columns, types, rows and their order; means and deviations to 1e-12, all else exactly."""
    here, there = FRAMES[read](both.embedded), FRAMES[read](both.kafka)
    assert len(here)
    here.attrs, there.attrs = {}, {}
    assert_frame_equal(here, there, rtol=1e-12, atol=0, check_exact=False)
    inexact = [name for name in here.columns if str(name).lower().endswith(("avg", "stddev", "mean", "std"))]
    assert_frame_equal(here.drop(columns=inexact), there.drop(columns=inexact), check_exact=True)


def test_histories_and_differences_are_equal(both: Both) -> None:
    """Of the experiment, of every trial and of every component: all but when the logs took it in."""
    entities = [EXPERIMENT, *both.embedded.trials(EXPERIMENT)["id"], *both.embedded.components()["id"]]
    for entity in entities:
        here, there = (store.history(entity).drop(columns="recorded_at") for store in (both.embedded, both.kafka))
        here.attrs, there.attrs = {}, {}
        assert len(here)
        assert_frame_equal(here, there, check_exact=True)
    trainings = list(both.embedded.components(experiment=EXPERIMENT).query("name == 'training'")["id"])
    for pair in ((trainings[0], trainings[1]), tuple(both.embedded.trials(EXPERIMENT)["id"][:2])):
        here, there = (store.diff(*pair) for store in (both.embedded, both.kafka))
        assert len(here) > 5
        assert list(zip(here["field"], here["change"], strict=True)) == list(
            zip(there["field"], there["change"], strict=True)
        )


def test_states_are_equal(both: Both) -> None:
    """Everything known of the experiment, of every trial and of every component."""
    entities = [EXPERIMENT, *both.embedded.trials(EXPERIMENT)["id"], *both.embedded.components()["id"]]
    assert len(entities) > 7
    for entity in entities:
        assert repr(both.embedded.state(entity)) == repr(both.kafka.state(entity)), entity


def test_certificates_are_equal(both: Both) -> None:
    """Closed, with the same counts, ranges and blocks; only the logs have other names."""
    for component in both.embedded.components()["id"]:
        here, there = dict(both.embedded.certificate(component)), dict(both.kafka.certificate(component))
        assert here.pop("watermark") != there.pop("watermark")
        assert here == there
        assert here["state"] == "closed"


def test_both_are_sound(both: Both, tmp_path: Path) -> None:
    """All digests come out the same from the rows, on either way, and so they do against a checkpoint."""
    found: dict[str, dict[str, int]] = {}
    for name, store in (("here", both.embedded), ("there", both.kafka)):
        store.checkpoint(tmp_path / name)
        said = store.verify(checkpoint=tmp_path / name)
        assert said["findings"] == []
        found[name] = said["checked"]
    assert found["here"]["points"] == found["there"]["points"] > 0
    assert found["there"]["unsealed"] == 0


def test_links_are_equal(both: Both) -> None:
    """Every block has the same digest and the same link, whoever made it of whatever pieces."""
    asked = (
        "SELECT toString(writer) AS writer, toString(channel) AS channel, block, first_seq, count, "
        "hex(digest) AS digest, hex(link) AS link FROM blocks FINAL WHERE writer NOT IN "
        "(SELECT writer FROM events WHERE JSONExtractString(payload, 'data', 'role') = 'host') "
        "ORDER BY writer, channel, block"
    )
    here, there = both.embedded.sql(asked), both.kafka.sql(asked)
    assert len(here) > 10
    here.attrs, there.attrs = {}, {}
    assert_frame_equal(here, there)


def test_lineage_is_equal(both: Both) -> None:
    """What a model was made from."""
    digest = "sha256:" + "ab" * 32
    here, there = (store.lineage(digest, "descendants") for store in (both.embedded, both.kafka))
    assert here.to_text() == there.to_text()
    assert len(here.nodes) > 1


def test_a_watermark_is_answered_the_same_for_ever(both: Both) -> None:
    """Also when what was known is cut in the middle of every log."""
    whole = both.kafka.watermark()
    half = {log: offset // 2 for log, offset in whole.items() if log.startswith("kafka:")}
    first = both.kafka.metrics(known_at=half)
    again = both.kafka.metrics(known_at=first.attrs["epochal"]["known_at"])
    assert 0 < len(first) < len(both.kafka.metrics())
    assert_frame_equal(first, again)
