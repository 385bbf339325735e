"""The command ``epochal run -- COMMAND``: any command as a run, with its output and its end."""

from __future__ import annotations

import codecs
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import IO, TYPE_CHECKING, Final, TextIO

import click

from ._arguments import from_arguments, value_of
from ._declared import around, declared_experiment
from ._ending import COMPLETED, STOPPED, Ending
from ._errors import MisuseError
from ._front import init
from ._log_lines import LONGEST_LINE, Definition, LogReader, Points, definition, definitions
from ._session import session

if TYPE_CHECKING:
    from types import FrameType

    from ._run import Run

__all__ = ["run"]

_NOT_FOUND: Final = 127
_NOT_ALLOWED: Final = 126
_STOPPING: Final = (signal.SIGINT, signal.SIGTERM)


@click.command(context_settings={"ignore_unknown_options": True})
@click.option("-e", "--experiment", help="Which experiment it belongs to; default: EPOCHAL_EXPERIMENT, else commands.")
@click.option("-n", "--name", help="Its name; default: EPOCHAL_RUN_NAME, else the kind.")
@click.option("-k", "--kind", default="training", show_default=True, help="training, evaluation, preprocessing, ...")
@click.option("-p", "--param", multiple=True, metavar="NAME=VALUE", help="A parameter; VALUE is JSON, or text.")
@click.option(
    "-v",
    "--variable",
    multiple=True,
    metavar="NAME[=VALUE]",
    help="A variable of its trial, likewise; NAME alone: as COMMAND's option --NAME has it.",
)
@click.option("--no-arguments", is_flag=True, help="Don't take COMMAND's long options for parameters.")
@click.option(
    "-m",
    "--metric",
    multiple=True,
    metavar="NAME[=PATTERN]",
    help="Read a metric from the output: 'NAME: 0.5' or 'NAME=0.5', or where the group of PATTERN is.",
)
@click.option("--metrics", type=click.File(encoding="utf-8"), help="The same as JSON: {name: pattern}.")
@click.option("--step", metavar="NAME[=PATTERN]", help="Read their step likewise; default: each counts from 0.")
@click.option("-t", "--tag", multiple=True, help="A tag.")
@click.option("--project", metavar="NAME", help="Default: EPOCHAL_PROJECT.")
@click.argument("command", nargs=-1, required=True, type=click.UNPROCESSED)
def run(
    experiment: str | None,
    name: str | None,
    kind: str,
    param: tuple[str, ...],
    variable: tuple[str, ...],
    no_arguments: bool,
    metric: tuple[str, ...],
    metrics: TextIO | None,
    step: str | None,
    tag: tuple[str, ...],
    project: str | None,
    command: tuple[str, ...],
) -> None:
    """Run COMMAND and record it. Its status is how it ends, and so is the exit code.

    Write -- before COMMAND. What it prints is kept, which takes a pipe instead of the terminal (EPOCHAL_CAPTURE without
    console leaves it the terminal, unless metrics are read). Its long options are parameters. A Python program in it
    finds the run: epochal.log(...) logs to it, and what epochal.init(...) opens has it for its parent.
    """
    stopping = _Stopping()
    arguments = from_arguments(command)
    params = ({} if no_arguments else arguments) | _values(param, "--param")
    variables = _values(variable, "--variable", arguments)
    here = session()
    if experiment is None and declared_experiment(here, project or here.settings.project, around(here)) is None:
        experiment = "commands"
    reader = _reader(metric, metrics, step)
    handle = init(
        experiment, name=name, kind=kind, params=params, variables=variables or None, tags=tag, project=project
    )
    sys.exit(_recorded(handle, command, stopping, reader))


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


def _values(given: Sequence[str], option: str, known: Mapping[str, object] | None = None) -> dict[str, object]:
    """What an option says, each time; a name alone stands for what is known by it."""
    values: dict[str, object] = {}
    for one in given:
        name, equals, text = one.partition("=")
        if known is not None and one in known:
            values[name] = known[name]
        elif not name or not equals:
            told = "" if known is None else f", and COMMAND has no option --{name}"
            raise click.BadParameter(f"{one!r} is not NAME=VALUE{told}", param_hint=option)
        else:
            values[name] = value_of(text)
    return values


def _reader(metric: Sequence[str], metrics: TextIO | None, step: str | None) -> LogReader | None:
    """What reads metrics from the output; None where nothing is to be read."""
    listed = _checked("--metrics", lambda: definitions(json.load(metrics)) if metrics else [])
    wanted = [*listed, *_checked("--metric", lambda: [definition(one) for one in metric])]
    steps = _checked("--step", lambda: [definition(step)] if step else [])
    names = [one.name for one in wanted]
    for name in names:
        if names.count(name) > 1:
            raise click.BadParameter(f"{name!r} is defined twice", param_hint="--metric")
    if steps and not wanted:
        raise click.BadParameter("there is no metric to read, of which it would be the step", param_hint="--step")
    return LogReader(wanted, steps[0] if steps else None) if wanted else None


def _checked(option: str, made: Callable[[], list[Definition]]) -> list[Definition]:
    try:
        return made()
    except (MisuseError, ValueError) as error:
        raise click.BadParameter(str(error), param_hint=option) from None


def _recorded(handle: Run, command: Sequence[str], stopping: _Stopping, reader: LogReader | None) -> int:
    """The exit code, once the command has ended and the run with it."""
    kept = reader is not None or "console" in session().settings.capture
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
    metrics = _Metrics(handle, reader)
    pumps = [
        threading.Thread(target=_pump, args=(name, source, target, metrics))
        for name, source, target in (("stdout", child.stdout, 1), ("stderr", child.stderr, 2))
        if source is not None
    ]
    for pump in pumps:
        pump.start()
    code = child.wait()
    for pump in pumps:
        pump.join()
    try:
        metrics.end()
    finally:
        handle.end(_ending(code, stopped=stopping.asked))
    return code if code >= 0 else 128 - code


def _ending(code: int, *, stopped: bool) -> Ending:
    if stopped or -code in _STOPPING:
        return STOPPED
    if code < 0:
        return Ending("failed", {"type": "Signal", "message": f"ended by {signal.Signals(-code).name}"})
    return Ending("failed", {"type": "ExitCode", "message": str(code)}) if code else COMPLETED


class _Metrics:
    """Logs what is found in the output, whichever stream it came on."""

    def __init__(self, handle: Run, reader: LogReader | None) -> None:
        self._handle = handle
        self._reader = reader
        self._lock = threading.Lock()
        self._trouble: Exception | None = None

    def printed(self, stream: str, text: str) -> None:
        """Log what is found in a piece of output. Raises nothing: the command must not wait for a pipe nobody reads."""
        if self._reader is None or self._trouble is not None:
            return
        try:
            with self._lock:
                self._log(self._reader.feed(stream, text))
        except Exception as error:  # noqa: BLE001  the border: raised when the command has ended
            self._trouble = error

    def end(self) -> None:
        """Log what is on a last line without an end, and say what was looked for in vain.

        Raises what logging raised (EPOCHAL_STRICT), after which nothing was logged any more.
        """
        if self._trouble is not None:
            raise self._trouble
        if self._reader is None:
            return
        self._log(self._reader.end())
        if self._reader.cut:
            click.echo(
                f"epochal: {self._reader.cut:,} lines were longer than {LONGEST_LINE:,} characters; metrics were read "
                "from the beginning of these alone",
                err=True,
            )
        wanted = {metric.name: metric.name in self._reader.seen for metric in self._reader.metrics}
        if self._reader.step is not None:
            wanted[self._reader.step.name] = self._reader.steps > 0
        for name in (name for name, found in wanted.items() if not found):
            click.echo(
                f"epochal: nothing in {self._reader.lines:,} lines of output looked like {name!r}; "
                "--metric NAME=PATTERN says what it looks like, with a group where the number is",
                err=True,
            )

    def _log(self, points: Iterable[Points]) -> None:
        for values, step in points:
            self._handle.log(values, step=step)


def _pump(name: str, source: IO[bytes], target: int, metrics: _Metrics) -> None:
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
        metrics.printed(name, text)
    source.close()
