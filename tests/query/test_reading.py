"""State, lineage, certificates, SQL, and how names are looked up."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from query.conftest import Bare
from query.written import START

from epochal_query.connection import Opened
from epochal_query.errors import FilterError, QueryError, TimeError, UnknownNameError, WaitTimeoutError
from epochal_query.store import Store


class Story:
    """Raw data → prepare → data → training → model; a component that nobody uses; one that still runs."""

    def __init__(self, bare: Bare) -> None:
        log = bare.log("reading")
        writer = uuid4()
        self.experiment = log.experiment("digits", hypothesis="h")
        self.trial = log.trial(self.experiment, {"n": 1})
        self.early = log.trial(self.experiment, {}, name=None)

        def artifact(component: Any, direction: str, name: str, **data: Any) -> None:
            log.say("artifact.logged", writer, component=component, name=name, direction=direction, **data)

        self.prepare = log.run([self.trial], "prepare", kind="preprocessing")
        artifact(self.prepare, "in", "raw", uri="s3://bucket/raw")
        artifact(self.prepare, "out", "data", digest="sha256:" + "d" * 64, uri="file:///d")
        self.training = log.run([self.trial], "training", params={"lr": 0.1}, metrics={"loss": [(0, 2.0), (1, 1.0)]})
        artifact(self.training, "in", "train-set", digest="sha256:" + "d" * 64)
        artifact(self.training, "out", "model", digest="sha256:" + "e" * 64)
        self.at_first = log.now
        log.tick(60)
        log.say("params.logged", writer, component=self.training, cells=[[["optimizer", "lr"], 0.3], [["lr"], 0.2]])
        log.say("tags.set", writer, kind="component", entity=self.training, words=["baseline"], values={"team": "a"})
        log.say("note.written", writer, kind="component", entity=self.training, text="good")
        log.say("experiment.concluded", writer, experiment=self.experiment, verdict="accepted", note="yes")
        self.first = log.flush()
        self.lone = log.run([], "lone", status=None)
        self.last = log.flush()
        self.store = bare.open("reading")


@pytest.fixture(scope="module")
def story(bare: Bare) -> Story:
    """The story, told once."""
    return Story(bare)


@pytest.fixture(scope="module")
def store(story: Story) -> Store:
    """The store that holds it."""
    return story.store


def test_state_of_a_component(story: Story, store: Store) -> None:
    """Params nested, tags, notes, status, statistics, artifacts, trials: everything."""
    state = store.state("training")
    assert state["params"] == {"lr": 0.2, "optimizer": {"lr": 0.3}}
    assert state["tags"] == {"baseline": True, "team": "a"}
    assert (state["note"], state["status"], state["kind"], state["entity"]) == (
        "good",
        "completed",
        "training",
        "component",
    )
    assert state["metrics"]["loss"]["last"] == 1.0
    assert [one["name"] for one in state["artifacts"]] == ["train-set", "model"]
    assert [one["name"] for one in state["trials"]] == ["n=1"]


def test_state_as_of_and_known_at(story: Story, store: Store) -> None:
    """What was true then, what was known then; empty before it existed."""
    assert store.state("training", as_of=story.at_first)["params"] == {"lr": 0.1}
    assert store.state(story.training, known_at={"intake:test": 3}) == {}
    assert store.state("digits", as_of=START + timedelta(seconds=30))["verdict"] is None
    assert store.state("digits")["verdict"] == "accepted"
    assert store.state(story.lone, known_at=story.first) == {}
    assert store.state(story.lone)["name"] == "lone"


def test_state_of_trials_and_experiments(story: Story, store: Store) -> None:
    """With their members."""
    state = store.state(story.trial)
    assert (state["name"], state["variables"], state["experiment"]["name"]) == ("n=1", {"n": 1}, "digits")
    assert [one["name"] for one in state["components"]] == ["prepare", "training"]
    assert [one["name"] for one in store.state("digits")["trials"]] == ["n=1", "default"]


def test_lists(story: Story, store: Store) -> None:
    """Experiments, trials, components; unassigned ones."""
    assert list(store.experiments()["name"]) == ["digits"]
    trials = store.trials("digits")
    assert list(trials["name"]) == ["n=1", "default"]
    assert list(trials["status"]) == ["completed", ""]
    assert list(trials["components"]) == [2, 0]
    assert list(store.components(trial="n=1")["name"]) == ["prepare", "training"]
    assert list(store.components(unassigned=True)["name"]) == ["lone"]
    assert list(store.components(experiment="digits", component="training")["trials"]) == [["n=1"]]


@pytest.mark.long
def test_lineage(story: Story, store: Store) -> None:
    """Through digests and places, from a digest, a name, a component, a trial, an experiment."""
    text = store.lineage("model").to_text()
    assert [line.strip(" │├└─").split("  ")[0] for line in text.splitlines()] == [
        "artifact model",
        "component training",
        "artifact data",
        "component prepare",
        "artifact raw",
    ]
    for start in ("sha256:" + "e" * 64, "sha256:eeee", store.artifact("model")):
        assert set(store.lineage(start).nodes["name"]) == {"model", "training", "data", "prepare", "raw"}
    assert set(store.lineage(story.prepare, "descendants").nodes["name"]) == {"prepare", "data", "training", "model"}
    assert set(store.lineage("n=1", depth=1).nodes["name"]) == {"prepare", "training", "data", "raw"}
    assert len(store.lineage("digits", "both").edges) == 4
    with pytest.raises(UnknownNameError, match="'model'"):
        store.lineage("modle")
    with pytest.raises(FilterError, match="direction"):
        store.lineage("model", direction="up")  # type: ignore[arg-type]
    with pytest.raises(FilterError, match="depth"):
        store.lineage("model", depth=-1)


def test_certificates(story: Story, store: Store) -> None:
    """Closed with exact counts, open for what still runs."""
    certificate = store.certificate("training")
    assert certificate["state"] == "closed"
    assert {(one["channel"], one["received"], one["expected"]) for one in certificate["writers"]} == {
        ("lifecycle", 7, 7),
        ("metrics", 2, 2),
    }
    assert store.certificate("lone")["state"] == "open"
    assert certificate.to_text().startswith("closed: component training")
    assert store.certificate("training", known_at={"intake:test": 13})["state"] in ("gaps", "open")


def test_handles(story: Story, store: Store) -> None:
    """Small helpers that call the store's own reads."""
    component = store.component("training")
    assert component.output("model").digest == "sha256:" + "e" * 64
    assert component.input("train-set").digest == "sha256:" + "d" * 64
    assert len(component.metrics()) == 2
    with pytest.raises(UnknownNameError, match="'model'"):
        component.output("modle")
    assert store.trial({"n": 1}).id == story.trial
    assert store.trial(str(story.trial)).name == "n=1"
    assert len(store.experiment("digits").trials()) == 2


def test_a_with_statement_lets_a_store_go(bare: Bare, monkeypatch: pytest.MonkeyPatch) -> None:
    """At its end, also when that is an error."""
    connection, closed = bare.client("reader"), list[str]()
    monkeypatch.setattr(connection, "close", lambda: closed.append("closed"))
    with Store(Opened(connection, lambda: None), "nobody") as store:
        assert store.experiments().empty
        assert not closed
    with pytest.raises(UnknownNameError), Store(Opened(connection, lambda: None), "nobody") as store:
        store.component("nothing")
    assert len(closed) == 2


@pytest.mark.parametrize(
    ("given", "problem"),
    [("trainin", "near: 'training'"), (str(UUID(int=1)), "has the id"), (re.compile("x.*"), "as a whole")],
)
def test_unknown_things(store: Store, given: Any, problem: str) -> None:
    """An error that says what there is."""
    with pytest.raises(UnknownNameError, match=re.escape(problem)):
        store.component(given)


@pytest.mark.parametrize("given", [3, 2.5, object(), None])
def test_what_names_nothing(store: Store, given: Any) -> None:
    """An error that says what does."""
    with pytest.raises(FilterError, match="give a name"):
        store.component(given)


@pytest.mark.parametrize("time", ["soon", 3, "2024-99-99", "{broken"])
def test_bad_times(store: Store, time: Any) -> None:
    """An error with what is accepted."""
    for at in ({"as_of": time}, {"known_at": time}):
        with pytest.raises(TimeError):
            store.experiments(**at)


def test_sql(story: Story, store: Store) -> None:
    """Over the views, with bound parameters, in both times; times have their zone."""
    frame = store.sql(
        "SELECT name, created_at FROM components WHERE project = {project:String} ORDER BY created_at",
        {"project": "reading"},
    )
    assert list(frame["name"]) == ["prepare", "training", "lone"]
    assert frame["created_at"].dt.tz is not None
    assert frame.attrs["epochal"]["watermark"] == store.last_watermark
    view = "components_at(as_of={as_of:String}, known_at={known_at:String})"
    query = f"SELECT count() AS n FROM {view} WHERE project = 'reading'"
    assert store.sql(query, known_at=story.first)["n"][0] == 2
    assert list(store.sql("SELECT {text:String} AS t", {"text": "it's; DROP TABLE facts --"})["t"]) == [
        "it's; DROP TABLE facts --"
    ]


@pytest.mark.parametrize(
    "query",
    [
        "DROP TABLE facts",
        "INSERT INTO facts SELECT * FROM facts",
        "ALTER TABLE facts DELETE WHERE 1",
        "CREATE TABLE x (a Int8) ENGINE = Memory",
        "TRUNCATE TABLE metrics",
        "SELECT * FROM file('/etc/passwd')",
        "SET readonly = 0",
    ],
)
def test_sql_changes_nothing(store: Store, query: str) -> None:
    """A refusal in one clear message, and everything is as it was."""
    with pytest.raises(QueryError) as error:
        store.sql(query)
    assert "\n" not in str(error.value) or len(str(error.value)) < 500
    assert len(store.experiments()) == 1


@pytest.mark.parametrize(
    ("query", "problem"),
    [
        ("SELECT nothing FROM components", "nothing"),
        ("SELEC 1", "SELEC"),
        ("SELECT * FROM nowhere", "nowhere"),
        ("SELECT {x:Int32}", "x"),
        ("", "SQL text"),
        (3, "SQL text"),
    ],
)
def test_errors_of_sql_are_the_engine_s_words(store: Store, query: Any, problem: str) -> None:
    """Without versions, stacks or codes of the engine's developers."""
    with pytest.raises(QueryError, match=problem) as error:
        store.sql(query)
    for internal in ("DB::Exception", "Stack trace", "(version", "Code:"):
        assert internal not in str(error.value)


def test_waiting(story: Story, store: Store) -> None:
    """For a watermark, for the end of a component; a limit is an error that says for what."""
    store.wait(story.last, timeout=5)
    store.wait("training", timeout=5)
    with pytest.raises(WaitTimeoutError, match="watermark"):
        store.wait({"intake:test": 10**9}, timeout=0.1)
