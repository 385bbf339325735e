"""A worker that can't come to its end is gone all the same."""

from __future__ import annotations

import subprocess
import sys

HANGS = """
import logging, threading
from epochal_processors.worker import leave_within

logging.basicConfig(level=logging.WARNING)
statuses = [75]
leave_within(0.2, lambda: statuses[-1])
statuses.append(70)
held = threading.Lock()
held.acquire()
held.acquire()
"""


def test_a_worker_that_hangs_at_its_end_is_gone() -> None:
    """With the status that it has by then, and a word why."""
    done = subprocess.run([sys.executable, "-c", HANGS], capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 70
    assert "the worker didn't come to its end in 0 s: it is gone" in done.stderr
