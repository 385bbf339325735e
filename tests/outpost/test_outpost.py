"""A ClickHouse server without Kafka: the journals of a machine get there, whatever happens on the way."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import pytest
from outpost.conftest import Machine

JOB = """
run = epochal.init("far", name={name!r}, params={{"lr": 0.1}})
for step in range({points}):
    run.log({{"loss": step}}, step=step)
print(run.id, flush=True)
{end}
"""
READ = """
import json
store = epochal.open()
frame = store.metrics(experiment="far", metric="loss")
print(json.dumps([len(frame), float(frame["value"].sum()), sorted(store.components(experiment="far")["status"])]))
"""


def read(machine: Machine, **extra: Any) -> list[Any]:
    """What a process of this machine reads: points, their sum, statuses."""
    done = machine.run(READ, **extra)
    assert done.stderr == ""
    found: list[Any] = json.loads(done.stdout)
    return found


def total(points: int) -> float:
    return points * (points - 1) / 2


def until(happened: Callable[[], bool], what: str, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < deadline, what
        time.sleep(0.05)


@pytest.mark.long
def test_a_read_sees_what_was_logged_on_this_machine(machine: Machine) -> None:
    """Logged, killed or ended, it is in the server when a read on this machine begins; and nothing warned of it."""
    ended = machine.run(JOB.format(name="ended", points=1000, end=""))
    assert ended.stderr == ""
    machine.run(JOB.format(name="killed", points=500, end="import os; os.kill(os.getpid(), 9)"), expect=-signal.SIGKILL)
    assert read(machine) == [1500, total(1000) + total(500), ["completed", "lost"]]
    report = json.loads(machine.command("report", "far", "--json").stdout)["rows"]
    assert [row["lr"] for row in report] == [0.1, 0.1]


@pytest.mark.long
def test_without_a_read_it_gets_there_as_well(machine: Machine) -> None:
    """The process that logs has started who takes it there: another machine sees it, with no help from this one."""
    machine.run(JOB.format(name="a", points=100, end=""))
    elsewhere = {"XDG_STATE_HOME": str(machine.directory / "another machine")}

    def arrived() -> bool:
        done = machine.command("sql", "SELECT count() AS n FROM points", "--json", **elsewhere)
        return done.returncode == 0 and json.loads(done.stdout)["rows"][0]["n"] == 100

    until(arrived, "points in the server")
    assert not (machine.directory / "another machine").exists()


@pytest.mark.long
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_server_that_is_away_for_a_while(machine: Machine, number: int) -> None:
    """It goes while a job logs, and comes back: everything is there once, and the job noticed nothing."""
    job = subprocess.Popen(
        [sys.executable, "-c", "import epochal\n" + JOB.format(name="a", points=2000, end="input()")],
        env=machine.environment(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert job.stdout is not None
    job.stdout.readline()
    assert read(machine)[0] == 2000
    machine.stop_server(number)
    machine.run(JOB.format(name="b", points=300, end=""))
    refused = machine.run(READ, expect=1)
    assert f"127.0.0.1:{machine.port}" in refused.stderr.splitlines()[-1]
    assert "a-token" not in refused.stderr
    _, errors = job.communicate("\n", timeout=60)
    assert (job.returncode, errors) == (0, "")
    machine.start_server()
    assert read(machine) == [2300, total(2000) + total(300), ["completed", "completed"]]


@pytest.mark.long
def test_a_job_that_begins_while_the_server_is_away(machine: Machine) -> None:
    """What is logged waits, whoever was there to take it; the first that reaches the server takes all of it."""
    machine.stop_server()
    machine.run(JOB.format(name="a", points=100, end=""))
    said = json.loads(machine.command("doctor", "--json").stdout)
    assert said["journals"]["waiting"] == 2
    assert said["store"]["kind"] == "server"
    assert "a-token" not in json.dumps(said)
    machine.start_server()
    assert read(machine)[:2] == [100, total(100)]


@pytest.mark.long
def test_who_takes_them_there_is_killed(machine: Machine) -> None:
    """At any moment: the next one goes on where the intake stopped, and nothing is there twice."""
    machine.run(JOB.format(name="warm", points=1, end=""))
    assert read(machine)[0] == 1
    for kill in range(3):
        machine.run(JOB.format(name=f"job {kill}", points=20_000, end=""))
        machine.kill_outpost()
    assert read(machine)[:2] == [60_001, 3 * total(20_000)]
    done = machine.command("sql", "SELECT count() AS n, uniqExact(writer, seq) AS u FROM metrics FINAL", "--json")
    assert json.loads(done.stdout)["rows"] == [{"n": 60_001, "u": 60_001}]


@pytest.mark.long
def test_a_wrong_password_is_said_by_the_process_that_logs(machine: Machine) -> None:
    """The job goes on; its journals stay where doctor shows them, and the right password takes them."""
    wrong = machine.url(token="guessed")
    machine.run(JOB.format(name="a", points=100, end=""), EPOCHAL_STORE=wrong)
    until(lambda: "AUTHENTICATION_FAILED" in log(machine) or "token is missing or wrong" in log(machine), "the refusal")
    assert "guessed" not in log(machine)
    assert json.loads(machine.command("doctor", "--json", EPOCHAL_STORE=wrong).stdout)["journals"]["waiting"] == 2
    assert read(machine)[:2] == [100, total(100)]


def log(machine: Machine) -> str:
    path = machine.outpost / "host.log"
    return path.read_text() if path.exists() else ""


@pytest.mark.long
def test_a_reader_without_rights_to_write_says_what_is_missing(machine: Machine) -> None:
    """The answer is what the server has; one line says that this machine has more, and why it isn't there."""
    machine.run(JOB.format(name="a", points=100, end=""))
    assert read(machine)[0] == 100
    machine.kill_outpost()
    machine.run(JOB.format(name="b", points=50, end=""), EPOCHAL_HOST="none")
    done = machine.run(READ, EPOCHAL_STORE=machine.url(user="reader", token="a-token-reader"))
    assert json.loads(done.stdout)[0] == 100
    assert "isn't all in clickhouse://reader@127.0.0.1" in done.stderr
    assert "Traceback" not in done.stderr
    assert read(machine)[0] == 150


@pytest.mark.long
def test_inline_takes_them_in_the_process_that_reads(machine: Machine) -> None:
    """Where no process may be started, a read takes the journals to the server itself."""
    machine.run(JOB.format(name="a", points=100, end=""), EPOCHAL_HOST="inline")
    assert not (machine.outpost / "host.json").exists()
    assert read(machine, EPOCHAL_HOST="inline")[:2] == [100, total(100)]
    assert not (machine.outpost / "host.json").exists()
    assert read(machine, EPOCHAL_HOST="inline")[:2] == [100, total(100)]


@pytest.mark.long
def test_journals_elsewhere_get_to_the_server_as_well(machine: Machine) -> None:
    """EPOCHAL_JOURNAL names another directory: pointers lead there."""
    machine.run(JOB.format(name="a", points=100, end=""), EPOCHAL_JOURNAL=str(machine.directory / "fast"))
    assert read(machine)[:2] == [100, total(100)]


@pytest.mark.long
def test_nobody_can_take_them_from_here(machine: Machine) -> None:
    """An image with the SDK alone: one warning says where everything is kept, and what has to be installed."""
    hide = "import sys; sys.modules['clickhouse_connect'] = None\n"
    done = machine.run(hide + JOB.format(name="a", points=10, end="import time; time.sleep(1)"))
    (line,) = done.stderr.splitlines()
    assert str(machine.outpost / "journals") in line
    assert "pip install 'epochal[store]'" in line
    assert read(machine)[0] == 10


def test_a_server_without_a_store(machine: Machine) -> None:
    """Nothing was ever logged to this database: that is said, and no internals."""
    done = machine.command("ls", EPOCHAL_STORE=machine.url(database="other"))
    assert done.returncode == 1
    assert done.stderr == (
        f"Error: clickhouse://writer@127.0.0.1:{machine.port}/other has no store yet: it is made when something is "
        "logged to it. Check the database's name, or log with this EPOCHAL_STORE first\n"
    )


@pytest.mark.long
def test_journals_stay_for_an_hour(machine: Machine) -> None:
    """The server's disk can't be synced from here: what was taken stays, and is not taken twice."""
    machine.run(JOB.format(name="a", points=10, end=""))
    assert read(machine)[0] == 10
    pid = re.search(r"process (\d+) answers", log(machine))
    assert pid
    subprocess.run(["kill", pid[1]], check=True)
    until(lambda: f"process {pid[1]} ends" in log(machine), "the outpost to end")
    assert len(list((machine.outpost / "journals").glob("*/events.bin"))) >= 2
    assert read(machine)[0] == 10
