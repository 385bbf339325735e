"""Rewinds and forks, from the job to what is read."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.long

HEAD = """
import json
import epochal

def line(of, metric="loss", **choice):
    frame = epochal.open().metrics(component=of, metric=metric, **choice)
    return list(zip(frame["step"], frame["value"]))

def refused(**arguments):
    try:
        epochal.init("family", **arguments)
    except Exception as error:
        return f"{type(error).__name__}: {error}"

"""
FAMILY = """
old = epochal.init("family", name="old", component="old")
for step in range(5):
    old.log({"loss": step})
old.rewind(2)
old.log({"loss": 13})
old.log({"loss": 14})
old.finish()
young = epochal.init("family", name="young", component="young", fork=("old", 3))
young.log({"loss": 24})
young.finish()
"""


def job(code: str, store: Path, **environment: str) -> tuple[Any, str]:
    """What a job that reads in its own process prints as JSON, and what it says."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("EPOCHAL_")}
    settings = {"EPOCHAL_STORE": str(store), "EPOCHAL_CAPTURE": "none", "EPOCHAL_HOST": "inline"}
    done = subprocess.run(
        [sys.executable, "-c", HEAD + textwrap.dedent(code)],
        env={**kept, **settings, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout or "null"), done.stderr


@pytest.fixture(scope="module")
def family(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store in which a component was rewound, and then continued by another."""
    store = tmp_path_factory.mktemp("family") / "store"
    _, said = job(FAMILY, store)
    assert said == ""
    return store


def test_a_job_that_is_started_again_rewinds_what_it_logged_before(tmp_path: Path) -> None:
    """By the same key, as launchers start it: nothing but the store knows of the earlier attempt."""
    job(
        """
        run = epochal.init("again", name="run", component="job")
        for step in range(5):
            run.log({"loss": step})
        """,
        tmp_path / "store",
    )
    lines, said = job(
        """
        run = epochal.init("again", name="run", component="job")
        run.rewind(2)
        run.log({"loss": 13})
        branches = epochal.open().branches("run")
        print(json.dumps([line("run"), line("run", branch=0), branches["attempt"].tolist()[1:]]))
        """,
        tmp_path / "store",
    )
    assert said == ""
    assert lines == [[[0, 0], [1, 1], [2, 2], [3, 13]], [[0, 0], [1, 1], [2, 2], [3, 3], [4, 4]], [2]]
    _, said = job("epochal.init('again', component='job').rewind(7)", tmp_path / "store")
    assert "the greatest step that it has is 3" in said


def test_a_fork_of_a_fork_reads_through_both(family: Path) -> None:
    """Its steps go on from where it forked; what it rewinds are also points that it continues, and nobody else's."""
    lines, said = job(
        """
        youngest = epochal.init("family", name="youngest", component="youngest", fork=("young", 4))
        youngest.log({"loss": 35})
        before = line("youngest")
        youngest.finish()
        again = epochal.init("family", resume="youngest")
        again.rewind(1)
        again.log({"loss": 42})
        old = epochal.init("family", resume="old")
        old.rewind(0)
        old.log({"loss": 1000}, step=1)
        old.finish()
        after = {name: line(name) for name in ("old", "young", "youngest")}
        print(json.dumps([before, after, line("youngest", branch=0)]))
        """,
        family,
    )
    before, after, branch = lines
    assert "still open" in said
    assert before == [[0, 0], [1, 1], [2, 2], [3, 13], [4, 24], [5, 35]]
    assert after == {"old": [[0, 0], [1, 1000]], "young": before[:5], "youngest": [[0, 0], [1, 1], [2, 42]]}
    assert branch == before


def test_a_fork_that_cannot_be_is_refused(family: Path) -> None:
    """Nothing by that name; itself; what continues itself."""
    (nobody, itself, circle), _ = job(
        """
        print(json.dumps([
            refused(fork=("nobody", 1)),
            refused(fork=("old", 1), component="old"),
            refused(fork=("young", 1), component="old"),
        ]))
        """,
        family,
    )
    assert nobody.startswith("NotFoundError: fork=('nobody', 1): project 'default' has no component")
    for text in (itself, circle):
        assert text.startswith("MisuseError: fork=(")
        assert "itself" in text


def test_a_step_that_was_never_reached_is_said(family: Path) -> None:
    """With the greatest one; in strict mode it is an error. The past is continued as far as it goes."""
    code = """
        epochal.init("family", name="far", component="far", fork=("young", 99.5)).log({"loss": 1})
        print(json.dumps(line("far")))
    """
    shown, said = job(code, family)
    assert shown == [[0, 0], [1, 1], [2, 2], [3, 13], [4, 24], [100.5, 1]]
    assert "fork=('young', 99.5): it has logged no step after 4" in said
    strict, _ = job("print(json.dumps(refused(fork=('young', 99.5))))", family, EPOCHAL_STRICT="1")
    assert "it has logged no step after 4" in strict


def test_a_restart_says_nothing_anew(family: Path) -> None:
    """The same job started again, with the same key, continues what it continued: not what became of it since."""
    code = """
        run = epochal.init("family", name="restarted", component="restarted", fork=("young", 4))
        run.log({"loss": 1})
        run.finish()
        epochal.init("family", resume="young").rewind(1)
        epochal.init("family", name="restarted", component="restarted", fork=("young", 4)).log({"loss": 2})
        forks = epochal.open().sql("SELECT count() AS n FROM facts WHERE field = 'forked' AND entity = {id:UUID}",
                                   {"id": run.id})
        print(json.dumps([line("restarted"), int(forks["n"][0])]))
    """
    assert job(code, family)[0] == [[[0, 0], [1, 1], [2, 2], [3, 13], [4, 24], [5, 2]], 1]


def test_a_fork_without_the_store_is_completed_later(tmp_path: Path) -> None:
    """Its own points are kept at their steps; its past is there when it was opened where the store can be read."""
    store = tmp_path / "store"
    job(FAMILY, store)
    code = """
        run = epochal.init("family", name="offline", component="offline", fork=("old", 3))
        run.log({"loss": 9})
        run.finish()
    """
    _, said = job(f"import sys\nsys.modules['epochal_query.for_sdk'] = None\n{textwrap.dedent(code)}", store)
    assert "fork= without reading the store" in said
    assert "component=KEY" in said
    lines, _ = job(
        """
        before = line("offline")
        epochal.init("family", name="offline", component="offline", fork=("old", 3))
        print(json.dumps([before, line("offline")]))
        """,
        store,
    )
    assert lines == [[[4, 9]], [[0, 0], [1, 1], [2, 2], [3, 13], [4, 9]]]


def test_whatever_opens_a_component_may_fork(family: Path) -> None:
    """A run of a trial, and a component of no trial, continue the past of another one as what init opens does."""
    (lines, edges, same), said = job(
        """
        trial = epochal.experiment("family").trial({"lr": 1})
        with trial.run("base", component="base") as base:
            for step in range(5):
                base.log({"loss": step})
        with trial.run("tuned", component="tuned", fork=("base", 3)) as tuned:
            tuned.log({"loss": 9})
            tuned.rewind(1)
            tuned.log({"loss": 8})
        table = epochal.component("table", kind="preprocessing", component="table", fork=(tuned.id, 2))
        table.log({"loss": 7})
        table.finish()
        edges = epochal.open().lineage("table", "ascendants", relations="DerivedFrom").edges
        again = epochal.component("table", kind="preprocessing", component="table", fork=(tuned.id, 2))
        print(json.dumps([{name: line(name) for name in ("tuned", "table")}, len(edges), again.id == table.id]))
        """,
        family,
    )
    assert said == ""
    assert lines == {"tuned": [[0, 0], [1, 1], [2, 8]], "table": [[0, 0], [1, 1], [2, 8], [3, 7]]}
    assert edges == 2, "base, tuned, table"
    assert same


def test_what_cannot_be_forked_is_refused_by_all_of_them(family: Path) -> None:
    """With the same words; and where nothing is recorded nothing is looked for."""
    code = """
        def refusal(call):
            try:
                call()
            except Exception as error:
                return f"{type(error).__name__}: {error}"

        trial = epochal.experiment("family").trial({"lr": 2})
        print(json.dumps([
            refusal(lambda: trial.run(fork=("nobody", 1))),
            refusal(lambda: epochal.component("x", fork=("nobody", 1))),
            refusal(lambda: trial.run(component="old", fork=("young", 1))),
            refusal(lambda: epochal.component("x", component="old", fork=("young", 1))),
        ]))
    """
    (no_run, no_component, run_itself, itself), _ = job(code, family)
    assert no_run == no_component
    assert no_run.startswith("NotFoundError: fork=('nobody', 1): project 'default' has no component")
    assert run_itself == itself
    assert itself.startswith("MisuseError: fork=('young', 1): young is, or continues, the component")
    assert job(code, family, EPOCHAL_MODE="disabled")[0] == [None] * 4
