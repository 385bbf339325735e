"""``epochal delete`` and ``epochal restore`` as they are typed, over a store written with the SDK."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest
from query.test_cli import WRITES, Shell

AGAIN = """
import epochal
with epochal.experiment("digits", hypothesis="c beats b").trial({"model": "a", "epochs": 2}).run("training") as run:
    run.log({"acc": 1.0})
"""


@pytest.fixture
def shell(tmp_path: Path) -> Iterator[Shell]:
    """A store with a small experiment in it."""
    found = Shell(tmp_path / "store")
    subprocess.run([sys.executable, str(WRITES), str(tmp_path)], env=found.environment(), check=True)
    yield found
    found.end()


@pytest.mark.long
def test_a_story_of_deleting_and_restoring(shell: Shell) -> None:
    """Refused, confirmed, gone, listed, made anew, restored; sound all the while."""
    before = shell.json("report", "digits")["rows"]
    refused = shell.run("delete", "digits", "--confirm", "digits")
    assert (refused.returncode, refused.stdout) == (1, "")
    assert "because others depend on it:\n  trial 'epochs=2, model=a'" in refused.stderr
    wrong = shell.run("delete", "digits", "--cascade", text="digit\n")
    assert (wrong.returncode, wrong.stdout.strip()) == (1, "")
    assert "Type its name:" in wrong.stderr
    assert "because 'digit' isn't its name" in wrong.stderr
    assert len(shell.json("report", "digits")["rows"]) == len(before)

    rows = shell.json("delete", "digits", "--cascade", "--confirm", "digits")["rows"]
    assert [(row["kind"], row["name"]) for row in rows if row["change"] == "kept"] == []
    assert {row["kind"] for row in rows} == {"experiment", "trial", "component"}
    assert shell.run("report", "digits").returncode == 1
    assert len(shell.json("restore")["rows"]) == len(rows)
    assert shell.json("verify")["sound"] is True

    subprocess.run([sys.executable, "-c", AGAIN], env=shell.environment(), check=True)
    (anew,) = shell.json("report", "digits")["rows"]
    assert (anew["acc - Count"], "epochs" in anew) == (1, False)
    done = shell.json("restore", "digits")["rows"]
    assert [row["change"] for row in done] == ["restored"] * len(rows)
    *after, last = shell.json("report", "digits")["rows"]
    assert last["ComponentId"] == anew["ComponentId"]
    pd.testing.assert_frame_equal(pd.DataFrame(after), pd.DataFrame(before), rtol=1e-12)
    assert shell.json("restore")["rows"] == []
    assert shell.json("verify")["sound"] is True
