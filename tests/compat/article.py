"""The article's notebook as a program: import lines changed, calls of AWS removed, a training in numbers for the job.

Each function is a cell; what it leaves is what the next one works on.
"""

from __future__ import annotations

import itertools
import random
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import epochal
from epochal.compat.sagemaker.analytics import ExperimentAnalytics
from epochal.compat.smexperiments.experiment import Experiment
from epochal.compat.smexperiments.tracker import Tracker
from epochal.compat.smexperiments.trial import Trial

DATASETS = "s3://bucket/datasets/cifar10-dataset"
STATIC: dict[str, Any] = {"batch-size": 128, "learning-rate": 0.001, "weight-decay": 1e-6, "momentum": 0.9}
OPTIONS: dict[str, list[Any]] = {
    "model": ["resnet", "custom"],
    "optimizer": ["adam", "sgd", "rmsprop"],
    "epochs": [30, 60, 120],
}
SHOWN = ["TrialComponentName", "test_acc - Last", "model", "batch-size", "epochs", "learning-rate", "optimizer"]


@dataclass
class Notebook:
    """What its cells leave."""

    folder: Path
    bucket: str = "bucket"
    sm: object = None
    experiment: Experiment = field(init=False)
    tracker: Tracker = field(init=False)
    jobs: list[str] = field(default_factory=list[str])

    def create_experiment(self) -> Experiment:
        """Step 1."""
        self.experiment = Experiment.create(
            experiment_name=f"cifar10-training-experiment-{int(time.time())}",
            description="Hypothesis: the custom architecture beats ResNet50 and VGG on CIFAR10",
            sagemaker_boto_client=self.sm,
        )
        return self.experiment

    def variable_sets(self) -> list[dict[str, Any]]:
        """Step 2."""
        names, values = zip(*OPTIONS.items(), strict=True)
        return [dict(zip(names, one, strict=True)) for one in itertools.product(*values)]

    def track_metadata(self) -> Tracker:
        """Step 3."""
        script = self.folder / "generate_cifar10_tfrecords.py"
        script.write_text("print('records')\n")
        with Tracker.create(
            display_name="experiment-metadata",
            artifact_bucket=self.bucket,
            artifact_prefix=self.experiment.experiment_name,
            sagemaker_boto_client=self.sm,
        ) as exp_tracker:
            exp_tracker.log_input(name="cifar10-dataset", media_type="s3/uri", value=DATASETS)
            exp_tracker.log_parameters(STATIC)
            exp_tracker.log_parameters(OPTIONS)
            exp_tracker.log_artifact(file_path=str(script))
        self.tracker = exp_tracker
        return exp_tracker

    def train_all(self) -> None:
        """Step 4: the sleeps against throttling are gone, the rest is as it was."""
        for trial_hyp in self.variable_sets():
            hyperparams = {**STATIC, **trial_hyp}
            time_append = int(time.time())
            hyp_append = "-".join(str(value) for value in trial_hyp.values())
            job_name = f"cifar10-training-{hyp_append}-{time_append}"
            with Tracker.create(
                display_name=f"trial-metadata-{time_append}",
                artifact_bucket=self.bucket,
                artifact_prefix=f"{self.experiment.experiment_name}/{job_name}",
                sagemaker_boto_client=self.sm,
            ) as trial_tracker:
                trial_tracker.log_parameters(hyperparams)
            tf_trial = Trial.create(
                trial_name=f"trial-{hyp_append}-{time_append}",
                experiment_name=self.experiment.experiment_name,
                sagemaker_boto_client=self.sm,
            )
            tf_trial.add_trial_component(self.tracker.trial_component)
            tf_trial.add_trial_component(trial_tracker.trial_component)
            experiment_config = {
                "ExperimentName": self.experiment.experiment_name,
                "TrialName": tf_trial.trial_name,
                "TrialComponentDisplayName": job_name,
            }
            train(job_name, hyperparams, experiment_config)
            self.jobs.append(job_name)

    def analyse(self) -> Any:
        """Step 5, its undefined names put right."""
        frame = ExperimentAnalytics(sagemaker_session=None, experiment_name=self.experiment.experiment_name).dataframe()
        jobs = frame.loc[~frame["test_acc - Last"].isna()].sort_values("test_acc - Last", ascending=False)
        return jobs.assign(col_names=(jobs["model"] + "-" + jobs["optimizer"]).map(lambda text: text.replace('"', "")))


def train(job_name: str, hyperparams: dict[str, Any], experiment_config: dict[str, str]) -> None:
    """In place of the estimator: the job's context is its ExperimentConfig, its numbers are drawn with a seed."""
    dice = random.Random(job_name.rsplit("-", 1)[0])
    with epochal.init(
        experiment_config["ExperimentName"],
        variables={"trial": experiment_config["TrialName"]},
        name=experiment_config["TrialComponentDisplayName"],
        component=job_name,
        params=hyperparams,
    ) as job:
        for channel in ("training", "validation", "eval"):
            job.log_input(channel, DATASETS)
        best = 0.6 + 0.2 * (hyperparams["model"] == "custom")
        for epoch in range(3):
            shown = best * (1 - 0.5 ** (epoch + 1)) + dice.uniform(-0.01, 0.01)
            job.log({"loss": 1 - shown, "val_acc": shown}, step=epoch)
        job.log({"test_acc": best + dice.uniform(-0.05, 0.05)})
        job.log_output("SageMaker.ModelArtifact", f"s3://bucket/{job_name}/model.tar.gz")


@dataclass(frozen=True)
class Walked:
    """What could be seen on the way."""

    shared: str
    display_name: str
    metadata: dict[str, Any]
    """The state of the shared component right after step 3."""
    unassigned: list[str]
    """Components in no trial right after step 3, by id."""
    trials: dict[str, list[str]]
    """Trials to their components, by id, after step 4."""
    names: dict[str, list[str]]
    """The same, by the names that are shown."""
    frame: Any
    jobs: Any
    csv: str
    report: Any


def walked(folder: Path) -> Walked:
    """All its steps, one after the other."""
    notebook = Notebook(folder)
    notebook.create_experiment()
    shared = notebook.track_metadata().trial_component
    with epochal.open() as store:
        metadata = store.state(store.component(shared.trial_component_arn))
        unassigned = list(store.components(unassigned=True)["id"])
    notebook.train_all()
    listed = {
        line.trial_name: list(Trial.load(trial_name=line.trial_name).list_trial_components())
        for line in notebook.experiment.list_trials()
    }
    analytics = ExperimentAnalytics(experiment_name=notebook.experiment.experiment_name)
    analytics.export_csv(folder / "report.csv")
    with epochal.open() as store:
        report = store.report(notebook.experiment.experiment_name)
    return Walked(
        shared=shared.trial_component_arn,
        display_name=shared.display_name,
        metadata=metadata,
        unassigned=unassigned,
        trials={name: [one.trial_component_arn for one in found] for name, found in listed.items()},
        names={name: [str(one.display_name) for one in found] for name, found in listed.items()},
        frame=analytics.dataframe(),
        jobs=notebook.analyse(),
        csv=(folder / "report.csv").read_text(),
        report=report,
    )
