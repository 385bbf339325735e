"""What tests of several areas share."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from uuid import uuid4

import pytest

# a suite that is started in the background ignores Ctrl-C, and so would every process that its tests interrupt
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture
def untraced() -> Iterator[None]:
    """Coverage lets go of this test's thread.

    Its tracer takes a plain lock: a signal handler of the test would find it taken, and wait for itself for ever; so
    would a forked child, where another thread had it at the moment of the fork.
    """
    coverage = sys.modules.get("coverage")
    current = coverage.Coverage.current() if coverage else None
    if current is not None:
        current.stop()
    yield
    if current is not None:
        current.start()


@pytest.fixture(scope="session")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Bootstrap servers of a real broker, shared by all tests: keep to topics of your own, and never stop it.

    One that EPOCHAL_TEST_KAFKA names, one in Docker, or one started from Kafka's published jars.
    """
    from kafka_broker import any_broker

    with any_broker(tmp_path_factory.mktemp("kafka")) as servers:
        yield servers


@pytest.fixture
def topic_prefix() -> str:
    """A prefix of topics that no other test has."""
    return f"t{uuid4().hex[:12]}."
