"""A program whose journals hold a bit of everything: `python recording.py`, in EPOCHAL_MODE=offline."""

from __future__ import annotations

import math
import sys

import epochal


def main() -> None:
    """An experiment with three trials, shared metadata, resumed and rewound runs, odd values and odd names."""
    exp = epochal.experiment(
        "same answers",
        hypothesis="both ways tell the same",
        objective="equality",
        variables={"model": ["small", "größe"], "epochs": [3, 5]},
        tags={"team": "vision"},
    )
    common = epochal.component("shared", kind="metadata")
    common.log_params({"batch-size": 128, "nested": {"a": {"b.c": 1.5, "list": [1, "x", None]}, "empty": {}}})
    common.log_input("data", "s3://bucket/data", media_type="s3/uri", digest="sha256:" + "ab" * 32)
    for number, variables in enumerate([{"model": "small", "epochs": 3}, {"model": "größe", "epochs": 5}]):
        trial = exp.trial(variables, name=f"trial {number}")
        trial.attach(common)
        with trial.run("training", kind="training", resources={"gpus": number}) as run:
            run.log_params({**variables, "lr": 10.0**-number, "odd": math.nan})
            run.define("val/acc.1", goal="max", summary="last")
            for step in range(6_000):
                run.log({"loss": math.cos(step + number), "val/acc.1": step / 6_000}, step=step)
            run.log({"loss": math.nan, "inf": -math.inf, "tiny": 5e-324, "zero": -0.0}, step=2.5)
            run.log({"loss": 7.0}, step=3)  # overwrites
            run.rewind(5_000)
            run.log({"loss": -1.0}, step=5_001)
            run.tag("baseline", team="a")
            run.note("first\nsecond")
            run.alert("hot", "82 degrees", level="warning")
            run.unset("lr")
            run.log_output(
                "model", "s3://bucket/model", media_type="model/keras", digest="sha256:" + f"{number:02x}" * 32
            )
        trial.detach(common)
    failing = exp.trial({"model": "small", "epochs": 5})
    try:
        with failing.run("training") as run:
            run.log({"loss": 1.0}, step=0)
            raise ValueError("no convergence")
    except ValueError:
        print("failed as planned", file=sys.stderr)
    common.finish()
    exp.conclude("accepted", note="as expected")


if __name__ == "__main__":
    main()
