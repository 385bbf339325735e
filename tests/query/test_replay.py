"""History told again: everything once, in the order in which it was recorded, at any pace, to anybody."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner
from host_ending import end_host
from query.conftest import Bare
from query.written import START

from epochal_processors.frames import NOBODY, EventFrame, Position, Positioned
from epochal_processors.recorded import paced
from epochal_query.commands_history import replay as command
from epochal_query.errors import ReadError, TimeError
from epochal_query.opening import open_store
from epochal_query.store import Store


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bare]:
    """A store with three runs in two projects, logged an hour apart, each sent twice."""
    bare = Bare(tmp_path_factory.mktemp("told") / "store")
    dice = random.Random(3)
    for number in range(3):
        log = bare.log("p" if number < 2 else "q", start=START + timedelta(hours=number), offset=1_000 * number)
        experiment = log.experiment("e")
        trial = log.trial(experiment, {"n": number})
        points = [(float(step), dice.gauss(0, 1)) for step in range(5_000)]
        log.run([trial], params={"lr": number}, metrics={"loss": points, "größe": [(0.5, float("nan"))]})
        log.flush()
        log.resend()
    yield bare
    bare.end()


@pytest.fixture
def store(told: Bare) -> Store:
    """That store, for reading."""
    return told.open("p")


def test_everything_comes_once_in_the_order_of_the_log(store: Store) -> None:
    """Events are the envelopes that were said, points the columns that were logged, also those of other projects."""
    history = list(store.replay())
    assert [one["offset"] for one in history] == sorted(one["offset"] for one in history)
    events = [event for one in history for event in one.get("events", ())]
    stored = store.sql("SELECT payload FROM events FINAL ORDER BY recorded_at, offset, seq")["payload"]
    assert events == [json.loads(payload) for payload in stored]
    points = [(one, i) for one in history if "step" in one for i in range(len(one["step"]))]
    rows = store.sql("SELECT * FROM metrics FINAL ORDER BY recorded_at, offset, seq")
    assert [one["first_seq"] + i for one, i in points] == rows["seq"].tolist()
    assert [one["metric"][i] for one, i in points] == rows["metric"].tolist()
    for name in ("step", "value"):
        found = np.array([one[name][i] for one, i in points])
        assert found.tobytes() == rows[name].to_numpy(np.float64).tobytes()
    assert {one["project"] for one in history} == {"p", "q"}


def test_it_is_read_from_the_log_alone(told: Bare, store: Store) -> None:
    """Whatever became of the tables that follow from it."""
    whole = [str(one) for one in store.replay()]
    tables = ("facts", "partials")
    for table in tables:
        told.writer.command(f"RENAME TABLE {table} TO {table}_away")
        told.writer.command(f"CREATE TABLE {table} AS {table}_away")
    assert [str(one) for one in store.replay()] == whole
    for table in tables:
        told.writer.command(f"DROP TABLE {table}")
        told.writer.command(f"RENAME TABLE {table}_away TO {table}")


def test_it_is_read_in_portions(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """However small they are, the same comes of it."""
    whole = [str(one) for one in store.replay()]
    for name, size in (("_PAGE", 3), ("MAX_POINTS", 100), ("MAX_EVENTS", 2)):
        monkeypatch.setattr(f"epochal_processors.recorded.{name}", size)
    assert [str(one) for one in store.replay()] == whole


def test_a_part_of_it(store: Store) -> None:
    """From an instant on, that included, and before another."""
    first, second = START + timedelta(minutes=30), START + timedelta(minutes=90)
    parts = [store.replay(None, first), store.replay(first, second), store.replay(second.isoformat())]
    found = [[one["offset"] for one in part] for part in parts]
    assert all(found)
    assert [offset for part in found for offset in part] == [one["offset"] for one in store.replay()]
    assert {offset // 1_000 for offset in found[1]} == {1}
    exactly = datetime.fromtimestamp(next(store.replay(first))["recorded_at_us"] / 1e6, UTC)
    assert next(store.replay(exactly))["offset"] == 1_000
    assert next(store.replay(exactly + timedelta(microseconds=1)))["offset"] == 1_001
    assert all(one["offset"] < 1_000 for one in store.replay(None, exactly))
    assert list(store.replay("1990-01-01", "1991-01-01")) == []
    with pytest.raises(TimeError, match="since='then'"):
        store.replay("then")


def test_the_pace_is_that_of_the_past() -> None:
    """It waits until as much time has passed as had then, divided by the speed; without a speed not at all."""
    waits: list[float] = []
    history: list[Positioned] = [
        (Position("log", i, at), EventFrame(NOBODY, "p", i, ()))
        for i, at in enumerate((0, 10_000_000, 10_000_000, 70_000_000))
    ]
    assert list(paced(history, 10.0, sleep=waits.append)) == history
    # nobody really waits here, so that each is due at its whole distance from the first
    assert [round(wait) for wait in waits] == [0, 1, 1, 7]
    assert list(paced(history, None, sleep=waits.append)) == history
    assert len(waits) == 4


@pytest.mark.parametrize("speed", [0, -1, float("nan")])
def test_a_speed_is_above_zero(store: Store, speed: float) -> None:
    with pytest.raises(ReadError, match=f"speed={speed!r}"):
        store.replay(speed=speed)


@pytest.mark.long
def test_a_new_store_has_the_same_history(store: Store, tmp_path: Path) -> None:
    """Whoever reads it gets the same answers, as of then and now; it is sound, and says what it was told until when."""
    until = START + timedelta(minutes=90)
    assert store.replay_into(tmp_path / "whole") == len(list(store.replay()))
    assert store.replay_into(tmp_path / "part", until=until) == len(list(store.replay(until=until)))
    with pytest.raises(ReadError, match="isn't empty"):
        store.replay_into(tmp_path / "part")
    whole, part = open_store(tmp_path / "whole", project="p"), open_store(tmp_path / "part", project="p")
    for read in ("components", "report", "metrics"):
        pd.testing.assert_frame_equal(getattr(whole, read)(), getattr(store, read)())
        known: Any = getattr(store, read)(known_at=until - timedelta(microseconds=1))
        pd.testing.assert_frame_equal(getattr(part, read)(), known)
    assert whole.verify()["sound"]
    assert part.verify()["sound"]
    for opened, name in ((whole, "whole"), (part, "part")):
        opened.close()
        end_host(tmp_path / name)


@pytest.mark.long
def test_the_command(told: Bare, tmp_path: Path) -> None:
    """One JSON object a line, NaN named; or a new store."""
    run = CliRunner().invoke
    lines = [json.loads(line) for line in run(command, ["--store", str(told.directory)]).output.splitlines()]
    assert [line["offset"] for line in lines] == sorted(line["offset"] for line in lines)
    assert {"$float": "nan"} in [value for line in lines for value in line.get("value", ())]
    into = run(command, ["--store", str(told.directory), "--into", str(tmp_path / "new"), "--to", "2024-05-01T12:30"])
    assert into.output.endswith(f"frames replayed into {tmp_path / 'new'}\n")
    end_host(tmp_path / "new")
