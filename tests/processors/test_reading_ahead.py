"""Reading ahead, and reading points while a store goes on taking in."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from datetime import UTC, datetime
from uuid import UUID

import pyarrow as pa
import pytest

from epochal_processors.ahead import AHEAD, ahead
from epochal_processors.evidence import Evidence, coded
from epochal_processors.frames import METRICS
from epochal_processors.survey import Key, Portion, StreamAt

COMPONENT, WRITER = UUID(int=1), UUID(int=2)


def test_pieces_come_in_order_and_are_read_before_they_are_asked_for() -> None:
    """Also where a later one is read sooner; and no more than a few at once."""
    begun: list[int] = []
    later = threading.Event()

    def read(piece: int) -> int:
        begun.append(piece)
        if piece == 0:
            assert later.wait(60)  # that another is begun meanwhile
        else:
            later.set()
        return piece * 10

    found: list[int] = []
    for one in ahead(read, range(20)):
        found.append(one)
        assert len(begun) <= len(found) + AHEAD
    assert found == [piece * 10 for piece in range(20)]


def test_an_error_comes_where_its_piece_would_have_come() -> None:
    """What is before it is there."""
    found: list[int] = []
    with pytest.raises(ZeroDivisionError):
        found.extend(ahead(lambda piece: 6 // piece, [3, 2, 0, 1]))
    assert found == [2, 3]


def test_a_log_that_comes_between_two_questions_is_named() -> None:
    """Points of a log that nobody had heard of when the logs were asked for keep their log."""
    logs = [["one"], ["one", "two"]]  # what the store answers, the first and the second time
    rows = [("one", 5), ("two", 6)]

    def query(sql: str, parameters: Mapping[str, object]) -> pa.Table:
        if "groupUniqArray" in sql:
            return pa.table({"logs": [logs.pop(0)]})
        if "transform(" not in sql:  # tombstones and replays: there are none
            return pa.table({"payload": pa.array([], pa.string()), "log": [], "offset": []})
        known = parameters["logs"]
        assert isinstance(known, list)
        code = [known.index(log) if log in known else 2**32 - 1 for log, _ in rows]
        same = {f"{name}_code": pa.array([0, 0], pa.uint32()) for name in ("project", "component", "writer")}
        time = pa.array([datetime(2026, 1, 1, tzinfo=UTC)] * 2)
        plain = dict.fromkeys(("logged_at", "occurred_at", "recorded_at"), time)
        numbers = {"rank": [0, 0], "step": [0.0, 1.0], "value": [1.0, 2.0], "seq": [0, 1]}
        columns = {**same, "log_code": pa.array(code, pa.uint32()), "metric": ["loss", "loss"], **plain, **numbers}
        return pa.table({**columns, "offset": [offset for _, offset in rows]})

    stream = StreamAt(Key(WRITER, METRICS), "default", COMPONENT, 2, under={("default", COMPONENT)})
    found = Evidence(query, {}).points(Portion(METRICS, [stream]))
    numbers, names = coded(found, "log")
    assert [names[number] for number in numbers] == ["one", "two"]
    assert coded(found, "component")[1] == [COMPONENT.bytes]
    assert logs == []
