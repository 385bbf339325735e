"""One engine for all tests of the views; every example is a project of its own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from views.engine_of_tests import TestEngine


@pytest.fixture(scope="session")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestEngine]:
    """A migrated store."""
    found = TestEngine(tmp_path_factory.mktemp("engine"))
    yield found
    found.close()
