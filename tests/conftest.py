"""What tests of several areas share."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import pytest


@pytest.fixture
def untraced() -> Iterator[None]:
    """Coverage lets go of this test's thread.

    Its tracer takes a plain lock: a signal handler of the test would find it taken, and wait for itself for ever.
    """
    coverage = sys.modules.get("coverage")
    current = coverage.Coverage.current() if coverage else None
    if current is not None:
        current.stop()
    yield
    if current is not None:
        current.start()
