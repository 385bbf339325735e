"""The experiment itself, as its author would write it: hypothesis, shared metadata, preprocessing, 18 trainings."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from types import ModuleType
from typing import Any

import epochal
from epochal_query.demo import preprocess
from epochal_query.demo.libraries import load_datasets
from epochal_query.demo.plan import HYPOTHESIS, OBJECTIVE, STATICS, Plan
from epochal_query.demo.training import train

Progress = Callable[[Mapping[str, Any], int, float | None], None]
"""Called with the variables, the epochs done, and the test accuracy once there is one."""


@dataclass(frozen=True, slots=True)
class Trained:
    """What one run of the workflow made: the ids of its 18 trainings, and how many images they were tested on."""

    components: tuple[str, ...]
    test_images: int


def declare(plan: Plan) -> epochal.Experiment:
    """Step 1 and 2: the hypothesis and the variables. Declaring the same again changes nothing."""
    return epochal.experiment(
        plan.experiment,
        hypothesis=HYPOTHESIS,
        objective=OBJECTIVE,
        variables=plan.variables,
        tags={"demo": True},
    )


def train_all(plan: Plan, experiment: epochal.Experiment, keras: ModuleType, progress: Progress) -> Trained:
    """Steps 3 and 4: what all trials share, the data, and a trial with a training for each variable set."""
    shared = _record_metadata(plan)
    preparation, dataset, test_images = _preprocess(plan)
    components: list[str] = []
    for variables in experiment.grid():
        trial = experiment.trial(variables)
        trial.attach(shared)
        trial.attach(preparation)
        resources = {"device": "cpu", "cores": os.cpu_count() or 1}
        with trial.run("training", kind="training", resources=resources) as run:
            run.log_params(variables)
            digits = preprocess.load(Path(run.use(dataset)))
            done = _Counter(variables, progress)
            accuracy = train(keras, digits, variables, STATICS, plan.seed, run, done)
            components.append(str(run.id))
        progress(variables, done.epochs, accuracy)
    shared.finish()
    return Trained(tuple(components), test_images)


class _Counter:
    """Counts the epochs of one training for the progress bar."""

    def __init__(self, variables: Mapping[str, Any], progress: Progress) -> None:
        self.epochs = 0
        self._variables = variables
        self._progress = progress

    def __call__(self) -> None:
        self.epochs += 1
        self._progress(self._variables, self.epochs, None)


def _record_metadata(plan: Plan) -> epochal.Run:
    """The component that belongs to every trial: what is the same for all of them."""
    shared = epochal.component("experiment-metadata", kind="metadata")
    shared.log_params({**STATICS, "seed": plan.seed, "variables": plan.variables})
    shared.log_input("digits-dataset", "sklearn://datasets/digits", media_type="application/x-sklearn-dataset")
    shared.log_input("preprocess", path=Path(preprocess.__file__))
    return shared


def _preprocess(plan: Plan) -> tuple[epochal.Run, epochal.Artifact, int]:
    """A component of its own; the data set that comes out of it goes into every training, by content."""
    raw = load_datasets().load_digits()
    digits = preprocess.prepare(raw.images, raw.target, plan.seed, int(STATICS["batch-size"]))
    with epochal.component("preprocessing", kind="preprocessing") as run, TemporaryDirectory() as folder:
        run.log_params({"seed": plan.seed, "scale": "x / 16", "images": len(raw.target)})
        run.log_input("digits-dataset", "sklearn://datasets/digits", media_type="application/x-sklearn-dataset")
        path = Path(folder) / "digits.npz"
        preprocess.save(digits, path)
        dataset = run.log_output("digits-split", path=path)
        dataset.wait()
    return run, dataset, len(digits.test)
