"""The history of every field, told by hand: who, when by both clocks, from where, why, and what became of it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pandas as pd
import pytest
from query.conftest import Bare
from query.written import START

from epochal_query.errors import AmbiguousNameError, FilterError, TimeError, UnknownNameError

COMMIT = "1" * 40


class Story:
    """A run of two ranks that says and takes back all kinds of things; one that was deleted; an experiment."""

    def __init__(self, bare: Bare) -> None:
        self.project = f"history-{uuid4()}"
        log = bare.log(self.project)
        self.experiment = log.experiment("digits", hypothesis="h")
        self.trial = log.trial(self.experiment, {"n": 1})
        self.run, self.writer, self.second = uuid4(), uuid4(), uuid4()
        where: dict[str, Any] = {"component": self.run, "attempt": "one"}
        for rank, (writer, pid) in enumerate([(self.writer, 7), (self.second, 8)]):
            log.say("writer.opened", writer, **where, rank=rank, role="main", heartbeat_s=10, world_size=2,
                    host=f"node{rank}", pid=pid, process=uuid4(), user="ada", version="0")  # fmt: skip
        log.say("component.created", self.writer, component=self.run, key="k", name="training", kind="training")
        log.say("component.attached", self.writer, component=self.run, trial=self.trial)
        log.say("run.started", self.writer, **where, rank=0)
        log.say("environment.captured", self.writer, component=self.run, section="code", values={"commit": COMMIT})
        self.first = log.now
        log.say("params.logged", self.writer, component=self.run, cells=[[["lr"], 0.1], [["opt", "name"], "adam"]])
        log.say("params.logged", self.second, component=self.run, rank=1, cells=[[["lr"], 0.2]], time=START)
        log.say("params.logged", self.writer, component=self.run, cells=[[["opt"], "sgd"], [["seed"], 1]])
        log.say("params.unset", self.writer, component=self.run, paths=[["seed"]])
        log.say("tags.set", self.writer, kind="component", entity=self.run, words=["best"], values={"team": "a"})
        log.say("tags.removed", self.writer, kind="component", entity=self.run, keys=["best"])
        log.say("artifact.failed", self.writer, component=self.run, name="m", direction="out", reason="disk full")
        log.points(self.run, self.writer, {"loss": [(0, 5.0), (1, 4.0), (2, 3.0), (1, 4.5)]})
        log.points(self.run, self.second, {"loss": [(1, 9.0)]}, rank=1)
        log.say("run.rewound", self.writer, **where, to_step=1, abandoned=[[self.writer, 4]])
        log.points(self.run, self.writer, {"loss": [(2, 2.5)]})
        log.say("writer.heartbeat", self.writer, **where, lifecycle=9, metrics=5)
        log.say("run.finished", self.writer, **where, rank=0, status="failed", error={"type": "E", "message": "no"})
        log.say("experiment.concluded", self.writer, experiment=self.experiment, verdict="accepted", note="as hoped")
        self.before = log.flush()
        self.gone = log.run([], "gone", params={"lr": 0.5})
        log.say("entity.deleted", self.writer, kind="component", entity=self.gone, abandoned=[])
        log.flush()
        self.log = log
        self.store = bare.open(self.project)


@pytest.fixture(scope="module")
def story(bare: Bare) -> Story:
    """The story, told once."""
    return Story(bare)


def told(frame: pd.DataFrame, *columns: str) -> list[tuple[Any, ...]]:
    """The rows, of some columns; absent is None."""
    return [tuple(None if pd.isna(one) else one for one in row) for row in frame[list(columns)].itertuples(index=False)]


def test_a_param_with_everything_about_it(story: Story) -> None:
    """By the order of the calls, not by when it was so; from which host, process, rank, attempt and commit."""
    frame = story.store.history("training", "params.lr")
    assert told(frame, "value", "fate", "rank", "host", "pid", "user", "attempt") == [
        (0.1, "superseded", 0, "node0", 7, "ada", "one"),
        (0.2, "in effect", 1, "node1", 8, "ada", "one"),
    ]
    assert list(frame["commit"].fillna("")) == [COMMIT, ""]
    assert list(frame["event"]) == [f"{story.writer}:5", f"{story.second}:1"]
    assert told(frame, "ended_by") == [(f"{story.second}:1",), (None,)]
    assert list(frame["occurred_at"]) == [story.first, START]
    assert list(frame["logged_at"]) == [story.first, story.first + timedelta(seconds=1)]
    assert all(timedelta(0) <= one < timedelta(seconds=1) for one in frame["recorded_at"] - frame["logged_at"])
    assert frame.attrs["epochal"]["watermark"] == story.store.last_watermark


def test_a_helper_has_the_commit_of_its_attempt(story: Story) -> None:
    """And not that of another attempt; what nobody captured is missing."""
    component, log = uuid4(), story.log
    for attempt, commit in (("one", "a" * 40), ("two", "b" * 40), ("three", "")):
        where: dict[str, Any] = {"component": component, "attempt": attempt}
        for role in ("main", "helper"):
            writer = uuid4()
            log.say(
                "writer.opened",
                writer,
                **where,
                role=role,
                heartbeat_s=10,
                host="h",
                pid=1,
                process=uuid4(),
                version="0",
            )
            if role == "main":
                log.say("component.created", writer, component=component, key="x", name="helped", kind="training")
                values = {"commit": commit} if commit else {}
                log.say("environment.captured", writer, component=component, section="code", values=values)
        log.say("note.written", writer, kind="component", entity=component, text=attempt)
    log.flush()
    notes = story.store.history(component, "note")
    assert told(notes, "value", "commit") == [("one", "a" * 40), ("two", "b" * 40), ("three", None)]


def test_what_hides_unsets_and_takes_away(story: Story) -> None:
    """A value at a path above hides; what takes away has a row of its own, without a value."""
    store = story.store
    assert told(store.history("training", "params.opt"), "field", "value", "fate", "ended_by") == [
        ("params.opt", "sgd", "in effect", None),
        ("params.opt.name", "adam", "hidden", f"{story.writer}:6"),
    ]
    assert told(store.history("training", "params.opt.name"), "fate", "ended_by") == [("hidden", f"{story.writer}:6")]
    assert told(store.history("training", "params.seed"), "value", "removed", "fate") == [
        (1, False, "unset"),
        (None, True, "in effect"),
    ]
    assert told(store.history("training", "tags"), "field", "value", "removed", "fate") == [
        ("tags.best", True, False, "unset"),
        ("tags.best", None, True, "in effect"),
        ("tags.team", "a", False, "in effect"),
    ]


def test_reasons_and_status(story: Story) -> None:
    """The note of a verdict, an error's words, why content couldn't be kept."""
    verdict = story.store.history("digits", "verdict")
    assert told(verdict, "value", "reason", "fate", "host") == [("accepted", "as hoped", "in effect", "node0")]
    failed = story.store.history("training", "artifact_failures")
    assert told(failed, "field", "value", "reason") == [("artifact_failures.out/m", "failed", "disk full")]
    assert told(story.store.history("training", "status"), "field", "value", "reason") == [
        ("status.created", {"key": "k", "name": "training", "kind": "training"}, None),
        ("status.finished.0/one", "failed", "E: no"),
        ("status.started.0/one", "running", None),
    ]
    assert told(story.store.history("training", "name"), "value") == [("training",)]
    assert told(story.store.history(story.trial, "status"), "field") == [("status.created",)]


def test_a_lost_attempt_is_concluded_and_nobody_said_it(story: Story) -> None:
    """A row without an event: no sign of life, no end."""
    lone = story.log.run([], "lone", status=None)
    story.log.flush()
    rows = told(story.store.history(lone, "status"), "field", "value", "fate", "event", "occurred_at")
    assert ("status.lost.0/one", "lost", "in effect", None, None) in rows
    assert not [row for row in told(story.store.history(lone, "status.lost"), "field") if row[0] != "status.lost.0/one"]


def test_a_metric_by_writer_and_by_point(story: Story) -> None:
    """One row a writer; at a step one a point, with what took it out of the main line."""
    store, rewind = story.store, f"{story.writer}:11"
    frame = store.history("training", "metrics.loss")
    assert told(frame, "value", "fate", "rank", "event", "host") == [
        (
            {"points": 5, "in_effect": 3, "steps": [0.0, 2.0]},
            *("partly in effect", 0, f"{story.writer}:metrics:0-4", "node0"),
        ),
        ({"points": 1, "in_effect": 1, "steps": [1.0, 1.0]}, "in effect", 1, f"{story.second}:metrics:0-0", "node1"),
    ]
    assert told(store.history("training", "metrics.loss", step=1), "value", "fate", "ended_by", "rank") == [
        (4.0, "superseded", f"{story.writer}:metrics:3", 0),
        (4.5, "in effect", None, 0),
        (9.0, "in effect", None, 1),
    ]
    assert told(store.history("training", "metrics.loss", step=2), "value", "fate", "ended_by") == [
        (3.0, "rewound", rewind),
        (2.5, "in effect", None),
    ]
    assert len(store.history("training", "metrics.loss", step=7)) == 0


def test_all_of_it(story: Story) -> None:
    """Without a field everything is told, and what is left out is said."""
    frame = story.store.history("training")
    groups = {field.partition(".")[0] for field in frame["field"]}
    assert groups == {
        *("params", "tags", "status", "writers", "trials", "environment", "metrics", "rewinds"),
        *("name", "kind", "artifact_failures"),
    }
    assert list(frame["field"]) == sorted(frame["field"])
    left_out = "left out: 1 heartbeat, to be had by the field 'writers.heartbeat'"
    assert frame.attrs["epochal"]["remarks"] == [left_out]
    beats = story.store.history("training", "writers.heartbeat")
    assert told(beats, "field", "value") == [
        (f"writers.heartbeat.{story.writer}", {"lifecycle": 9, "metrics": 5}),
    ]
    assert "remarks" not in beats.attrs["epochal"]


@pytest.mark.long
def test_what_was_deleted_has_a_history(story: Story) -> None:
    """By its id and by its name; restored, it is in effect again and the deletion undone."""
    for given in (story.gone, "gone"):
        frame = story.store.history(given, "params.lr")
        assert told(frame, "value", "fate", "ended_by") == [(0.5, "deleted", f"{story.writer}:15")]
    assert told(story.store.history(story.gone, "status.deleted"), "value", "fate") == [(True, "in effect")]
    back = story.log.run([], "back", params={"lr": 0.7})
    story.log.say("entity.deleted", story.writer, kind="component", entity=back, abandoned=[])
    story.log.flush()
    deletion = story.store.history(back, "status.deleted")
    story.log.say("entity.restored", story.writer, kind="component", entity=back, deletion=deletion["event"][0])
    story.log.flush()
    assert told(story.store.history("back", "params.lr"), "value", "fate") == [(0.7, "in effect")]
    ((fate, by),) = told(story.store.history("back", "status.deleted"), "fate", "ended_by")
    assert (fate, by) == ("undone", story.store.history("back", "status.restored")["event"][0])


def test_at_other_places_in_time(story: Story) -> None:
    """What was said by then, as it was known then; empty before the first event, though the name is known now."""
    store = story.store
    early = store.history("training", "params.lr", as_of=START)
    assert told(early, "value", "fate", "host") == [(0.2, "undeclared", "node1")]
    assert told(store.history("training", "params.lr", as_of=story.first), "value", "fate") == [
        (0.1, "superseded"),
        (0.2, "in effect"),
    ]
    known: list[datetime] = list(store.history("training", "params.lr")["recorded_at"])
    first = store.history("training", "params.lr", known_at=known[0])
    assert told(first, "value", "fate", "commit") == [(0.1, "in effect", COMMIT)]
    again = store.history("training", "params.lr", known_at=story.before)
    assert told(again, "value", "fate") == [(0.1, "superseded"), (0.2, "in effect")]
    empty = store.history("training", as_of="1980-01-01")
    assert (len(empty), list(empty.columns)) == (0, list(first.columns))
    assert len(store.history("training", as_of="2100-01-01")) == len(store.history("training"))


def test_what_is_not_known_is_an_error(story: Story) -> None:
    """With near candidates; a field that nothing was said of is empty."""
    store = story.store
    words = "no field is named 'params.lrr' in the history of component 'training'; near: 'params.lr'"
    for given in ("training", story.run):
        with pytest.raises(UnknownNameError, match=words):
            store.history(given, "params.lrr")
    with pytest.raises(UnknownNameError, match=r"near: 'metrics\.loss'"):
        store.history("training", "metrics.los")
    with pytest.raises(UnknownNameError, match="no field is named 'params' in the history of experiment 'digits'"):
        store.history("digits", "params")
    assert len(store.history("training", "note")) == 0
    with pytest.raises(UnknownNameError, match="component 'training'"):
        store.history("trainin")
    with pytest.raises(UnknownNameError, match="0000"):
        store.history(UUID(int=5))
    with pytest.raises(FilterError, match="field=5 names no field"):
        store.history("training", 5)  # type: ignore[arg-type]
    with pytest.raises(FilterError, match="step='x' is no step"):
        store.history("training", "metrics.loss", step="x")  # type: ignore[arg-type]
    with pytest.raises(FilterError, match="step=1 is of one metric"):
        store.history("training", "params.lr", step=1)
    with pytest.raises(TimeError, match="is not a time"):
        store.history("training", as_of="soon")


def test_by_id_it_is_the_same(story: Story) -> None:
    """Of what is there, of a trial, and of what was deleted."""
    for name, id_ in (("training", story.run), ("digits", story.experiment), ("gone", story.gone)):
        pd.testing.assert_frame_equal(story.store.history(name), story.store.history(str(id_)))
    (row,) = story.store.history(story.trial, "status.created").to_dict("records")
    assert row["fate"] == "in effect"
    early = story.store.history(story.run, "status.created", as_of=story.first - timedelta(seconds=2))
    assert list(early["commit"]) == [COMMIT]  # captured later, by who said something then


def test_a_state_says_of_when_it_is(story: Story) -> None:
    """Asked again at its watermark it is the same."""
    state = story.store.state(story.run)
    assert state.attrs["epochal"]["watermark"] == story.store.last_watermark
    assert story.store.state(story.run, known_at=state.attrs["epochal"]["watermark"]) == state


def test_deleted_things_of_one_name(story: Story) -> None:
    """Their ids are listed."""
    twins = [story.log.run([], "twin") for _ in range(2)]
    for one in twins:
        story.log.say("entity.deleted", story.writer, kind="component", entity=one, abandoned=[])
    story.log.flush()
    with pytest.raises(AmbiguousNameError, match="2 deleted things were named 'twin'") as caught:
        story.store.history("twin")
    assert all(str(one) in str(caught.value) for one in twins)
