"""What docs/performance.md and the benchmarks say of each other."""

from __future__ import annotations

import sys

import pytest
from docs.generated import ROOT

sys.path.append(str(ROOT / "benchmarks"))

from kafka_path.show import BEGIN, END, written
from run import NOT_SCRIPTS, Figure, without_limit
from targets import TARGETS, needs_limit

sys.path.remove(
    str(ROOT / "benchmarks")
)  # a benchmark may have the name of a package of tests, and would be taken for it

TEXT = (ROOT / "docs/performance.md").read_text(encoding="utf-8")


def test_every_benchmark_is_named() -> None:
    """Each script of `make bench` is among the commands."""
    scripts = {path.name for path in (ROOT / "benchmarks").glob("*.py")} - NOT_SCRIPTS
    assert scripts
    assert {name for name in scripts if f"`{name}" not in TEXT and f"/{name}`" not in TEXT} == set()


def test_a_figure_without_a_limit_is_an_error() -> None:
    """What has a target of the design's is told beside a limit of its run; what has neither, or is a ratio, is not."""
    figures = {target.key: Figure(target.key, 1, target.unit) for target in TARGETS}
    wanted = without_limit(figures)
    assert wanted == [target.key for target in TARGETS if needs_limit(target)]
    assert {"log.one.p99", "embedded.points", "reading.chart", "start.open_next"} < set(wanted)
    assert "kafka.worker_ratio" not in wanted
    assert (
        without_limit({key: Figure(key, 1, "ms", limit=2) for key in figures} | {"other": Figure("other", 1, "ms")})
        == []
    )


def test_the_table_of_growth_has_its_place() -> None:
    """The benchmark finds where its table belongs, and changes nothing else."""
    made = written(TEXT, "| a table |")
    assert made.replace(f"{BEGIN}\n\n| a table |\n\n{END}", "") == TEXT.partition(BEGIN)[0] + TEXT.partition(END)[2]


def test_a_document_without_a_place_is_refused() -> None:
    """A mark that is missing, or there twice, is an error, and never a document that lost something."""
    for document in ("", BEGIN, f"{BEGIN}{END}{BEGIN}{END}"):
        with pytest.raises(ValueError, match="once each"):
            written(document, "")
