"""Processes that outlive the one that starts them: the host of a store, the shipper of a spool."""

from __future__ import annotations

import os
import select
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

__all__ = ["Started", "start_detached"]


class Started:
    """A process that was started."""

    def __init__(self, pipe: int) -> None:
        """``pipe``: the end to read from; the process has the other one, and says nothing."""
        self._pipe = pipe

    def ended(self) -> bool:
        """Whether it has ended, as far as anybody can tell."""
        poll = select.poll()  # and not select, which knows no descriptor above 1,023
        poll.register(self._pipe, select.POLLIN)
        return bool(poll.poll(0))

    def __del__(self) -> None:
        os.close(self._pipe)


def start_detached(
    module: str, arguments: Sequence[str], log: Path, more: Mapping[str, str] | None = None
) -> Started | None:
    """Starts ``python -m module arguments`` and does not wait for it; None where that is impossible.

    The process has a session of its own, is no child of this one, and what it prints is appended to ``log``. It gets
    this process's environment and ``more``, less what would make it part of the run that happened to start it.
    """
    if not sys.executable or os.name != "posix":
        return None
    kept = {name: value for name, value in os.environ.items() if name not in ("EPOCHAL_COMPONENT", "EPOCHAL_MODE")}
    detach = '"$@" </dev/null >>"$EPOCHAL_LOG_FILE" 2>&1 &'  # the shell ends at once: the process is nobody's zombie
    theirs: int | None = None
    try:
        log.parent.mkdir(parents=True, exist_ok=True)
        pipe, theirs = os.pipe()
        started = Started(pipe)
        subprocess.run(
            # -P: no module of the directory that it happens to be started in is taken for one of its own
            ["/bin/sh", "-c", detach, "sh", sys.executable, "-P", "-m", module, *arguments],
            env={**kept, "EPOCHAL_LOG_FILE": str(log), **(more or {})},
            stdin=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            pass_fds=(theirs,),
            check=True,
            timeout=30,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    finally:
        if theirs is not None:
            os.close(theirs)
    return started
