"""Lineage in a store: what joins what, what is asked for, and when it was so."""

from __future__ import annotations

import random
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pandas as pd
import pytest
from query.conftest import Bare

from epochal._ids import association_id, entity_id
from epochal_query.errors import AmbiguousNameError, FilterError, UnknownNameError
from epochal_query.lineage import Lineage
from epochal_query.lineage_index import mentioned, mentioned_once, read_edges
from epochal_query.lineage_spans import Said, spans
from epochal_query.store import Store

PROJECT = "lineage"
DATA, OLD, NEW, TUNED = (f"sha256:{char * 64}" for char in "1234")
PROD = str(entity_id(PROJECT, "context", "production"))
APPROVAL = str(entity_id(PROJECT, "action", "approve"))


class Story:
    """Two models of one dataset; the alias production stands for the old one, then for the new one, then for none. A
    third model is derived from the new one, and used by its place. An approval of the new one; a deleted dataset.
    """

    def __init__(self, bare: Bare) -> None:
        self.log = log = bare.log(PROJECT)
        self.writer = uuid4()
        experiment = log.experiment("digits")
        self.trials = [log.trial(experiment, {"n": n}) for n in (1, 2)]
        self.prepare = log.run([], "prepare", kind="preprocessing")
        self.artifact(self.prepare, "out", "data", digest=DATA, media_type="text/csv")
        self.old, self.new = (log.run([trial], "training") for trial in self.trials)
        log.say("params.logged", self.writer, component=self.new, cells=[[["lr"], 0.5], [["opt", "name"], "adam"]])
        for run, model in ((self.old, OLD), (self.new, NEW)):
            self.artifact(run, "in", "train", digest=DATA)
            self.artifact(run, "out", "model", digest=model)
        self.declare("context", PROD, "production", "alias", {"region": "eu", "replicas": 2})
        self.declare("action", APPROVAL, "approve", "approval", {"by": "ann"})
        self.points_to(OLD)
        self.first = log.now
        self.associate("AssociatedWith", ("artifact", NEW), ("action", APPROVAL))
        self.points_to(NEW)
        self.second = log.now
        self.associate("DerivedFrom", ("artifact", NEW), ("artifact", TUNED))
        self.associate("SameAs", ("artifact", TUNED), ("artifact", "s3://bucket/tuned"))
        self.serve = log.run([], "serve", kind="serving")
        self.artifact(self.serve, "in", "weights", uri="s3://bucket/tuned")
        self.third = log.now
        self.only = association_id(PROJECT, "AssociatedWith", None, ("context", PROD))
        log.say("association.removed", self.writer, association=self.only)
        log.say("entity.deleted", self.writer, kind="component", entity=self.prepare, abandoned=[])
        log.flush()

    def artifact(self, component: UUID, direction: str, name: str, **data: Any) -> None:
        """It went in or came out."""
        self.log.say("artifact.logged", self.writer, component=component, name=name, direction=direction, **data)

    def declare(self, kind: str, entity: str, name: str, type_: str, properties: dict[str, Any]) -> None:
        """An action or a context."""
        data: dict[str, Any] = {"kind": kind, "entity": entity, "name": name, "type": type_, "properties": properties}
        self.log.say("entity.declared", self.writer, **data)

    def associate(self, relation: str, source: tuple[str, str], target: tuple[str, str], only: bool = False) -> None:
        """As the SDK does."""
        self.log.say(
            "association.made",
            self.writer,
            association=association_id(PROJECT, relation, None if only else source, target),
            relation=relation,
            source_kind=source[0],
            source=source[1],
            target_kind=target[0],
            target=target[1],
        )

    def points_to(self, model: str) -> None:
        """The alias is of this model, and of no other."""
        self.associate("AssociatedWith", ("artifact", model), ("context", PROD), only=True)


@pytest.fixture(scope="module")
def story(bare: Bare) -> Story:
    return Story(bare)


@pytest.fixture(scope="module")
def store(bare: Bare, story: Story) -> Store:
    return bare.open(PROJECT)


def names(found: Lineage) -> set[str]:
    return set(found.nodes["name"])


@pytest.mark.long
def test_which_model_was_in_production(story: Story, store: Store) -> None:
    """At any time in the past: what the alias stood for, what made it, and the dataset that was deleted since."""
    before = store.lineage("production", as_of=story.first - timedelta(seconds=1.5))
    assert names(before) == {"production"}
    first = store.lineage("production", as_of=story.first, known_at=story.first)
    assert set(first.nodes["id"]) == {PROD, OLD, str(story.old), DATA, str(story.prepare)}
    assert "data" in names(first)
    second = store.lineage("production", as_of=story.second)
    assert NEW in set(second.nodes["id"])
    assert OLD not in set(second.nodes["id"])
    assert names(store.lineage("production")) == {"production"}
    assert "prepare" in names(second)
    now = store.lineage(NEW)
    assert "prepare" not in names(now)
    assert "train" in names(now), "called as who used it first calls it"


def test_what_was_in_production_at_any_time(story: Story, store: Store) -> None:
    """All of it in one call: from when until when; as known then it still went on."""
    second = timedelta(seconds=1)
    found = store.associations("production")
    assert list(found["source"]) == [OLD, NEW]
    assert list(found["since"]) == [story.first - second, story.second - second]
    assert list(found["until"]) == [story.second - second, story.third]
    then = store.associations("production", known_at=story.second)
    assert list(then["source"]) == [OLD, NEW]
    assert pd.isna(then["until"].iloc[-1])
    assert len(store.associations(OLD)) == 1


def test_spans_are_what_the_fold_shows_at_every_instant() -> None:
    """Statements logged late about earlier times, removed, made again."""
    dice = random.Random(4)
    for _ in range(200):
        count = dice.randrange(1, 7)
        said = [Said("x", dice.choice(["", "a", "b"]), dice.randrange(6), str(place)) for place in range(count)]
        found = list(spans(said))
        for instant in range(-1, 8):
            true = [one.ends for one in said if one.occurred_at <= instant]
            shown = [
                ends for ends, since, until, *_ in found if since <= instant and (until is None or instant < until)
            ]
            assert shown == ([true[-1]] if true and true[-1] else []), said
        for ends, since, until, event, ended_by in found:
            assert (said[int(event)].ends, said[int(event)].occurred_at) == (ends, since)
            assert until == (said[int(ended_by)].occurred_at if ended_by else None)


def test_what_made_what_was_deployed_and_what_became_of_it(story: Story, store: Store) -> None:
    """As known that day, its descendants of today."""
    found = store.provenance("production", as_of=story.second, known_at=story.second)
    assert {PROD, NEW, DATA, str(story.new), str(story.prepare)} == set(found.made_from.nodes["id"])
    assert found.recipes[str(story.new)].params == {"lr": 0.5, "opt": {"name": "adam"}}
    assert {TUNED, str(story.serve), APPROVAL} <= set(found.became.nodes["id"])
    assert found.became.starts == (NEW,)


def test_edges_hold_since_they_were_made(story: Story, store: Store) -> None:
    """Of what runs recorded, and of associations."""
    edges = store.lineage("production", as_of=story.second).edges
    assert list(edges["relation"]) == ["Produced", "ContributedTo", "Produced", "AssociatedWith"]
    assert edges["since"].is_monotonic_increasing
    assert edges["since"].iloc[-1] == story.second - timedelta(seconds=1)


def test_what_is_derived_and_what_is_the_same(story: Story, store: Store) -> None:
    """Models are followed through all of it, either way."""
    down = store.lineage(NEW, "descendants")
    assert set(down.nodes["id"]) == {NEW, APPROVAL, TUNED, "s3://bucket/tuned", str(story.serve)}
    up = store.lineage(story.serve)
    assert {NEW, TUNED, "s3://bucket/tuned", str(story.new), DATA} <= set(up.nodes["id"])
    assert "(SameAs)" in up.to_text()
    assert names(store.lineage(NEW, "descendants", relations="AssociatedWith")) == {"model", "approve"}


def test_several_starts(story: Story, store: Store) -> None:
    """Names, digests, ids in one list; each start has its tree."""
    found = store.lineage([OLD, "serve", story.trials[1]])
    assert found.starts == (OLD, str(story.serve), str(story.new))
    assert {OLD, NEW, TUNED, DATA} <= set(found.nodes["id"])
    assert [line for line in found.to_text().splitlines() if not line.startswith((" ", "│", "├", "└"))] == [
        line for line in found.to_text().splitlines() if line[0] in "ac"
    ]


@pytest.mark.parametrize(
    ("choice", "shown"),
    [
        ({"kinds": "component"}, {"training", "train"}),
        ({"kinds": ["action", "context"]}, {"approve", "model", "train", "training"}),
        ({"types": "serving"}, {"train", "training", "model", TUNED, "weights", "serve"}),
        ({"properties": {"by": "ann"}}, {"approve", "model", "train", "training"}),
        ({"properties": {"by": "bob"}}, {"train"}),
        ({"properties": {"lr": 0.5, "opt.name": "adam"}}, {"train", "training"}),
        ({"properties": {"lr": 0.5, "opt.name": "sgd"}}, {"train"}),
    ],
)
def test_only_what_is_wanted_and_the_ways_to_it(store: Store, choice: dict[str, Any], shown: set[str]) -> None:
    """By kind, type and properties; the start is always shown."""
    found = store.lineage(DATA, "descendants", **choice)
    expected = shown | ({"serve", "weights", TUNED, "model"} if choice == {"kinds": "component"} else set())
    assert names(found) == expected
    ids = set(found.nodes["id"])
    assert set(found.edges["source"]) | set(found.edges["target"]) <= ids or len(ids) == 1


def test_when_something_came_to_be(story: Story, store: Store) -> None:
    """Since and until, both included; the ways there are shown whenever they came to be."""
    late = store.lineage(DATA, "descendants", since=story.third - timedelta(seconds=1), kinds="component")
    assert names(late) == {"train"}
    early = store.lineage(DATA, "descendants", until=story.first, kinds="component")
    assert names(early) == {"train", "training", "model"} - {"model"}


@pytest.mark.long
def test_trials_and_experiments_where_asked_for(story: Story, store: Store) -> None:
    """Which trials of which experiment did a dataset go into?"""
    found = store.lineage(DATA, "descendants", kinds=["trial", "experiment"])
    assert names(found) == {"train", "training", "n=1", "n=2", "digits"}
    assert list(found.edges["relation"]).count("AssociatedWith") == 4
    assert names(store.lineage(DATA, "descendants", kinds="trial")) == {"train", "training", "n=1", "n=2"}
    assert not {"trial", "experiment"} & set(store.lineage(DATA, "descendants").nodes["kind"])


def test_an_association_shows_while_its_ends_exist(bare: Bare) -> None:
    """One to something that is declared later, or deleted, is not shown meanwhile; what was said of it stays."""
    log, writer = bare.log("ends"), uuid4()
    end = str(entity_id("ends", "context", "prod"))
    said: dict[str, Any] = {"relation": "AssociatedWith", "source_kind": "artifact", "source": OLD}
    log.say("association.made", writer, association=uuid4(), **said, target_kind="context", target=end)
    log.flush()
    store = bare.open("ends")
    with pytest.raises(UnknownNameError):
        store.lineage(OLD)
    log.say("entity.declared", writer, kind="context", entity=end, name="prod")
    log.flush()
    assert list(store.lineage(OLD, "descendants").nodes["kind"]) == ["artifact", "context"]
    log.say("entity.deleted", writer, kind="context", entity=end)
    log.flush()
    with pytest.raises(UnknownNameError):
        store.lineage(OLD)


def test_what_several_say_is_one_edge(bare: Bare) -> None:
    """Since the first of them said it: an association that only one may have, another, and a fork."""
    log, writer = bare.log("several"), uuid4()
    one, other = log.run([], "one"), log.run([], "other")
    ends: dict[str, Any] = {"source_kind": "component", "source": one, "target_kind": "component", "target": other}
    first = log.now
    for _ in range(2):
        log.tick(10)
        log.say("association.made", writer, association=uuid4(), relation="DerivedFrom", **ends)
    log.say("run.forked", writer, component=other, rank=0, attempt="", of=one, step=1.0, past=[])
    log.flush()
    store = bare.open("several")
    (edge,) = store.lineage(other).edges.to_dict("records")
    assert edge["relation"] == "DerivedFrom"
    (row,) = store.sql("SELECT source, target, occurred_at FROM edges WHERE project = 'several'").to_dict("records")
    assert (row["source"], row["target"]) == (str(one), str(other))
    assert (row["occurred_at"] - first).total_seconds() < 15


@pytest.mark.long
def test_a_deleted_start_is_seen_as_of_before_it_went(story: Story, store: Store) -> None:
    """By name and id; also the artifacts that only it knew of. Without a time the error says what became of it."""
    log, writer = story.log, uuid4()
    gone = log.run([story.trials[0]], "scratch")
    story.artifact(gone, "in", "loaded", digest=DATA)
    story.artifact(gone, "out", "leftover", uri="s3://bucket/leftover")
    there = log.now
    log.tick(60)
    log.say("entity.deleted", writer, kind="component", entity=gone, abandoned=[])
    log.flush()
    for start in ("scratch", gone, str(gone), "leftover", "s3://bucket/leftover"):
        then = store.lineage(start, "both", as_of=there)
        assert {"scratch", "leftover"} <= names(then)
        assert DATA in set(then.nodes["id"])
        with pytest.raises(UnknownNameError, match=r"component 'scratch' \(.*\) was deleted 20.*as_of=.*restore"):
            store.lineage(start)
    assert store.lineage("scratch", "both", as_of="2001-01-01").nodes.empty


def test_a_context_has_a_state(story: Story, store: Store) -> None:
    """And a history."""
    state = store.state("production", as_of=story.second)
    assert (state["type"], state["properties"]) == ("alias", {"region": "eu", "replicas": 2})
    assert [one["source"] for one in state["associations"]] == [NEW]
    assert list(store.history("production", "properties")["value"]) == [{"region": "eu", "replicas": 2}]


def test_what_was_said_twice_is_folded(bare: Bare) -> None:
    """Edges are what the view shows, also where an artifact was mentioned again with other content."""
    log, writer = bare.log("twice"), uuid4()
    run = log.run([], "training")
    for digest in (OLD, NEW):
        data: dict[str, Any] = {"component": run, "name": "model", "direction": "out", "digest": digest}
        log.say("artifact.logged", writer, **data)
    log.flush()
    found = read_edges(bare.open("twice").begin())
    assert len(found.graph.sources) == 1
    assert set(bare.open("twice").lineage("training", "descendants").nodes["id"]) == {NEW, str(run)}


def test_what_was_said_once_needs_no_fold(bare: Bare) -> None:
    """The quick read of edges is the view's, at any place in both times; with what was undone and never declared."""
    log, writer = bare.log("plain"), uuid4()
    runs, moments = [log.run([], "training") for _ in range(4)], [log.now]
    for number, run in enumerate(runs):
        for direction, name in (("in", "data"), ("out", "model"), ("out", "note")):
            data: dict[str, Any] = {"component": run, "name": name, "direction": direction}
            data |= {} if name == "note" else {"uri": f"s3://{name}/{number}"}
            data |= {"digest": f"sha256:{number}{direction}"} if number % 2 else {}
            log.say("artifact.logged", writer, time=log.now - timedelta(minutes=number), **data)
        moments.append(log.now)
    log.say("artifact.logged", writer, component=uuid4(), name="stray", direction="out", digest=OLD)
    seq = log.events_of(writer) - 2
    undone: dict[str, Any] = {"kind": "component", "entity": runs[-1], "event": f"{writer}:{seq}", "reason": ""}
    log.say("event.undone", writer, **undone)
    marks = log.flush()
    store, counts = bare.open("plain"), set[int]()
    middle = {one: offset - 6 for one, offset in marks.items()}
    places: list[dict[str, Any]] = [{"as_of": at} for at in moments] + [{"known_at": at} for at in moments]
    for place in [{}, *places, {"known_at": marks}, {"known_at": middle}, {"as_of": moments[2], "known_at": marks}]:
        reading = store.begin(**place)
        assert "undeleted" in reading.facts
        quick, folded = mentioned_once(reading), mentioned(reading)
        columns = sorted(folded.column_names)
        rows = [sorted(map(str, table.select(columns).to_pylist())) for table in (quick, folded)]
        assert rows[0] == rows[1], place
        counts.add(len(rows[0]))
    assert counts >= {0, 11, 12}, "before any, all but the undone, and all where the undoing isn't known"


@pytest.mark.parametrize(
    ("choice", "said"),
    [
        ({"kinds": "model"}, "kinds='model': one or several of component, artifact"),
        ({"kinds": []}, "kinds=[]"),
        ({"relations": "MadeBy"}, "ContributedTo, Produced, DerivedFrom, AssociatedWith, SameAs"),
        ({"types": 5}, "types=5: a word or a list of words"),
        ({"properties": "x"}, "properties='x': a mapping"),
    ],
)
def test_a_choice_that_cannot_be_understood(store: Store, choice: dict[str, Any], said: str) -> None:
    """The message has the value and what is accepted."""
    with pytest.raises(FilterError) as caught:
        store.lineage(DATA, **choice)
    assert said in str(caught.value)


def test_starts_that_cannot_be_understood(store: Store) -> None:
    """Unknown, ambiguous, none at all."""
    with pytest.raises(AmbiguousNameError, match="2 artifacts"):
        store.lineage("model")
    with pytest.raises(UnknownNameError, match="'production'"):
        store.lineage("prodution")
    with pytest.raises(FilterError, match="at least one"):
        store.lineage([])
