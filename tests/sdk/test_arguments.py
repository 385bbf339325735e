"""The long options of a command are parameters."""

from __future__ import annotations

import pytest

from epochal._arguments import from_arguments


@pytest.mark.parametrize(
    ("line", "params"),
    [
        ("python train.py", {}),
        ("train --lr 1e-3 --epochs=30 --model custom", {"lr": 1e-3, "epochs": 30, "model": "custom"}),
        ("train --batch-size 128 data.csv", {"batch-size": 128}),
        ("train --layers 64 32 out.bin --shift -3", {"layers": [64, 32], "shift": -3}),
        ("train --verbose --fast", {"verbose": True, "fast": True}),
        ("train --shuffle false --seed null", {"shuffle": False, "seed": None}),
        ("train --tag a --tag b", {"tag": ["a", "b"]}),
        ("train -v 3 -o=x -- --lr 3", {}),
        ("train --name= --x=a=b", {"name": "", "x": "a=b"}),
        ("train --api-key abc123 --password=hunter2", {"api-key": "[redacted]", "password": "[redacted]"}),
    ],
)
def test_options(line: str, params: dict[str, object]) -> None:
    """With their types; secrets never."""
    assert from_arguments(line.split()) == params
