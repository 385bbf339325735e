"""What the demo prints, step by step; no training is needed for that."""

from __future__ import annotations

import io
import re
from pathlib import Path

import pandas as pd
from rich.console import Console

from epochal_query.demo import show
from epochal_query.demo.analysis import Best, Findings
from epochal_query.demo.plan import Plan
from epochal_query.demo.verdict import judge


def printed(folder: Path) -> str:
    """Everything around the trainings."""
    plan, out = Plan(folder), io.StringIO()
    console = Console(file=out, width=120)
    row = {"model": "custom", "optimizer": "adam", "epochs": 30, "Status": "completed"}
    row |= {"loss - Last": 0.1, "val_acc - Max": 0.9, "test_acc - Last": 0.95}
    findings = Findings(
        report=pd.DataFrame([row]),
        trainings_ever=1,
        best=(Best("overall", "c", "custom", "adam", 30, 0.95),),
        verdict=judge([3] * 9),
        model_digest="sha256:00",
        lineage="artifact model\n└─ component training",
        plot=folder / "curves.png",
    )
    show.opening(console, plan, "a store")
    show.closing(console, findings)
    show.next_steps(console, plan, findings, "epochal")
    return out.getvalue()


def test_the_six_steps_are_announced_in_order(tmp_path: Path) -> None:
    """Each once, with what it shows below it."""
    said = printed(tmp_path)
    assert re.findall(r"^Step (\d): ", said, re.MULTILINE) == list("123456")
    curves = said[said.index("Step 6: ") :]
    assert str(tmp_path / "curves.png") in curves
    assert "└─ component training" in curves


def test_it_says_how_to_go_on_and_how_to_clean_up(tmp_path: Path) -> None:
    """The deletion is confirmed already, and comes with its undoing."""
    said = printed(tmp_path)
    assert "epochal lineage sha256:00" in said
    delete, restore = re.findall(r"^  (.*)$", said[said.index("Cleaning up") :], re.MULTILINE)
    name = Plan(tmp_path).experiment
    assert delete == f"epochal delete {name} --cascade --confirm {name}"
    assert restore == f"epochal restore {name}"
