"""Imports in background threads, without harm to a process that forks meanwhile.

A fork in the middle of another thread's import leaves the child with half a module and a lock that nobody will ever
let go of. So what is imported in the background is imported under a gate that a fork waits for.
"""

from __future__ import annotations

import importlib
import os
import threading

__all__ = ["import_in_background"]

_gate = threading.RLock()


def import_in_background(*names: str) -> None:
    """Imports modules so that a fork waits until they are whole; those that are not there are left out."""
    for name in names:
        with _gate:
            try:
                importlib.import_module(name)
            except ImportError:
                continue


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_gate.acquire, after_in_parent=_gate.release, after_in_child=_gate.release)
