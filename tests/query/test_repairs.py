"""Corrections, retractions and undoing: said by live runs and by who opens the store, seen by the next read."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from host_ending import end_host
from promises.jobs import environment

from epochal._settings import Settings
from epochal_query.errors import RepairError, UnknownNameError
from epochal_query.handles import ComponentHandle
from epochal_query.opening import open_with
from epochal_query.store import Store

POINTS = 10_000
WRITE = """
import json, math, sys, epochal

def percent(step):
    return 50 + 40 * math.sin(step / 100)

ids = {}
with epochal.init("units", variables={"n": 1}, params={"lr": 0.1, "opt": {"name": "adam"}}, name="percent") as run:
    for step in range(int(sys.argv[1])):
        run.log({"accuracy": percent(step), "loss": 1 / (step + 1)}, step=step)
    run.tag("best", team="a")
    run.note("first")
    run.log_output("model", "s3://b/model")
    ids["percent"] = run.id
with epochal.init("units", variables={"n": 2}, name="live") as run:
    for step in range(10):
        run.log({"loss": step, "nan": [math.nan, -0.0, math.inf, 1.0][step % 4]}, step=step)
    run.correct("loss", steps=(0, 4), scale=10, reason="a tenth")
    run.correct("loss", steps=(3, None), shift=0.5)
    run.retract("loss", (9, 9), "warm-down")
    run.log({"loss": 7.0}, step=4)
    run.log_params({"lr": 0.3})
    ids["live"] = run.id
exp = epochal.experiment("units")
exp.conclude("rejected", note="by mistake")
exp.note("an aim")
epochal.associate("s3://b/model", "AssociatedWith", epochal.context("production", type="alias"))
print(json.dumps(ids))
"""


class Place:
    """A store with two runs."""

    def __init__(self, directory: Path, points: int = POINTS) -> None:
        self.directory = directory
        command = [sys.executable, "-c", WRITE, str(points)]
        done = subprocess.run(command, env=environment(directory), capture_output=True, text=True, check=True)
        assert not done.stderr, done.stderr
        self.ids: dict[str, str] = json.loads(done.stdout)
        self.store = open_with(Settings(store=str(directory)))

    def component(self, name: str) -> ComponentHandle:
        """One of the runs."""
        return self.store.component(self.ids[name])


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """The store; each test leaves it as it was."""
    directory = tmp_path_factory.mktemp("repairs") / "store"
    found = Place(directory)
    yield found
    found.store.close()
    end_host(directory)


def values(component: ComponentHandle, metric: str, **at: Any) -> list[float]:
    """What a series shows, by step."""
    return [float(value) for value in component.metrics(metric=metric, **at)["value"]]


def statistics(store: Store, metric: str, **at: Any) -> dict[str, float]:
    """What the report says of the metric of the first run."""
    row = store.report("units", metrics=[metric], where="name = 'percent'", **at).iloc[0]
    return {stat: float(row[f"{metric} - {stat}"]) for stat in ("Min", "Max", "Avg", "StdDev", "Last", "Count")}


def mistaken_units(place: Place) -> None:
    """All points scaled by one event, compared before and after, and undone."""
    store, run = place.store, place.component("percent")
    before, logged = statistics(store, "accuracy"), values(run, "accuracy")
    known = dict(store.last_watermark)
    event = run.correct("accuracy", scale=0.01, reason="percent, not a fraction")
    assert values(run, "accuracy") == [value * 0.01 for value in logged]
    after = statistics(store, "accuracy")
    assert after.pop("Count") == before["Count"] == len(logged)
    assert after == pytest.approx({stat: before[stat] * 0.01 for stat in after}, rel=1e-12)
    best = store.best("units", "accuracy", mode="max", by="max")
    assert best["accuracy - Max"].iloc[0] == before["Max"] * 0.01
    assert values(run, "accuracy", known_at=known) == logged, "what was known before it"
    assert statistics(store, "accuracy", known_at=known) == before
    said = store.sql(
        "SELECT count() AS n FROM events FINAL WHERE type = 'epochal.points.corrected' AND writer = {writer:UUID}",
        {"writer": event.partition(":")[0]},
    )
    assert said["n"].iloc[0] == 1
    store.undo(event)
    assert values(run, "accuracy") == logged
    assert statistics(store, "accuracy") == before


@pytest.mark.long
def test_a_mistake_of_units_is_one_correction_and_one_undoing(place: Place) -> None:
    """10,000 points."""
    mistaken_units(place)


@pytest.mark.slow
def test_a_mistake_of_units_in_ten_million_points(tmp_path: Path) -> None:
    """The same."""
    found = Place(tmp_path / "store", 10_000_000)
    mistaken_units(found)
    found.store.close()
    end_host(found.directory)


def test_a_past_instant_shows_the_corrected_values(place: Place) -> None:
    """It was so then; only what was known then is as it was."""
    run = place.component("percent")
    frame = run.metrics(metric="loss")
    middle = frame["time"].iloc[POINTS // 2].to_pydatetime()
    then, known = values(run, "loss", as_of=middle), datetime.now(UTC)
    event = run.correct("loss", value=-1.0)
    assert set(values(run, "loss", as_of=middle)) == {-1.0}
    assert values(run, "loss", as_of=middle, known_at=known) == then
    place.store.undo(event)
    assert values(run, "loss", as_of=middle) == then


def test_a_live_run_repairs_what_it_has_logged(place: Place) -> None:
    """Corrections compose in order, retracted points are gone, and what is logged afterwards is not meant."""
    assert values(place.component("live"), "loss") == [0.0, 10.0, 20.0, 30.5, 7.0, 5.5, 6.5, 7.5, 8.5]
    assert not set(values(place.component("percent"), "loss")) & {10.0, 30.5}


def test_the_history_of_a_point_has_each_of_its_values(place: Place) -> None:
    """As it was logged, and after each correction, with who and why."""
    run = place.component("live")
    corrections = run.history("metrics.loss")
    corrections = corrections[corrections["value"].map(lambda value: "operation" in value)]
    first, second, retraction = corrections["event"]
    assert list(corrections["reason"].fillna("")) == ["a tenth", "", "warm-down"]
    at_3 = run.history("metrics.loss", step=3)
    assert list(zip(at_3["value"], at_3["fate"], at_3["ended_by"].fillna(""), strict=True)) == [
        (3.0, "corrected", first),
        (30.0, "corrected", second),
        (30.5, "in effect", ""),
    ]
    assert list(at_3["reason"].fillna("")) == ["", "a tenth", ""]
    assert list(at_3["event"])[1:] == [first, second]
    assert at_3["user"].notna().all()
    at_9 = run.history("metrics.loss", step=9)
    assert list(zip(at_9["value"], at_9["fate"], strict=True)) == [(9.0, "corrected"), (9.5, "retracted")]
    assert at_9["ended_by"].iloc[-1] == retraction
    at_4 = run.history("metrics.loss", step=4)
    assert list(at_4["fate"]) == ["corrected", "corrected", "superseded", "in effect"]


def test_undoing_takes_exactly_one_out(place: Place) -> None:
    """The others apply as if it had never been said; undone, the undoing lets it apply again, in its place."""
    run = place.component("percent")
    first = run.correct("loss", steps=(1, 1), scale=4)
    second = run.correct("loss", steps=(1, 1), shift=1)
    assert values(run, "loss")[1] == 3.0
    undoing = run.undo(first, "wrong run")
    assert values(run, "loss")[:3] == [1.0, 1.5, 1 / 3]
    history = run.history("metrics.loss")
    fates = dict(zip(history["event"], history["fate"], strict=True))
    assert (fates[first], fates[second], fates[undoing]) == ("undone", "in effect", "in effect")
    assert history.set_index("event")["reason"][undoing] == "wrong run"
    run.undo(undoing)
    assert values(run, "loss")[1] == 3.0
    for event in (second, first):
        run.undo(event)
    assert values(run, "loss")[1] == 0.5


@pytest.mark.long
@pytest.mark.parametrize(
    ("operation", "expected"),
    [
        ({"scale": -2}, [math.nan, 0.0, -math.inf, -2.0]),
        ({"shift": 1}, [math.nan, 1.0, math.inf, 2.0]),
        ({"shift": -0.0}, [math.nan, -0.0, math.inf, 1.0]),
        ({"value": math.nan}, [math.nan] * 4),
        ({"value": -math.inf}, [-math.inf] * 4),
        ({"value": -0.0}, [-0.0] * 4),
        ({"value": 5e-324}, [5e-324] * 4),
    ],
    ids=str,
)
def test_odd_floats_are_kept_to_the_bit(place: Place, operation: dict[str, float], expected: list[float]) -> None:
    """NaN stays NaN but where a value is set; infinities and the sign of zero are as IEEE 754 has them."""
    run = place.component("live")
    event = run.correct("nan", steps=(0, 3), **operation)
    assert [value.hex() for value in values(run, "nan")[:4]] == [value.hex() for value in expected]
    assert place.store.state(run)["metrics"]["nan"]["nan_count"] == 2 + sum(map(math.isnan, expected))
    place.store.undo(event)


BAD: dict[str, tuple[Callable[[ComponentHandle], object], str]] = {
    "nothing": (lambda run: run.correct("loss"), "one of scale=, shift= and value= .* got nothing"),
    "two": (lambda run: run.correct("loss", scale=1, shift=2), "got scale=1 and shift=2"),
    "text": (lambda run: run.correct("loss", value="0.5"), "value='0.5': points hold numbers"),
    "infinite": (lambda run: run.correct("loss", scale=math.inf), "a finite number is accepted; value=inf makes"),
    "nan": (lambda run: run.correct("loss", shift=math.nan), "a finite number is accepted"),
    "zero": (lambda run: run.correct("loss", scale=0.0), "scale=0.0 leaves nothing of the values.*value=0 makes"),
    "text for a param": (lambda run: run.correct("opt", value="sgd"), "points hold numbers; .* 'params.opt'"),
    "a number for a param": (lambda run: run.correct("lr", value=2), "no metric is named 'lr'.*near: 'params.lr'"),
    "between steps": (lambda run: run.correct("loss", steps=(1.2, 1.8), scale=2), "no point of 'loss' at steps 1.2"),
    "reversed": (lambda run: run.correct("loss", steps=(5, 1), scale=2), r"did you mean steps=\(1, 5\)"),
    "nan step": (lambda run: run.correct("loss", steps=(math.nan, 1), scale=2), "step=nan is no place on an axis"),
    "one step": (lambda run: run.correct("loss", steps=5, scale=2), "a pair is accepted"),
    "no point": (lambda run: run.retract("loss", (1e9, None)), "no point of 'loss' at steps 1e[+]09 to ….* 0 to 9999"),
    "no metric": (lambda run: run.correct("los", scale=2), "no metric is named 'los' in component 'percent'; near"),
    "no param": (lambda run: run.correct("params.l", value=2), "no param is named 'params.l' .*near: 'params.lr'"),
    "no tag": (lambda run: run.correct("tags.tean", value=2), "no tag is named 'tags.tean' .*near: 'tags.team'"),
    "a note of numbers": (lambda run: run.correct("note", value=2), "value=2: a note is a text"),
    "an artifact of numbers": (lambda run: run.correct("artifacts.out/model", value=2), "value=2: an artifact is"),
    "an artifact without a place": (
        lambda run: run.correct("artifacts.out/model", value={"media_type": "x/y"}),
        "needs uri=, path= or digest=",
    ),
    "one of several tags": (lambda run: run.retract("tags.team"), "which said tags.team, also said tags.best"),
    "a scaled param": (lambda run: run.correct("params.lr", scale=2), "is a param: value= alone says what it has been"),
    "no id": (lambda run: run.undo("params.lr"), "is no event's id: these are <writer>:<number>"),
    "a point": (
        lambda run: run.undo(run.history("metrics.loss", step=1)["event"].iloc[0]),
        "are points: take them back by retract",
    ),
    "no event": (lambda run: run.undo("01900000-0000-7000-8000-000000000001:3"), "has no event 01900000"),
    "how it ran": (
        lambda run: run.undo(run.history("status.finished")["event"].iloc[0]),
        "is epochal.run.finished, which can't be undone. What can: corrections",
    ),
    "of another": (
        lambda run: run.undo(run.store.history("live", "params.lr")["event"].iloc[0]),
        "is about component .*, not about component 'percent': nothing was undone",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_what_cant_be_repaired_is_said(place: Place, case: str) -> None:
    """With the value, and what is accepted; nothing is written."""
    call, words = BAD[case]
    before = place.store.sql("SELECT count() AS n FROM events FINAL")["n"].iloc[0]
    with pytest.raises((RepairError, UnknownNameError), match=words):
        call(place.component("percent"))
    assert place.store.sql("SELECT count() AS n FROM events FINAL")["n"].iloc[0] == before


def test_what_is_undone_is_undone_once(place: Place) -> None:
    """Undoing it again is an error that names the undoing; so is undoing an undoing twice."""
    run = place.component("percent")
    event = run.correct("loss", scale=2)
    undoing = run.undo(event)
    with pytest.raises(RepairError, match=f"is undone already, by {undoing}; to let it count again, undo that"):
        run.undo(event)
    again = run.undo(undoing)
    with pytest.raises(RepairError, match="counts again already"):
        run.undo(undoing)
    run.undo(again)
    assert values(run, "loss")[1] == 0.5


def test_what_is_retracted_is_retracted_once(place: Place) -> None:
    """What is gone can be neither retracted nor corrected, until that is undone; what isn't gone yet can."""
    run = place.component("percent")
    event = run.retract("loss", (5, 9))
    again: Callable[[], str]
    for again in (
        lambda: run.retract("loss", (5, 9)),
        lambda: run.retract("loss", (6, 7)),
        lambda: run.correct("loss", steps=(9, 9), scale=2),
    ):
        with pytest.raises(RepairError, match=f"are retracted already, by {event}; to let them count again, undo that"):
            again()
    more = run.retract("loss", (9, 10))
    run.undo(event)
    assert values(run, "loss")[5:10] == [1 / 6, 1 / 7, 1 / 8, 1 / 9, 1 / 12]
    run.undo(more)


def only(run: Any, field: str) -> str:
    """The event that holds a field; no word about it that undid one or let it count again."""
    history = run.history(field)
    history = history[[not (isinstance(one, dict) and one.keys() & {"undone", "redone"}) for one in history["value"]]]
    return str(history[history["fate"] == "in effect"]["event"].iloc[-1])


@pytest.mark.long
@pytest.mark.parametrize("field", ["params.lr", "tags.team", "note", "artifacts.out/model", "trials"])
def test_what_was_said_by_mistake_is_taken_back(place: Place, field: str) -> None:
    """As if it had never been said, from its own time on; history shows it, with what undid it."""
    store, run = place.store, place.component("percent")
    before, known = store.state(run), dict(store.last_watermark)
    undoing = run.undo(only(run, field), "by mistake")
    state = store.state(run)
    assert state != before
    assert store.state(run, as_of=run.history("status.finished")["occurred_at"].iloc[0]) == state
    assert store.state(run, known_at=known) == before
    difference = store.diff(run, known_at=(known, None))
    assert len(difference)
    history = run.history(field).set_index("event")
    assert "undone" in set(history["fate"])
    assert history["reason"][undoing] == "by mistake"
    assert undoing in set(run.history("undone")["event"])
    run.undo(undoing)
    assert store.state(run) == before


@pytest.mark.long
def test_a_corrected_param_has_been_so_all_along(place: Place) -> None:
    """From the time of what it corrects; what was known before stays, and the correction can be undone."""
    store, run = place.store, place.component("percent")
    middle = run.metrics(metric="loss")["time"].iloc[POINTS // 2].to_pydatetime()
    known = dict(store.last_watermark)
    events = [
        run.correct("params.lr", value=0.01, reason="a typo"),
        run.correct("params.opt.name", value={"kind": "sgd", "nesterov": True}),
    ]
    assert store.state(run, as_of=middle)["params"] == {"lr": 0.01, "opt": {"name": {"kind": "sgd", "nesterov": True}}}
    assert store.state(run, as_of=middle, known_at=known)["params"] == {"lr": 0.1, "opt": {"name": "adam"}}
    history = run.history("params.lr")
    history = history[history["value"].map(lambda value: isinstance(value, float))]
    assert list(zip(history["value"], history["fate"], history["reason"].fillna(""), strict=True)) == [
        (0.1, "superseded", ""),
        (0.01, "in effect", "a typo"),
    ]
    for event in events:
        run.undo(event)
    assert store.state(run)["params"] == {"lr": 0.1, "opt": {"name": "adam"}}


OTHERWISE: dict[str, tuple[Any, Any, Any]] = {
    "tags.team": ("b", "a", lambda state: state["tags"]["team"]),
    "note": ("second thoughts", "first", lambda state: state["note"]),
    "artifacts.out/model": ("s3://b/right", "s3://b/model", lambda state: state["artifacts"][0]["uri"]),
}


@pytest.mark.long
@pytest.mark.parametrize("name", OTHERWISE)
def test_what_was_wrong_has_been_otherwise_all_along(place: Place, name: str) -> None:
    """A tag, a note, an artifact: as a param is, with the event that it corrects; and undone."""
    store, run = place.store, place.component("percent")
    (right, wrong, part), known = OTHERWISE[name], dict(store.last_watermark)
    mistaken = only(run, name)
    before, ended = store.state(run), run.history("status.finished")["occurred_at"].iloc[0]
    event = run.correct(name, value=right, reason="a mix-up")
    assert part(store.state(run)) == part(store.state(run, as_of=ended)) == right
    assert part(store.state(run, as_of=ended, known_at=known)) == wrong
    history = run.history(name).set_index("event")
    assert (history["fate"][mistaken], history["reason"][event]) == ("superseded", "a mix-up")
    assert history["occurred_at"][event] == history["occurred_at"][mistaken]
    repairs = store.sql("SELECT repair, field, of, reason FROM repairs WHERE event = {event:String}", {"event": event})
    assert repairs.to_numpy().tolist() == [["corrected", name, mistaken, "a mix-up"]]
    run.undo(event)
    assert store.state(run) == before


def test_an_artifact_is_corrected_as_a_whole(place: Place) -> None:
    """By a mapping of what it is; what isn't in it isn't known of it."""
    store, run = place.store, place.component("percent")
    right = {"digest": f"sha256:{'a' * 64}", "media_type": "model/onnx"}
    event = run.correct("artifacts.out/model", value=right)
    shown = store.artifact(right["digest"])
    assert (shown.uri, shown.media_type) == (None, "model/onnx")
    run.undo(event)


@pytest.mark.long
@pytest.mark.parametrize("name", ["note", "artifacts.out/model"])
def test_what_was_said_alone_is_retracted_by_its_name(place: Place, name: str) -> None:
    """It is undone, and restored by undoing that."""
    store, run = place.store, place.component("percent")
    before, mistaken = store.state(run), only(run, name)
    event = run.retract(name, reason="never was")
    assert run.history(name).set_index("event")["fate"][mistaken] == "undone"
    assert not store.state(run)["note" if name == "note" else "artifacts"]
    run.undo(event)
    assert store.state(run) == before


def test_what_experiments_have_is_corrected_too(place: Place) -> None:
    """By the store, as by the handle of a component."""
    store = place.store
    event = store.correct("units", "note", value="another aim")
    assert store.state("units")["note"] == "another aim"
    store.undo(event)
    assert store.state("units")["note"] == "an aim"


@pytest.mark.long
def test_associations_are_taken_back_and_restored(place: Place) -> None:
    """By the event that made them."""
    store = place.store
    (made,) = store.associations("production")["event"]
    undoing = store.undo(made, "another model")
    assert not len(store.associations("production"))
    assert not len(store.sql("SELECT * FROM associations"))
    store.undo(undoing)
    assert list(store.associations("production")["event"]) == [made]


@pytest.mark.long
def test_a_wrong_association_is_corrected_for_then(place: Place) -> None:
    """What made it is undone, and what is right is said with its time: that is what was so then, as is known now."""
    store = place.store
    (wrong,) = store.associations("production").to_dict("records")
    known = dict(store.last_watermark)
    undoing = store.undo(wrong["event"], "it was the other one")
    right = f"""
import datetime, epochal
since = datetime.datetime.fromisoformat({wrong["since"].isoformat()!r})
production = epochal.context("production", type="alias")
epochal.associate("s3://b/other", "AssociatedWith", production, time=since)
"""
    subprocess.run([sys.executable, "-c", right], env=environment(place.directory), check=True)

    def stood_for(**at: Any) -> list[str]:
        edges = store.sql(
            "SELECT source FROM associations_at(as_of = {as_of:String}, known_at = {known_at:String})", **at
        )
        return list(edges["source"])

    as_of = wrong["since"].isoformat()
    assert stood_for(as_of=as_of) == stood_for() == ["s3://b/other"]
    assert stood_for(as_of=as_of, known_at=known) == ["s3://b/model"]
    (made,) = store.associations("production")["event"]
    store.undo(made)
    store.undo(undoing)
    assert stood_for() == ["s3://b/model"]


def test_repairs_are_rows_in_sql(place: Place) -> None:
    """With who said it and why, also those that count no more; at a place in what is known."""
    store, run = place.store, place.component("percent")
    scaled = run.correct("accuracy", steps=(2, None), scale=0.01, reason="a fraction")
    param = run.correct("params.lr", value=0.5, reason="a typo")
    known = dict(store.last_watermark)
    undoing = {event: run.undo(event) for event in (scaled, param)}
    columns = ["repair", "field", "of", "operation", "number", "first_step", "reason", "undone_by", "undone"]

    def rows(**at: Any) -> dict[str, list[Any]]:
        frame = store.sql("SELECT * FROM repairs_at(as_of = {as_of:String}, known_at = {known_at:String})", **at)
        assert set(frame["user"]) == {store.sql("SELECT DISTINCT user FROM writers")["user"].iloc[0]}
        frame = frame.set_index("event")[columns].astype(object)
        return {str(event): [None if one is pd.NA or one != one else one for one in row] for event, row in
                zip(frame.index, frame.to_numpy().tolist(), strict=True)}  # fmt: skip

    now = rows()
    for event, by in undoing.items():
        assert now[by] == ["undone", "", event, "", None, None, "", "", False]
    told = ["corrected", "metrics.accuracy", "", "scale", 0.01, 2.0, "a fraction"]
    assert now[scaled] == [*told, undoing[scaled], True]
    assert now[param] == ["corrected", "params.lr", "", "set", 0.5, None, "a typo", undoing[param], True]
    then = rows(known_at=known)
    assert then[scaled] == [*told, "", False]
    assert not then.keys() & set(undoing.values())


def test_a_verdict_is_taken_back(place: Place) -> None:
    """Of an experiment, by the store."""
    verdict = only(place.store.experiment("units"), "verdict")
    undoing = place.store.undo(verdict, of="units")
    assert not place.store.experiments()["verdict"].iloc[0]
    place.store.undo(undoing)
    assert place.store.experiments()["verdict"].iloc[0] == "rejected"


UNDO = """
import sys, epochal
with epochal.init("undoing", name="live-undo") as run:
    run.log_params({"lr": 0.1})
    run.log_params({"lr": 0.2})
    store = epochal.open()
    mistake = store.history(run.id, "params.lr")["event"].iloc[-1]
    run.undo(mistake, "a typo")
    print(store.state(run.id)["params"]["lr"])
    run.undo("nonsense")
"""


@pytest.mark.long
def test_a_live_run_takes_back_what_it_said(place: Place) -> None:
    """And is told of what it can't, without an end to the training."""
    done = subprocess.run(
        [sys.executable, "-c", UNDO], env=environment(place.directory), capture_output=True, text=True, check=True
    )
    assert done.stdout == "0.1\n"
    assert "undo(): 'nonsense' is no event's id" in done.stderr


@pytest.mark.long
def test_the_commands_do_the_same(place: Place) -> None:
    """They print the event's id, which undo takes."""
    run = place.component("percent")
    logged = values(run, "loss")

    def command(*arguments: str, code: int = 0) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "epochal.cli", *arguments],
            env=environment(place.directory),
            capture_output=True,
            text=True,
        )
        assert done.returncode == code, done.stderr
        return (done.stderr if code else done.stdout).strip()

    corrected = command("correct", place.ids["percent"], "loss", "--value", "nan", "--to", "1", "--reason", "noise")
    assert [math.isnan(value) for value in values(run, "loss")[:3]] == [True, True, False]
    retracted = command("retract", place.ids["percent"], "loss", "--from", "2", "--to", "2")
    assert len(values(run, "loss")) == len(logged) - 1
    param = command("correct", place.ids["percent"], "params.lr", "--value", "0.01")
    assert place.store.state(run)["params"]["lr"] == 0.01
    name = command("correct", place.ids["percent"], "params.opt.name", "--value", "sgd")
    assert place.store.state(run)["params"]["opt"] == {"name": "sgd"}
    for event in (corrected, retracted, param, name):
        command("undo", event)
    assert values(run, "loss") == logged
    assert "is undone already" in command("undo", corrected, code=1)
    assert "value='high': points hold numbers" in command("correct", "percent", "loss", "--value", "high", code=1)
    assert "scale=nan: a finite number" in command("correct", "percent", "loss", "--scale", "nan", code=1)
    assert "scale=0.0 leaves nothing" in command("correct", "percent", "loss", "--scale", "0", code=1)
    assert "no metric is named 'los'" in command("correct", "percent", "los", "--scale", "2", code=1)
    between = ("--from", "1.2", "--to", "1.8")
    assert "there are steps 0 to 9999" in command("retract", "percent", "loss", *between, code=1)
