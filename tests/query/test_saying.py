"""Saying something to a store that was opened for reading: where it goes, and that the next read sees it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from host_ending import end_host
from promises.jobs import environment

from epochal._clock import now_us
from epochal._entity_events import note_written
from epochal._errors import JournalError, NotAvailableError
from epochal._events import experiment_created
from epochal._ids import experiment_id
from epochal._saying import sayer
from epochal._settings import Settings
from epochal_query.opening import open_with
from epochal_query.store import Store

if TYPE_CHECKING:
    from kafka_field import Field

EXPERIMENT = str(experiment_id("default", "said"))
SAID = [
    experiment_created(experiment=EXPERIMENT, name="said"),
    note_written(kind="experiment", entity=EXPERIMENT, text="while reading"),
]


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """Those of a store that nothing else is written to."""
    directory = tmp_path_factory.mktemp("saying") / "store"
    yield Settings(store=str(directory))
    end_host(directory)


@pytest.fixture(scope="module")
def store(settings: Settings) -> Iterator[Store]:
    """The same, for reading."""
    opened = open_with(settings)
    yield opened
    opened.close()


@pytest.mark.long
def test_the_next_read_sees_it_wherever_journals_of_jobs_lie(settings: Settings, store: Store, tmp_path: Path) -> None:
    """It is in the store that was opened, with who said it; jobs' settings of journals and modes don't matter."""
    others = replace(settings, journal=str(tmp_path / "elsewhere"), mode="disabled")
    ids = sayer(others)("default", SAID, 0)
    history = store.history("said", "note")
    assert list(history["value"]) == ["while reading"]
    assert list(history["event"]) == [ids[1]]
    assert list(history["pid"]) == [os.getpid()]
    assert not (tmp_path / "elsewhere").exists()


def test_all_of_one_call_is_one_closed_stream(settings: Settings, store: Store) -> None:
    """Ids are of one writer, and verify finds nothing open or vanished about it."""
    ids = sayer(settings)("default", [*SAID, SAID[1]], 0)
    (writer,) = {one.partition(":")[0] for one in ids}
    assert [one.partition(":")[2] for one in ids] == ["1", "2", "3"]
    types = store.sql("SELECT type FROM events FINAL WHERE writer = {writer:UUID} ORDER BY seq", {"writer": writer})
    assert [types["type"].iloc[0], types["type"].iloc[-1]] == ["epochal.writer.opened", "epochal.writer.closed"]


def test_it_comes_after_what_it_is_about_though_the_clock_is_behind(settings: Settings, store: Store) -> None:
    """Whoever said the earlier thing had a clock that is ahead of ours."""
    ahead = now_us() + 30_000_000
    sayer(settings)("default", [note_written(kind="experiment", entity=EXPERIMENT, text="from the past")], ahead)
    assert store.state("said")["note"] == "from the past"
    logged = store.history("said", "note")["logged_at"].iloc[-1]
    assert logged.value // 1000 == ahead + 1


def test_to_a_server_without_kafka_it_is_refused() -> None:
    """The message says what to do."""
    say = sayer(Settings(store="clickhouse://me@server.example:8123/runs"))
    with pytest.raises(NotAvailableError, match="set EPOCHAL_KAFKA"):
        say("default", SAID, 0)


def test_while_nothing_goes_to_kafka_it_is_refused() -> None:
    """It would be seen by nobody, and the message names the setting."""
    offline = Settings(store="clickhouse://me@server.example:8123/runs", kafka="127.0.0.1:1", mode="offline")
    with pytest.raises(NotAvailableError, match="EPOCHAL_MODE is offline"):
        sayer(offline)("default", SAID, 0)


def test_what_cant_be_kept_is_an_error(tmp_path: Path) -> None:
    """Other than in training, nobody goes on as if it had been said."""
    (tmp_path / "journals").write_text("in the way")
    with pytest.raises(JournalError, match="nothing was said"):
        sayer(Settings(store=str(tmp_path)))("default", SAID, 0)


CHILD = """
import epochal
from epochal._entity_events import note_written
from epochal._settings import from_env
from epochal._saying import sayer

with epochal.init("said") as run:
    pass
store = epochal.open()
(id,) = sayer(from_env())("default", [note_written(kind="component", entity=str(run.id), text="by Kafka")], 0)
seen = store.history(str(run.id), "note")["event"].tolist()
print(seen == [id], [offset for log, offset in store.last_watermark.items() if log.startswith("intake:")])
"""


@pytest.mark.kafka
def test_with_kafka_it_goes_there_and_the_next_read_sees_it(field: Field) -> None:
    """The log of such a store is Kafka's: whoever reads that log anew finds it there."""
    field.worker()
    done = subprocess.run(
        [sys.executable, "-c", CHILD],
        env=environment(field.store, EPOCHAL_KAFKA=field.servers, EPOCHAL_KAFKA_TOPIC_PREFIX=field.prefix)
        | {"XDG_STATE_HOME": str(field.directory / "state"), "EPOCHAL_SHIPPER": "thread"},
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == "True [-1]\n"
