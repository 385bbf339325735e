"""What the SDK asks of reading, with the engine inside of the process that asks."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent


@pytest.mark.long
def test_missing_trials_resuming_and_contents_without_a_host(tmp_path: Path) -> None:
    """`exp.missing()`, a component's past and an artifact's content, where no other process may be started."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("EPOCHAL_")}
    store = kept | {"EPOCHAL_STORE": str(tmp_path / "store"), "EPOCHAL_CAPTURE": "none"}
    subprocess.run([sys.executable, HERE / "writes.py", tmp_path], env=store | {"EPOCHAL_HOST": "none"}, check=True)
    done = subprocess.run(
        [sys.executable, HERE / "reads_inline.py", tmp_path / "model"],
        env=store | {"EPOCHAL_HOST": "inline"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert said["missing"] == [{"model": "c", "epochs": 2}, {"model": "c", "epochs": 4}]
    assert said["nobody"] is None
    assert (said["past"]["name"], said["past"]["next_step"], said["past"]["attempts"]) == ("training", 4.0, 1)
    assert [points for _, points in said["past"]["writers"]] == [8]
    assert said["content"] == "{'model': 'b', 'epochs': 4}"
    assert not (tmp_path / "store" / "host.json").exists()
