"""What the views cost: a series read exactly, summaries and params of 10,000 components, the past against now.

Rows are made in the engine itself: this measures reading, not the way in.
"""

from __future__ import annotations

import statistics
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from figures import Row, arguments, row, save, timed

from epochal_storage.engine import Engine, Session
from epochal_storage.migrations import migrate

COMPONENTS = 10_000
METRICS = 20
POINTS = 50
LONG = 100_000
PARAMS = 20
YEAR_S = 365 * 86_400

COMPONENT = "UUIDNumToString(toFixedString(substring(MD5(toString(intDiv(number, {per}))), 1, 16), 16))::UUID"
WHEN = f"toDateTime64('2023-01-01', 3, 'UTC') + INTERVAL intDiv(number, {{per}}) * {YEAR_S // COMPONENTS} SECOND"

POINT_ROWS = f"""
INSERT INTO metrics (project, component, metric, rank, step, value, logged_at, occurred_at, recorded_at, log, offset,
                     writer, seq)
SELECT 'p', {COMPONENT.format(per=METRICS * POINTS)} AS c,
       'metric ' || toString(intDiv(number, {POINTS}) % {METRICS}), 0, number % {POINTS}, sin(number) + number % 7,
       {WHEN.format(per=METRICS * POINTS)} + INTERVAL number % {POINTS} SECOND AS t, t, t + INTERVAL 1 SECOND,
       'intake:x', intDiv(number, {METRICS * POINTS}), c,
       (number % {POINTS}) * {METRICS} + intDiv(number, {POINTS}) % {METRICS}
FROM numbers({COMPONENTS * METRICS * POINTS}) SETTINGS optimize_on_insert = 0
"""
LONG_ROWS = f"""
INSERT INTO metrics (project, component, metric, rank, step, value, logged_at, occurred_at, recorded_at, log, offset,
                     writer, seq)
SELECT 'p', toUUID('00000000-0000-0000-0000-000000000001') AS c, 'loss', 0, number, 1 / (1 + number) + sin(number),
       toDateTime64('2023-06-01', 3, 'UTC') + INTERVAL number * 100 MILLISECOND AS t, t, t + INTERVAL 1 SECOND,
       'intake:x', intDiv(number, 1000), c, number
FROM numbers({LONG}) SETTINGS optimize_on_insert = 0
"""
PARTIAL_ROWS = """
INSERT INTO partials
SELECT project, component, metric, rank, writer, intDiv(seq, 4096) AS block, count(), 0, min(value),
       argMin(step, value), max(value), argMax(step, value), avg(value), varPopStable(value) * count(),
       min(step), argMin(value, step), max(step), argMax(value, step), true, min(occurred_at), max(occurred_at),
       min(recorded_at), max(recorded_at), any(log), min(offset), max(offset)
FROM metrics GROUP BY project, component, metric, rank, writer, block
"""
FACT_ROWS = """
INSERT INTO facts (project, kind, field, entity, key, removed, value, type, number, text, rank, logged_at, occurred_at,
                   recorded_at, log, offset, writer, seq, ord)
SELECT 'p', 'component', {field}, {component} AS c, {key}, false, {value}, {type}, {number}, {text}, 0,
       {when} AS t, t, t + INTERVAL 1 SECOND, 'intake:x', intDiv(number, {per}), c, {seq}, {ord}
FROM numbers({count}) SETTINGS optimize_on_insert = 0
"""
OPENING = (
    '{"component":"","rank":0,"attempt":"a","role":"main","world_size":1,"heartbeat_s":10.0,"host":"h","pid":1,'
    '"user":"u"}'
)
STATEMENTS = (
    ("writer", "toString(c)", OPENING, 0),
    ("opened", "''", '{"key":"k","name":"training","kind":"training"}', 1),
    ("started", "'0/a'", '{"rank":0,"attempt":"a","world_size":1}', 2),
    ("finished", "'0/a'", '{"rank":0,"attempt":"a","status":"completed"}', 30),
    ("closed", "toString(c)", '{"lifecycle":32,"metrics":1000,"lost":{}}', 31),
)


def fill(engine: Engine) -> None:
    """The rows of a year."""
    engine.command(POINT_ROWS)
    engine.command(LONG_ROWS)
    for field, key, value, seq in STATEMENTS:
        engine.command(
            FACT_ROWS.format(
                field=f"'{field}'", component=COMPONENT.format(per=1), when=WHEN.format(per=1), key=key, per=1,
                value=f"'{value}'", type="'object'", number="NULL", text="''", seq=seq, ord=0, count=COMPONENTS,
            )
        )  # fmt: skip
    engine.command(
        FACT_ROWS.format(
            field="'param'", component=COMPONENT.format(per=PARAMS), when=WHEN.format(per=PARAMS), per=PARAMS,
            key=f"'group.param ' || toString(number % {PARAMS})", value="toString(number)", type="'number'",
            number="number", text="''", seq=3, ord=f"number % {PARAMS}", count=COMPONENTS * PARAMS,
        )
    )  # fmt: skip
    engine.command(PARTIAL_ROWS)


@contextmanager
def store() -> Iterator[Engine]:
    """A filled store, for as long as it is looked at."""
    with tempfile.TemporaryDirectory() as folder:
        engine = Engine(Path(folder))
        migrate(engine)
        fill(engine)
        yield engine
        engine.close()


def asked(session: Session, sql: str) -> Callable[[], object]:
    """One query, answered whole in Arrow."""
    return lambda: session.query(sql, "ArrowStream", {})


def measure(engine: Engine) -> list[Row]:
    """All figures."""
    one = "WHERE project = 'p' AND component = '00000000-0000-0000-0000-000000000001' AND metric = 'loss'"
    past = "as_of = '2023-07-01', known_at = ''"
    with engine.session({"output_format_arrow_compression_method": "none"}) as session:

        def run(key: str, sql: str, **more: Any) -> Row:
            return row(key, timed(asked(session, sql)), **more)

        bare = timed(asked(session, f"SELECT step, value FROM metrics {one} ORDER BY step"))
        rows = [
            run("views.series", f"SELECT step, value FROM points {one} ORDER BY step",
                limit=statistics.median(bare), limit_is="the same from the table"),
            run("views.series_past", f"SELECT step, value FROM metrics_at({past}) {one} ORDER BY step"),
        ]  # fmt: skip
        for noun in ("summaries", "params", "components"):
            now = run(f"views.{noun}", f"SELECT * FROM {noun} WHERE project = 'p'")
            then = run(f"views.{noun}_past", f"SELECT * FROM {noun}_at({past}) WHERE project = 'p'")
            rows += [now, {**then, "limit": now["value"], "limit_is": "now"}]
        rows.append(run("views.summaries_one", f"SELECT * FROM summaries {one}"))
        rows.append(run("views.components_one", f"SELECT * FROM components {one.split(' AND metric')[0]}"))
        rows.append(run("views.params_one", f"SELECT * FROM params {one.split(' AND metric')[0]}"))
    return rows


def main() -> None:
    """Print the figures, and write them where asked."""
    options = arguments(__doc__).parse_args()
    with store() as engine:
        rows = measure(engine)
    save(options.json, rows)


if __name__ == "__main__":
    main()
