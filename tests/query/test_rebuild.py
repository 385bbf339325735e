"""Views made again from the log: the same, whatever became of the tables, and while all goes on."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from click.testing import CliRunner
from host_ending import end_host
from promises.jobs import TESTS, environment, job

from epochal_processors import statements
from epochal_processors.rebuilding import DERIVED
from epochal_query.commands_proof import rebuild as command
from epochal_query.errors import ReadError, UnknownNameError
from epochal_query.opening import open_store
from epochal_query.rebuilding import tables_of
from epochal_query.store import Store
from epochal_storage.errors import EngineError
from epochal_storage.remote import RemoteStore
from epochal_storage.shadow import Shadow
from epochal_storage.views_sql import view_texts

READS: dict[str, Callable[[Store], Any]] = {
    "experiments": lambda store: store.experiments(),
    "trials": lambda store: store.trials(),
    "components": lambda store: store.components(),
    "report": lambda store: store.report("digits"),
    "metrics": lambda store: store.metrics(experiment="digits"),
    "best": lambda store: store.best("digits", "acc", mode="max"),
    "state": lambda store: store.state("digits"),
    "history": lambda store: store.history("experiment-metadata"),
    "lineage": lambda store: store.lineage("data").edges,
}
SUMMARIES = "SELECT * FROM summaries_at(as_of='', known_at='') ORDER BY component, metric, rank"


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A store with a small experiment."""
    folder = tmp_path_factory.mktemp("rebuilt")
    subprocess.run(
        [sys.executable, "-m", "query.writes", str(folder)],
        cwd=TESTS,
        env=environment(folder / "store"),
        check=True,
    )
    yield folder / "store"
    end_host(folder / "store")


@pytest.fixture
def store(place: Path) -> Iterator[Store]:
    """That store, for reading."""
    found = open_store(place)
    yield found
    found.close()


@pytest.fixture
def rights(store: Store) -> Iterator[RemoteStore]:
    """The same with all rights."""
    found = store._opened.with_rights()
    yield found
    found.close()


def answers(store: Store) -> dict[str, Any]:
    """Whatever can be read, to be compared."""
    found = {name: read(store) for name, read in READS.items()}
    return {**found, "summaries": store.sql(SUMMARIES)}


@pytest.fixture(scope="module")
def before(place: Path) -> dict[str, Any]:
    """What is read before anything was rebuilt; after each test it is read again."""
    store = open_store(place)
    found = answers(store)
    store.close()
    return found


def assert_same(found: dict[str, Any], expected: dict[str, Any]) -> None:
    """Equal, value for value."""
    for name, answer in expected.items():
        if isinstance(answer, pd.DataFrame):
            pd.testing.assert_frame_equal(found[name], answer, check_exact=True)
        else:
            assert found[name] == answer, name


@pytest.mark.long
def test_a_rebuild_of_what_nobody_altered_changes_nothing(store: Store, before: dict[str, Any]) -> None:
    """And says how many rows there were and are, with the same checksum every time."""
    first, second = store.rebuild(), store.rebuild()
    assert first["table"].tolist() == list(DERIVED)
    assert first["changed"].tolist() == [False, False]
    assert (first["rows"] > 0).all()
    assert first["rows"].tolist() == first["rows_before"].tolist() == second["rows"].tolist()
    assert first["checksum"].tolist() == second["checksum"].tolist()
    assert first.attrs["epochal"]["watermark"] == store.last_watermark
    assert_same(answers(store), before)


LOST = {
    "every view is dropped": [f"DROP VIEW {name}" for name in view_texts()],
    "the tables are emptied": ["TRUNCATE TABLE facts", "TRUNCATE TABLE partials"],
    "a statement is altered": [
        "ALTER TABLE facts UPDATE value = '7' WHERE field = 'param' SETTINGS mutations_sync = 2"
    ],
    "sums are deleted": ["ALTER TABLE partials DELETE WHERE metric = 'acc' SETTINGS mutations_sync = 2"],
    "a statement is invented": [
        "INSERT INTO facts SELECT * REPLACE ('invented' AS key, generateUUIDv4() AS writer) FROM facts "
        "WHERE field = 'param' LIMIT 1"
    ],
    "the tables are gone": [
        *(f"DROP VIEW {name}" for name in view_texts()),
        "DROP TABLE facts",
        "DROP TABLE partials",
    ],
}


@pytest.mark.long
@pytest.mark.parametrize("lost", LOST)
def test_what_became_of_views_is_mended(store: Store, before: dict[str, Any], rights: RemoteStore, lost: str) -> None:
    """Every read gives what it gave before, to the last bit; what was altered is said to have changed."""
    for statement in LOST[lost]:
        rights.command(statement)
    made = store.rebuild()
    assert made["changed"].any() == (lost != "every view is dropped")
    assert_same(answers(store), before)
    assert store.verify()["sound"]
    assert leftovers(rights) == []


def leftovers(rights: RemoteStore) -> list[str]:
    """Tables that a rebuild left."""
    found = rights.query_arrow("SELECT name FROM system.tables WHERE name LIKE '%rebuilding%'")
    return [str(name) for name in found["name"].to_pylist()]


@pytest.mark.long
def test_a_view_is_made_from_its_tables_alone(store: Store) -> None:
    """With or without the ending of its name in SQL; an unknown one is an error with near names."""
    assert tables_of(None) == tables_of("all") == ["facts", "partials"]
    assert tables_of("summaries") == tables_of("summaries_at") == ["facts", "partials"]
    assert tables_of("params") == tables_of("metrics_at") == ["facts"]
    assert store.rebuild("partials")["table"].tolist() == ["partials"]
    with pytest.raises(UnknownNameError, match="near: 'summaries'"):
        store.rebuild("sumaries")


@pytest.mark.long
def test_a_new_projection_is_filled_for_all_of_history(
    store: Store, before: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A statement that this version makes of old events is there for all of them, at the time of each."""

    def more(event: Any) -> Iterator[statements.Statement]:
        for one in statements.statements(event):
            yield one
            if one.field == "param":
                yield replace(one, field="shadow")

    monkeypatch.setattr("epochal_processors.project.statements", more)
    made = store.rebuild("facts")
    assert made["changed"].tolist() == [True]
    count = "SELECT countIf(field = 'shadow') AS new, countIf(field = 'param') AS old FROM facts FINAL"
    (row,) = store.sql(count).to_dict("records")
    assert row["new"] == row["old"] > 0
    pd.testing.assert_frame_equal(store.report("digits"), before["report"])
    monkeypatch.undo()
    assert store.rebuild("facts")["changed"].tolist() == [True]
    assert store.sql(count)["new"].tolist() == [0]


@pytest.mark.long
def test_jobs_log_and_readers_read_while_it_is_rebuilt(tmp_path: Path) -> None:
    """No count goes down, no read fails, and in the end nothing is missing and nothing has changed."""
    with job(tmp_path, "a", 1, 6_000, pause_s=0.001) as first, job(tmp_path, "b", 2, 6_000, pause_s=0.001) as second:
        store = open_store(tmp_path)
        failures: list[BaseException] = []
        counts: list[tuple[int, int]] = []

        def read() -> None:
            try:
                reader = open_store(tmp_path)
                while not ended.is_set():
                    summary = reader.sql("SELECT sum(count) AS n FROM summaries_at(as_of='', known_at='')")
                    counts.append((len(reader.components()), int(summary["n"][0])))
            except BaseException as error:
                failures.append(error)
                raise

        ended = threading.Event()
        reading = threading.Thread(target=read)
        reading.start()
        rebuilt = 0
        while first.process.poll() is None or second.process.poll() is None or rebuilt < 3:
            store.rebuild()
            rebuilt += 1
        ended.set()
        reading.join()
        assert not failures
        assert [sorted(column) for column in zip(*counts, strict=True)] == [list(c) for c in zip(*counts, strict=True)]
        assert (first.wait(), second.wait()) == (0, 0)
    for running in (first, second):
        assert len(store.metrics(component=running.component, metric="loss")) == 6_000
        assert store.certificate(running.component)["state"] == "closed"
    assert not store.rebuild()["changed"].any()
    store.close()
    end_host(tmp_path)


KILLED = """
import os, signal, sys
from epochal_query.opening import open_store
from epochal_storage.shadow import Shadow
moment = sys.argv[2]
inner = getattr(Shadow, moment)

def die(self, *args):
    if moment == "compare":
        inner(self, *args)
    os.kill(os.getpid(), signal.SIGKILL)

setattr(Shadow, moment, die)
open_store(sys.argv[1]).rebuild("facts")
"""


@pytest.mark.long
@pytest.mark.parametrize("moment", ["insert", "compare", "drop"])
def test_a_rebuild_that_is_killed_changes_nothing(
    place: Path, store: Store, before: dict[str, Any], rights: RemoteStore, moment: str
) -> None:
    """Before it swapped or right after: reads are the same, and the next rebuild removes what it left."""
    done = subprocess.run([sys.executable, "-c", KILLED, str(place), moment], env=environment(place), check=False)
    assert done.returncode == -signal.SIGKILL
    assert len(leftovers(rights)) == 2
    assert_same(answers(store), before)
    assert store.rebuild("facts")["changed"].tolist() == [False]
    assert leftovers(rights) == []
    assert_same(answers(store), before)


@pytest.mark.long
def test_the_later_of_two_rebuilds_wins(
    store: Store, before: dict[str, Any], rights: RemoteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The earlier fails, having changed nothing."""
    compare = Shadow.compare

    def overtaken(self: Shadow, *args: Any) -> Any:
        monkeypatch.undo()
        assert store.rebuild("facts")["changed"].tolist() == [False]
        return compare(self, *args)

    monkeypatch.setattr(Shadow, "compare", overtaken)
    with pytest.raises(EngineError, match="rebuilding"):
        store.rebuild("facts")
    assert leftovers(rights) == []
    assert_same(answers(store), before)


@pytest.mark.long
def test_the_command(place: Path) -> None:
    """A table for people, JSON for machines, and an unknown view is an error."""
    run = CliRunner().invoke
    shown = run(command, ["--store", str(place)])
    assert shown.exit_code == 0
    assert [line.split()[0] for line in shown.output.splitlines()[2:4]] == ["facts", "partials"]
    assert '"changed": false' in run(command, ["params", "--store", str(place), "--json"]).output
    wrong = run(command, ["parms", "--store", str(place)])
    assert wrong.exit_code != 0
    assert "near: 'params'" in wrong.output


def test_without_a_host_it_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the engine is in the process that reads, nobody can write beside it."""
    monkeypatch.setenv("EPOCHAL_HOST", "inline")
    store = open_store(tmp_path / "store")
    with pytest.raises(ReadError, match="EPOCHAL_HOST=inline"):
        store.rebuild()
    store.close()
