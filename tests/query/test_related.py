"""Lineage in the words of machine learning: what handles say of models, datasets, endpoints, trials."""

from __future__ import annotations

import re
from typing import Any
from uuid import UUID, uuid4

import pandas as pd
import pytest
from query.conftest import Bare

from epochal._ids import association_id, entity_id
from epochal_query.errors import FilterError, UnknownNameError
from epochal_query.store import Store

PROJECT = "related"
RAW, DATA, BASE, TUNED, OTHER = (f"sha256:{char * 64}" for char in "abcde")
ENDPOINT = str(entity_id(PROJECT, "context", "endpoint/prod"))


class Story:
    """Raw data are prepared, a model is trained on them, then tuned on other data, and served; it was evaluated, too.

    Beside the models trainings put out a curve and a picture, use a script, and have what was captured.
    """

    def __init__(self, bare: Bare) -> None:
        self.log, self.writer = bare.log(PROJECT), uuid4()
        digits, tuning = (self.log.experiment(name) for name in ("digits", "tuning"))
        self.trials = {
            "first": self.log.trial(digits, {"n": 1}),
            "again": self.log.trial(digits, {"n": 2}),
            "tuned": self.log.trial(tuning, {"n": 1}, name="tuned"),
        }
        self.prepare = self.log.run([], "prepare", kind="preprocessing")
        self.artifact(self.prepare, "in", "raw", digest=RAW, media_type="text/csv")
        self.artifact(self.prepare, "out", "data", digest=DATA, media_type="text/csv")
        self.train = self.log.run([self.trials["first"], self.trials["again"]], "train")
        self.artifact(self.train, "in", "train", digest=DATA, media_type="text/csv")
        self.artifact(self.train, "in", "script", uri="train.py", media_type="text/x-python")
        self.artifact(self.train, "in", "sys/code.diff", uri="code.diff", media_type="text/x-diff")
        self.artifact(self.train, "out", "model", digest=BASE, media_type="application/x-keras")
        self.artifact(self.train, "out", "curve", uri="roc", media_type="application/vnd.epochal.roc-curve+json")
        self.artifact(self.train, "out", "figure", uri="loss.png", media_type="image/png")
        self.tune = self.log.run([self.trials["tuned"]], "tune")
        self.artifact(self.tune, "in", "base", digest=BASE)
        self.artifact(self.tune, "in", "more", digest=OTHER, media_type="text/csv")
        self.artifact(self.tune, "out", "model", digest=TUNED, media_type="application/x-keras")
        self.evaluate = self.log.run([self.trials["tuned"]], "evaluate", kind="evaluation")
        self.artifact(self.evaluate, "in", "model", digest=TUNED)
        self.artifact(self.evaluate, "out", "scores", uri="scores.json", media_type="application/json")
        self.mention()
        self.before = self.log.now
        self.log.tick()
        self.serve()
        self.log.flush()

    def artifact(self, component: UUID, direction: str, name: str, **data: Any) -> None:
        """It went in or came out."""
        self.log.say("artifact.logged", self.writer, component=component, name=name, direction=direction, **data)

    def serve(self) -> None:
        """The tuned model is at an endpoint."""
        said: dict[str, Any] = {
            "kind": "context",
            "entity": ENDPOINT,
            "name": "endpoint/prod",
            "type": "endpoint",
            "properties": {},
        }
        self.log.say("entity.declared", self.writer, **said)
        ends = ("artifact", TUNED), ("context", ENDPOINT)
        self.log.say(
            "association.made",
            self.writer,
            association=association_id(PROJECT, "ContributedTo", *ends),
            relation="ContributedTo",
            source_kind="artifact",
            source=TUNED,
            target_kind="context",
            target=ENDPOINT,
        )

    def mention(self) -> None:
        """What an author wrote has something to do with the evaluation, which used nothing of it."""
        self.author = self.log.run([], "author", kind="documentation")
        self.artifact(self.author, "out", "card", uri="card.md", media_type="text/markdown")
        ends = ("artifact", "card.md"), ("component", str(self.evaluate))
        self.log.say(
            "association.made",
            self.writer,
            association=association_id(PROJECT, "AssociatedWith", *ends),
            relation="AssociatedWith",
            source_kind="artifact",
            source=ends[0][1],
            target_kind="component",
            target=ends[1][1],
        )


@pytest.fixture(scope="module")
def story(bare: Bare) -> Story:
    return Story(bare)


@pytest.fixture(scope="module")
def store(bare: Bare, story: Story) -> Store:
    return bare.open(PROJECT)


def ids(frame: pd.DataFrame) -> list[str]:
    assert frame.attrs["epochal"]["project"] == PROJECT
    assert list(frame.columns) == ["id", "kind", "type", "name", "detail", "created"]
    return list(frame["id"])


def test_from_a_dataset_to_its_models(story: Story, store: Store) -> None:
    """All along the chain, curves and pictures aside; and back."""
    data = store.artifact("raw")
    assert ids(data.models()) == [BASE, TUNED]
    assert ids(data.datasets()) == []
    assert ids(data.datasets("descendants")) == [DATA]
    assert ids(data.endpoints()) == [ENDPOINT]
    assert ids(data.consumers()) == [str(story.prepare)]
    assert ids(data.producers()) == []
    assert ids(data.components()) == [str(one) for one in (story.prepare, story.train, story.tune, story.evaluate)]


def test_from_a_model_to_its_datasets(story: Story, store: Store) -> None:
    """Of every step; the model that it was tuned from is none of them, nor are scripts and what was captured."""
    model = store.artifact(TUNED)
    assert set(ids(model.datasets())) == {RAW, DATA, OTHER}
    assert ids(model.datasets(name="train")) == [DATA], "a name that it has in one component"
    assert ids(model.datasets(name=re.compile("(more|raw)"), type="text/csv")) == [RAW, OTHER]
    assert ids(model.models("ascendants")) == [BASE]
    assert ids(model.models()) == []
    assert ids(model.producers()) == [str(story.tune)]
    assert ids(model.consumers()) == [str(story.evaluate)]
    assert ids(model.components("ascendants", kind="preprocessing")) == [str(story.prepare)]


def test_what_is_only_associated_neither_made_nor_used_it(story: Story, store: Store) -> None:
    """It is in the lineage, and no consumer."""
    card = store.artifact("card")
    assert ids(card.producers()) == [str(story.author)]
    assert ids(card.consumers()) == []
    assert ids(card.components("descendants")) == [str(story.evaluate)]


def test_trials_of_an_artifact_up_and_down(story: Story, store: Store) -> None:
    """Those that it came from, those that it went into, of any experiment."""
    model = store.artifact(BASE)
    first, again, tuned = (str(story.trials[name]) for name in ("first", "again", "tuned"))
    assert set(ids(model.trials("ascendants"))) == {first, again}
    assert ids(model.trials("descendants")) == [tuned]
    assert set(ids(model.trials())) == {first, again, tuned}
    assert ids(model.trials(name="tuned")) == [tuned]


@pytest.mark.long
def test_of_a_component_a_trial_and_an_experiment(story: Story, store: Store) -> None:
    """The same words where they stand."""
    train = store.component("train")
    assert set(ids(train.inputs())) == {DATA, "train.py"}
    assert set(ids(train.outputs())) == {BASE, "roc", "loss.png"}
    assert ids(train.outputs(type=re.compile("application/x-.*"))) == [BASE]
    assert set(ids(train.datasets())) == {RAW, DATA}
    assert ids(train.models()) == [BASE, TUNED]
    assert set(train.trials()["id"]) == {str(story.trials[name]) for name in ("first", "again")}
    tuned = store.trial("tuned")
    assert set(ids(tuned.datasets())) == {RAW, DATA, OTHER}
    assert ids(tuned.models()) == [TUNED]
    assert ids(store.experiment("digits").models()) == [BASE, TUNED]
    assert ids(store.experiment("tuning").endpoints()) == [ENDPOINT]


@pytest.mark.long
def test_of_an_endpoint(story: Story, store: Store) -> None:
    """Models, datasets, components and trials behind it, as far back as it goes."""
    endpoint = store.context("endpoint/prod")
    assert ids(endpoint.models()) == [BASE, TUNED]
    assert set(ids(endpoint.datasets())) == {RAW, DATA, OTHER}
    assert ids(endpoint.components()) == [str(one) for one in (story.prepare, story.train, story.tune)]
    assert len(endpoint.trials()) == 3
    assert set(ids(endpoint.artifacts())) == {RAW, DATA, OTHER, BASE, TUNED, "train.py"}
    assert endpoint.state()["type"] == "endpoint"
    with pytest.raises(UnknownNameError):
        store.context("endpoint/none")


def test_a_context_of_another_type_is_no_alias(store: Store) -> None:
    """What looks for an artifact by such a name is told so."""
    with pytest.raises(UnknownNameError, match="the context of this name is of type 'endpoint', and no alias"):
        store.artifact("endpoint/prod")


def test_at_any_time(story: Story, store: Store) -> None:
    """As every read: before it was served there is no endpoint."""
    assert ids(store.artifact("raw").endpoints(as_of=story.before)) == []
    assert ids(store.artifact("raw").endpoints(known_at=story.before)) == []


def test_a_name_that_can_be_none(store: Store) -> None:
    """A selection is a name, a pattern or a list of these."""
    with pytest.raises(FilterError, match="not a selection of names"):
        store.artifact(TUNED).datasets(name=3)  # type: ignore[arg-type]
