"""Jobs that declare by their environment what they are part of, and what counts where several say so."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from sdk.children import Written, environment, read, run

from epochal._ids import experiment_id, trial_id

DECLARED = {"EPOCHAL_EXPERIMENT": "digits", "EPOCHAL_TRIAL": '{"lr": 0.1}', "EPOCHAL_RUN_NAME": "job-7"}


def trials(written: Written) -> dict[str, tuple[str, Any]]:
    """By component its experiment's name and its variables; of those that are in one trial."""
    names = {data["experiment"]: data["name"] for data in written.data("experiment.created")}
    made = {data["trial"]: (names[data["experiment"]], data["variables"]) for data in written.data("trial.created")}
    return {data["component"]: made[data["trial"]] for data in written.data("component.attached")}


def named(written: Written) -> dict[str, tuple[str, Any]]:
    """The same by the component's name."""
    inside = trials(written)
    return {data["name"]: inside[data["component"]] for data in written.data("component.created")}


@pytest.mark.parametrize(
    ("call", "settings", "expected"),
    [
        ("epochal.init()", DECLARED, {"job-7": ("digits", {"lr": 0.1})}),
        ("epochal.init(name='mine')", DECLARED, {"mine": ("digits", {"lr": 0.1})}),
        ("epochal.init(variables={'lr': 1})", DECLARED, {"job-7": ("digits", {"lr": 1})}),
        ("epochal.init('digits')", DECLARED, {"job-7": ("digits", {"lr": 0.1})}),
        ("epochal.init('other')", DECLARED, {"job-7": ("other", {})}),
        ("epochal.init('any')", {"EPOCHAL_TRIAL": '{"lr": 2}'}, {"training": ("any", {"lr": 2})}),
        ("epochal.init()", {"EPOCHAL_EXPERIMENT": "digits"}, {"training": ("digits", {})}),
    ],
)
def test_arguments_come_before_the_environment(
    tmp_path: Path, call: str, settings: dict[str, str], expected: dict[str, Any]
) -> None:
    """What is given counts, else what is declared; experiment and trial are created if they weren't there."""
    assert named(run(call, tmp_path, settings).written) == expected


def test_the_run_we_are_in_comes_before_the_environment(tmp_path: Path) -> None:
    """One more run inside another, and one in a process that was started there, belong to its trial; names do not."""
    child = run(
        """
        import subprocess, sys
        trial = epochal.experiment("grid").trial({"lr": 3})
        with trial.run("outer"):
            epochal.init(name="inner").finish()
            inner = "import epochal; epochal.init(kind='evaluation').finish()"
            subprocess.run([sys.executable, "-c", inner], check=True)
            epochal.init("elsewhere", name="told").finish()
        epochal.init().finish()
        """,
        tmp_path,
        DECLARED,
    )
    assert named(child.written) == {
        "outer": ("grid", {"lr": 3}),
        "inner": ("grid", {"lr": 3}),
        "evaluation": ("grid", {"lr": 3}),
        "told": ("elsewhere", {}),
        "job-7": ("digits", {"lr": 0.1}),
    }


def test_what_init_ends_is_not_what_the_next_is_in(tmp_path: Path) -> None:
    """What the environment declares counts again, the name too; but a run whose ``with`` block is open goes on."""
    child = run(
        """
        epochal.init("a", name="first", variables={"x": 1})
        epochal.init().finish()
        with epochal.init("a", name="outer", variables={"x": 2}) as outer:
            epochal.init(name="inner")
            epochal.init(name="next")
            assert outer.status == "running"
        """,
        tmp_path,
        DECLARED,
    )
    written = child.written
    assert named(written) == {
        "first": ("a", {"x": 1}),
        "job-7": ("digits", {"lr": 0.1}),
        "outer": ("a", {"x": 2}),
        "inner": ("a", {"x": 2}),
        "next": ("a", {"x": 2}),
    }
    made = {data["name"]: data for data in written.data("component.created")}
    inside = {name: data["parent"] for name, data in made.items() if data["parent"] is not None}
    assert inside == dict.fromkeys(("inner", "next"), made["outer"]["component"])


def test_the_trials_of_what_goes_on_are_not_known(tmp_path: Path) -> None:
    """Where the store can't be read: what is opened in it is in no trial rather than in a wrong one."""
    child = run(
        """
        import sys
        sys.modules["epochal_query.for_sdk"] = None
        with epochal.init("digits", resume="mine"):
            epochal.init(name="inner").finish()
            epochal.init(name="told", variables={"lr": 1}).finish()
        """,
        tmp_path,
    )
    assert "runs opened inside it are in no trial unless they are given variables=" in child.err
    written = child.written
    assert [data["name"] for data in written.data("component.created")] == ["inner", "told"]
    assert list(trials(written).values()) == [("digits", {"lr": 1})]


def test_an_init_that_is_told_nothing_ends_nothing(tmp_path: Path) -> None:
    """The run that it would have finished is no run around it, and stays open."""
    child = run(
        """
        first = epochal.init("a", name="first", variables={"x": 1})
        try:
            epochal.init(name="second")
        except epochal.MisuseError as error:
            print(error)
        first.log({"loss": 1})
        assert epochal.current() is first
        """,
        tmp_path,
    )
    assert "runs inside no run of one (this call would finish run 'first'): give its name" in child.out
    assert named(child.written) == {"first": ("a", {"x": 1})}
    assert child.written.values("loss") == [1.0]


def test_the_run_of_another_project_declares_nothing(tmp_path: Path) -> None:
    """An experiment of that name may be there, but it is another one."""
    child = run(
        """
        with epochal.init("grid", name="outer", variables={"lr": 3}, project="theirs"):
            epochal.init(name="inner").finish()
        """,
        tmp_path,
        EPOCHAL_EXPERIMENT="ours",
    )
    assert named(child.written) == {"outer": ("grid", {"lr": 3}), "inner": ("ours", {})}


def test_nothing_says_which_experiment_it_is(tmp_path: Path) -> None:
    """An error that says what can be done, and nothing is recorded."""
    child = run("epochal.init()", tmp_path, expect=1)
    assert "set EPOCHAL_EXPERIMENT in the environment of the job" in child.err
    assert child.written.events == []


@pytest.mark.parametrize("text", ["lr=0.1", "[1]", "3"])
def test_variables_that_are_none(tmp_path: Path, text: str) -> None:
    """The setting, its value, and what is accepted."""
    child = run("epochal.init('digits')", tmp_path, expect=1, EPOCHAL_TRIAL=text)
    assert f"EPOCHAL_TRIAL={text!r}: accepted are a JSON object" in child.err


def test_a_disabled_job_needs_no_context(tmp_path: Path) -> None:
    """It does nothing, wherever it is."""
    assert run("epochal.init().log({'loss': 1})", tmp_path, EPOCHAL_MODE="disabled").written.events == []


def test_ranks_of_a_launch_agree(tmp_path: Path) -> None:
    """What is declared makes the same component of every rank, and another one than what is given makes."""
    settings = DECLARED | {"SLURM_JOB_ID": "12", "SLURM_NTASKS": "2", "SLURM_STEP_ID": "0", "SLURM_NODEID": "0"}
    for rank in "01":
        run("epochal.init().log({'loss': 1})", tmp_path, settings | {"SLURM_PROCID": rank, "SLURM_LOCALID": rank})
    written = read(tmp_path / "store" / "journals")
    (component,) = {data["component"] for data in written.data("component.created")}
    assert trials(written)[component] == ("digits", {"lr": 0.1})
    assert {data["rank"] for data in written.data("run.started")} == {0, 1}


@pytest.mark.parametrize(("settings", "expected"), [({}, "commands"), (DECLARED, "digits")])
def test_a_command_is_part_of_what_is_declared(tmp_path: Path, settings: dict[str, str], expected: str) -> None:
    """`epochal run` without an experiment."""
    words = [sys.executable, "-m", "epochal.cli", "run", "--", sys.executable, "-c", ""]
    subprocess.run(words, cwd=tmp_path, env=environment(tmp_path, **settings), check=True)
    (found,) = named(read(tmp_path / "store" / "journals")).values()
    assert found[0] == expected


def test_resources_of_a_job(tmp_path: Path) -> None:
    """Given where a run is opened, whichever way."""
    child = run("epochal.init('digits', resources={'instance': '8xH200', 'gpus': 8})", tmp_path)
    (made,) = child.written.data("component.created")
    assert made["resources"] == {"instance": "8xH200", "gpus": 8}


def test_handles_of_experiments_trials_and_contexts_go_elsewhere(tmp_path: Path) -> None:
    """Pickled to a process that was spawned, inherited by one that was forked: they say what they would have said."""
    (tmp_path / "worker.py").write_text(
        "import epochal\n"
        "def work(exp, trial, alias, number):\n"
        "    assert list(exp.grid()) == [{'lr': 1}, {'lr': 2}]\n"
        "    with trial.run(f'part-{number}') as run:\n"
        "        epochal.associate(run, 'AssociatedWith', alias)\n"
        "    exp.tag(done=number)\n"
        "    trial.note('seen')\n"
        "    return exp.id, trial.id, alias.id, trial.variables\n"
    )
    child = run(
        """
        import json, multiprocessing, os, pickle, worker
        if __name__ == "__main__":
            exp = epochal.experiment("digits", variables={"lr": [1, 2]})
            given = exp, exp.trial({"lr": 1.0}), epochal.context("night", type="batch")
            with multiprocessing.get_context("spawn").Pool(1) as pool:
                found = pool.apply(worker.work, (*given, 0))
                pool.close(); pool.join()
            if not os.fork():
                worker.work(*given, 1)
                os._exit(0)
            os.wait()
            assert found == (given[0].id, given[1].id, given[2].id, {"lr": 1})
            assert [one.id for one in pickle.loads(pickle.dumps(given))] == list(found[:3])
        """,
        tmp_path,
        PYTHONPATH=str(tmp_path),
    )
    written = child.written
    trial = str(trial_id("default", experiment_id("default", "digits"), {"lr": 1}))
    assert {data["trial"] for data in written.data("component.attached")} == {trial}
    assert {data["name"] for data in written.data("component.created")} == {"part-0", "part-1"}
    assert sorted(data["values"]["done"] for data in written.data("tags.set")) == [0, 1]
    assert len(written.of("association.made")) == 2


def test_an_alias_is_of_one_artifact(tmp_path: Path) -> None:
    """It moves, and ends; what it stood for is said by content."""
    child = run(
        """
        (open("a.txt", "w").write("a"), open("b.txt", "w").write("b"))
        with epochal.init("digits") as run:
            first, second = (run.log_output(name, path=f"{name}.txt") for name in "ab")
            epochal.alias("production", first)
            epochal.alias("production", second)
            epochal.alias("production", None)
        try:
            epochal.alias("production", run)
        except epochal.MisuseError as error:
            print(error)
        """,
        tmp_path,
    )
    written = child.written
    made = written.data("association.made")
    assert len({data["association"] for data in made}) == 1
    assert len({data["source"] for data in made}) == 2
    assert [data["association"] for data in written.data("association.removed")] == [made[0]["association"]]
    assert [data["type"] for data in written.data("entity.declared")] == ["alias"] * 3
    assert "an alias stands for an artifact, not for a component" in child.out
