"""The demo, run twice as a newcomer runs it, with short trainings."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from host_ending import end_host

import epochal

NAME = "digits-custom-vs-resnet-x0.02"


def environment(folder: Path) -> dict[str, str]:
    """Nothing of this process's settings; caches in the test's folder."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("EPOCHAL_")}
    return kept | {"XDG_CACHE_HOME": str(folder / "cache"), "COLUMNS": "120"}


def run_demo(folder: Path, *program: str, **settings: str) -> str:
    """What the demo prints, or a program that runs it in its own way."""
    command = [sys.executable, *(program or ("-m", "epochal.cli", "demo")), "--store", str(folder / "store")]
    done = subprocess.run(
        [*command, "--output", str(folder / "out"), "--epochs-scale", "0.02"],
        env=environment(folder) | settings,
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    return done.stdout


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_the_demo_answers_its_hypothesis_and_runs_again(tmp_path: Path) -> None:
    """18 trials are trained and judged; what it says to type next works; a second run adds and fails on nothing."""
    try:
        check_two_runs(tmp_path)
    finally:
        end_host(tmp_path / "store")


def check_two_runs(tmp_path: Path) -> None:
    """Both runs, one after the other, and what they leave."""
    said = run_demo(tmp_path)
    assert len(re.findall(r"epochs +test accuracy [01]\.\d{4}", said)) == 18
    for group in ("overall", "at 3 epochs", "at 2 epochs", "at 1 epochs"):
        assert f"Best {group}" in said
    assert (tmp_path / "out" / f"{NAME}.png").read_bytes().startswith(b"\x89PNG")
    check_store(tmp_path / "store", runs=1)
    check_steps(said)
    check_lineage(said)
    check_next_steps(said, tmp_path)
    again = run_demo(tmp_path)
    assert "the experiment holds 36 trainings" in again
    check_store(tmp_path / "store", runs=2)
    check_cleaning(again, tmp_path)
    check_store(tmp_path / "store", runs=2)


def check_store(location: Path, runs: int) -> None:
    """The store holds one experiment with 18 trials, each with every training and what all trials share."""
    store = epochal.open(location)
    report = store.report(NAME)
    assert report["Kind"].value_counts().to_dict() == {"training": 18 * runs, "metadata": runs, "preprocessing": runs}
    ran = report["Kind"] != "metadata"
    assert set(report["Status"][ran]) == {"completed"}
    assert set(report["Status"][~ran]) == {""}  # information doesn't run
    trainings = report[report["Kind"] == "training"]
    assert sorted(trainings["loss - Count"]) == sorted([1, 2, 3] * 6 * runs)
    trials = store.trials(NAME)
    assert len(trials) == 18
    shared = report[report["Kind"] == "metadata"]
    assert all(len(names) == 18 for names in shared["Trials"])
    experiment = store.state(store.experiment(NAME))
    assert experiment["verdict"] in {"accepted", "rejected", "inconclusive"}
    assert "smallest possible p = 0.0020" in experiment["verdict_note"]


def check_steps(said: str) -> None:
    """The six steps are announced, each once, in order."""
    assert re.findall(r"Step (\d): ", said) == list("123456")


def check_lineage(said: str) -> None:
    """The winner comes from a training, this from the split data, this from the preprocessing of the raw digits."""
    lineage = said[said.index("where the winning model comes from") : said.index("What to type next")]
    places = [lineage.index(name) for name in ("model", "training", "digits-split", "preprocessing", "digits-dataset")]
    assert places == sorted(places)


def check_next_steps(said: str, folder: Path) -> None:
    """Every command that the demo proposes can be pasted into a shell as it is."""
    commands = proposed(said[said.index("What to type next") : said.index("Cleaning up")])
    assert len(commands) == 5
    for command in commands:
        assert pasted(command, folder).strip(), command


def check_cleaning(said: str, folder: Path) -> None:
    """So can the two that delete all of it, and restore it."""
    delete, restore = proposed(said[said.index("Cleaning up") :])
    pasted(delete, folder)
    with epochal.open(folder / "store") as store:
        assert NAME not in set(store.experiments()["name"])
    pasted(restore, folder)


def proposed(said: str) -> list[str]:
    """The commands in what the demo says."""
    return re.findall(r"^  (\S.*)$", said, re.MULTILINE)


def pasted(command: str, folder: Path) -> str:
    """What a command prints."""
    done = subprocess.run(
        ["/bin/sh", "-c", command], env=environment(folder), cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"{command}\n{done.stderr}"
    return done.stdout
