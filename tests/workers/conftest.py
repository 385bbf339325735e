"""Fields of real workers, one a test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from kafka_field import Field


@pytest.fixture
def field(kafka: str, topic_prefix: str, tmp_path: Path) -> Iterator[Field]:
    """Topics, a store, and whatever workers the test starts."""
    made = Field(kafka, topic_prefix, tmp_path)
    yield made
    made.close()
