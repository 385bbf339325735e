"""Search over experiments, trials, components and runs, from a real store."""

from __future__ import annotations

import enum
import re
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import numpy as np
import pandas as pd
import pytest
from query.conftest import Bare

from epochal_query import filters
from epochal_query.errors import FilterError, TimeError, UnknownNameError
from epochal_query.filter_tree import Compare, Field, OneOf
from epochal_query.filter_values import cell_flags
from epochal_query.filters import attribute, metric, param, tag, variable
from epochal_query.store import Store

BUCKET = "s3://bucket/cifar10/train"


class Story:
    """Two experiments: three trials of one, one of the other, which has a component of the first, too."""

    def __init__(self, bare: Bare) -> None:
        self.log = log = bare.log("search")
        cifar = log.experiment("cifar", hypothesis="custom beats resnet", objective="accuracy")
        mnist = log.experiment("mnist")
        self.tag("experiment", cifar, team="vision", year=2024)
        self.tag("experiment", mnist, team="text")
        sets = [{"model": "custom", "epochs": 30}, {"model": "custom", "epochs": 60}, {"model": "resnet", "epochs": 30}]
        self.trials = [log.trial(cifar, one) for one in sets]
        self.other = log.trial(mnist, {"opt": {"lr": 0.5}, "deep": True}, name="the other")
        self.tag("trial", self.trials[0], team="vision")
        self.a = self.run([self.trials[0]], 0, lr=0.1, layers=[1, 2], flag=True)
        self.b = self.run([self.trials[1], self.other], 1, lr=0.2, optimizer="adam")
        self.c = self.run([self.trials[2]], 2, lr="auto", status="failed")
        self.shared = log.run(self.trials, "metadata", kind="metadata", status="never")
        self.alone = log.run([], "alone", status=None)
        self.tag("component", self.a, team="vision", baseline=True)
        self.tag("component", self.b, team="text", score=3)
        log.say("note.written", uuid4(), kind="component", entity=self.a, text="the first of all")
        # one input is named train and another lies in the bucket, but no single one does both
        self.artifact(self.a, "in", "train", uri="file:///tmp/train", media_type="text/csv", size=10)
        self.artifact(self.a, "in", "test", uri=f"{BUCKET}/1", media_type="s3/uri")
        self.artifact(self.b, "in", "train", uri=f"{BUCKET}/2", media_type="s3/uri", size=2000)
        self.artifact(self.b, "out", "model", digest="sha256:m", size=5)
        self.artifact(self.c, "out", "train", uri=f"{BUCKET}/3")
        log.flush()
        self.store = bare.open("search")

    def run(self, trials: list[UUID], n: int, status: str = "completed", **params: Any) -> UUID:
        """A training that has a metric."""
        points: dict[str, Any] = {"loss": [(0, 9.0)]}
        if n < 2:
            points = {"loss": [(0, 1.0 + n), (1, 0.5 * n)], "val/acc": [(0, 0.1 * n)]}
        return self.log.run(trials, "training", params=params, metrics=points, status=status)

    def tag(self, kind: str, entity: UUID, **values: Any) -> None:
        """Tags with values."""
        self.log.say("tags.set", uuid4(), kind=kind, entity=entity, values=values)

    def artifact(self, component: UUID, direction: str, name: str, **data: Any) -> None:
        """An artifact."""
        self.log.say("artifact.logged", uuid4(), component=component, name=name, direction=direction, **data)

    def named(self, kind: Any, where: Any = None, **choice: Any) -> str:
        """What is found, by short names."""
        frame = self.store.search(kind, where=where, **choice)
        short = {str(getattr(self, name)): name for name in ("a", "b", "c", "shared", "alone", "other")}
        short |= {str(id_): f"t{n}" for n, id_ in enumerate(self.trials)}
        return " ".join(short.get(id_) or name for id_, name in zip(frame["id"], frame["name"], strict=True))


@pytest.fixture(scope="module")
def story(bare: Bare) -> Story:
    """The story, told once."""
    return Story(bare)


ALL = "a b c shared alone"


@pytest.mark.long
@pytest.mark.parametrize(
    ("kind", "where", "found"),
    [
        # --- every operator, on what components have
        ("component", None, ALL),
        ("run", None, "a b c alone"),
        ("component", "params.lr = 0.1", "a"),
        ("component", "params.lr != 0.1", "b"),
        ("component", "params.lr > 0.1", "b"),
        ("component", "params.lr >= 0.1", "a b"),
        ("component", "params.lr < 0.2", "a"),
        ("component", "params.lr in (0.2, 'auto')", "b c"),
        ("component", "params.lr not in (0.2, 'auto')", "a shared alone"),
        ("component", "params.lr contains 'ut'", "c"),
        ("component", "not params.lr contains 'ut'", "a b shared alone"),
        ("component", "params.lr not contains 'ut'", "a b shared alone"),
        ("component", "params.lr contains '%'", ""),
        ("component", "params.lr like 'a%'", "c"),
        ("component", "params.lr matches 'a.*o'", "c"),
        ("component", "params.lr exists", "a b c"),
        ("component", "params.optimizer not exists", "a c shared alone"),
        ("component", "params.flag = true", "a"),
        ("component", "params.layers exists", "a"),
        ("component", "metrics.loss.last = 0.5", "b"),
        ("component", "metrics.loss.last in (0, 9)", "a c"),
        ("component", "metrics.loss.min exists", "a b c"),
        ("component", "metrics.val/acc.max not exists", "c shared alone"),
        ("component", "tags.team contains 'tex'", "b"),
        ("component", "tags.team exists", "a b"),
        ("component", "tags.baseline = true", "a"),
        ("component", "tags.score > 2", "b"),
        ("component", "kind = 'metadata'", "shared"),
        ("component", "kind contains 'ain'", "a b c alone"),
        ("component", "status = 'failed'", "c"),
        ("component", "status in ('failed', 'completed')", "a b c"),
        ("component", "status exists", "a b c alone"),
        ("component", "note contains 'first'", "a"),
        ("component", "note exists", "a"),
        ("component", "duration > 0", "a b c"),
        ("component", "duration not exists", "shared alone"),
        ("component", "end exists", "a b c"),
        ("component", "created > '2024-05-01' and created < '2024-05-02'", ALL),
        ("component", "start > '2024-05-02'", ""),
        # --- parents
        ("component", "experiment = 'cifar'", "a b c shared"),
        ("component", "experiment = 'mnist'", "b"),
        ("component", "experiment != 'cifar'", "b"),
        ("component", "not experiment = 'cifar'", "alone"),
        ("component", "experiment not exists", "alone"),
        ("component", "experiment exists", "a b c shared"),
        ("component", "trial = 'the other'", "b"),
        ("component", "trial contains 'model=custom'", "a b shared"),
        ("component", "trial(variables.epochs = 30 and variables.model = 'custom')", "a shared"),
        ("component", "trial(variables.epochs = 60 and variables.model = 'resnet')", ""),
        ("component", "trial(variables.epochs = 60) and trial(variables.model = 'resnet')", "shared"),
        ("component", "experiment(tags.team = 'vision' and hypothesis contains 'resnet')", "a b c shared"),
        ("component", "experiment(tags.team = 'text' and hypothesis contains 'resnet')", ""),
        # --- one single artifact
        ("component", f"input(name = 'train' and uri like '{BUCKET}/%')", "b"),
        ("component", f"input(name = 'train') and input(uri like '{BUCKET}/%')", "a b"),
        ("component", f"output(name = 'train' and uri contains '{BUCKET}')", "c"),
        ("component", f"artifact(name = 'train' and uri contains '{BUCKET}')", "b c"),
        ("component", "artifact(name = 'train' and direction = 'out')", "c"),
        ("component", "not artifact(name exists)", "shared alone"),
        ("component", "input(not (uri like 's3:%' or size > 100))", "a"),
        ("component", "input(size not exists)", "a"),
        ("component", "input(size > 100)", "b"),
        ("component", "output(digest = 'sha256:m' and media_type not exists)", "b"),
        ("component", "input(media_type matches '[st].*/(uri|csv)')", "a b"),
        ("component", "input(name in ('train', 'test')) and (params.lr = 0.1 or params.lr = 0.2)", "a b"),
        ("run", "input(name = 'train') and not tags.team = 'text'", "a"),
        # --- trials
        ("trial", None, "t0 t1 t2 other"),
        ("trial", "experiment = 'cifar'", "t0 t1 t2"),
        ("trial", "variables.model = 'custom' and variables.epochs >= 30", "t0 t1"),
        ("trial", "variables.model contains 'res'", "t2"),
        ("trial", "variables.model not exists", "other"),
        ("trial", "variables.opt.lr = 0.5 and variables.deep = true", "other"),
        ("trial", "tags.team = 'vision'", "t0"),
        ("trial", "tags.team not exists", "t1 t2 other"),
        ("trial", "status = 'failed'", "t2"),
        ("trial", "components > 1", "t0 t1 t2"),
        ("trial", "name = 'the other'", "other"),
        ("trial", "name matches 'epochs=30, .*'", "t0 t2"),
        ("trial", "created >= '2024-05-01'", "t0 t1 t2 other"),
        ("trial", "component(metrics.loss.last < 1)", "t0 t1 other"),
        ("trial", "run(kind = 'metadata')", ""),
        ("trial", "component(kind = 'metadata')", "t0 t1 t2"),
        ("trial", "component(input(size > 100) and tags.score = 3)", "t1 other"),
        ("trial", "experiment(verdict not exists and tags.year = 2024)", "t0 t1 t2"),
        # --- experiments
        ("experiment", None, "cifar mnist"),
        ("experiment", "tags.team = 'vision'", "cifar"),
        ("experiment", "tags.year > 2000", "cifar"),
        ("experiment", "objective = 'accuracy' or trials = 1", "cifar mnist"),
        ("experiment", "hypothesis contains 'beats'", "cifar"),
        ("experiment", "verdict exists", ""),
        ("experiment", "trial(variables.deep = true)", "mnist"),
        ("experiment", "component(params.lr = 'auto')", "cifar"),
        ("experiment", "run(experiment = 'mnist' and params.lr = 0.2)", "cifar mnist"),
    ],
)
def test_what_is_found(story: Story, kind: Any, where: str | None, found: str) -> None:
    """Each operator on each type, alone and in trees, and one single object for what is nested."""
    assert story.named(kind, where) == found


@pytest.mark.long
@pytest.mark.parametrize(
    ("built", "text"),
    [
        (filters.input((attribute("name") == "train") & attribute("uri").like(f"{BUCKET}/%")), "b"),
        (filters.output(attribute("digest").is_not_null() | (attribute("size") > 3)), "b"),
        (filters.artifact("name = 'train'") & ~(param("lr") == 0.1), "b c"),
        (filters.trial((variable("model") == "custom") & (variable("epochs") == 60)), "b shared"),
        (filters.experiment(tag("team") == "text"), "b"),
        (param("lr").contains("aut") | (metric("loss").last < 0.1), "a c"),
        (attribute("trial").contains("resnet"), "c shared"),
        (attribute("experiment").is_null(), "alone"),
    ],
)
def test_filters_built_in_python(story: Story, built: Any, text: str) -> None:
    """They mean what their text means."""
    assert story.named("component", built) == text
    assert story.named("component", str(built)) == text
    assert (
        story.store.report(where=built)["ComponentId"].to_list()
        == story.store.search("component", where=built)["id"].to_list()
    )


def test_trials_by_filters_built_in_python(story: Story) -> None:
    """Also of what components satisfy."""
    assert story.named("trial", filters.component(metric("loss").last < 1) & (variable("epochs") == 60)) == "t1"
    assert story.named("experiment", filters.run(attribute("status") == "failed")) == "cifar"


MANY = range(-100_000, -1)


@pytest.mark.long
@pytest.mark.parametrize(
    ("kind", "where", "found"),
    [
        ("component", param("lr").isin([*MANY, 0.2, True, "auto"]), "b c"),
        ("component", param("lr").isin([*map(str, MANY), 0.1]), "a"),
        ("component", param("flag").isin([*MANY, True]), "a"),
        ("component", metric("val/acc").last.isin([*MANY, -0.0]), "a"),
        (
            "component",
            attribute("duration").isin([*MANY, 2.0, 3.0, 4.0, 5.0]) & attribute("end").is_not_null(),
            "a b c",
        ),
        ("component", attribute("name").isin([*map(str, MANY), "alone"]), "alone"),
        ("component", attribute("start").isin([f"20{n:02}-01-01" for n in range(100)] * 100), ""),
        ("component", filters.input(attribute("size").isin([*MANY, 10])), "a"),
        ("trial", variable("epochs").isin([*MANY, 60]), "t1"),
    ],
)
def test_many_values(story: Story, kind: Any, where: Any, found: str) -> None:
    """A list that is long is one value of each type to the engine."""
    assert story.named(kind, where) == found


def test_starts_among_several(story: Story) -> None:
    """Times in a list are those to the microsecond, absent ones none of them."""
    started = story.store.components()["start"].dropna().to_list()
    assert story.named("component", attribute("start").isin([started[0], started[2]])) == "a c"


def test_no_values() -> None:
    """Nothing could match, so that it is an error as in text."""
    with pytest.raises(FilterError, match="was given no values"):
        param("lr").isin([])
    with pytest.raises(FilterError, match="expected a number"):
        filters.as_condition("params.lr in ()")


class Size(enum.IntEnum):
    """An enumeration of numbers."""

    A = 1


class Color(str, enum.Enum):  # noqa: UP042
    """An enumeration of texts that is written otherwise than its values."""

    RED = "red"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (np.float64(0.1), "0.1"),
        (np.float32(0.5), "0.5"),
        (np.int64(3), "3"),
        (np.bool_(True), "true"),
        (np.str_("a"), "'a'"),
        (Size.A, "1"),
        (Color.RED, "'red'"),
    ],
)
def test_values_that_are_not_plain(value: object, text: str) -> None:
    """They are written as the plain values that they are."""
    for built in (param("x") == value, param("x").isin([value])):
        assert filters.as_condition(str(built)) == built
        assert text in str(built)


@pytest.mark.long
def test_backslashes_in_patterns(bare: Bare) -> None:
    """They mean the same where the engine matches and where rows are looked at here."""
    log = bare.log("like")
    experiment = log.experiment("like")
    said = ["a\\b", "ab", "a%b", "a\\\\b", "a\\%b", "\nb"]
    for text in said:
        log.run([log.trial(experiment, {"text": text})], params={"text": text})
    log.flush()
    store = bare.open("like")
    for pattern, matched in (
        (r"a\b", ["a\\b"]),
        (r"a\\b", ["a\\b"]),
        (r"a\%b", ["a%b"]),
        (r"a\\%b", ["a\\b", "a\\\\b", "a\\%b"]),
        (r"a\\\%b", ["a\\%b"]),
        (r"%\b", ["a\\b", "a\\\\b"]),
        ("_b", ["ab", "\nb"]),
    ):
        by_engine = store.search("component", where=param("text").like(pattern))["trials"].to_list()
        here = store.search("trial", where=variable("text").like(pattern))
        assert [one["text"] for one in here["variables"]] == matched, pattern
        assert by_engine == [[name] for name in here["name"]], pattern
    for kind, where in (("component", param("text")), ("component", attribute("name")), ("trial", variable("text"))):
        with pytest.raises(FilterError, match="ends in a backslash"):
            store.search(kind, where=where.like("a\\"))  # type: ignore[call-overload]


def test_values_that_nothing_has(story: Story) -> None:
    """Numbers that no float holds, and halves of characters; whole numbers are compared as they are."""
    with pytest.raises(FilterError, match="no number is as large"):
        _ = param("lr") < 10**400
    for kind in ("component", "trial", "experiment"):
        for where in (attribute("name").contains("\ud800"), "name contains '\ud800'", "name = '\ud800'"):
            with pytest.raises(FilterError, match="half of a character"):
                story.store.search(kind, where=where)
    big = Field("variables", "n")
    assert cell_flags(Compare(big, "=", 2**53), [2**53, 2**53 + 1, float(2**53)]).tolist() == [True, False, True]
    assert cell_flags(OneOf(big, (2**53, "a")), [2**53 + 1, "a", None, [1]]).tolist() == [False, True, False, False]


@pytest.mark.parametrize(
    ("kind", "order_by", "found"),
    [
        ("component", "metrics.loss.last desc", "c b a shared alone"),
        ("component", "metrics.val/acc.mean", "a b c shared alone"),
        ("component", "metrics.loss.std desc", "b a c shared alone"),
        ("component", "params.lr desc", "b a c shared alone"),
        ("component", "kind, created desc", "shared alone c b a"),
        ("component", "duration desc, name", "a b c alone shared"),
        ("trial", "variables.epochs desc, variables.model desc", "t1 t2 t0 other"),
        ("trial", "name", "t0 t2 t1 other"),
        ("trial", "created desc", "other t2 t1 t0"),
        ("trial", "tags.team, components", "t0 other t1 t2"),
        ("experiment", "name desc", "mnist cifar"),
        ("experiment", "tags.year, trials", "cifar mnist"),
    ],
)
def test_orders(story: Story, kind: Any, order_by: str, found: str) -> None:
    """By anything that can be compared; what lacks it comes last, equal ones in order of creation."""
    assert story.named(kind, order_by=order_by) == found


@pytest.mark.parametrize(
    ("kind", "where", "problem"),
    [
        ("runs", None, "near: run"),
        (3, None, "can't be searched for"),
        ("component", "duration contains '3'", "is a number, and contains"),
        ("component", "metrics.loss.last contains '3'", "is a number, and contains"),
        ("component", "params.lr contains 3", "contains takes a text in quotes"),
        ("component", "params.flag contains 'x'", "there it is bool"),
        ("component", "params.flag > true", "no order"),
        ("component", "start contains '2024'", "is a time"),
        ("component", "start > 'soon'", "not a time"),
        ("component", "kind > 3", "is text"),
        ("component", "tags.score = 'x'", "there it is number"),
        ("component", "input(size = 'big')", "is a number"),
        ("component", "input(size contains '1')", "is a number, and contains"),
        ("component", "input(name = 3)", "is text"),
        ("component", "input(params.lr = 3)", "an input has no params"),
        ("component", "input(nam = 'x')", "near: name"),
        ("component", "input(input(name = 'x'))", "nothing nests in it"),
        ("component", "component(name = 'x')", "there are input(...), output(...)"),
        ("component", "input(name = 'x'", "to close input("),
        ("component", "input(name matches '(')", "pattern"),
        ("component", "variables.model = 'x'", "a component has no variables"),
        ("component", "trial(variables.model > 3)", "there it is text"),
        ("component", "hypothesis = 'x'", "there is no field 'hypothesis' of a component"),
        ("trial", "params.lr = 3", "a trial has no params"),
        ("trial", "variables.epochs = '30'", "there it is number"),
        ("trial", "variables.deep > true", "no order"),
        ("trial", "tags.team > 3", "there it is text"),
        ("trial", "components contains '3'", "is a number, and contains"),
        ("trial", "created like '2024%'", "is a time"),
        ("trial", "status = 'complete'", "near: completed"),
        ("trial", "name matches '('", "pattern"),
        ("trial", "input(name = 'x')", "there are experiment(...), component(...), run(...)"),
        ("experiment", "trials = 'x'", "is a number"),
        ("experiment", "hypothesis = 3", "is text"),
        ("experiment", "tags.year contains '2'", "there it is number"),
        ("experiment", "status = 'failed'", "there is no field 'status' of an experiment"),
        ("trial", "params.lr", "a trial has no params"),
        ("component", param("lr"), "compares nothing"),
        ("trial", param("lr") == 3, "there is no field params.lr of trials"),
        ("component", attribute("uri") == "x", "there is no field uri of components"),
        ("component", filters.component("name = 'x'"), "there is no component(...) of components"),
    ],
)
def test_what_makes_no_sense(story: Story, kind: Any, where: Any, problem: str) -> None:
    """An error that says what it is, and what can be written instead; never an empty answer."""
    with pytest.raises((FilterError, TimeError), match=re.escape(problem)):
        story.store.search(kind, where=where)


def test_what_nests_nowhere() -> None:
    """An artifact has no trial; a filter that compares nothing can't be nested."""
    with pytest.raises(FilterError, match=re.escape("there is no trial(...) of inputs")):
        filters.input(filters.trial("name = 'x'"))
    with pytest.raises(FilterError, match="compares nothing"):
        filters.input(None)  # type: ignore[arg-type]
    deep: Any = param("lr") == 3
    for _ in range(300):
        deep = ~deep
    with pytest.raises(FilterError, match="nested more than"):
        filters.as_condition(deep)


@pytest.mark.parametrize(
    ("kind", "where", "problem"),
    [
        ("component", "params.lrr = 3", "near: 'lr'"),
        ("component", "tags.teem exists", "near: 'team'"),
        ("component", "trial(variables.modell = 'x')", "near: 'model'"),
        ("trial", "variables.epoch = 3", "near: 'epochs'"),
        ("trial", "tags.teams exists", "near: 'team'"),
        ("experiment", "tags.yeer > 3", "near: 'year'"),
        ("experiment", "component(metrics.los.last > 3)", "near: 'loss'"),
    ],
)
def test_names_that_nobody_ever_logged(story: Story, kind: Any, where: str, problem: str) -> None:
    """An error with what is near."""
    with pytest.raises(UnknownNameError, match=re.escape(problem)):
        story.store.search(kind, where=where)


def test_what_can_not_be_an_order(story: Story) -> None:
    """A component may be in several trials; a trial has no metric."""
    with pytest.raises(FilterError, match="in several"):
        story.store.search("component", order_by="experiment")
    with pytest.raises(FilterError, match="a trial has no metrics"):
        story.store.search("trial", order_by="metrics.loss.last")
    with pytest.raises(UnknownNameError, match="no variable is named 'modl'"):
        story.store.search("trial", order_by="variables.modl")
    with pytest.raises(FilterError, match="order_by="):
        story.store.search("trial", order_by=3)  # type: ignore[call-overload]


def test_the_lines(story: Story) -> None:
    """Those of the lists, and tags; what is found carries its watermark."""
    store = story.store
    for kind, listed in (
        ("component", store.components()),
        ("trial", store.trials()),
        ("experiment", store.experiments()),
    ):
        frame = store.search(kind)  # type: ignore[call-overload]
        assert list(frame.columns) == [*listed.columns, "tags"]
        told = frame.attrs["epochal"]
        frame.attrs, listed.attrs = {}, {}
        pd.testing.assert_frame_equal(frame.drop(columns="tags"), listed)
        assert told["watermark"] == store.last_watermark
    assert store.search("component", where="tags.baseline exists")["tags"][0] == {"team": "vision", "baseline": True}
    assert store.search("experiment")["tags"].to_list() == [{"team": "vision", "year": 2024}, {"team": "text"}]
    empty = store.search("trial", where="variables.epochs > 100")
    assert (len(empty), list(empty.columns)) == (0, [*store.trials().columns, "tags"])


@pytest.mark.long
def test_the_past(story: Story) -> None:
    """As of an instant before anything nothing is found, and names are known."""
    for kind, where in (
        ("component", "params.lr = 0.1 and input(name = 'train') and experiment = 'cifar'"),
        ("trial", "variables.model = 'custom' and tags.team = 'vision'"),
        ("experiment", "tags.team = 'vision'"),
    ):
        assert len(story.store.search(kind, where=where)) == 1  # type: ignore[call-overload]
        assert len(story.store.search(kind, where=where, as_of="2024-04-30")) == 0  # type: ignore[call-overload]
        assert len(story.store.search(kind, where=where, known_at={})) == 0  # type: ignore[call-overload]


def test_pages_of_nothing(story: Story) -> None:
    """One page without rows, so that its columns and its watermark are there."""
    (page,) = story.store.search("run", where="params.lr > 100", page_size=2)
    assert (len(page), "id" in page.columns, page.attrs["epochal"]["next"]) == (0, True, None)


def test_pages_of_trials_and_experiments(story: Story) -> None:
    """Lists are paged likewise."""
    for kind, order_by in (("trial", "name desc"), ("experiment", "name desc")):
        whole = story.store.search(kind, order_by=order_by)  # type: ignore[call-overload]
        pages = list(story.store.search(kind, order_by=order_by, page_size=1))  # type: ignore[call-overload]
        assert [len(page) for page in pages] == [1] * len(whole)
        assert [page["id"][0] for page in pages] == whole["id"].to_list()


def test_many_candidates_are_not_narrowed_and_found_alike(story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was ever said narrows a search down where that is few, and changes nothing."""
    wheres = [
        "params.lr >= 0.1 and tags.team exists",
        "params.lr = 0.2 and tags.team = 'text' and experiment = 'mnist'",
    ]
    narrow = [story.named("component", where) for where in wheres]
    assert narrow == ["a b", "b"]
    monkeypatch.setattr("epochal_query.narrowing.BOUND_MAX", 0)
    assert [story.named("component", where) for where in wheres] == narrow


@pytest.mark.long
def test_variables_of_what_was_deleted_since(tmp_path: Path) -> None:
    """They are known where they were, in filters and orders, of trials and of what has them."""
    bare = Bare(tmp_path)
    log = bare.log("gone")
    experiment = log.experiment("gone")
    trial, stays = log.trial(experiment, {"gone": "x", "model": 3}), log.trial(experiment, {"model": 4})
    run = log.run([trial])
    mark = log.flush()
    log.say("entity.deleted", uuid4(), kind="trial", entity=trial, abandoned=[])
    log.flush()
    store = bare.open("gone")

    def found(kind: Any, **choice: Any) -> list[str]:
        ids: list[str] = store.search(kind, **choice, known_at=mark)["id"].to_list()
        return ids

    assert found("trial", where="variables.gone = 'x'") == [str(trial)]
    assert found("trial", order_by="variables.gone") == [str(trial), str(stays)]
    assert found("component", where="trial(variables.gone = 'x')") == [str(run)]
    with pytest.raises(UnknownNameError, match="near: 'gone'"):
        found("trial", where="variables.gon = 'x'")
    with pytest.raises(UnknownNameError):
        store.search("trial", where="variables.gone = 'x'")
    bare.end()


def test_a_value_of_the_past_is_found_there(bare: Bare) -> None:
    """What was said later, or taken back, doesn't hide what was true then."""
    log = bare.log("values")
    trial = log.trial(log.experiment("values"), {})
    run = log.run([trial], params={"lr": 1})
    first = log.now
    log.tick(60)
    log.say("params.logged", uuid4(), component=run, rank=0, cells=[[["lr"], 2]])
    log.flush()
    store = bare.open("values")
    assert len(store.search("component", where="params.lr = 1")) == 0
    assert len(store.search("component", where="params.lr = 2")) == 1
    assert len(store.search("component", where="params.lr = 1", as_of=first)) == 1
    assert len(store.search("component", where="params.lr = 2", as_of=first)) == 0


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        ("params.a = 1", "z y"),
        ("params.a = 1 or params.a.b = 5", "z y"),
        ("params.a = 1 and params.a.b = 2", ""),
        ("params.a.b = 2 and params.a not exists", "x"),
        ("params.a.b = 2", "x"),
        ("params.a.b exists or params.c exists", "x y"),
    ],
)
def test_a_param_that_another_one_hides_is_not_found(hiding: Store, where: str, expected: str) -> None:
    """One at a path above or below it that was said later; whether the filter names that one, too, or not."""
    assert list(hiding.search("component", where=where)["name"]) == sorted(expected.split())


@pytest.fixture(scope="module")
def hiding(bare: Bare) -> Store:
    """x had a, then a.b; z had a.b, then a; y has only a, and c."""
    log = bare.log("hiding")
    for name, cells in {"x": [["a"], ["a", "b"]], "y": [["a"], ["c"]], "z": [["a", "b"], ["a"]]}.items():
        run = log.run([], name)
        for path in cells:
            log.tick(1)
            log.say("params.logged", uuid4(), component=run, rank=0, cells=[[path, len(path)]])
    log.flush()
    return bare.open("hiding")
