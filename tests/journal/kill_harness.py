"""Kills a process that logs, at any moment, and says which of its calls had returned.

The child is any command; it finds the write end of a pipe in ``EPOCHAL_TEST_ACK_FD`` and gives it to
:class:`Acknowledger`: ``ready()`` before the first call, then ``returned(n)`` after call number ``n`` has returned.
The parent kills it ``delay_s`` after ``ready`` and reads the pipe to its end: the last number there is the last
call that had returned for certain.
"""

from __future__ import annotations

import os
import select
import signal
import struct
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass

_NUMBER = struct.Struct("<q")
_READY = -1
_START_S = 60.0
_VARIABLE = "EPOCHAL_TEST_ACK_FD"


class Acknowledger:
    """The child's end of the pipe."""

    def __init__(self) -> None:
        self._fd = int(os.environ[_VARIABLE])

    def ready(self) -> None:
        """The next thing this process does is to log."""
        os.write(self._fd, _NUMBER.pack(_READY))

    def returned(self, call: int) -> None:
        """Call number ``call`` has returned."""
        os.write(self._fd, _NUMBER.pack(call))


@dataclass(frozen=True)
class Outcome:
    """What is known of a child: the number of the last call that returned (-1: none), and how it ended."""

    last_returned: int
    exit_code: int
    stderr: str

    @property
    def was_killed(self) -> bool:
        return self.exit_code == -signal.SIGKILL


class Victim:
    """A child that logs until it is killed, or ends by itself."""

    def __init__(self, command: Sequence[str], environment: dict[str, str] | None = None) -> None:
        self._pipe, write_end = os.pipe()
        env = {**os.environ, **(environment or {}), _VARIABLE: str(write_end)}
        self._process = subprocess.Popen(command, pass_fds=(write_end,), env=env, stderr=subprocess.PIPE)
        os.close(write_end)
        self._rest = b""
        self._last: int | None = None

    @property
    def pid(self) -> int:
        """Process id of the child."""
        return self._process.pid

    def wait_until_ready(self) -> None:
        """Wait for the child's ``ready()``; it fails when the child ends before."""
        until = time.monotonic() + _START_S
        while self._last is None and self._read(until):
            pass
        if self._last is None:
            raise AssertionError(f"the child never became ready: {self.kill_after(0)}")

    def kill_after(self, delay_s: float) -> Outcome:
        """Let it log for so long, kill it, and say what it had done."""
        until = time.monotonic() + delay_s
        while self._read(until):
            pass
        self._process.kill()
        return self.wait()

    def wait(self) -> Outcome:
        """Wait for the child to end, and say what it had done."""
        until = time.monotonic() + _START_S
        while self._read(until):
            pass
        os.close(self._pipe)
        _, stderr = self._process.communicate()
        last = _READY if self._last is None else self._last
        return Outcome(last, self._process.returncode, stderr.decode(errors="replace"))

    def _read(self, until: float) -> bool:
        """Take what the child wrote; False when there is nothing more by then, or no child."""
        readable, _, _ = select.select([self._pipe], [], [], max(0.0, until - time.monotonic()))
        part = os.read(self._pipe, 1 << 16) if readable else b""
        numbers = self._rest + part
        whole = len(numbers) - len(numbers) % _NUMBER.size
        if whole:
            (self._last,) = _NUMBER.unpack(numbers[whole - _NUMBER.size : whole])
        self._rest = numbers[whole:]
        return bool(part)


def run_and_kill(command: Sequence[str], delay_s: float, environment: dict[str, str] | None = None) -> Outcome:
    """Start a child, let it log for ``delay_s`` after it said ``ready()``, kill it."""
    victim = Victim(command, environment)
    victim.wait_until_ready()
    return victim.kill_after(delay_s)
