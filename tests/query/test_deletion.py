"""Deleting and restoring: what goes, what stays, what is refused, and that a name is free for use again."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pandas as pd
import pytest
from query.conftest import Bare
from query.written import LOG, START, Log, micros

from epochal._events import Event
from epochal._ids import uuid7
from epochal_query import DeletionError, UnknownNameError
from epochal_query.connection import Opened
from epochal_query.errors import AmbiguousNameError, FilterError
from epochal_query.store import Store

DIGEST = f"sha256:{'d' * 64}"


class Story:
    """Two experiments. `digits` has the trials a and b, each with a training; `other` has one, with an evaluation of
    the model that a made. The component `common` is in all three trials.
    """

    def __init__(self, bare: Bare, start: datetime = START) -> None:
        # behind all that other tests said, so that a watermark tells before from after
        end = bare.writer.query_arrow(f"SELECT max(offset) AS end FROM ledger WHERE log = '{LOG}'")["end"][0].as_py()
        self.log = Log(bare.writer, f"deletion-{uuid4()}", start, end + 1)
        self.store = Store(Opened(bare.reader, lambda: None, say=self.say), self.log.project)
        self.digits, other = self.log.experiment("digits"), self.log.experiment("other")
        self.a, self.b = (self.log.trial(self.digits, {"model": name}) for name in "ab")
        self.c = self.log.trial(other, {"of": "a"})
        self.of_a, self.of_b = (self.train(trial) for trial in (self.a, self.b))
        self.evaluation = self.log.run([self.c], "evaluation")
        self.artifact(self.of_a, "out")
        self.artifact(self.evaluation, "in")
        self.common = self.log.run([self.a, self.b, self.c], "common", status="never", params={"seed": 1})
        self.log.flush()

    def train(self, trial: UUID) -> UUID:
        """A training in a trial."""
        return self.log.run([trial], params={"lr": 0.1}, metrics={"loss": [(0, 2.0), (1, 1.0)]})

    def artifact(self, component: UUID, direction: str) -> None:
        """The model goes in or comes out."""
        self.log.say("artifact.logged", uuid7(), component=component, name="model", direction=direction, digest=DIGEST)

    def say(self, project: str, events: Sequence[Event], after_us: int, time_us: int | None = None) -> list[str]:
        """What is said of an opened store, at the time of the log or right after."""
        writer = uuid7()
        self.log.now = max(self.log.now, datetime.fromtimestamp((after_us + 1) / 1e6, UTC))
        for kind, data in events:
            self.log.say(kind.removeprefix("epochal."), writer, **data)
        self.log.flush()
        return [f"{writer}:{seq}" for seq in range(len(events))]

    def shown(self) -> list[pd.DataFrame]:
        """What reads show."""
        reads = (self.store.experiments, self.store.trials, self.store.components, self.store.metrics)
        return [*(read() for read in reads), *(self.store.report(name) for name in ("digits", "other"))]


def changes(frame: pd.DataFrame) -> list[tuple[str, str, str]]:
    """What an answer says became of what."""
    rows = frame[["kind", "name", "change"]].itertuples(index=False)
    return [(kind, name, change) for kind, name, change in rows]


def same(before: Sequence[pd.DataFrame], after: Sequence[pd.DataFrame]) -> None:
    """Reads show the same."""
    for one, other in zip(before, after, strict=True):
        pd.testing.assert_frame_equal(one, other)


CASCADE = [
    ("component", "training", "deleted"),
    ("component", "training", "deleted"),
    ("trial", "model=a", "deleted"),
    ("trial", "model=b", "deleted"),
    ("experiment", "digits", "deleted"),
    ("component", "common", "kept"),
    ("component", "evaluation", "kept"),
]


@pytest.mark.long
def test_a_cascade_takes_what_is_only_its_own(bare: Bare) -> None:
    """Trials and their components go; a component in another trial stays, and so does one that used an output."""
    story = Story(bare)
    before = story.store.report("digits")
    done = story.store.delete("digits", confirm="digits", cascade=True)
    assert changes(done) == CASCADE
    assert list(done["reason"][-2:]) == [
        "it is in trial 'of=a' of 'other', too",
        f"it used or continues 'training' ({story.of_a}), which is deleted",
    ]
    assert list(done["points"]) == [2, 2, 0, 0, 0, 0, 0]
    assert set(story.store.components()["name"]) == {"common", "evaluation"}
    assert list(story.store.experiments()["name"]) == ["other"]
    assert story.store.metrics().empty
    with pytest.raises(UnknownNameError):
        story.store.report("digits")
    then = done.attrs["epochal"]["watermark"]
    for given in ("digits", story.digits):
        pd.testing.assert_frame_equal(story.store.report(given, known_at=then), before)
    chosen = story.store.report("digits", metrics="loss", where="params.lr = 0.1", known_at=then)
    assert list(chosen["loss - Min"]) == [1.0, 1.0]
    assert len(story.store.metrics(component=story.of_a, metric="loss", known_at=then)) == 2


@pytest.mark.long
def test_a_handle_deletes_what_it_is(bare: Bare) -> None:
    """An experiment, a trial, a component: as the store does, with the same refusals."""
    story = Story(bare)
    run = story.store.component(story.of_a)
    with pytest.raises(DeletionError, match="confirm='training'"):
        run.delete()
    assert ("component", "training", "deleted") in changes(run.delete(confirm="training", cascade=True))
    trial = story.store.trial(story.b)
    assert changes(trial.delete(confirm=trial.name, cascade=True))[-1][2] in ("deleted", "kept")
    assert story.b not in {UUID(id_) for id_ in story.store.trials()["id"]}
    experiment = story.store.experiment("digits")
    with pytest.raises(DeletionError, match="others depend on it"):
        experiment.delete(confirm="digits")
    experiment.delete(confirm="digits", cascade=True)
    assert list(story.store.experiments()["name"]) == ["other"]


@pytest.mark.long
def test_what_is_restored_is_as_it_was(bare: Bare) -> None:
    """All that the same call deleted, and the memberships that it ended; by any name among it."""
    story = Story(bare)
    before = story.shown()
    story.store.delete("digits", confirm="digits", cascade=True)
    done = story.store.restore("training")
    assert changes(done) == [
        *((kind, name, "restored") for kind, name, _ in CASCADE[:5]),
        ("component", "common", "attached"),
        ("component", "common", "attached"),
    ]
    same(before, story.shown())
    assert story.store.deleted().empty


@pytest.mark.long
def test_a_name_is_free_for_use_again(bare: Bare) -> None:
    """What is made under it begins empty, with the same ids; restored, both are one."""
    story = Story(bare)
    story.store.delete("digits", confirm="digits", cascade=True)
    assert story.log.experiment("digits", hypothesis="new") == story.digits
    assert story.log.trial(story.digits, {"model": "a"}) == story.a
    story.log.run([story.a], "anew")
    story.log.flush()
    assert list(story.store.report("digits")["Name"]) == ["anew"]
    assert list(story.store.trials("digits")["components"]) == [1]
    assert list(story.store.components(component="common")["trials"][0]) == ["of=a"]
    story.store.restore("digits")
    assert list(story.store.report("digits")["Name"]) == ["training", "training", "common", "anew"]
    assert story.store.state("digits")["hypothesis"] == "new"


REFUSED = {
    "an experiment with trials": ("digits", "digits", r"trial 'model=a'\n  trial 'model=b'"),
    "a trial with components": ("model=b", "model=b", r"component 'training' .*\n  component 'common' "),
    "a component whose output is used": ("a's training", "training", "component 'evaluation' .* uses an output of it"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_others_depend_on_is_refused(bare: Bare, what: str) -> None:
    """The message lists them, and nothing was said."""
    story = Story(bare)
    given, name, message = REFUSED[what]
    before = story.store.watermark()
    with pytest.raises(DeletionError, match=message):
        story.store.delete(story.of_a if given == "a's training" else given, confirm=name)
    assert story.store.watermark() == before


@pytest.mark.parametrize("confirm", ["", "Digits", "digits "])
def test_only_its_exact_name_confirms(bare: Bare, confirm: str) -> None:
    """Nothing else, and the message says which."""
    story = Story(bare)
    with pytest.raises(DeletionError, match="confirm='digits'"):
        story.store.delete("digits", confirm=confirm, cascade=True)


@pytest.mark.long
def test_what_nothing_depends_on_needs_no_cascade(bare: Bare) -> None:
    """A component of a trial alone; then the trial, once it is empty, by a handle."""
    story = Story(bare)
    evaluation = story.store.component("evaluation")
    assert changes(story.store.delete(evaluation, confirm="evaluation")) == [("component", "evaluation", "deleted")]
    with pytest.raises(DeletionError, match="'common'"):
        story.store.delete(story.c, confirm="of=a")
    done = story.store.delete(story.store.trial(story.c), confirm="of=a", cascade=True)
    assert changes(done)[0] == ("trial", "of=a", "deleted")
    done = story.store.delete(story.store.experiment("other"), confirm="other")
    assert changes(done) == [("experiment", "other", "deleted")]


def test_a_component_alone_is_deleted_though_it_is_used_if_that_is_asked_for(bare: Bare) -> None:
    """Who used its output stays, and is named."""
    story = Story(bare)
    done = story.store.delete(story.of_a, confirm="training", cascade=True)
    assert changes(done) == [("component", "training", "deleted"), ("component", "evaluation", "kept")]
    assert [str(story.of_b)] == list(story.store.components(experiment="digits")["id"][:1])


def test_what_a_fork_continues_is_not_deleted_unless_that_is_asked_for(bare: Bare) -> None:
    """The fork stays, with the points that it continues."""
    story = Story(bare)
    fork = story.log.run([story.b], "fork", metrics={"loss": [(2, 0.5)]})
    (writer,) = story.store.sql("SELECT DISTINCT writer FROM metrics WHERE component = {id:UUID}", {"id": story.of_b})[
        "writer"
    ]
    past = [[story.of_b, writer, 0, 2, 1.0]]
    story.log.say("run.forked", uuid7(), component=fork, rank=0, attempt="one", of=story.of_b, step=1.0, past=past)
    story.log.flush()
    before = story.store.metrics(component=str(fork))
    assert before["value"].tolist() == [2.0, 1.0, 0.5]
    with pytest.raises(DeletionError, match=f"component 'fork' \\({fork}\\) uses an output of it, or continues it"):
        story.store.delete(story.of_b, confirm="training")
    done = story.store.delete(story.of_b, confirm="training", cascade=True)
    assert changes(done) == [("component", "training", "deleted"), ("component", "fork", "kept")]
    pd.testing.assert_frame_equal(story.store.metrics(component=str(fork)), before)


def test_what_runs_is_refused(bare: Bare) -> None:
    """Its writer would go on; once it has ended, or is lost, nothing stands against it."""
    story = Story(bare, datetime.now(UTC) - timedelta(seconds=20))
    running = story.log.run([story.b], "slow", status=None)
    story.log.flush()
    with pytest.raises(DeletionError, match=f"is running .*\n  component 'slow' \\({running}\\)"):
        story.store.delete("digits", confirm="digits", cascade=True)
    lost = Story(bare)
    lost.log.run([lost.b], "slow", status=None)
    lost.log.flush()
    assert ("component", "slow", "deleted") in changes(lost.store.delete("digits", confirm="digits", cascade=True))


def test_a_rank_that_never_began_keeps_nothing_from_being_deleted(bare: Bare) -> None:
    """Such a component never completes, but nobody writes to it."""
    story = Story(bare, datetime.now(UTC) - timedelta(seconds=20))
    story.log.run([], "half", world_size=2)
    story.log.flush()
    assert story.store.state("half")["status"] == "running"
    assert changes(story.store.delete("half", confirm="half")) == [("component", "half", "deleted")]


def test_it_comes_after_all_that_was_said_by_clocks_that_are_ahead(bare: Bare) -> None:
    """A job's clock was 30 s ahead of that of whoever deletes."""
    story = Story(bare)
    at = story.log.now
    story.log.tick(30)
    story.log.say("component.created", uuid7(), component=story.evaluation, key="k", name="evaluation", kind="training")
    story.log.flush()
    story.log.now = at
    story.store.delete("evaluation", confirm="evaluation")
    assert "evaluation" not in set(story.store.components()["name"])


def test_points_that_come_late_are_deleted_too(bare: Bare) -> None:
    """As far as their writer had said that it wrote them, though a new life of the component begins meanwhile."""
    story = Story(bare)
    writer, late = uuid4(), uuid4()
    where: dict[str, Any] = {"component": late, "rank": 0, "attempt": "one"}
    story.log.say("writer.opened", writer, **where, role="main", world_size=1, heartbeat_s=10, host="h", pid=1,
                  process=uuid4(), version="0")  # fmt: skip
    story.log.say("component.created", writer, component=late, key="late", name="late", kind="training")
    story.log.points(late, writer, {"loss": [(0, 1.0)]})
    story.log.say("writer.closed", writer, **where, lifecycle=3, metrics=2)
    story.log.flush()
    assert list(story.store.delete("late", confirm="late")["points"]) == [2]
    story.log.say("component.created", uuid7(), component=late, key="late", name="late", kind="training")
    story.log.points(late, writer, {"loss": [(1, 1.0), (2, 7.0)]})
    story.log.flush()
    assert list(story.store.metrics(component=late)["value"]) == [7.0]


def test_what_is_deleted_is_listed(bare: Bare) -> None:
    """Who it was, when, and how many points; until it is restored, and as it was at any instant."""
    story = Story(bare)
    at = story.log.now
    done = story.store.delete("evaluation", confirm="evaluation")
    (row,) = story.store.deleted().to_dict("records")
    assert (row["kind"], row["id"], row["name"]) == ("component", str(story.evaluation), "evaluation")
    assert (micros(row["deleted"].to_pydatetime()), row["event"]) == (micros(at), done["event"][0])
    assert story.store.deleted(as_of=at - timedelta(seconds=1)).empty
    story.store.restore(story.evaluation)
    assert story.store.deleted().empty


@pytest.mark.long
def test_each_call_is_restored_by_itself(bare: Bare) -> None:
    """Deleted twice, it takes two calls; and a name that two calls deleted doesn't say which."""
    story = Story(bare)
    story.store.delete(story.of_a, confirm="training", cascade=True)
    story.store.delete(story.of_b, confirm="training")
    with pytest.raises(AmbiguousNameError, match=f"2 deleted things.*\n.*{story.of_a}"):
        story.store.restore("training")
    story.store.restore(story.of_a)
    assert str(story.of_a) in set(story.store.components()["id"])
    assert list(story.store.deleted()["id"]) == [str(story.of_b)]


def test_restoring_what_isnt_deleted(bare: Bare) -> None:
    """Unknown, with what is near among what is deleted."""
    story = Story(bare)
    with pytest.raises(UnknownNameError, match="there is none at all"):
        story.store.restore("training")
    story.store.delete("evaluation", confirm="evaluation")
    with pytest.raises(UnknownNameError, match="near: 'evaluation'"):
        story.store.restore("evaluatoin")
    with pytest.raises(UnknownNameError, match=f"nothing has the id {story.of_a}"):
        story.store.restore(story.of_a)
    with pytest.raises(FilterError):
        story.store.restore(3.5)
