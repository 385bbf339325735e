"""Notices how the process ends, so that runs left open get the right status.

Installed with the first run. What was there before is called afterwards; nothing is installed where it would not
be called or would change what the program does.
"""

from __future__ import annotations

import atexit
import os
import signal
import sys
import threading
from collections.abc import Callable
from types import FrameType, TracebackType

from ._ending import COMPLETED, STOPPED, Ending, ending_of, exit_ending

__all__ = ["Exits"]


class Exits:
    """The process's end: ``finish`` is called once with how it ended, from an exit handler or because of SIGTERM."""

    def __init__(self, finish: Callable[[Ending], None]) -> None:
        self._finish = finish
        self.ending: Ending | None = None
        """How the process is about to end, once that is known."""
        self._installed = False

    def install(self) -> None:
        """Hooks in, once."""
        if self._installed:
            return
        self._installed = True
        atexit.register(self._at_exit)
        if not _interactive():
            self._watch_exceptions()
            self._watch_exit_codes()
        in_main = threading.current_thread() is threading.main_thread()
        if in_main and signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
            signal.signal(signal.SIGTERM, self._terminated)

    def after_fork_in_child(self) -> None:
        """A forked child dies of SIGTERM at once: it decides no status, and pools end their workers that way."""
        self.ending = None
        if signal.getsignal(signal.SIGTERM) == self._terminated:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)

    def _at_exit(self) -> None:
        self._finish(self.ending or COMPLETED)

    def _watch_exceptions(self) -> None:
        before = sys.excepthook

        def hook(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
            self._note(ending_of(error))
            before(kind, error, trace)

        sys.excepthook = hook

    def _watch_exit_codes(self) -> None:
        """The interpreter tells exit handlers nothing about ``sys.exit(3)``, so the code is noted as it passes."""
        before = sys.exit

        def exit_noting(status: object = None, /) -> None:
            if threading.current_thread() is threading.main_thread():
                self._note(exit_ending(status))
            before(status)  # type: ignore[arg-type]  # whatever the caller gave

        sys.exit = exit_noting  # type: ignore[assignment]

    def _note(self, ending: Ending) -> None:
        if self.ending is not STOPPED:  # after SIGTERM the process dies of that, whatever else happens on the way
            self.ending = ending

    def _terminated(self, signum: int, frame: FrameType | None) -> None:
        """Lets a thread write the end while this one goes on: the signal may have come in the middle of a ``log()``,
        whose lock must be let go of first. Then the process dies of the signal, as it would have without us.
        """
        del frame
        self.ending = STOPPED
        signal.signal(signum, signal.SIG_DFL)
        threading.Thread(target=self._finish_and_die, args=(signum,), name="epochal-end", daemon=True).start()

    def _finish_and_die(self, signum: int) -> None:
        try:
            self._finish(STOPPED)
        finally:
            os.kill(os.getpid(), signum)


def _interactive() -> bool:
    """In a shell or a notebook an exception ends a cell, not the program."""
    return hasattr(sys, "ps1") or bool(sys.flags.interactive) or "ipykernel" in sys.modules
