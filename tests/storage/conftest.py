"""Real hosts in processes of their own: chDB never enters the process of the tests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from storage_hosts import Hosts


@pytest.fixture
def hosts() -> Iterator[Hosts]:
    """Hosts of this test."""
    kept = Hosts()
    yield kept
    kept.end()


@pytest.fixture(scope="module")
def shared_hosts() -> Iterator[Hosts]:
    """Hosts of this module."""
    kept = Hosts()
    yield kept
    kept.end()


@pytest.fixture(scope="module")
def shared_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store of this module."""
    return tmp_path_factory.mktemp("store")
