"""EPOCHAL_HOST=inline: writing and every read, from Python and the command line, with no child and no socket."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from host_ending import end_host
from promises.jobs import environment
from sdk.children import wait_for

from epochal_storage.hostfile import lock_holder

CHILD = Path(__file__).with_name("inline_child.py")
SECONDS = 120


def child(home: Path, *words: str, host: str = "inline") -> subprocess.CompletedProcess[str]:
    """The child of tests, at its end."""
    return subprocess.run(
        [sys.executable, str(CHILD), *words],
        cwd=home,
        env=environment(home / "store", EPOCHAL_HOST=host),
        capture_output=True,
        text=True,
        timeout=SECONDS,
    )


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, dict[str, object]]]:
    """A store that was written and read inline, and what its writer read."""
    home = tmp_path_factory.mktemp("inline")
    done = child(home, "write")
    assert (done.returncode, done.stderr) == (0, "")
    yield home, json.loads(done.stdout)
    end_host(home / "store")


def test_a_training_asks_the_store_it_writes_to(written: tuple[Path, dict[str, object]]) -> None:
    """Reads in the process that logs see every call; missing(), resume and contents work beside an open store."""
    _, said = written
    assert said == {
        "while open": 4,
        "missing": [{"model": "c"}],
        "last step": 4.0,
        "rows": 2,
        "content": "{'model': 'b'}",
        "sql": 9,
    }


COMMANDS = (
    ("ls",),
    ("ls", "digits"),
    ("ls", "--components"),
    ("report", "digits"),
    ("report", "digits", "--where", "params.model = 'a'", "--system"),
    ("best", "digits", "acc", "--mode", "max"),
    ("metrics", "-m", "acc"),
    ("metrics", "-m", "acc", "--branch", "all"),
    ("lineage", "digits", "--direction", "both"),
    ("show", "digits"),
    ("verify",),
    ("sql", "SELECT * FROM params ORDER BY component"),
    ("sql", "SELECT component, metric, step, value, recorded_at, writer FROM points ORDER BY component, step"),
)


@pytest.mark.long
def test_every_command_answers_as_through_a_host(written: tuple[Path, dict[str, object]]) -> None:
    """The same JSON, byte for byte, with watermark and all; and neither a child nor a socket for it."""
    home, _ = written
    inline = [child(home, "cli", *command, "--json") for command in COMMANDS]
    assert [(done.returncode, done.stderr) for done in inline] == [(0, "")] * len(COMMANDS)
    assert not (home / "store" / "host.json").exists()
    for command, done in zip(COMMANDS, inline, strict=True):
        hosted = subprocess.run(
            [sys.executable, "-m", "epochal.cli", *command, "--json"],
            env=environment(home / "store"),
            capture_output=True,
            text=True,
            timeout=SECONDS,
        )
        assert done.stdout == hosted.stdout, command
    end_host(home / "store")
    wait_for(lambda: lock_holder(home / "store") is None, "the host to end")


@pytest.mark.parametrize("command", [("url",), ("export", "out"), ("import", ".")])
def test_what_needs_a_process_of_its_own_says_so(tmp_path: Path, command: tuple[str, ...]) -> None:
    """One line that names the setting and what to do."""
    done = child(tmp_path, "cli", *command)
    assert done.returncode == 1
    assert done.stderr.startswith("Error: ")
    assert "EPOCHAL_HOST=inline" in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.mark.long
def test_a_store_that_another_process_keeps_to_itself(tmp_path: Path) -> None:
    """Whoever comes second waits, then is told which process it is and what to do; doctor shows it at once."""
    holder = subprocess.Popen(
        [sys.executable, str(CHILD), "hold"],
        cwd=tmp_path,
        env=environment(tmp_path / "store", EPOCHAL_HOST="inline"),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        doctor = json.loads(child(tmp_path, "cli", "doctor", "--json").stdout)["host"]
        assert (doctor["state"], doctor["pid"]) == ("inline", holder.pid)
        with ThreadPoolExecutor() as pool:
            waiting = [pool.submit(child, tmp_path, "cli", "ls", host=host) for host in ("inline", "auto")]
        for done in (one.result() for one in waiting):
            assert done.returncode == 1
            assert f"process {holder.pid} has {tmp_path / 'store'} open in itself" in done.stderr
    finally:
        holder.communicate(timeout=SECONDS)
    assert holder.returncode == 0
    assert child(tmp_path, "cli", "ls").returncode == 0


@pytest.mark.long
def test_a_host_that_is_there_already(written: tuple[Path, dict[str, object]]) -> None:
    """A host has the store: a reader with EPOCHAL_HOST=inline is told to end it, or to read through it."""
    home, _ = written
    subprocess.run([sys.executable, "-m", "epochal.cli", "ls"], env=environment(home / "store"), check=True)
    pid = lock_holder(home / "store")
    done = child(home, "cli", "ls")
    assert done.returncode == 1
    assert f"process {pid} is the host of {home / 'store'}" in done.stderr
    end_host(home / "store")


@pytest.mark.long
@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_forked_child_is_told_and_the_parent_goes_on(tmp_path: Path) -> None:
    """The engine doesn't survive a fork: the child gets an error instead of hanging."""
    done = child(tmp_path, "fork")
    assert (done.returncode, done.stderr) == (0, "")
    told, count = done.stdout.splitlines()
    assert "was forked" in told
    assert count == "0"
