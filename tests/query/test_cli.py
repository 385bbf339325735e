"""The command line, as a user runs it, over a store written with the SDK."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from epochal._host import read_address

WRITES = Path(__file__).with_name("writes.py")


@dataclass
class Shell:
    """Runs `epochal` with a store of its own."""

    store: Path

    def environment(self, **extra: str) -> dict[str, str]:
        """Nothing but the store is set."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith("EPOCHAL_")}
        return kept | {"EPOCHAL_STORE": str(self.store), "EPOCHAL_CAPTURE": "none", "COLUMNS": "200"} | extra

    def run(self, *arguments: str, text: str | None = None, **extra: str) -> subprocess.CompletedProcess[str]:
        """One command."""
        return subprocess.run(
            [sys.executable, "-m", "epochal.cli", *arguments],
            env=self.environment(**extra),
            input=text,
            capture_output=True,
            text=True,
            check=False,
        )

    def out(self, *arguments: str, **extra: Any) -> str:
        """What a command that must succeed prints."""
        done = self.run(*arguments, **extra)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def json(self, *arguments: str) -> Any:
        """What it prints for machines."""
        return json.loads(self.out(*arguments, "--json"))

    def end(self) -> None:
        """End the host."""
        address = read_address(self.store)
        if address is not None:
            os.kill(address.pid, signal.SIGKILL)


@pytest.fixture(scope="module")
def shell(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shell]:
    """A store with a small experiment in it."""
    found = Shell(tmp_path_factory.mktemp("cli") / "store")
    try:
        subprocess.run(
            [sys.executable, str(WRITES), str(tmp_path_factory.mktemp("files"))], env=found.environment(), check=True
        )
        yield found
    finally:
        found.end()


@pytest.mark.long
def test_branches(shell: Shell) -> None:
    """Those of a component, and the line of one; one that isn't there is named."""
    run = next(row["id"] for row in shell.json("ls", "--components", "digits")["rows"] if row["name"] == "training")
    assert [(row["branch"], row["newest"]) for row in shell.json("branches", run)["rows"]] == [(0, True)]
    lines = shell.json("metrics", "--component", run, "-m", "acc", "--branch", "0")["rows"]
    main = shell.json("metrics", "--component", run, "-m", "acc")["rows"]
    assert lines == [{**row, "branch": 0} for row in main]
    refused = shell.run("metrics", "--component", run, "--branch", "7")
    assert refused.returncode == 1
    assert "branch 0 alone" in refused.stderr


@pytest.mark.long
def test_ls(shell: Shell) -> None:
    """Experiments, trials, components; tables for people, JSON for machines."""
    assert [row["name"] for row in shell.json("ls")["rows"]] == ["digits"]
    assert "digits" in shell.out("ls")
    trials = shell.json("ls", "digits")["rows"]
    assert [row["variables"] for row in trials] == [{"epochs": e, "model": m} for m in "ab" for e in (2, 4)]
    assert {row["status"] for row in trials} == {"completed"}
    table = shell.out("ls", "digits")
    assert "epochs=4, model=b" in table
    assert "4 rows" in table
    assert len(shell.json("ls", "--components", "digits")["rows"]) == 5
    assert shell.json("ls", "--unassigned")["rows"] == []


@pytest.mark.long
def test_report(shell: Shell, tmp_path: Path) -> None:
    """The same frame as a table, JSON, CSV and Parquet; nothing missing without a word."""
    arguments = ["report", "digits", "--where", "kind = 'training'", "--order-by", "metrics.acc.last desc"]
    answer = shell.json(*arguments)
    assert [row["acc - Last"] for row in answer["rows"]] == pytest.approx([0.35, 0.3, 0.15, 0.1])
    assert answer["rows"][0]["loss - Last"] is None
    assert answer["epochal"]["watermark"]
    table = shell.out(*arguments)
    assert "acc - StdDev" in table
    assert "4 rows" in table
    rows = list(csv.DictReader(io.StringIO(shell.out(*arguments, "--csv", "-"))))
    assert list(rows[0]) == list(answer["rows"][0])
    shell.out(*arguments, "--parquet", str(tmp_path / "report.parquet"))
    frame = pd.read_parquet(tmp_path / "report.parquet")
    assert list(frame["epochs"]) == [row["epochs"] for row in answer["rows"]]
    assert list(frame["Trials"][0]) == ["epochs=4, model=b"]
    narrow = shell.out(*arguments, "-m", "acc", "-p", "/ep.*/", "-a", "model", COLUMNS="80")
    assert max(map(len, narrow.splitlines())) <= 80


@pytest.mark.long
def test_reading_again_what_was_known(shell: Shell) -> None:
    """A watermark from one answer gives the same answer again."""
    answer = shell.json("report", "digits")
    again = shell.json("report", "digits", "--known-at", json.dumps(answer["epochal"]["watermark"]))
    assert answer["rows"] == again["rows"]
    assert shell.json("report", "digits", "--as-of", "2 hours ago")["rows"] == []


@pytest.mark.long
def test_best_show_metrics(shell: Shell) -> None:
    """One row is printed as a list; metrics keep NaN."""
    best = shell.json("best", "digits", "acc", "--mode", "max")["rows"]
    assert [(row["model"], row["epochs"]) for row in best] == [("b", 4)]
    assert "acc - Last" in shell.out("best", "digits", "acc", "--mode", "max")
    component = best[0]["ComponentId"]
    state = shell.json("show", component)["state"]
    assert state["params"] == {"epochs": 4, "model": "b"}
    assert "epochs=4, model=b" in shell.out("show", component)
    points = shell.json("metrics", "--component", component, "-m", "loss")["rows"]
    assert [point["value"] for point in points] == [{"$float": "nan"}] * 4
    assert len(shell.json("metrics", "--experiment", "digits", "-m", "acc")["rows"]) == 12


@pytest.mark.long
def test_history(shell: Shell) -> None:
    """As a table, and for machines."""
    component = shell.json("best", "digits", "acc", "--mode", "max")["rows"][0]["ComponentId"]
    (row,) = shell.json("history", component, "params.epochs")["rows"]
    assert (row["value"], row["fate"], row["rank"], row["ended_by"]) == (4, "in effect", 0, None)
    shown = shell.out("history", component, "params")
    assert re.search(r"params\.model +b +in effect", shown)
    points = shell.json("history", component, "metrics.loss", "--step", "1")["rows"]
    assert [point["value"] for point in points] == [{"$float": "nan"}]
    assert "b wins" in shell.out("history", "digits", "verdict")
    assert shell.json("history", "digits", "--as-of", "2001-01-01")["rows"] == []


@pytest.mark.long
def test_diff(shell: Shell) -> None:
    """As text, or as rows; of two things or of two instants."""
    first, second = (
        shell.json("best", "digits", "acc", "--mode", mode)["rows"][0]["ComponentId"] for mode in ("min", "max")
    )
    shown = shell.out("diff", first, second)
    assert shown.startswith(f"a  component training ({first})\nb  component training ({second})\n")
    assert re.search(r"~ params\.model +a → b\n", shown)
    rows = shell.json("diff", first, second, "--equal")["rows"]
    assert {row["field"]: row["change"] for row in rows}["name"] == "equal"
    born = shell.json("diff", second, "--between", "2001-01-01", "now")["rows"]
    assert {row["change"] for row in born} == {"added"}
    assert shell.json("diff", second, "--known-between", "2001-01-01", "now")["rows"] == born
    refused = shell.run("diff", second, "--between", "2001-01-01", "now", "--as-of", "now")
    assert (refused.returncode, "--between takes the place of --as-of" in refused.stderr) == (2, True)


@pytest.mark.long
def test_lineage_and_certificate(shell: Shell) -> None:
    """As text, and as nodes and edges."""
    component = shell.json("best", "digits", "acc", "--mode", "max")["rows"][0]["ComponentId"]
    text = shell.out("lineage", component)
    assert "component training" in text
    assert "artifact data" in text
    assert "component experiment-metadata" in text
    assert shell.out("lineage", component, "--mermaid").startswith("flowchart LR\n")
    assert shell.out("lineage", component, "--dot").startswith("digraph lineage {\n")
    assert "choose one of --json and --dot" in shell.run("lineage", component, "--json", "--dot").stderr
    graph = shell.json("lineage", component, "--direction", "both")
    assert {node["name"] for node in graph["nodes"]} == {"training", "data", "experiment-metadata", "model"}
    assert shell.json("certificate", component)["state"] == "closed"
    assert shell.out("certificate", component).startswith("closed: ")


@pytest.mark.long
def test_sql(shell: Shell) -> None:
    """From an argument or standard input, with parameters; it can't write."""
    assert shell.json("sql", "SELECT count() AS n FROM components")["rows"] == [{"n": 5}]
    query = "SELECT name FROM components WHERE kind = {kind:String}"
    assert shell.json("sql", "-P", "kind=metadata", query)["rows"] == [{"name": "experiment-metadata"}]
    assert "experiment-metadata" in shell.out("sql", "-", "-P", "kind=metadata", text=query)
    refused = shell.run("sql", "DROP TABLE facts")
    assert refused.returncode == 1
    assert refused.stderr.startswith("Error: sql() only reads")


def test_url(shell: Shell) -> None:
    """Any ClickHouse client can use it."""
    import urllib.request

    answer = shell.json("url")
    assert answer["user"] == "reader"
    with urllib.request.urlopen(shell.out("url").strip() + "&query=SELECT%201%2B1") as response:
        assert response.read() == b"2\n"


@pytest.mark.long
@pytest.mark.parametrize(
    ("arguments", "code", "problem"),
    [
        (["report", "digit"], 1, "near: 'digits'"),
        (["report", "digits", "--where", "params.lr <"], 1, "expected a number"),
        (["report", "digits", "--as-of", "soon"], 1, "is not a time"),
        (["show", "nothing"], 1, "nothing in project 'default' is named"),
        (["best", "digits", "acc"], 1, "mode='max'"),
        (["history", "digits", "verdikt"], 1, "near: 'verdict'"),
        (["diff", "digits"], 1, "needs two instants"),
        (["diff", "digits", "--between", "soon", "now"], 1, "as_of='soon' is not a time"),
        (["best", "digits"], 2, "Missing argument 'METRIC'"),
        (["report", "digits", "--json", "--csv", "-"], 2, "choose one of"),
        (["metrics", "--max-points", "3"], 2, "--max-points"),
        (["sql", "-P", "x", "SELECT 1"], 2, "NAME=VALUE"),
        (["metrics", "-m", "/(/"], 2, "not a regular expression"),
        (["ls", "--store", "redis://x"], 1, "can't be at redis"),
        (["nonsense"], 2, "No such command"),
    ],
)
def test_errors(shell: Shell, arguments: list[str], code: int, problem: str) -> None:
    """One readable message on standard error, nothing on standard output, and an exit code scripts can trust."""
    done = shell.run(*arguments)
    assert done.returncode == code
    assert problem in done.stderr
    assert done.stdout == ""
    assert "Traceback" not in done.stderr


@pytest.mark.long
def test_export_and_import(shell: Shell, tmp_path: Path) -> None:
    """A whole store to files and back: the same answers at the same positions."""
    said = shell.json("export", str(tmp_path / "files"))
    assert said["rows"]["metrics"] == 24
    other = Shell(tmp_path / "other")
    try:
        assert "imported" in other.out("import", str(tmp_path / "files"))
        query = ["report", "digits", "--known-at", json.dumps(said["watermark"])]
        assert other.json(*query)["rows"] == shell.json(*query)["rows"]
        again = shell.run("export", str(tmp_path / "files"))
        assert again.returncode == 1
        assert "exists" in again.stderr
    finally:
        other.end()


def test_help_is_quick_and_light(shell: Shell) -> None:
    """Looking at the commands loads neither pandas nor the client."""
    code = "import sys; from epochal.cli import load_commands, group; load_commands(group); print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not {"pandas", "numpy", "pyarrow", "clickhouse_connect", "pydantic", "rich"} & set(loaded)


def test_the_list_of_commands_is_whole(shell: Shell) -> None:
    """In a terminal of 80 columns each command is told in one sentence, none of them cut off."""
    shown = shell.out("--help", COLUMNS="80")
    told = shown.partition("Commands:")[2].split("\n")
    assert len(told) > 10
    assert not [line for line in told if line.strip() and not line.endswith(".")]
    assert "..." not in "".join(told)


@pytest.mark.long
def test_an_empty_answer_says_where_it_looked(shell: Shell, tmp_path: Path) -> None:
    """A project that is misspelt, and a store that is new, aren't taken for one where nothing matched."""
    elsewhere = shell.run("ls", "--project", "nobody")
    assert (elsewhere.returncode, "0 rows" in elsewhere.stdout) == (0, True)
    assert "'nobody', which is empty (what is here lies in 'default')" in elsewhere.stderr
    assert shell.run("ls", "--as-of", "2001-01-01").stderr == ""


@pytest.mark.long
def test_what_was_written_to_a_file_is_said(shell: Shell, tmp_path: Path) -> None:
    """On standard error; into a pipe goes nothing but the rows."""
    for option, name in (("--csv", "x.csv"), ("--parquet", "x.parquet")):
        done = shell.run("ls", option, str(tmp_path / name))
        assert (done.stdout, done.stderr) == ("", f"1 row written to {tmp_path / name}\n")
    assert shell.run("ls", "--csv", "-").stderr == ""


def test_doctor_for_people(shell: Shell) -> None:
    """No value is in the form of a programming language."""
    shown = shell.out("doctor")
    assert not {"True", "False", "None", "{}", "[]"} & set(shown.split())
    assert "exists         yes" in shown


@pytest.mark.long
def test_show_is_no_longer_than_a_screen_and_says_what_it_leaves_out(shell: Shell) -> None:
    """Hundreds of packages and variables are for machines; that they are there is said."""
    done = shell.run("run", "-e", "shown", "-n", "shown", "--", "true", EPOCHAL_CAPTURE="env,packages,host")
    assert done.returncode == 0, done.stderr
    shown = shell.out("show", "shown")
    assert re.search(r"not shown: \d+ of packages of rank 0, \d+ of env of rank 0; all of it: --json", shown)
    assert "COLUMNS" not in shown
    assert shell.json("show", "shown")["state"]["environment"]["rank 0"]["env"]["COLUMNS"] == "200"


@pytest.mark.long
def test_what_a_history_does_not_show_is_said(shell: Shell) -> None:
    """A long value is cut in a table only; what was taken away is no empty cell."""
    script = "import epochal; it = epochal.component('talkative'); it.note('x' * 300); it.tag('t'); it.untag('t')"
    subprocess.run([sys.executable, "-c", script], env=shell.environment(), check=True)
    shown = shell.out("history", "talkative", "note")
    assert "1 value is cut at 200 characters; whole: --json" in shown
    assert shell.json("history", "talkative", "note")["rows"][0]["value"] == "x" * 300
    tags = shell.out("history", "talkative", "tags")
    assert re.search(r"tags\.t +true +unset", tags)
    assert re.search(r"tags\.t +\(taken away\) +in effect", tags)
    assert "cut" not in tags
