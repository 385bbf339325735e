"""The article's notebook, its import lines changed and its calls of AWS removed, does what it did, and better."""

from __future__ import annotations

import io

import numpy as np
import pandas as pd
import pytest
from compat.article import SHOWN, STATIC, Walked, walked
from compat.away import Away

pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def seen(away: Away) -> Walked:
    """One walk through all steps."""
    return away(walked, away.folder)


def test_after_step_3_the_metadata_is_there_and_belongs_to_nothing(seen: Walked) -> None:
    """Seven parameters with their types, one input, one output, a status with times, and no trial."""
    metadata = seen.metadata
    assert (metadata["name"], seen.display_name) == ("experiment-metadata", "experiment-metadata")
    assert metadata["params"] == {
        **STATIC,
        "model": ["resnet", "custom"],
        "optimizer": ["adam", "sgd", "rmsprop"],
        "epochs": [30, 60, 120],
    }
    assert len(metadata["params"]) == 7
    artifacts = [(one["direction"], one["name"], one["media_type"]) for one in metadata["artifacts"]]
    assert artifacts == [
        ("in", "cifar10-dataset", "s3/uri"),
        ("out", "generate_cifar10_tfrecords.py", "text/x-python"),
    ]
    assert metadata["artifacts"][1]["stored"]
    assert metadata["status"] == "completed"
    assert metadata["start"] <= metadata["end"]
    assert metadata["trials"] == []
    assert seen.unassigned == [seen.shared]


def test_after_step_4_each_trial_has_its_three_components(seen: Walked) -> None:
    """18 trials: the job, the trial's metadata, and the one that all of them share."""
    assert len(seen.trials) == 18
    for name, components in seen.trials.items():
        assert len(components) == 3
        assert seen.shared in components
        job, own, shared = seen.names[name]  # the newest first
        assert job.startswith(f"cifar10-training-{name.removeprefix('trial-').rsplit('-', 1)[0]}")
        assert own.startswith("trial-metadata-")
        assert shared == "experiment-metadata"
    assert len({one for components in seen.trials.values() for one in components}) == 18 * 2 + 1


def test_step_5_finds_18_jobs_by_the_experiments_name_alone(seen: Walked) -> None:
    """Sorted by what is to be maximised, labels without quotes, values with their types, the winners custom."""
    jobs = seen.jobs
    assert (len(seen.frame), len(jobs)) == (37, 18)
    accuracies = list(jobs["test_acc - Last"])
    assert accuracies == sorted(accuracies, reverse=True)
    assert set(jobs["col_names"]) == {f"{m}-{o}" for m in ("resnet", "custom") for o in ("adam", "sgd", "rmsprop")}
    table = jobs[SHOWN]
    assert set(table["model"]) == {"resnet", "custom"}
    assert set(table["epochs"]) == {30, 60, 120}
    assert set(table["batch-size"]) == {128}
    assert all(name.startswith("cifar10-training-") for name in table["TrialComponentName"])
    for best in (table, table[table["epochs"] == 60], table[table["epochs"] == 30]):
        assert best.iloc[0]["model"] == "custom"


def test_the_frame_has_the_old_columns_in_their_order(seen: Walked) -> None:
    """Names, parameters by name, statistics by metric, artifacts, parents; a job has a source, notes have none."""
    assert list(seen.frame.columns) == [
        "TrialComponentName",
        "DisplayName",
        "SourceArn",
        "batch-size",
        "epochs",
        "learning-rate",
        "model",
        "momentum",
        "optimizer",
        "weight-decay",
        *(f"{m} - {s}" for m in ("loss", "test_acc", "val_acc") for s in STATISTICS),
        *(f"{a} - {w}" for a in ("cifar10-dataset", "eval", "training", "validation") for w in ("MediaType", "Value")),
        *(f"{a} - {w}" for a in ("SageMaker.ModelArtifact", SCRIPT) for w in ("MediaType", "Value")),
        "Trials",
        "Experiments",
    ]
    source = seen.frame["SourceArn"].notna()
    assert list(source) == list(seen.frame["test_acc - Last"].notna())
    shared = seen.frame[seen.frame["DisplayName"] == "experiment-metadata"].iloc[0]
    assert len(shared["Trials"]) == 18
    assert len(shared["Experiments"]) == 1


STATISTICS = ("Min", "Max", "Avg", "StdDev", "Last", "Count")
SCRIPT = "generate_cifar10_tfrecords.py"


def test_the_standard_deviation_is_the_sample_one(seen: Walked) -> None:
    """Of three values, with two degrees of freedom."""
    row = seen.jobs.iloc[0]
    assert row["val_acc - Count"] == 3
    least, most = row["val_acc - Min"], row["val_acc - Max"]
    values = [least, 3 * row["val_acc - Avg"] - least - most, most]
    assert row["val_acc - StdDev"] == pytest.approx(np.std(values, ddof=1), rel=1e-9)


def test_the_csv_is_the_frame(seen: Walked) -> None:
    """Every row and every column."""
    read = pd.read_csv(io.StringIO(seen.csv), index_col=0)
    assert list(read.columns) == list(seen.frame.columns)
    assert len(read) == 37
    assert list(read["TrialComponentName"]) == list(seen.frame["TrialComponentName"])


def test_what_it_recorded_reads_like_anything_else(seen: Walked) -> None:
    """There is no second way of storing: the same components stand in the store's own report."""
    assert set(seen.report["Kind"]) == {"training", "tracker"}
    assert len(seen.report) == 37
    assert sorted(seen.report["test_acc - Last"].dropna()) == sorted(seen.jobs["test_acc - Last"])
