"""What docs/workers.md says of a worker's metrics is what a worker has."""

from __future__ import annotations

import re
from pathlib import Path

from epochal_processors.worker_metrics import WorkerMetrics

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "workers.md"


def test_every_metric_is_documented_as_it_is() -> None:
    """Name for name, with the text that Prometheus shows, labels and what is beyond it aside."""
    said = dict(re.findall(r"^\| `(epochal_worker_\w+)` \| ([^|]+) \|$", DOCUMENT.read_text("utf-8"), re.MULTILINE))
    known = {family.name: family.documentation for family in WorkerMetrics().registry.collect()}
    assert said.keys() == known.keys()
    for name, meaning in known.items():
        assert said[name].replace("`", "").lower().startswith(meaning.split(",")[0].lower()), name
