"""The command ``epochal run -- COMMAND``: any command as a run, with its output and its end."""

from __future__ import annotations

import codecs
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from typing import IO, TYPE_CHECKING, Final

import click

from ._ending import COMPLETED, STOPPED, Ending
from ._front import init
from ._session import session

if TYPE_CHECKING:
    from types import FrameType

    from ._run import Run

__all__ = ["run"]

_NOT_FOUND: Final = 127
_NOT_ALLOWED: Final = 126
_STOPPING: Final = (signal.SIGINT, signal.SIGTERM)


@click.command(context_settings={"ignore_unknown_options": True})
@click.option("-e", "--experiment", default="commands", show_default=True, help="Which experiment it belongs to.")
@click.option("-n", "--name", help="Its name; default: the kind.")
@click.option("-k", "--kind", default="training", show_default=True, help="training, evaluation, preprocessing, ...")
@click.option("-p", "--param", multiple=True, metavar="NAME=VALUE", help="A parameter; VALUE is JSON, or text.")
@click.option("-v", "--variable", multiple=True, metavar="NAME=VALUE", help="A variable of its trial, likewise.")
@click.option("-t", "--tag", multiple=True, help="A tag.")
@click.option("--project", metavar="NAME", help="Default: EPOCHAL_PROJECT.")
@click.argument("command", nargs=-1, required=True, type=click.UNPROCESSED)
def run(
    experiment: str,
    name: str | None,
    kind: str,
    param: tuple[str, ...],
    variable: tuple[str, ...],
    tag: tuple[str, ...],
    project: str | None,
    command: tuple[str, ...],
) -> None:
    """Run COMMAND and record it. Its status is how it ends, and so is the exit code.

    Write -- before COMMAND. What it prints is kept, which takes a pipe instead of the terminal (EPOCHAL_CAPTURE without
    console leaves it the terminal). A Python program in it finds the run: epochal.log(...) logs to it, and what
    epochal.init(...) opens has it for its parent.
    """
    stopping = _Stopping()
    params, variables = _values(param, "--param"), _values(variable, "--variable")
    handle = init(
        experiment, name=name, kind=kind, params=params, variables=variables or None, tags=tag, project=project
    )
    sys.exit(_recorded(handle, command, stopping))


class _Stopping:
    """SIGTERM goes on to the command, Ctrl-C reaches it by itself; either way this process waits for its end."""

    def __init__(self) -> None:
        self.asked = False
        self.child: subprocess.Popen[bytes] | None = None
        for number in _STOPPING:
            signal.signal(number, self._signalled)

    def _signalled(self, number: int, frame: FrameType | None) -> None:
        del frame
        self.asked = True
        if number == signal.SIGTERM and self.child is not None:
            self.child.terminate()


def _values(given: Sequence[str], option: str) -> dict[str, object]:
    values: dict[str, object] = {}
    for one in given:
        name, equals, text = one.partition("=")
        if not name or not equals:
            raise click.BadParameter(f"{one!r} is not NAME=VALUE", param_hint=option)
        try:
            values[name] = json.loads(text)
        except ValueError:
            values[name] = text
    return values


def _recorded(handle: Run, command: Sequence[str], stopping: _Stopping) -> int:
    """The exit code, once the command has ended and the run with it."""
    kept = "console" in session().settings.capture
    pipe = subprocess.PIPE if kept else None
    try:
        child = subprocess.Popen(command, stdout=pipe, stderr=pipe, env={**os.environ, "PYTHONUNBUFFERED": "1"})
    except OSError as error:
        handle.end(Ending("failed", {"type": type(error).__name__, "message": str(error)}))
        click.echo(f"Error: {command[0]!r} can't be run: {error.strerror}", err=True)
        return _NOT_FOUND if isinstance(error, FileNotFoundError) else _NOT_ALLOWED
    stopping.child = child
    if stopping.asked:
        child.terminate()
    pumps = [
        threading.Thread(target=_pump, args=(name, source, target))
        for name, source, target in (("stdout", child.stdout, 1), ("stderr", child.stderr, 2))
        if source is not None
    ]
    for pump in pumps:
        pump.start()
    code = child.wait()
    for pump in pumps:
        pump.join()
    handle.end(_ending(code, stopped=stopping.asked))
    return code if code >= 0 else 128 - code


def _ending(code: int, *, stopped: bool) -> Ending:
    if stopped or -code in _STOPPING:
        return STOPPED
    if code < 0:
        return Ending("failed", {"type": "Signal", "message": f"ended by {signal.Signals(-code).name}"})
    return Ending("failed", {"type": "ExitCode", "message": str(code)}) if code else COMPLETED


def _pump(name: str, source: IO[bytes], target: int) -> None:
    """Hands what a command prints on as it comes, byte for byte, and keeps it as text."""
    decoder = codecs.getincrementaldecoder("utf-8")("backslashreplace")
    descriptor = source.fileno()
    while piece := os.read(descriptor, 1 << 16):
        text = decoder.decode(piece)
        session().watching.printed(name, text)
        while piece:
            try:
                piece = piece[os.write(target, piece) :]
            except BrokenPipeError:  # nobody reads any more; the command must not die of that
                break
    source.close()
