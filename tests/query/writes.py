"""A small experiment, written with the SDK: `python writes.py DIRECTORY`."""

from __future__ import annotations

import sys
from pathlib import Path

import epochal


def main(directory: Path) -> None:
    """Two models, two lengths; a shared component; artifacts in and out."""
    exp = epochal.experiment(
        "digits", hypothesis="b beats a", variables={"model": ["a", "b"], "epochs": [2, 4]}, tags={"team": "vision"}
    )
    common = epochal.component("experiment-metadata", kind="metadata")
    common.log_params({"batch-size": 128, "optimizer": {"name": "adam", "lr": 1e-3}})
    data = directory / "data.csv"
    data.write_text("x,y\n1,2\n")
    source = common.log_output("data", path=data)
    for variables in exp.grid():
        trial = exp.trial(variables)
        trial.attach(common)
        with trial.run("training", kind="training") as run:
            run.log_params(variables)
            run.log_input("data", digest=source.digest)
            for epoch in range(variables["epochs"]):
                run.log({"acc": epoch / 10 + (variables["model"] == "b") / 20, "loss": float("nan")}, step=epoch)
            model = directory / "model.bin"
            model.write_text(str(variables))
            run.log_output("model", path=model)
    common.finish()
    exp.conclude("accepted", note="b wins")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
