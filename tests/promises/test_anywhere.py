"""Where a job happens to be started does not matter."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from host_ending import end_host

JOB = """
import epochal
with epochal.init("anywhere") as run:
    run.log({"loss": 1.0})
print(epochal.open().report("anywhere")["loss - Last"].tolist())
"""
CONFIG = "<clickhouse><users><default><password>secret</password></default></users></clickhouse>"


@pytest.mark.long
def test_files_of_the_working_directory_are_not_taken_for_ours(tmp_path: Path) -> None:
    """Modules named as some that the host needs, and a configuration of somebody else's ClickHouse."""
    here, store = tmp_path / "here", tmp_path / "store"
    here.mkdir()
    for name in ("queue", "numpy", "pyarrow", "epochal_storage"):
        (here / f"{name}.py").write_text(f"raise SystemExit('{name}.py of the working directory')\n")
    (here / "config.xml").write_text(CONFIG)
    (tmp_path / "job.py").write_text(JOB)
    kept = {name: value for name, value in os.environ.items() if not name.startswith("EPOCHAL_")}
    environment = {**kept, "EPOCHAL_STORE": str(store), "EPOCHAL_CAPTURE": "none", "HOME": str(tmp_path)}
    try:
        done = subprocess.run(
            [sys.executable, str(tmp_path / "job.py")], cwd=here, env=environment, capture_output=True, text=True
        )
        assert (done.returncode, done.stdout, done.stderr) == (0, "[1.0]\n", "")
    finally:
        end_host(store)
