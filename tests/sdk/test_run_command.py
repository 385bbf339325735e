"""``epochal run -- COMMAND``: any command as a run."""

from __future__ import annotations

import json
import math
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from sdk.children import DEADLINE_S, Written, environment, read


def start(home: Path, *words: str, **settings: str) -> subprocess.Popen[bytes]:
    settings = {"EPOCHAL_CAPTURE": "console", **settings}
    return subprocess.Popen(
        [sys.executable, "-m", "epochal.cli", "run", *words],
        cwd=home,
        env=environment(home, **settings),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def done(process: subprocess.Popen[bytes], home: Path) -> tuple[int, bytes, str, Written]:
    out, err = process.communicate(timeout=DEADLINE_S)
    return process.returncode, out, err.decode(), read(home / "store" / "journals")


def statuses(written: Written) -> list[tuple[str, object]]:
    return [(data["status"], (data["error"] or {}).get("message")) for data in written.data("run.finished")]


def test_a_command_is_a_run(tmp_path: Path) -> None:
    """Parameters, variables, tags, output, points and status; a program in it finds the run."""
    code = "import epochal; epochal.log({'loss': 0.5}); print('trained ☃'); epochal.current().log_params({'in': 1})"
    words = ("-e", "digits", "-n", "fit", "-p", "lr=0.1", "-p", "name=a=b", "-v", "m=1", "-t", "night", "--")
    returned, out, _, written = done(start(tmp_path, *words, sys.executable, "-c", code), tmp_path)
    assert (returned, out.decode()) == (0, "trained ☃\n")
    assert statuses(written) == [("completed", None)]
    assert written.values("loss") == [0.5]
    (made,) = written.data("component.created")
    assert (made["name"], made["kind"]) == ("fit", "training")
    cells = [cell for data in written.data("params.logged") for cell in data["cells"]]
    assert cells == [[["lr"], 0.1], [["name"], "a=b"], [["in"], 1]]
    assert [data["variables"] for data in written.data("trial.created")] == [{"m": 1}]
    assert [data["text"] for data in written.data("console.captured")] == ["trained ☃\n"]


@pytest.mark.parametrize(
    ("command", "code", "expected"),
    [
        (("sh", "-c", "exit 3"), 3, ("failed", "3")),
        (("sh", "-c", "kill -SEGV $$"), 128 + signal.SIGSEGV, ("failed", "ended by SIGSEGV")),
        (("sh", "-c", "kill -TERM $$"), 128 + signal.SIGTERM, ("stopped", None)),
    ],
)
def test_its_end_is_the_runs(tmp_path: Path, command: tuple[str, ...], code: int, expected: tuple[str, object]) -> None:
    """Status, exception and exit code say how it ended."""
    returned, _, _, written = done(start(tmp_path, "--", *command), tmp_path)
    assert returned == code
    assert statuses(written) == [expected]


def test_a_command_that_is_not_there(tmp_path: Path) -> None:
    """It is said as a shell would, and the run failed."""
    returned, _, err, written = done(start(tmp_path, "--", "no-such-command"), tmp_path)
    assert returned == 127
    assert "Error: 'no-such-command' can't be run: No such file or directory" in err
    assert [status for status, _ in statuses(written)] == ["failed"]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_both(tmp_path: Path, number: signal.Signals) -> None:
    """The command may clean up first; the run waits for it, and is stopped."""
    script = "trap 'echo cleaned; exit 0' TERM INT; echo ready; while :; do sleep 0.01; done"
    process = start(tmp_path, "--", "sh", "-c", script)
    assert process.stdout is not None
    assert process.stdout.readline() == b"ready\n"
    if number == signal.SIGINT:  # which a terminal sends to all
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        for child in children:
            os.kill(int(child), number)
    process.send_signal(number)
    returned, out, _, written = done(process, tmp_path)
    assert (returned, out) == (0, b"cleaned\n")
    assert statuses(written) == [("stopped", None)]


def test_bytes_pass_as_they_are(tmp_path: Path) -> None:
    """Output that is no text reaches the next program unchanged; what is kept shows its bytes."""
    returned, out, _, written = done(start(tmp_path, "--", "printf", r"\377\000a"), tmp_path)
    assert (returned, out) == (0, b"\xff\x00a")
    assert "xff" in written.data("console.captured")[0]["text"]


def test_without_console_the_command_keeps_the_terminal(tmp_path: Path) -> None:
    """Nothing stands between it and whatever its output is."""
    code = "import os; print(os.readlink('/proc/self/fd/1') == os.readlink(f'/proc/{os.getppid()}/fd/1'))"
    process = start(tmp_path, "--", sys.executable, "-c", code, EPOCHAL_CAPTURE="none")
    assert done(process, tmp_path)[:2] == (0, b"True\n")


@pytest.mark.parametrize("words", [(), ("--",), ("-p", "x", "--", "true"), ("-v", "=1", "--", "true")])
def test_a_command_line_that_makes_no_sense(tmp_path: Path, words: tuple[str, ...]) -> None:
    """Nothing is run and nothing recorded."""
    process = start(tmp_path, *words)
    _, err = process.communicate(timeout=DEADLINE_S)
    assert process.returncode == 2
    assert b"Error: " in err
    assert not (tmp_path / "store").exists()


TRAIN = """
import sys
print('read from', sys.argv[1:], file=sys.stderr)
for epoch in (1, 2):
    print(f'Epoch {epoch}/2')
    for batch in (1, 2):
        print(f'{batch}/2 loss: {9 - batch}', end='\\r', flush=True)
    print(f'2/2 loss: {epoch}e-05 - val_loss: -{epoch}.5')
print('test_acc: nan', end='')
"""


def points_of(written: Written, metric: str) -> list[tuple[float, float]]:
    return [(point.step, point.value) for point in written.points if point.name == metric]


def test_metrics_come_from_what_it_prints(tmp_path: Path) -> None:
    """Of a script that knows nothing of it: parameters, the trial's variables, metrics at their steps."""
    words = ("-m", "loss", "-m", r"val_loss=val_loss: ([0-9\.]+)", "-m", "test_acc", "--step", "epoch", "-p", "lr=3")
    command = (sys.executable, "-c", TRAIN, "--lr", "0.1", "--model", "custom", "--layers", "64", "32")
    process = start(tmp_path, *words, "-v", "model", "-v", "m=1", "--", *command, EPOCHAL_CAPTURE="none")
    returned, out, err, written = done(process, tmp_path)
    assert returned == 0
    assert out.decode().endswith("\r2/2 loss: 2e-05 - val_loss: -2.5\ntest_acc: nan")
    assert err == f"read from {[*command[3:]]}\n"
    assert points_of(written, "loss") == [(1.0, 1e-05), (2.0, 2e-05)]
    assert points_of(written, "val_loss") == [(1.0, -1.5), (2.0, -2.5)]
    ((step, value),) = points_of(written, "test_acc")
    assert step == 2.0
    assert math.isnan(value)
    cells = [cell for data in written.data("params.logged") for cell in data["cells"]]
    assert cells == [[["lr"], 3], [["model"], "custom"], [["layers"], [64, 32]]]
    assert [data["variables"] for data in written.data("trial.created")] == [{"model": "custom", "m": 1}]
    assert statuses(written) == [("completed", None)]


def test_metrics_defined_in_a_file(tmp_path: Path) -> None:
    """As SageMaker writes them; what is found nowhere is said, what isn't to be a parameter is none."""
    file = tmp_path / "metrics.json"
    file.write_text(json.dumps([{"Name": "loss", "Regex": "loss=([0-9.]+);"}, {"Name": "acc", "Regex": "acc=(.*);"}]))
    code = "print('loss=0.5;'); print('loss=0.25;')"
    words = ("--metrics", str(file), "--no-arguments", "--", sys.executable, "-c", code, "--lr", "3")
    returned, _, err, written = done(start(tmp_path, *words), tmp_path)
    assert returned == 0
    assert points_of(written, "loss") == [(0.0, 0.5), (1.0, 0.25)]
    assert "nothing in 2 lines of output looked like 'acc'" in err
    assert written.data("params.logged") == []


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("-m", "loss=loss: ("), b"'loss' is no regular expression"),
        (("-m", "loss=loss: [0-9]+"), b"no group that marks the number"),
        (("-m", "loss", "-m", "loss=(.)"), b"'loss' is defined twice"),
        (("--step", "epoch"), b"there is no metric to read"),
        (("-v", "lr"), b"'lr' is not NAME=VALUE, and COMMAND has no option --lr"),
    ],
)
def test_definitions_are_checked_before_anything_runs(tmp_path: Path, words: tuple[str, ...], said: bytes) -> None:
    """Nothing is run and nothing recorded."""
    process = start(tmp_path, *words, "--", "touch", str(tmp_path / "ran"))
    _, err = process.communicate(timeout=DEADLINE_S)
    assert process.returncode == 2
    assert said in b" ".join(err.split())
    assert not (tmp_path / "store").exists()
    assert not (tmp_path / "ran").exists()


def test_strict_logging_that_fails_lets_the_command_end(tmp_path: Path) -> None:
    """It is raised then; nobody stops reading what the command prints meanwhile. Lines that were cut are counted."""
    code = "print('loss: 1'); print('x' * 70_000 + ' loss: 2'); print('y' * 1_000_000)"
    process = start(tmp_path, "-m", "loss", "--", sys.executable, "-c", code)
    returned, out, err, written = done(process, tmp_path)
    assert (returned, len(out)) == (0, 1_070_018)
    assert "2 lines were longer than 65,536 characters" in err
    assert points_of(written, "loss") == [(0.0, 1.0)]
    broken = "import epochal._run as r; r.Run.log = lambda *_, **__: 1 / 0; from epochal.cli import main; main()"
    process = subprocess.Popen(
        [sys.executable, "-c", broken, "run", "-m", "loss", "--", sys.executable, "-c", code],
        cwd=tmp_path,
        env=environment(tmp_path),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    returned, out, err, written = done(process, tmp_path)
    assert (returned, len(out)) == (1, 1_070_018)
    assert "ZeroDivisionError" in err
    assert [status for status, _ in statuses(written)] == ["completed", "completed"]
