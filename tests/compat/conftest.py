"""The process in which a file's tests of the stand-ins run."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from compat.away import Away


@pytest.fixture(scope="module")
def away(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Away]:
    """One process and one store for all tests of a file; names of their own keep them apart."""
    made = Away(tmp_path_factory.mktemp("away"))
    yield made
    made.end()
