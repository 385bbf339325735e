"""The demo through Kafka finds what the plain demo finds, but for times, ids and what a training's noise decides."""

from __future__ import annotations

import re
from pathlib import Path

import pandas as pd
import psutil
import pytest
from demo.test_demo import NAME, check_lineage, check_next_steps, check_store, run_demo
from docs.generated import ROOT
from host_ending import end_host
from pandas.testing import assert_frame_equal

import epochal

pytestmark = [pytest.mark.kafka, pytest.mark.slow, pytest.mark.timeout(1200)]


def through_kafka(folder: Path, prefix: str) -> str:
    """What `make demo KAFKA=1` prints, with short trainings, topics of its own and a directory for what it starts."""
    (folder / "tmp").mkdir(parents=True)
    own = {"TMPDIR": str(folder / "tmp"), "EPOCHAL_KAFKA_TOPIC_PREFIX": prefix}
    return run_demo(folder, str(ROOT / "tests/kafka_demo.py"), **own)


def test_the_demo_through_kafka_finds_the_same(tmp_path: Path, topic_prefix: str) -> None:
    """One broker, one worker; the same report, bests, verdict, lineage and plot; nothing that was started is left."""
    plain, kafka = tmp_path / "plain", tmp_path / "kafka"
    plain.mkdir()
    try:
        here, there = run_demo(plain), through_kafka(kafka, topic_prefix)
        assert still_running(kafka / "tmp") == []
        assert list((kafka / "tmp").iterdir()) == []
        check_store(kafka / "store", runs=1)
        check_lineage(there)
        check_next_steps(there, kafka)
        assert (kafka / "out" / f"{NAME}.png").read_bytes().startswith(b"\x89PNG")
        assert len(shape(here)) == 14
        assert shape(there) == shape(here)
        assert_frame_equal(comparable(plain / "store"), comparable(kafka / "store"))
        check_logs(kafka / "store", there)
    finally:
        end_host(plain / "store")
        end_host(kafka / "store")


def comparable(location: Path) -> pd.DataFrame:
    """The report without ids and times, and of each metric and each artifact only that it is there, and how often."""
    store = epochal.open(location)
    report = store.report(NAME)
    report["Trials"] = [tuple(sorted(names)) for names in report["Trials"]]
    kept = [
        name
        for name in report.columns
        if not re.search(r"^(ComponentId|Start|End|Created|Duration)$| - (Min|Max|Avg|StdDev|Last)$", name)
    ]
    for name in kept:
        if name.endswith("- Value"):
            report[name] = report[name].notna()
    report = report[kept].sort_values(["Kind", "Trials"], kind="stable").reset_index(drop=True)
    report.attrs = {}
    store.close()
    return report


def shape(said: str) -> list[str]:
    """What a demo prints that no training decides: headings, and what each of the best is the best of."""
    headings = r"Step \d: [^─]+|A year later|What to type next|Cleaning up"
    return re.findall(rf"^(?:{headings}|Best (?:overall|at \d+ epochs)|Verdict: the hypothesis is)", said, re.M)


def check_logs(location: Path, said: str) -> None:
    """Everything in the store came through Kafka, and as much of it as the last line says."""
    store = epochal.open(location)
    ledger = store.sql("SELECT log, channel, sum(count) AS count FROM ledger FINAL GROUP BY log, channel")
    store.close()
    assert all(str(log).startswith("kafka:") for log in ledger["log"])
    found = re.search(r"Through Kafka: (\d+) events and (\d+) points", said)
    assert found
    counts = ledger.groupby("channel")["count"].sum()
    assert (int(found[1]), int(found[2])) == (counts["lifecycle"], counts["metrics"])


def still_running(directory: Path) -> list[str]:
    """Command lines of processes that name a directory."""
    lines = [" ".join(process.info["cmdline"] or ()) for process in psutil.process_iter(["cmdline"])]
    return [line for line in lines if str(directory) in line]
