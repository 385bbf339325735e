"""The notebook that ``docs/walkthrough.py`` is: printed, or executed with fewer epochs.

The script has a line ``# %%`` before each cell of code, ``# %% [markdown]`` before each of text, which is comments, and
a word after ``# %%`` for the tag of a cell.
"""

from __future__ import annotations

import argparse
import importlib
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SCRIPT = Path(__file__).resolve().parents[2] / "docs/walkthrough.py"
_MARK = re.compile(r"^# %%(?P<rest>.*)\n", re.MULTILINE)


@dataclass(frozen=True)
class Cell:
    """A cell: text, or code that may have a tag."""

    kind: str
    source: str
    tag: str = ""


def cells(script: str) -> list[Cell]:
    """The cells of a script, in order.

    Raises:
        ValueError: there is something before the first, or a line of text that is no comment.
    """
    before, *rest = _MARK.split(script)
    if before.strip():
        raise ValueError(f"before the first cell stands {before.strip()!r}")
    return [_cell(mark.strip(), body.strip("\n")) for mark, body in zip(rest[::2], rest[1::2], strict=True)]


def _cell(mark: str, body: str) -> Cell:
    if mark != "[markdown]":
        return Cell("code", body, mark)
    lines = body.splitlines()
    wrong = [line for line in lines if not line.startswith("#")]
    if wrong:
        raise ValueError(f"in a cell of text {wrong[0]!r} is no comment")
    return Cell("markdown", "\n".join(line[1:].removeprefix(" ") for line in lines))


def notebook(found: list[Cell]) -> dict[str, Any]:
    """The notebook, without outputs: those differ from run to run, and whoever runs it sees their own."""
    return {
        "cells": [_json(number, cell) for number, cell in enumerate(found, start=1)],
        "metadata": {
            "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
            "language_info": {"name": "python"},
        },
        "nbformat": 4,
        "nbformat_minor": 5,
    }


def _json(number: int, cell: Cell) -> dict[str, Any]:
    code: dict[str, Any] = {"execution_count": None, "outputs": []} if cell.kind == "code" else {}
    return {
        "cell_type": cell.kind,
        "id": f"cell-{number:02}",
        "metadata": {"tags": [cell.tag]} if cell.tag else {},
        "source": cell.source.splitlines(keepends=True),
        **code,
    }


def with_parameters(found: list[Cell], code: str) -> list[Cell]:
    """The cells with other values of the parameters, said after the cell that has them."""
    (place,) = (number for number, cell in enumerate(found) if cell.tag == "parameters")
    return [*found[: place + 1], Cell("code", code), *found[place + 1 :]]


def execute(target: Path, parameters: str) -> None:
    """Run every cell in a kernel of this environment, and write the notebook with what they show."""
    nbclient: Any = importlib.import_module("nbclient")
    nbformat: Any = importlib.import_module("nbformat")
    made = notebook(with_parameters(cells(SCRIPT.read_text(encoding="utf-8")), parameters))
    for cell in made["cells"]:
        cell["source"] = "".join(cell["source"])  # one text, in memory
    found = nbformat.from_dict(made)
    nbformat.validate(found)
    nbclient.NotebookClient(found, timeout=300, kernel_name="python3").execute()
    target.write_text(json.dumps(found, indent=1), encoding="utf-8")


def main() -> None:
    """Print it, or execute it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--execute", type=Path, metavar="FILE", help="run it, and write it there with its outputs")
    parser.add_argument("--parameters", default="", help="code that sets other parameters")
    given = parser.parse_args()
    if given.execute is not None:
        execute(given.execute, given.parameters)
        return
    print(json.dumps(notebook(cells(SCRIPT.read_text(encoding="utf-8"))), indent=1, ensure_ascii=False))


if __name__ == "__main__":
    main()
