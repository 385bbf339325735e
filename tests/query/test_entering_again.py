"""Runs that are entered again: what stays of a component that several processes, one after the other, go on with."""

from __future__ import annotations

from pathlib import Path

import pytest
from query.scripts import told
from sdk.children import run

pytestmark = pytest.mark.long


def test_start_stays_and_end_moves(tmp_path: Path) -> None:
    """By resume and by component: the report has the first start, the newest end, and all that was logged."""
    run("epochal.init('digits', component='mine', variables={'n': 1}).log({'loss': 3})", tmp_path)
    said = told(
        """
store = epochal.open()
rows = [store.report("digits").iloc[0]]
with epochal.init("digits", component="mine", variables={"n": 1}) as run:
    run.log({"loss": 2}, step=1)
rows.append(store.report("digits").iloc[0])
with epochal.init("digits", resume=run.id) as run:
    run.log({"loss": 1})
    open_ = store.report("digits").iloc[0]
rows.append(store.report("digits").iloc[0])
assert len(store.report("digits")) == 1
said = [len({str(row["Start"]) for row in [*rows, open_]}), rows[0]["End"] < rows[1]["End"] < rows[2]["End"],
        str(open_["End"]), open_["Status"], [row["Status"] for row in rows], int(rows[2]["loss - Count"])]
""",
        tmp_path,
    )
    assert said == [1, True, "NaT", "running", ["completed"] * 3, 3]


def test_a_run_is_loaded_by_its_name(tmp_path: Path) -> None:
    """Where only one has it, in the experiment where that is given; else all that have it are listed."""
    said = told(
        """
from epochal import NotFoundError
for experiment, name in (("a", "one"), ("a", "two"), ("a", "two"), ("b", "one")):
    with epochal.init(experiment, name=name, kind="evaluation") as run:
        run.log({"x": 1}, step=5)
def message(**more):
    try:
        epochal.init(**more)
    except NotFoundError as error:
        return str(error)
with epochal.init("a", resume="one") as again:
    again.log({"x": 2})
store = epochal.open()
row = store.components(experiment="a", component=again.id).iloc[0]
with epochal.init(resume=again.id) as thrice:
    pass
said = [row["name"], row["kind"], list(store.metrics(component=again.id)["step"]), thrice.id == again.id,
        message(experiment="a", resume="two"), message(resume="one"), message(experiment="b", resume="two")]
""",
        tmp_path,
    )
    assert said[:4] == ["one", "evaluation", [5.0, 6.0], True]
    assert said[4].startswith("resume='two': 2 components of experiment 'a' have this name; give the id of one:\n  ")
    assert said[4].count("[evaluation] completed, of ") == 2
    assert "2 components of project 'default' have this name" in said[5]
    assert "has no component with this id, key or name" in said[6]


NESTED = """
import os, subprocess, sys
def opened_in(run, settings=None):
    child = "import epochal; epochal.init(name='child').finish()"
    with run:
        epochal.init(name="inner").finish()
        subprocess.run([sys.executable, "-c", child], check=True, env={**os.environ, **(settings or {})})
def places(store):
    return sorted([row["name"], list(row["experiments"]), list(row["trials"])]
                  for row in store.components().to_dict("records"))
def refused(**more):
    try:
        epochal.init(**more)
    except epochal.EpochalError as error:
        return f"{type(error).__name__}: {error}"
"""


@pytest.mark.parametrize("experiment", ["'digits', ", "'unheard of', ", ""])
def test_what_is_opened_in_a_run_that_goes_on_is_in_its_trial(tmp_path: Path, experiment: str) -> None:
    """In this process and in one that it starts; whether or not the experiment is given; and no trial is said twice."""
    run("epochal.init('digits', name='one', component='mine', variables={'lr': 0.1})", tmp_path)
    said = told(
        NESTED
        + f"""
opened_in(epochal.init({experiment}resume="mine"))
with epochal.open() as store:
    attached = store.sql("SELECT count() AS many FROM events WHERE type = 'epochal.component.attached'")
    said = [places(store), list(store.experiments()["name"]), list(store.trials("digits")["name"])]
""",
        tmp_path,
    )
    assert said == [[[name, ["digits"], ["lr=0.1"]] for name in ("child", "inner", "one")], ["digits"], ["lr=0.1"]]


def test_a_run_in_several_trials_does_not_say_which_is_meant(tmp_path: Path) -> None:
    """What is opened in it has to be told; the experiment or EPOCHAL_TRIAL may tell."""
    run(
        """
        with epochal.init("a", name="one", component="mine", variables={"lr": 1}) as run:
            epochal.experiment("a").trial({"lr": 2}).attach(run)
            epochal.experiment("b").trial({"lr": 3}).attach(run)
        """,
        tmp_path,
    )
    said = told(
        NESTED
        + """
said = []
for experiment in (None, "a"):
    with epochal.init(experiment, resume="mine"):
        said.append(refused(name="inner"))
        epochal.init("a", name=f"told {experiment}", variables={"lr": 2}).finish()
opened_in(epochal.init("b", resume="mine"))
said.append(places(epochal.open()))
""",
        tmp_path,
    )
    assert all(line.startswith("MisuseError: run 'one' (") for line in said[:2])
    assert "is in 3 trials, and nothing says which is meant: give experiment and variables" in said[0]
    assert "is in 2 trials" in said[1]
    assert said[2] == [
        ["child", ["b"], ["lr=3"]],
        ["inner", ["b"], ["lr=3"]],
        ["one", ["a", "b"], ["lr=1", "lr=2", "lr=3"]],
        ["told None", ["a"], ["lr=2"]],
        ["told a", ["a"], ["lr=2"]],
    ]


def test_what_cannot_be_gone_on_with_ends_nothing_and_makes_nothing(tmp_path: Path) -> None:
    """The run that was open stays open, and no experiment comes of it; what goes on with that very run ends it."""
    child = run(
        NESTED
        + """
run = epochal.init("digits", name="one", component="mine", variables={"lr": 1})
run.log({"x": 1}, step=5)
for more in ({"resume": "nope"}, {"fork": ("nope", 1)}):
    print(refused(experiment="typo", **more)[:13])
print(run.status)
again = epochal.init("digits", resume="mine")
again.log({"x": 2})
print(run.status, list(epochal.open().metrics()["step"]), list(epochal.open().experiments()["name"]))
""",
        tmp_path,
        EPOCHAL_HOST="inline",
    )
    assert child.out.splitlines() == [
        "NotFoundError",
        "NotFoundError",
        "running",
        "completed [5.0, 6.0] ['digits']",
    ]


def test_a_jobs_environment_names_the_run(tmp_path: Path) -> None:
    """EPOCHAL_COMPONENT with an id: current() is that run, and its end isn't this process's to say."""
    child = run("run = epochal.init('digits', component='mine')\nprint(run.id)", tmp_path)
    said = told(
        """
run = epochal.current()
run.log({"loss": 1})
run.finish()
store = epochal.open()
said = [run.id, run.is_main, store.components()["status"].tolist(), store.metrics()["value"].tolist()]
""",
        tmp_path,
        EPOCHAL_COMPONENT=child.out.strip(),
    )
    assert said == [child.out.strip(), False, ["completed"], [1.0]]


def test_runs_may_be_nested_and_beside_each_other(tmp_path: Path) -> None:
    """Each thread has a current run of its own; leaving the inner one leaves the outer one current."""
    said = told(
        """
import threading
exp, seen = epochal.experiment("digits"), {}
barrier = threading.Barrier(2)
def work(name):
    with exp.trial({"name": name}).run(name) as outer:
        barrier.wait()
        epochal.log({"outer": 1})
        with exp.trial({"name": name}).run(f"{name}-inner"):
            barrier.wait()
            epochal.log({"inner": 1})
        epochal.log({"outer": 2})
        seen[name] = epochal.current() is outer
threads = [threading.Thread(target=work, args=(name,)) for name in "ab"]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
points = epochal.open().metrics()
said = [seen, sorted(zip(points["name"], points["metric"], points["value"]))]
""",
        tmp_path,
    )
    of_each = [[[name, "outer", 1.0], [name, "outer", 2.0], [f"{name}-inner", "inner", 1.0]] for name in "ab"]
    assert said == [{"a": True, "b": True}, [*of_each[0], *of_each[1]]]
