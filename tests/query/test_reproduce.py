"""Reproducing for real: a job of a git repository is run, written down, and run again to the same content."""

from __future__ import annotations

import contextlib
import json
import os
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from host_ending import end_host

import epochal
from epochal_query.errors import ReadError, UnknownNameError
from epochal_query.recipe import Recipe, own_command, place_in_code
from epochal_query.reproduce import script_of
from epochal_query.store import Store

TRAIN = """
import random
from pathlib import Path
import sys
import epochal

with epochal.init("reproducible", params={"seed": 7, "times": int(sys.argv[1])}) as run:
    random.seed(7)
    run.log_input("numbers", path="data/numbers.txt")
    run.log_input("elsewhere", "s3://bucket/thing")
    numbers = [int(line) for line in Path("data/numbers.txt").read_text().split()]
    total = sum(number * random.randrange(100) for number in numbers) * int(sys.argv[1])
    Path("model.txt").write_text(f"{total} CHANGED")
    run.log_output("model", path="model.txt")
"""


class Job:
    """A repository with a script that differs from its commit, an input that git ignores, and the store it wrote to."""

    def __init__(self, home: Path) -> None:
        self.home, self.work, self.store = home, home / "work", home / "store"
        (self.work / "src" / "data").mkdir(parents=True)
        (self.work / ".gitignore").write_text("data\nmodel.txt\n")
        script = self.work / "src" / "train.py"
        script.write_text(TRAIN.replace("CHANGED", "committed"))
        self.git("init", "--quiet", ".")
        self.git("add", ".")
        self.git("-c", "user.name=ada", "-c", "user.email=ada@example.org", "commit", "--quiet", "-m", "as it was")
        script.write_text(TRAIN)
        (self.work / "src" / "data" / "numbers.txt").write_text("1 2 3 5 8")
        self.environment = {name: value for name, value in os.environ.items() if not name.startswith("EPOCHAL_")}
        self.environment |= {"EPOCHAL_STORE": str(self.store), "OMP_NUM_THREADS": "1", "PYTHON": sys.executable}
        self.run([sys.executable, "train.py", "3"], self.work / "src")

    def git(self, *arguments: str) -> None:
        """In the repository."""
        subprocess.run(["git", *arguments], cwd=self.work, check=True, capture_output=True)

    def run(self, command: list[str], folder: Path) -> None:
        """As a user would."""
        done = subprocess.run(command, cwd=folder, env=self.environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="module")
def job(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Job]:
    made = Job(tmp_path_factory.mktemp("job"))
    yield made
    end_host(made.store)


@pytest.fixture
def store(job: Job) -> Iterator[Store]:
    with contextlib.closing(epochal.open(job.store)) as opened:
        yield opened


@pytest.mark.long
def test_the_same_content_comes_out(job: Job, store: Store, tmp_path: Path) -> None:
    """Its repository moved on, its input is gone; the script makes the very same model."""
    (model,) = store.components(experiment="reproducible")["id"]
    digest = store.component(model).output("model").digest
    (job.work / "src" / "train.py").write_text("raise SystemExit('another program by now')")
    (job.work / "src" / "data" / "numbers.txt").unlink()
    found = store.reproduce(digest, tmp_path / "again")
    assert found.script is not None
    assert found.recipe.seeds == {"seed": 7}
    assert found.recipe.directory == "src"
    assert [one for one in found.unknown if "elsewhere" in one] == [
        "the content of the input 'elsewhere': it was recorded by its place only",
        f"a copy of the input 'elsewhere': bring s3://bucket/thing to {tmp_path / 'again' / 'inputs' / 'elsewhere'}",
    ]
    job.run([str(tmp_path / "again" / "run.sh")], tmp_path)
    again = store.lineage(digest, "ascendants", depth=1)
    assert list(again.nodes["kind"]).count("component") == 2, "the model was made twice"
    assert (tmp_path / "again" / "code" / "src" / "model.txt").read_text().endswith(" CHANGED")


def test_what_is_written_down(job: Job, store: Store, tmp_path: Path) -> None:
    """For people, for machines and for pip."""
    model = store.components(experiment="reproducible")["id"][0]
    found = store.reproduce(model, tmp_path / "new")
    known = json.loads((tmp_path / "new" / "recipe.json").read_text())
    assert known["command"][1:] == ["train.py", "3"]
    assert known["params"] == {"seed": 7, "times": 3}
    assert known["unknown"] == found.unknown
    assert f"pytest=={pytest.__version__}" in (tmp_path / "new" / "requirements.txt").read_text().splitlines()
    assert (tmp_path / "new" / "inputs" / "src" / "data" / "numbers.txt").read_text() == "1 2 3 5 8"
    text = found.to_text()
    assert "  script       src/train.py" in text
    assert f"written to {tmp_path / 'new'}: run {tmp_path / 'new' / 'run.sh'}" in text
    with pytest.raises(ReadError, match="is not an empty directory"):
        store.reproduce(model, tmp_path / "new")


def test_what_nobody_made(store: Store) -> None:
    """There is nothing to run again."""
    with pytest.raises(UnknownNameError, match="no component is known to have made it"):
        store.reproduce("s3://bucket/thing")


@pytest.mark.long
def test_one_question(job: Job, store: Store) -> None:
    """What made a model that was deployed, and what descends from it now: in one call and one command."""
    model = store.components(experiment="reproducible")["id"][0]
    digest = store.component(model).output("model").digest
    found = store.provenance(digest)
    assert set(found.recipes) >= {model}
    recipe = found.recipes[model]
    assert recipe.code["commit"]
    assert recipe.diff
    assert "numbers" in set(found.made_from.nodes["name"])
    command = [sys.executable, "-m", "epochal.cli", "provenance", str(digest), "--json"]
    done = subprocess.run(command, env=job.environment, capture_output=True, text=True, check=True)
    assert set(json.loads(done.stdout)["components"]) == set(found.recipes)
    text = found.to_text()
    for said in ("script       src/train.py", 'params       {"seed": 7, "times": 3}', "what descends from it now:"):
        assert said in text


@pytest.mark.parametrize(
    ("uri", "place"),
    [
        ("file:///work/repo/data/x%20y.csv", "data/x y.csv"),
        ("file:///work/repo/../secrets", None),
        ("file:///work/repo/a/../b", "b"),
        ("file:///elsewhere/x", None),
        ("s3://work/repo/x", None),
        (None, None),
    ],
)
def test_where_an_input_lay_in_the_code(uri: str | None, place: str | None) -> None:
    """Never outside of it."""
    assert place_in_code({"root": "/work/repo"}, uri) == place


def test_the_script_quotes_whatever_was_recorded() -> None:
    """What is in a store can't make the script do anything else."""
    odd = "x'; touch /tmp/owned; '"
    recipe = Recipe("id", "n", "k", command=("./run", odd), python=f"3.11{odd}", code={"commit": odd, "root": odd})
    made = script_of(recipe)
    assert made is not None
    checked = subprocess.run(["sh", "-n"], input=made, capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stderr
    words = shlex.split(made, comments=True)
    assert words.count(odd) == 3
    assert not any(word.startswith("touch") for word in words)


def test_the_script_asks_for_code_that_nobody_recorded(tmp_path: Path) -> None:
    """And runs the job when it is there."""
    made = script_of(Recipe("id", "n", "k", command=("sh", "train.sh", "a b"), python="3.11", directory="src"))
    assert made is not None
    (tmp_path / "run.sh").write_text(made)
    command = ["sh", str(tmp_path / "run.sh")]
    environment = {**os.environ, "PYTHON": sys.executable}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert f"put the code into {tmp_path}/code" in done.stderr
    (tmp_path / "code" / "src").mkdir(parents=True)
    (tmp_path / "code" / "src" / "train.sh").write_text('echo "trained with $1"')
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "trained with a b\n")
    assert script_of(Recipe("id", "n", "k")) is None


def test_what_a_command_line_is_for() -> None:
    """Of `epochal run` it is the command that counts."""
    assert own_command(["python", "-m", "epochal.cli", "run", "-e", "x", "--", "make", "all"]) == ("make", "all")
    assert own_command(["python", "run.py", "--", "x"]) == ("python", "run.py", "--", "x")
