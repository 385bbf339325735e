"""A job that logs every kind of result, as a user would; the tests read what it left."""

from __future__ import annotations

import math

import numpy as np

import epochal

DICE = np.random.default_rng(7)


def main() -> None:
    """Two trials of one experiment, each with a training."""
    exp = epochal.experiment("rich", variables={"model": ["a", "b"]})
    for number, variables in enumerate(exp.grid()):
        truth = (DICE.random(50) < 0.5).astype(int)
        score = truth * 0.4 + DICE.random(50) * 0.6
        with exp.trial(variables).run("training") as run:
            run.log_params({"lr": 0.1 / (number + 1)})
            for step in range(10):
                run.log({"loss": math.exp(-step) + number, "acc": 0.1 * step + 0.01 * number}, step=step)
            run.log_roc_curve(truth, score)
            run.log_confusion_matrix(truth, score > 0.5, title=f"of {variables['model']}")
            run.log_table("rows", {"n": [number], "x": [math.nan]})
            if number == 0:
                run.log_table("rows", {"n": [41], "x": [-0.0]})
                run.log_image("picture", np.eye(3))
                run.log_text("notes", "*hello*", markdown=True)
                run.log_histogram("values", score, is_output=False)
                run.log_output("model", path=__file__)
                epochal.context("<b>served</b>", type="endpoint")


if __name__ == "__main__":
    main()
