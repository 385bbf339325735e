"""Whether another process gets on with something, as far as the kernel tells."""

from __future__ import annotations

import time

import psutil


def work_done(pid: int | None) -> float:
    """Seconds of processor time a process has used; 0 when it is stopped, gone, or None."""
    if not pid:
        return 0.0
    try:
        process = psutil.Process(pid)
        times = process.cpu_times()
        return 0.0 if process.status() == psutil.STATUS_STOPPED else float(times.user + times.system)
    except psutil.Error:
        return 0.0


class Progress:
    """Tells a process that is slow, as the machine is busy, from one that is stuck or stopped."""

    def __init__(self, pid: int | None, most_seconds: float) -> None:
        self._pid = pid
        self._work = work_done(pid)
        self._until = time.monotonic() + most_seconds

    def goes_on(self) -> bool:
        """Whether it computed something since the last call, and not for longer than patience lasts."""
        before, self._work = self._work, work_done(self._pid)
        return self._work > before and time.monotonic() < self._until
