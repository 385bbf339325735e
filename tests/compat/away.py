"""A process with a store of its own, in which functions of these tests run one after the other."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import ParamSpec, TypeVar

from host_ending import end_host

P = ParamSpec("P")
T = TypeVar("T")


class Away:
    """Calls go to the process, what they return or raise comes back."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._pool = ProcessPoolExecutor(
            1, multiprocessing.get_context("spawn"), initializer=_settle, initargs=(str(folder),)
        )

    def __call__(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """What the function returns there."""
        return self._pool.submit(function, *args, **kwargs).result(120)

    def end(self) -> None:
        """The process ends as any job does, then the host of its store."""
        self._pool.shutdown()
        end_host(self.folder / "store")


def _settle(folder: str) -> None:
    """Nothing of the caller's Epochal, and nothing captured."""
    for name in [name for name in os.environ if name.startswith("EPOCHAL_")]:
        del os.environ[name]
    os.environ.update(EPOCHAL_STORE=f"{folder}/store", EPOCHAL_CAPTURE="none")
    os.chdir(folder)
