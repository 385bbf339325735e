"""How a process ends is how its run ends; real processes, real signals."""

import os
import signal
from pathlib import Path

import pytest
from sdk.children import Written, ended, run, start, wait_for


def finished(written: Written) -> list[tuple[str, str | None, str | None]]:
    """Status, exception type and message of every run.finished."""
    return [
        (data["status"], (data["error"] or {}).get("type"), (data["error"] or {}).get("message"))
        for data in written.data("run.finished")
    ]


WAYS = [
    ("run.finish()", 0, ("completed", None, None)),
    ("run.finish('failed')", 0, ("failed", None, None)),
    ("run.finish('stopped')", 0, ("stopped", None, None)),
    ("pass", 0, ("completed", None, None)),
    ("raise ValueError('no data')", 1, ("failed", "ValueError", "no data")),
    ("import sys; sys.exit(0)", 0, ("completed", None, None)),
    ("import sys; sys.exit(3)", 3, ("failed", "SystemExit", "3")),
    ("import sys; sys.exit('bad')", 1, ("failed", "SystemExit", "bad")),
    ("raise KeyboardInterrupt", -2, ("stopped", None, None)),
]


@pytest.mark.parametrize(("way", "code", "expected"), WAYS)
def test_without_with(tmp_path: Path, way: str, code: int, expected: tuple[str, str | None, str | None]) -> None:
    """A run left open ends as its process ends."""
    child = run(f"run = epochal.init('ends')\nrun.log({{'loss': 1.0}})\n{way}", tmp_path, expect=code)
    assert finished(child.written) == [expected]
    assert child.written.values("loss") == [1.0]


@pytest.mark.parametrize(
    ("way", "code", "expected"), [*WAYS[3:], ("raise SystemExit(4)", 4, ("failed", "SystemExit", "4"))]
)
def test_with(tmp_path: Path, way: str, code: int, expected: tuple[str, str | None, str | None]) -> None:
    """Leaving ``with`` ends the run; the exception goes on."""
    child = run(f"with epochal.init('ends') as run:\n    {way}", tmp_path, expect=code)
    assert finished(child.written) == [expected]


def test_an_exception_that_is_caught_outside_fails_only_its_run(tmp_path: Path) -> None:
    """One failed trial of a sweep leaves the others alone, and the process ends well."""
    child = run(
        """
        exp = epochal.experiment("sweep", variables={"a": [1, 2]})
        for variables in exp.grid():
            try:
                with exp.trial(variables).run("training"):
                    if variables["a"] == 1:
                        raise RuntimeError("diverged")
            except RuntimeError:
                pass
        """,
        tmp_path,
    )
    assert finished(child.written) == [("failed", "RuntimeError", "diverged"), ("completed", None, None)]


def test_sigterm_stops(tmp_path: Path) -> None:
    """SIGTERM ends the run as stopped, also in the middle of log(), and the process dies of the signal."""
    process = start(
        """
        run = epochal.init("long")
        run.log({"step": 0})
        print("ready", flush=True)
        number = 0
        while True:
            number += 1
            run.log({"step": number})
            run.log_params({"at": number}) if number % 100 == 0 else None
        """,
        tmp_path,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    process.send_signal(signal.SIGTERM)
    child = ended(process, tmp_path)
    assert child.code == -signal.SIGTERM
    written = child.written
    assert finished(written) == [("stopped", None, None)]
    assert len(written.of("writer.closed")) == 2, "both the run's writer and the session's end properly"
    closed = next(data for data in written.data("writer.closed") if data["component"])
    assert closed["metrics"] == len(written.points)


def test_ctrl_c_stops(tmp_path: Path) -> None:
    """SIGINT is stopped, whether the run is in ``with`` or not."""
    process = start(
        """
        import time
        run = epochal.init("long")
        print("ready", flush=True)
        while True:
            time.sleep(0.01)
        """,
        tmp_path,
    )
    assert process.stdout is not None
    process.stdout.readline()
    process.send_signal(signal.SIGINT)
    assert finished(ended(process, tmp_path).written) == [("stopped", None, None)]


def test_a_handler_of_the_users_own_is_left_alone(tmp_path: Path) -> None:
    """A training that handles SIGTERM itself (to save a checkpoint) keeps doing so."""
    process = start(
        """
        import signal, sys, time
        def save(signum, frame):
            print("saved", flush=True)
            epochal.current().log({"saved": 1})
            sys.exit(0)
        signal.signal(signal.SIGTERM, save)
        run = epochal.init("long")
        print("ready", flush=True)
        while True:
            time.sleep(0.01)
        """,
        tmp_path,
    )
    assert process.stdout is not None
    process.stdout.readline()
    process.send_signal(signal.SIGTERM)
    child = ended(process, tmp_path)
    assert (child.code, child.out) == (0, "saved\n")
    assert finished(child.written) == [("completed", None, None)]
    assert child.written.values("saved") == [1.0]


def test_kill_leaves_everything_logged_and_no_status(tmp_path: Path) -> None:
    """SIGKILL: no event says an end, nothing that was logged is missing."""
    process = start(
        """
        import sys
        run = epochal.init("long", params={"lr": 0.1})
        for number in range(1000):
            run.log({"loss": number})
        print("ready", flush=True)
        sys.stdin.read()
        """,
        tmp_path,
    )
    assert process.stdout is not None
    process.stdout.readline()
    process.kill()
    written = ended(process, tmp_path).written
    assert finished(written) == []
    assert written.values("loss") == [float(number) for number in range(1000)]
    assert written.params() == {"lr": 0.1}


def test_heartbeats_say_what_was_reached(tmp_path: Path) -> None:
    """Signs of life come at the interval set, with counts that the journal really has, and what was lost."""
    process = start(
        """
        import sys
        run = epochal.init("alive")
        run.log({"loss": 1.0, "bad": "text"})
        print("ready", flush=True)
        sys.stdin.read()
        """,
        tmp_path,
        EPOCHAL_HEARTBEAT="0.05",
    )
    assert process.stdout is not None
    process.stdout.readline()
    journals = tmp_path / "store" / "journals"

    def beats() -> list[dict[str, object]]:
        from sdk.children import read

        return [data for data in read(journals).data("writer.heartbeat") if data["component"]]

    wait_for(lambda: len(beats()) >= 3, "three heartbeats")
    last = beats()[-1]
    assert last["metrics"] == 1
    assert last["lost"] == {"value": 1}
    assert process.stdin is not None
    process.stdin.close()
    process.wait()
    assert process.stderr is not None
    process.stdout.close()
    process.stderr.close()


def test_opening_says_the_interval(tmp_path: Path) -> None:
    """Readers judge "lost" by the interval that the writer said."""
    written = run("epochal.init('x').finish()", tmp_path, EPOCHAL_HEARTBEAT="7").written
    assert {data["heartbeat_s"] for data in written.data("writer.opened")} == {7.0}


def test_a_second_init_finishes_the_first_with_a_notice(tmp_path: Path) -> None:
    """A notebook cell can be run again: the first run is completed, and that is said."""
    child = run(
        """
        first = epochal.init("cell", name="one")
        second = epochal.init("cell", name="two")
        assert first.status == "completed" and second.status == "running"
        second.log({"x": 1})
        """,
        tmp_path,
    )
    assert finished(child.written) == [("completed", None, None)] * 2
    assert "'one'" in child.err
    assert "still open" in child.err


def test_finish_again_changes_nothing(tmp_path: Path) -> None:
    """The first ending counts."""
    child = run("run = epochal.init('x')\nrun.finish('failed')\nrun.finish()", tmp_path)
    assert finished(child.written) == [("failed", None, None)]


def test_an_unknown_status_is_never_a_success(tmp_path: Path) -> None:
    """finish("crashed") is refused aloud and recorded as failed."""
    child = run("epochal.init('x').finish('crashed')", tmp_path)
    assert finished(child.written) == [("failed", None, None)]
    assert "'crashed'" in child.err
    assert "completed" in child.err


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("where", ["with", "finish"])
def test_a_signal_while_the_end_waits_for_artifacts(tmp_path: Path, number: signal.Signals, where: str) -> None:
    """Stopped, though the run was about to complete: its status is said before anything that takes time."""
    (tmp_path / "large").touch()
    os.truncate(tmp_path / "large", 16 << 30)
    process = start(
        f"""
        import threading, time
        def ready():
            run.log({{"loss": 1.0}})
            run.log_output("large", path={str(tmp_path / "large")!r}, copy=False)
            threading.Thread(target=say_when_it_ends, daemon=True).start()
        def say_when_it_ends():
            while run.status == "running":
                time.sleep(0.001)
            print("ready", flush=True)
        if {where!r} == "with":
            with epochal.init("ends") as run:
                ready()
        else:
            run = epochal.init("ends")
            ready()
            run.finish()
        print("survived")
        """,
        tmp_path,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    process.send_signal(number)
    child = ended(process, tmp_path)
    assert "survived" not in child.out
    assert finished(child.written) == [("stopped", None, None)]
    assert child.written.values("loss") == [1.0]
