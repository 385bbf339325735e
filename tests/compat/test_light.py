"""Code of the old SDK that only writes loads nothing that reads."""

from __future__ import annotations

import json
from pathlib import Path

from sdk.children import run
from sdk.test_light_import import HEAVY


def test_writing_loads_no_reader(tmp_path: Path) -> None:
    """Not when it is imported, and not when a tracker writes and is added to a trial."""
    child = run(
        """
        import json, sys
        from epochal.compat import smexperiments
        from epochal.compat.sagemaker.analytics import ExperimentAnalytics
        imported = sorted(sys.modules)
        with smexperiments.tracker.Tracker.create(display_name="light") as tracker:
            tracker.log_parameter("lr", 0.1)
            tracker.log_metric("loss", 1.0)
        smexperiments.trial.Trial.create("light", "a-trial", trial_components=[tracker])
        print(json.dumps([imported, sorted(sys.modules)]))
        """,
        tmp_path,
    )
    imported, after = map(set, json.loads(child.out))
    assert not HEAVY & imported
    assert not {"epochal_query", "numpy", "pandas", "pyarrow", "pydantic"} & after
    assert child.written.params() == {"lr": 0.1}
    assert child.written.values("loss") == [1.0]
    (trial,) = child.written.data("trial.created")
    assert (trial["variables"], trial["name"]) == ({"trial": "a-trial"}, "a-trial")
    (attached,) = child.written.data("component.attached")
    assert attached["trial"] == trial["trial"]
