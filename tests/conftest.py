"""What tests of several areas share."""

from __future__ import annotations

import random
import re
import signal
import sys
from collections.abc import Generator, Iterator
from dataclasses import astuple
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest
from injecting import Chaos, Row, new_seed, rows_of, table

if TYPE_CHECKING:
    from pathlib import Path

    from breakable import Breakable
    from kafka_field import Field

INJECTED = "faults injected"
SEED = re.compile(r"^(?:EPOCHAL_TEST_SEED=|seed )(\d+)$", re.MULTILINE)
"""How a test says with which seed it threw its dice."""

# a suite that is started in the background ignores Ctrl-C, and so would every process that its tests interrupt
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture
def untraced() -> Iterator[None]:
    """Coverage lets go of this test's thread.

    Its tracer takes a plain lock: a signal handler of the test would find it taken, and wait for itself for ever; so
    would a forked child, where another thread had it at the moment of the fork. One of several processes of tests has
    two tracers, one in the other.
    """
    coverage = sys.modules.get("coverage")
    stopped: list[Any] = []
    while coverage and (current := coverage.Coverage.current()) is not None:
        current.stop()
        stopped.append(current)
    yield
    for one in reversed(stopped):
        one.start()


@pytest.fixture(scope="session")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Bootstrap servers of a real broker, shared by all tests: keep to topics of your own, and never stop it.

    One that EPOCHAL_TEST_KAFKA names, one in Docker, or one started from Kafka's published jars.
    """
    from kafka_broker import any_broker

    with any_broker(tmp_path_factory.mktemp("kafka")) as servers:
        yield servers


@pytest.fixture(scope="session")
def breakable_once(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Breakable]:
    """The one of :func:`breakable`."""
    from breakable import breakable_broker

    with breakable_broker(tmp_path_factory.mktemp("breakable")) as made:
        yield made


@pytest.fixture
def breakable(breakable_once: Breakable) -> Iterator[Breakable]:
    """A broker to kill and to cut off; it is put right again for the next test."""
    yield breakable_once
    breakable_once.mend()


@pytest.fixture
def field(kafka: str, topic_prefix: str, tmp_path: Path) -> Iterator[Field]:
    """Topics, a store, and whatever workers the test starts."""
    from kafka_field import Field

    made = Field(kafka, topic_prefix, tmp_path / "field")
    yield made
    made.close()


@pytest.fixture
def topic_prefix() -> str:
    """A prefix of topics that no other test has."""
    return f"t{uuid4().hex[:12]}."


@pytest.fixture
def dice() -> random.Random:
    """Dice whose seed is printed."""
    return random.Random(new_seed())


@pytest.fixture
def chaos(request: pytest.FixtureRequest) -> Chaos:
    """The faults that the test's mark names, at moments from a printed seed."""
    mark = request.node.get_closest_marker("chaos")
    return Chaos(mark.args, **mark.kwargs)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, None, None]:
    """A test that injected less than it was asked to proved nothing."""
    yield
    chaos = getattr(item, "funcargs", {}).get("chaos")
    if isinstance(chaos, Chaos) and chaos.lacking():
        pytest.fail(f"asked for {chaos.times} injections each, but there were {dict(chaos.injected)}")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Take down what a test injected, for the table at the end; and let no test of the broker be skipped."""
    report = yield
    if report.skipped and item.get_closest_marker("kafka"):
        report.outcome, report.longrepr = "failed", f"a test of Kafka isn't to be skipped: {call.excinfo}"
    chaos = getattr(item, "funcargs", {}).get("chaos")
    if call.when == "call" and isinstance(chaos, Chaos):
        rows = rows_of(chaos, item.nodeid.removeprefix("tests/"), call.duration, report.outcome)
        # the report is what comes to the process that prints the table, where tests run in several
        report.user_properties += [(INJECTED, astuple(row)) for row in rows]
    return report


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """The table of all faults that were injected, and the seeds of all dice: with one a test does the same again."""
    ended = [one for kind in ("passed", "failed", "skipped") for one in terminalreporter.getreports(kind)]
    if told := [Row(*cells) for one in ended for name, cells in one.user_properties if name == INJECTED]:
        terminalreporter.section(INJECTED)
        terminalreporter.write("\n".join([*table(told), ""]))
    if seeds := {one.nodeid: found for one in ended if one.when == "call" and (found := SEED.findall(one.capstdout))}:
        terminalreporter.section("seeds")
        terminalreporter.write("\n".join([*(f"{test}: {' '.join(found)}" for test, found in seeds.items()), ""]))
