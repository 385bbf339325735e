"""Reads of a process that sent its events to a log which others take in."""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping
from uuid import uuid4

import pytest
from query.conftest import Bare

from epochal._sent import SENT, Sent, kafka_log
from epochal_processors.tables import rows_table
from epochal_query import waiting
from epochal_query.connection import Opened
from epochal_query.store import Store


def taken_in(bare: Bare, log: str, offset: int) -> None:
    """A worker took a log in up to an offset."""
    row = ("p", uuid4(), "metrics", 0, 1, log, offset, 1_900_000_000_000_000 + offset)
    bare.writer.insert("ledger", rows_table("ledger", [row]))


def opened(bare: Bare, sent: Mapping[str, int]) -> Store:
    """A store whose process sent this."""
    return Store(Opened(bare.reader, lambda: None, sent=lambda: sent), f"sent-{uuid4()}")


def test_a_read_waits_for_what_its_process_sent(bare: Bare) -> None:
    """It is answered when everything that was sent is there, and says nothing of it."""
    log = kafka_log("c", f"t-{uuid4()}", 3)
    taken_in(bare, log, 5)
    worker = threading.Timer(0.3, taken_in, (bare, log, 7))
    worker.start()
    store = opened(bare, {log: 7})
    frame = store.experiments()
    worker.join()
    assert store.last_watermark[log] == 7
    assert "remarks" not in frame.attrs["epochal"]


def test_a_read_that_waited_in_vain_answers_and_says_so(
    bare: Bare, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The answer is what is there; a warning and a remark name log, stored and sent."""
    monkeypatch.setattr(waiting, "SENT_WITHIN_S", 0.2)
    log = kafka_log("c", f"t-{uuid4()}", 0)
    taken_in(bare, log, 5)
    store = opened(bare, {log: 9})
    with caplog.at_level(logging.WARNING, "epochal"):
        frame = store.experiments()
    (remark,) = frame.attrs["epochal"]["remarks"]
    assert f"{{'{log}': [5, 9]}}" in remark
    assert remark in caplog.text


def test_a_read_of_the_past_waits_for_nothing(bare: Bare, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was known then can't come any more."""
    monkeypatch.setattr(waiting, "SENT_WITHIN_S", 3600.0)
    store = opened(bare, {kafka_log("c", "never", 0): 9})
    assert "remarks" not in store.experiments(known_at="2020-01-01").attrs["epochal"]


def test_what_was_sent_is_the_sum_of_all_who_send() -> None:
    """Of each log the greatest offset; nothing where nobody sends."""
    sent = Sent()
    assert sent.positions() == SENT.positions() == {}
    first, second = {"a": 3, "b": 1}, {"a": 5}
    ask_second = second.copy
    sent.register(first.copy)
    sent.register(ask_second)
    assert sent.positions() == {"a": 5, "b": 1}
    sent.unregister(ask_second)
    assert sent.positions() == {"a": 3, "b": 1}
