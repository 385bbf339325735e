"""``epochal search`` as it is typed, over a store written with the SDK."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest
from query.test_cli import WRITES, Shell

from epochal_query import read_parquet

pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def shell(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shell]:
    """A store with a small experiment in it."""
    found = Shell(tmp_path_factory.mktemp("search") / "store")
    files = tmp_path_factory.mktemp("files")
    subprocess.run([sys.executable, str(WRITES), str(files)], env=found.environment(), check=True)
    yield found
    found.end()


def test_search(shell: Shell) -> None:
    """Each kind, with a filter and an order, as a table and for machines."""
    where = (
        "metrics.acc.last > 0.1 and input(name = 'data' and digest like 'sha256:%') and trial(variables.model = 'b')"
    )
    answer = shell.json("search", "run", where, "--order-by", "metrics.acc.last desc")
    assert [row["trials"] for row in answer["rows"]] == [["epochs=4, model=b"], ["epochs=2, model=b"]]
    assert answer["epochal"]["watermark"]
    trials = shell.json("search", "trial", "variables.epochs = 4 and run(metrics.acc.max > 0.3)")["rows"]
    assert [row["variables"] for row in trials] == [{"epochs": 4, "model": "b"}]
    experiments = shell.json("search", "experiment", "tags.team = 'vision' and verdict = 'accepted'")["rows"]
    assert [(row["name"], row["tags"]) for row in experiments] == [("digits", {"team": "vision"})]
    assert "2 rows" in shell.out("search", "component", "params.model = 'a'")
    assert shell.json("search", "component", "kind = 'nothing'")["rows"] == []


def test_going_on(shell: Shell) -> None:
    """What is left out is said, with how to go on; typed so, each row comes once."""
    first = shell.run("search", "trial", "--order-by", "name", "--limit", "3")
    assert first.returncode == 0
    said = re.fullmatch(r"4 rows in all; to go on: (--limit 3 --after '.*')\n", first.stderr)
    assert said, first.stderr
    rows = shell.json("search", "trial", "--order-by", "name", *shlex.split(said[1]))["rows"]
    assert [row["name"] for row in rows] == ["epochs=4, model=b"]
    answer = shell.json("search", "trial", "--order-by", "name", "--limit", "3")
    assert (answer["epochal"]["rows"], len(answer["rows"])) == (4, 3)
    again = shell.json("search", "trial", "--order-by", "name", "--limit", "3", "--after", answer["epochal"]["next"])
    assert again["rows"] == rows
    assert again["epochal"]["next"] is None


def test_errors(shell: Shell) -> None:
    """One message and exit code 1; what is typed wrongly 2."""
    for arguments, problem in (
        (["run", "metrics.acc.last contains 'x'"], "is a number, and contains, like and matches work on text"),
        (["trial", "input(name = 'x')"], "there is no input(...) of a trial"),
        (["run", "--limit", "1", "--after", "x"], "after='x' is nothing to go on with"),
    ):
        refused = shell.run("search", *arguments)
        assert (refused.returncode, problem in refused.stderr) == (1, True), refused.stderr
    for arguments in (["job"], ["run", "--after", "x"], ["run", "--limit", "0"]):
        assert shell.run("search", *arguments).returncode == 2


def test_files_equal_the_frame(shell: Shell, tmp_path: Path) -> None:
    """What a command writes as Parquet is read back as the frame."""
    shell.out("report", "digits", "--parquet", str(tmp_path / "report.parquet"))
    frame = read_parquet(tmp_path / "report.parquet")
    answer = shell.json("report", "digits")["rows"]
    assert frame["ComponentId"].to_list() == [row["ComponentId"] for row in answer]
    assert frame["Trials"].to_list() == [row["Trials"] for row in answer]
    assert frame["Tags"].to_list() == [{}] * 5
    assert frame.attrs["epochal"]["watermark"]
    assert isinstance(frame["Start"].dtype, pd.DatetimeTZDtype)
