"""The picture of the demo: validation accuracy of the winners, epoch by epoch."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from epochal_query.demo.libraries import load_figures


def draw(curves: Mapping[str, pd.DataFrame], title: str, path: Path) -> None:
    """Save a PNG with one line a curve; each frame has ``step`` (epoch, from 0) and ``value``.

    Raises:
        NotAvailableError: Matplotlib is not installed.
        OSError: the file can't be written.
    """
    figure = load_figures().Figure(figsize=(8, 4.5), layout="constrained")
    axes = figure.subplots()
    for label, curve in curves.items():
        axes.plot(curve["step"] + 1, curve["value"], label=label, linewidth=1.5)
    axes.set_xlabel("epoch")
    axes.set_ylabel("validation accuracy")
    axes.set_title(title)
    axes.grid(visible=True, alpha=0.3)
    axes.legend(loc="lower right")
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=150)
