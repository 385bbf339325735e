"""Reads through a view read little: conditions reach the sorting key of the tables below."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from uuid import UUID

import pyarrow as pa
import pytest
from views.engine_of_tests import AtTheEnd, TestEngine

from epochal_query.history import Asked, history_of_any
from epochal_query.reading import Reading

ONE = UUID(int=77)
PROJECT = "pruning"


@pytest.fixture(scope="module", autouse=True)
def wide(engine: TestEngine) -> None:
    """A thousand components with ten series of 300 points each, two blocks a series, and some statements."""
    component = "toUUID(concat('00000000-0000-0000-0000-', leftPad(toString(intDiv(number, 3000)), 12, '0')))"
    engine.command(
        f"""
        INSERT INTO metrics (project, component, metric, rank, step, value, logged_at, occurred_at, recorded_at, log,
                             offset, writer, seq)
        SELECT '{PROJECT}', {component} AS c, concat('m', toString(intDiv(number, 300) % 10)), 0, number % 300, number,
               '2024-01-01', '2024-01-01', '2024-01-01', 'l', 0, c, number % 3000
        FROM numbers(3000000)"""
    )
    engine.command(
        """
        INSERT INTO partials
        SELECT project, component, metric, rank, writer, intDiv(seq, 4096) AS block, count(), 0, min(value),
               argMin(step, value), max(value), argMax(step, value), avg(value), varPopStable(value) * count(),
               min(step), argMin(value, step), max(step), argMax(value, step), true, min(occurred_at), max(occurred_at),
               min(recorded_at), max(recorded_at), 'l', 0, 0
        FROM metrics WHERE project = 'pruning' GROUP BY project, component, metric, rank, writer, block"""
    )
    engine.command(
        f"""
        INSERT INTO facts (project, kind, field, entity, key, removed, value, type, number, text, rank, logged_at,
                           occurred_at, recorded_at, log, offset, writer, seq, ord)
        SELECT '{PROJECT}', 'component', if(number % 100 = 0, 'opened', 'param'),
               toUUID(concat('00000000-0000-0000-0000-', leftPad(toString(intDiv(number, 100)), 12, '0'))) AS c,
               if(number % 100 = 0, '', toString(number % 100)), false, '1', 'number', 1, '', 0,
               '2024-01-01', '2024-01-01', '2024-01-01', 'l', 0, c, number % 100, 0
        FROM numbers(100000)"""
    )
    for table in ("metrics", "partials", "facts"):
        engine.command(f"OPTIMIZE TABLE {table} FINAL")


def granules(engine: TestEngine, sql: str, **parameters: object) -> dict[str, tuple[int, int]]:
    """Table to the most granules that any read of it selects, and all it has."""
    found: dict[str, tuple[int, int]] = {}
    plan = "\n".join(row["explain"] for row in engine.rows(f"EXPLAIN indexes = 1 {sql}", **parameters))
    for read in re.split(r"ReadFromMergeTree \(", plan)[1:]:
        table = read.split(")")[0].split(".")[-1]
        counts = [tuple(map(int, pair)) for pair in re.findall(r"Granules: (\d+)/(\d+)", read)]
        if counts:
            selected, total = counts[-1]
            found[table] = max(found.get(table, (0, 0)), (selected, total))
    return found


@pytest.mark.parametrize("view", ["metrics_at", "branch_points_at"])
@pytest.mark.parametrize("bounds", ["as_of = '', known_at = ''", "as_of = '2024-06-01', known_at = '{\"l\": 5}'"])
def test_one_series_of_many_reads_few_granules(engine: TestEngine, bounds: str, view: str) -> None:
    """The condition on component and metric goes through window, joins, union and FINAL."""
    found = granules(
        engine,
        f"SELECT step, value FROM {view}({bounds}) "
        f"WHERE project = '{PROJECT}' AND component = '00000000-0000-0000-0000-000000000077' AND metric = 'm3'",
    )
    selected, total = found["metrics"]
    assert total > 300
    assert selected <= 3


def test_one_component_of_many_reads_few_granules(engine: TestEngine) -> None:
    """The same of statements, on both sides of the join with lives."""
    found = granules(
        engine,
        f"SELECT * FROM params WHERE project = '{PROJECT}' AND component = '00000000-0000-0000-0000-000000000077'",
    )
    selected, total = found["facts"]
    assert total >= 12
    assert selected <= 3


def test_summaries_of_tidy_series_read_no_points(engine: TestEngine) -> None:
    """Partial sums answer alone."""
    found = granules(engine, f"SELECT * FROM summaries WHERE project = '{PROJECT}'")
    assert found["metrics"][0] == 0
    rows = engine.rows(f"SELECT count() AS n, sum(count) AS points FROM summaries WHERE project = '{PROJECT}'")
    assert rows == [{"n": 10_000, "points": 3_000_000}]


class Noting(AtTheEnd):
    """Notes what it is asked, with the parameters."""

    def __init__(self, engine: TestEngine) -> None:
        super().__init__(engine)
        self.noted: list[tuple[str, Mapping[str, object]]] = []

    def query_arrow(self, sql: str, parameters: Mapping[str, object] | None = None, *, fresh: bool = True) -> pa.Table:
        """Answer one query."""
        self.noted.append((sql, parameters or {}))
        return super().query_arrow(sql, parameters, fresh=fresh)

    def watermark(self) -> dict[str, int]:
        """Of the one log."""
        return {"l": 5}


@pytest.mark.parametrize("asked", [Asked("params.7"), Asked("metrics.m3", 5.0)], ids=["param", "point"])
def test_the_history_of_one_value_reads_few_granules(engine: TestEngine, asked: Asked) -> None:
    """Whatever it asks for reaches the sorting keys, those of deletions, writers and commits as well."""
    source = Noting(engine)
    reading = Reading.begin(source, PROJECT, None, None, datetime(2200, 1, 1, tzinfo=UTC))
    frame, _ = history_of_any(reading, "00000000-0000-0000-0000-000000000077", asked)
    assert list(frame["fate"]) == ["in effect"]
    tables: set[str] = set()
    for sql, parameters in source.noted:
        for table, (selected, total) in granules(engine, sql, **parameters).items():
            assert selected <= 4, f"{selected} of {total} granules of {table}: {sql}"
            tables.add(table)
    assert tables >= ({"facts"} if asked.step is None else {"facts", "partials"})
