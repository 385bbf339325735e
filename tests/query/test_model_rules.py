"""The rules of the model, R1 to R9 of docs/model.md: what holds of experiments, trials and components, always."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from uuid import uuid4

import pandas as pd
import pytest
from query.conftest import Bare
from query.scripts import told
from query.written import Log

import epochal
from epochal._ids import experiment_id
from epochal_query.errors import UnknownNameError
from epochal_query.store import Store
from epochal_query.variables import grid


@pytest.fixture
def log(bare: Bare) -> Log:
    return bare.log(f"rules-{uuid4()}")


@pytest.fixture
def store(bare: Bare, log: Log) -> Store:
    return bare.open(log.project)


def sets(frame: pd.DataFrame, *columns: str) -> list[tuple[Any, ...]]:
    return [(row["variables"], *(row[name] for name in columns)) for row in frame.to_dict("records")]


def test_r1_an_experiment_is_one_by_its_name(log: Log, store: Store) -> None:
    """Said again it is the same, with what was said of it; upper and lower case are told apart, and both are found."""
    first = log.experiment("Digits", hypothesis="custom wins", objective="accuracy")
    assert log.experiment("Digits") == first == experiment_id(log.project, "Digits")
    other = log.experiment("digits")
    log.flush()
    assert list(store.experiments()["name"]) == ["Digits", "digits"]
    said = store.experiment("Digits").state()
    assert (said["id"], said["hypothesis"], said["objective"]) == (str(first), "custom wins", "accuracy")
    assert store.experiment("digits").id == other


def test_r1_experiments_with_one_hypothesis_are_pointed_out(log: Log, store: Store) -> None:
    """Where they are listed; nobody is kept from it."""
    for name in ("a", "b"):
        log.experiment(name, hypothesis="custom wins")
    log.experiment("c", hypothesis="adam wins")
    log.experiment("d")
    log.experiment("e")
    log.flush()
    (remark,) = store.experiments().attrs["epochal"]["remarks"]
    assert remark == "2 experiments have the hypothesis 'custom wins': 'a', 'b'"


def test_r1_it_ends_with_a_verdict(log: Log, store: Store) -> None:
    """Accepted, rejected or inconclusive, with the reason; a later one supersedes, and history keeps both."""
    digits, writer = log.experiment("digits", hypothesis="custom wins"), uuid4()
    log.say("experiment.concluded", writer, experiment=digits, verdict="inconclusive", note="too few")
    log.say("experiment.concluded", writer, experiment=digits, verdict="accepted", note="at 30, 60 and 120")
    log.flush()
    row = store.experiments().iloc[0]
    assert (row["verdict"], row["verdict_note"]) == ("accepted", "at 30, 60 and 120")
    assert list(store.history("digits", "verdict")["fate"]) == ["superseded", "in effect"]


@pytest.mark.long
def test_r2_and_r3_a_trial_is_its_variable_set(tmp_path: Path) -> None:
    """The same set is the same trial, whatever types, order and process it comes from; another experiment's is not."""
    said = told(
        """
import numpy
exp = epochal.experiment("digits")
same = [exp.trial({"lr": 1, "name": "a"}), exp.trial({"name": "a", "lr": 1.0}, name="first"),
        epochal.experiment("digits").trial({"lr": numpy.float32(1), "name": "a"})]
others = [exp.trial({"lr": True, "name": "a"}), exp.trial({"lr": "1", "name": "a"}),
          epochal.experiment("more").trial({"lr": 1, "name": "a"})]
counts = [len({one.id for one in given}) for given in (same, [*same, *others])]
said = [*counts, len(epochal.open().trials("digits"))]
""",
        tmp_path,
    )
    assert said == [1, 4, 3]


@pytest.mark.long
def test_r3_which_sets_are_missing_repeated_or_outside(log: Log, store: Store) -> None:
    """Of the declared space in its order, then what was tried beside it; a failed trial is missing still."""
    digits = log.experiment("digits", variables={"m": ["a", "b"], "n": [1, 2]})
    log.run([log.trial(digits, {"m": "a", "n": 1})])
    repeated = log.trial(digits, {"m": "a", "n": 2}, name="twice")
    for _ in range(2):
        log.run([repeated])
    log.run([repeated], "evaluation", kind="evaluation")
    log.run([log.trial(digits, {"m": "b", "n": 1})], status="failed")
    outside = log.trial(digits, {"m": "c", "n": 1})
    log.run([outside])
    log.run([log.trial(digits, {})])
    before = log.flush()
    found = store.variable_sets("digits")
    assert sets(found, "declared", "name", "status", "completed") == [
        ({"m": "a", "n": 1}, True, "m=a, n=1", "completed", 1),
        ({"m": "a", "n": 2}, True, "twice", "completed", 2),
        ({"m": "b", "n": 1}, True, "m=b, n=1", "failed", 0),
        ({"m": "b", "n": 2}, True, "m=b, n=2", "", 0),
        ({"m": "c", "n": 1}, False, "m=c, n=1", "completed", 1),
        ({}, False, "default", "completed", 1),
    ]
    assert found.attrs["epochal"]["project"] == log.project
    handle = store.experiment("digits")
    assert sets(handle.missing()) == [({"m": "b", "n": 1},), ({"m": "b", "n": 2},)]
    assert list(handle.repeated()["trial"]) == [str(repeated)]
    assert list(handle.outside()["trial"]) == [str(outside)]
    log.run([log.trial(digits, {"m": "b", "n": 2})])
    log.flush()
    assert sets(handle.missing()) == [({"m": "b", "n": 1},)]
    assert len(handle.missing(known_at=before)) == 2
    with pytest.raises(UnknownNameError):
        store.variable_sets("nothing")


def test_r3_a_run_inside_one_of_its_name_is_no_repetition(log: Log, store: Store) -> None:
    """As when a command is run, and the program in it opens a run of its own."""
    trial, writer = log.trial(log.experiment("digits"), {"n": 1}), uuid4()
    outer = log.run([trial])
    inner = uuid4()
    log.say(
        "component.created", writer, component=inner, key=str(inner), name="training", kind="training", parent=outer
    )
    log.run([trial], component=inner)
    log.flush()
    assert list(store.variable_sets("digits")["completed"]) == [1]


@pytest.mark.long
def test_r3_without_a_space_nothing_is_missing_or_outside(log: Log, store: Store) -> None:
    """There are the sets that were tried."""
    digits = log.experiment("digits")
    log.run([log.trial(digits, {"n": 1})])
    log.experiment("empty")
    log.flush()
    handle = store.experiment("digits")
    assert [len(handle.missing()), len(handle.outside()), len(handle.variable_sets())] == [0, 0, 1]
    assert store.variable_sets("empty").empty
    assert store.parameters("empty").empty


def test_r3_a_level_that_is_declared_twice_is_one() -> None:
    """A space is a set of sets; the first variable is the outermost."""
    assert grid({"a": [1, 1.0, 2], "b": ["x", "y"]}) == [
        {"a": 1, "b": "x"},
        {"a": 1, "b": "y"},
        {"a": 2, "b": "x"},
        {"a": 2, "b": "y"},
    ]
    assert grid({}) == []


def test_r4_what_varies_and_what_is_static(log: Log, store: Store) -> None:
    """Derived from what trials and their components have, nested or not; declared to vary or not."""
    digits = log.experiment("digits", variables={"lr": [1, 2], "opt": [{"name": "adam"}, {"name": "sgd"}]})
    first, second = (log.trial(digits, {"lr": n, "opt": {"name": name}}) for n, name in ((1, "adam"), (2, "sgd")))
    log.run([first, second], "common", status="never", params={"batch": 128, "momentum": 0.5})
    log.run([first], cells=[[["lr"], 1.0], [["seed"], 7], [["a.b"], True]])
    log.run([second], cells=[[["seed"], 8], [["momentum"], 0.9], [["a.b"], True]])
    log.run([], "elsewhere", params={"batch": 1})
    log.flush()
    found = store.parameters("digits")
    assert [tuple(row) for row in found.itertuples(index=False)] == [
        ("a.b", False, False, [True], 2),
        ("batch", False, False, [128], 2),
        ("lr", True, True, [1, 2], 2),
        ("momentum", True, False, [0.5, 0.9], 2),
        ("opt.name", True, True, ["adam", "sgd"], 2),
        ("seed", True, False, [7, 8], 2),
    ]
    assert list(store.experiment("digits").varying()["name"]) == ["lr", "momentum", "opt.name", "seed"]


def test_r5_and_r6_a_component_is_anything_and_may_be_in_no_trial(log: Log, store: Store) -> None:
    """Parameters, data and jobs alike; those in no trial are listed."""
    trial = log.trial(log.experiment("digits"), {"n": 1})
    kinds = ("parameters", "dataset", "metadata", "preprocessing", "training", "postprocessing", "evaluation", "mine")
    for kind in kinds:
        log.run([trial] if kind == "training" else [], kind, kind=kind)
    log.flush()
    assert set(store.components(unassigned=True)["kind"]) == set(kinds) - {"training"}
    assert set(store.components()["kind"]) == set(kinds)


def test_r7_a_component_cannot_be_in_an_experiment(tmp_path: Path) -> None:
    """Refused by the only call that could mean it; the text says what to do."""
    said = told(
        """
exp = epochal.experiment("digits")
run = epochal.component("data", kind="dataset")
try:
    exp.attach(run)
except epochal.MisuseError as error:
    said = str(error)
""",
        tmp_path,
    )
    assert "a component belongs to trials. Attach it to those it belongs to: exp.trial({...}).attach(component)" in said
    assert not hasattr(epochal.Experiment, "run")


def test_r8_a_component_may_be_in_many_trials(log: Log, store: Store) -> None:
    """Also of several experiments; it leaves one alone, and outlives the others."""
    digits, more = log.experiment("digits"), log.experiment("more")
    trials = [log.trial(digits, {"n": 1}), log.trial(digits, {"n": 2}), log.trial(more, {"n": 1})]
    common, writer = log.run(trials, "common", status="never"), uuid4()
    log.flush()
    assert list(store.component("common").trials()["experiment"]) == ["digits", "digits", "more"]
    log.say("component.detached", writer, component=common, trial=trials[0])
    log.say("entity.deleted", writer, kind="trial", entity=trials[1], abandoned=[])
    log.flush()
    assert list(store.component("common").trials()["id"]) == [str(trials[2])]
    assert len(store.components(experiment="digits")) == 0


@pytest.mark.long
def test_r9_a_job_is_attached_when_it_starts(tmp_path: Path) -> None:
    """To what its environment declares, which is created; with its resources; before it has ended."""
    said = told(
        """
run = epochal.init(resources={"instance": "ml.p3", "count": 2})
row = epochal.open().components().iloc[0]
state = epochal.open().component(run.id).state()
said = [row["name"], row["status"], row["trials"], row["experiments"], state["resources"]]
""",
        tmp_path,
        EPOCHAL_EXPERIMENT="digits",
        EPOCHAL_TRIAL='{"lr": 0.1}',
        EPOCHAL_RUN_NAME="job-7",
    )
    assert said == ["job-7", "running", ["lr=0.1"], ["digits"], {"instance": "ml.p3", "count": 2}]
