"""Settings and fixtures of this folder's tests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings
from processors.hosts import Hosts

from epochal._journal.process import ProcessLock

# nothing in the suite fails on a time
settings.register_profile("processors", deadline=None)
settings.load_profile("processors")


@pytest.fixture
def hosts(tmp_path: Path) -> Iterator[Hosts]:
    made = Hosts(tmp_path / "store")
    yield made
    made.end()


@pytest.fixture
def lock(hosts: Hosts) -> Iterator[ProcessLock]:
    journals = hosts.store / "journals"
    journals.mkdir(parents=True)
    held = ProcessLock.hold(journals)
    yield held
    held.release()
