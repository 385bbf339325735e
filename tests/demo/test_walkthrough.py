"""The walk through the six steps as a notebook: every cell of it runs, and shows what it says."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

import pytest
from docs.generated import ROOT
from docs.notebook import Cell, cells, notebook, with_parameters
from host_ending import end_host

import epochal

pytestmark = pytest.mark.long

NAME = "digits-custom-vs-plain"
EPOCHS = (1, 2, 4)


@pytest.fixture(scope="module")
def executed(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The notebook after its execution with fewer epochs, and its store."""
    folder = tmp_path_factory.mktemp("notebook")
    kept = {name: value for name, value in os.environ.items() if not name.startswith("EPOCHAL_")}
    settings = {
        "EPOCHAL_STORE": str(folder / "store"),
        "EPOCHAL_CAPTURE": "none",
        "HOME": str(folder),
        "XDG_CACHE_HOME": str(folder / "cache"),
        "OMP_NUM_THREADS": "1",
    }
    target = folder / "walkthrough.ipynb"
    try:
        done = subprocess.run(
            [
                *(sys.executable, str(ROOT / "tests/docs/notebook.py"), "--execute", str(target)),
                *("--parameters", f"epochs = {list(EPOCHS)}"),
            ],
            env=kept | settings,
            cwd=folder,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        yield json.loads(target.read_text(encoding="utf-8")), folder / "store"
    finally:
        end_host(folder / "store")


def shown(document: dict[str, Any], code: str) -> str:
    """What the cell that has this code shows, as text."""
    (cell,) = [one for one in document["cells"] if one["cell_type"] == "code" and code in "".join(one["source"])]
    texts = [output.get("text") or output.get("data", {}).get("text/plain", "") for output in cell["outputs"]]
    return "".join("".join(text) for text in texts)


def test_every_step_of_the_article_is_there(executed: Any) -> None:
    """In order, each under its heading, with code that ran and complained of nothing."""
    document, _ = executed
    headings = [
        line.removeprefix("## ")
        for cell in document["cells"]
        if cell["cell_type"] == "markdown"
        for line in "".join(cell["source"]).splitlines()
        if line.startswith("## ")
    ]
    assert [line.split(":")[0] for line in headings] == [
        *(f"Step {n}" for n in range(1, 7)),
        "A year later",
        "Cleaning up",
    ]
    code = [cell for cell in document["cells"] if cell["cell_type"] == "code"]
    assert all(cell["execution_count"] for cell in code)
    assert not [o for cell in code for o in cell["outputs"] if o["output_type"] == "error" or o.get("name") == "stderr"]


def test_its_cells_show_what_they_say(executed: Any) -> None:
    """18 sets, shared components in no trial, nothing missing, three winners, two pictures, a lineage."""
    document, _ = executed
    assert shown(document, "variable_sets = list(").startswith("18 sets, from {'model': 'plain', 'optimizer': 'adam'")
    unassigned = shown(document, "unassigned=True")
    assert "experiment-metadata" in unassigned
    assert "preprocessing" in unassigned
    assert shown(document, "experiment.missing()").startswith("missing: []")
    assert shown(document, "winners = {number: ").count("epochs: ") == 3
    lineage = shown(document, "store.lineage(")
    places = [lineage.index(name) for name in ("model", "training", "digits-split", "preprocessing", "digits-dataset")]
    assert places == sorted(places)
    assert shown(document, 'as_of="1 hour ago"') == "0"
    pictures = [o for cell in document["cells"] for o in cell.get("outputs", ()) if "image/png" in o.get("data", {})]
    assert len(pictures) == 2


def test_it_leaves_the_whole_experiment(executed: Any) -> None:
    """Deleted and restored at its end: 18 trials with three components each, and a verdict."""
    _, location = executed
    with epochal.open(location) as store:
        report = store.report(NAME)
        assert report["Kind"].value_counts().to_dict() == {"training": 18, "metadata": 1, "preprocessing": 1}
        assert sorted(report["val_acc - Count"].dropna()) == sorted(EPOCHS * 6)
        trials = store.trials(NAME)
        assert list(trials["components"]) == [3] * 18
        assert set(trials["status"]) == {"completed"}
        assert store.state(store.experiment(NAME))["verdict"] in {"accepted", "rejected", "inconclusive"}


def test_a_script_is_taken_apart_into_cells() -> None:
    """Text loses its comment signs, a tag is kept, and code stays as it is."""
    script = "# %% [markdown]\n# # Title\n#\n# Text.\n\n# %% parameters\nn = 1\n\n# %%\n\n\ndef f():\n    return n\n"
    found = cells(script)
    assert found == [
        Cell("markdown", "# Title\n\nText."),
        Cell("code", "n = 1", "parameters"),
        Cell("code", "def f():\n    return n"),
    ]
    assert [cell.source for cell in with_parameters(found, "n = 2")][1:3] == ["n = 1", "n = 2"]
    assert notebook(found)["cells"][1]["metadata"] == {"tags": ["parameters"]}


@pytest.mark.parametrize(
    ("script", "said"), [("x = 1\n# %%\n", "before the first"), ("# %% [markdown]\nx\n", "'x' is no")]
)
def test_a_script_that_is_no_notebook_is_refused(script: str, said: str) -> None:
    """Nothing of it goes lost."""
    with pytest.raises(ValueError, match=said):
        cells(script)
