"""What the old SDK did badly, and what happens here instead."""

from __future__ import annotations

import json
import math
from typing import Any

import pandas as pd
import pytest
from compat import scenarios
from compat.away import Away

import epochal
from epochal.compat.sagemaker.analytics import ExperimentAnalytics
from epochal.compat.smexperiments.api_types import TrialComponentArtifact, TrialComponentStatus
from epochal_query.errors import DeletionError, UnknownNameError


@pytest.mark.long
def test_parameters_keep_their_types(away: Away) -> None:
    """There, anything but numbers became text; NaN and infinities were dropped with a warning."""
    values: dict[str, Any] = {
        "list": ["resnet", "custom"],
        "flag": True,
        "nothing": None,
        "nested": {"lr": 0.1, "betas": [0.9, 0.999]},
        "text": "custom",
        "number": 30,
        "inf": math.inf,
        "nan": math.nan,
        "long": "x" * 5000,
    }
    read = away(scenarios.logged_values, values)
    assert math.isnan(read.pop("nan"))
    del values["nan"]
    assert read == values
    assert [type(read[name]) for name in values] == [type(value) for value in values.values()]


def test_metrics_are_logged_on_any_host_at_any_time(away: Away) -> None:
    """There, only a training host kept them, steps were whole numbers, times those of two weeks, and NaN was lost."""
    statistics, points = away(scenarios.logged_metrics)
    assert (statistics["count"], statistics["min"], statistics["max"], statistics["last"]) == (4, 0.25, 0.75, 0.25)
    assert statistics["std_dev"] == pytest.approx(0.25)
    assert list(points["step"]) == [-1.0, 0.5, 1.5, 2.5]
    assert list(points["value"].isna()) == [False, False, True, False]
    assert points["time"].iloc[1] < pd.Timestamp.now(tz="UTC") - pd.Timedelta(days=399)


def test_artifacts_are_not_counted(away: Away) -> None:
    """There, the 31st of a direction was refused."""
    assert away(scenarios.many_artifacts, 70) == (70, 70)


def test_a_directory_is_recorded_file_by_file(away: Away) -> None:
    """With media types guessed, and not what lies deeper, as there; contents are where EPOCHAL_ARTIFACTS says."""
    found = away(scenarios.directory_of_artifacts, away.folder / "many")
    assert {name: one.media_type for name, one in found.items()} == {
        "a.csv": "text/csv",
        "b.json": "application/json",
        "training": "text/csv",
    }
    assert all(str(one.value).startswith("file://") for one in found.values())


def test_a_missing_file_is_an_error(away: Away) -> None:
    """As there."""
    with pytest.raises(ValueError, match=r"'nowhere\.csv' is no file"):
        away(scenarios.missing_file)


@pytest.mark.long
def test_an_exception_fails_the_component_and_goes_on(away: Away) -> None:
    """Its text is the message, and there are times."""
    out, status, ordered = away(scenarios.failing, "out of memory")
    assert out == "out of memory"
    assert status == TrialComponentStatus("Failed", "out of memory")
    assert ordered


@pytest.mark.long
def test_a_tracker_can_be_entered_again(away: Away) -> None:
    """It runs again, under its first start, and keeps what it had."""
    statuses, same_start, params = away(scenarios.entered_again)
    assert statuses == ["InProgress", "Completed", "InProgress", "Completed"]
    assert same_start
    assert params == ["first", "second"]


def test_nothing_waits_for_close(away: Away) -> None:
    """There, what a tracker had logged was lost unless somebody closed it."""
    assert away(scenarios.recorded_before_it_is_closed) == {"kept": True}


@pytest.mark.long
def test_writing_to_a_component_that_ended_leaves_its_status(away: Away) -> None:
    """A failed job that is looked at stays a failed job."""
    before, after, params, late = away(scenarios.loaded_by_name)
    assert before == after == TrialComponentStatus("Failed", "out of memory")
    assert params == {"looked-at": "yes"}
    assert late == 0.5


def test_load_without_a_name_goes_on_with_the_run_that_one_is_in(away: Away) -> None:
    """On any host, without waiting for a platform; the run ends when it ends."""
    loaded, run, params, inside = away(scenarios.loaded_in_a_run)
    assert loaded == run
    assert params == {"lr": 0.1}
    assert inside == "running"


def test_names_of_jobs_that_seed_alike_differ(away: Away) -> None:
    """In the same second, too; and what they draw next is what they would have drawn."""
    names, undisturbed = away(scenarios.named_alike)
    assert len(set(names)) == len(names)
    assert undisturbed


@pytest.mark.long
def test_steps_go_on_behind_what_was_logged(away: Away) -> None:
    """Of a component loaded by name, of one that is entered after that, and of one that is entered again."""
    assert away(scenarios.steps_counted_on) == [[float(step) for step in range(count)] for count in (3, 5, 6, 7)]


@pytest.mark.long
def test_a_run_that_is_known_by_its_id_alone_is_that_run(away: Away) -> None:
    """EPOCHAL_COMPONENT may be a bare id."""
    run, loaded, state, params, members = away(scenarios.loaded_by_a_bare_id)
    assert loaded == run
    assert state == params == {"lr": 0.1, "found": True, "saved": 1}
    assert members == ["bare-job"]


def test_a_run_of_another_project_is_said(away: Away) -> None:
    """What is read here is of one project."""
    with pytest.raises(ValueError, match=r"is of project .another.*EPOCHAL_PROJECT=another"):
        away(scenarios.loaded_in_another_project)


@pytest.mark.long
def test_an_artifact_keeps_its_content_when_it_is_saved_again(away: Away) -> None:
    """With another media type; one that has another place has another content, which isn't known."""
    found = {one["name"]: one for one in away(scenarios.resaved, away.folder)}
    for name in ("model", "own"):
        one = found[name]
        assert one["media_type"] == f"application/x-{name}"
        assert one["uri"].startswith("file://")
        assert one["digest"].startswith("sha256:")
        assert (one["stored"], one["size"]) == (True, 7)
    data = found["data"]
    assert (data["uri"], data["digest"], data["media_type"]) == (None, "sha256:" + "0" * 64, "text/csv")
    assert (found["moved"]["uri"], found["moved"]["digest"]) == ("s3://bucket/other", None)


def test_saving_leaves_a_tracker_open(away: Away) -> None:
    """Which writes by the same handle."""
    assert away(scenarios.saved_while_a_tracker_writes) == {"first": 1, "saved": 2, "second": 3}


@pytest.mark.long
def test_parameters_that_were_changed_in_place_are_saved(away: Away) -> None:
    """And those that are equal in Python and aren't the same."""
    first, second = away(scenarios.changed_inside)
    assert json.dumps(first, sort_keys=True) == json.dumps(
        {"flags": [True], "layers": [1, 2, 3], "none": None, "opt": {"lr": 0.2}}
    )
    assert second["layers"] == [1, 2, 3, 4]


def test_load_without_a_name_or_a_run_says_what_to_do(away: Away) -> None:
    """As there it is an error."""
    with pytest.raises(ValueError, match="it is in none"):
        away(scenarios.loaded_in_none)


@pytest.mark.long
def test_an_unknown_component_is_said_with_near_names(away: Away) -> None:
    """There, it was an error of the service."""
    away(scenarios.mixed_case)
    with pytest.raises(epochal.NotFoundError, match="near: 'Mixed-Case Component'"):
        away(scenarios.loaded_unknown, "mixed-case component")


@pytest.mark.long
def test_names_keep_their_case(away: Away) -> None:
    """There, names with capitals could be made and not be loaded."""
    assert away(scenarios.mixed_case) == [
        "Mixed-Case Experiment",
        "it is kept",
        "Mixed-Case Trial",
        "Mixed-Case Experiment",
        "Mixed-Case Component",
    ]


@pytest.mark.long
def test_save_merges_and_removes(away: Away) -> None:
    """What a mapping lacks stays; what is named to be removed goes. Information has no status."""
    params, inputs, outputs, tags, status, shown = away(scenarios.saved)
    assert params == {"b": 3}
    assert inputs == {"data": TrialComponentArtifact("s3://bucket/data", "text/csv")}
    assert outputs == {}
    assert tags == [{"Key": "team", "Value": "vision"}]
    assert status is None
    assert shown == "By Hand"


def test_delete_all_spares_what_other_experiments_share(away: Away) -> None:
    """There, it took the components of others along."""
    trials, deleted, left = away(scenarios.shared_between_experiments)
    assert trials == ["stays-trial"]
    assert {"goes", "goes-trial", "own"} <= set(deleted)
    assert "shared" not in deleted
    assert left == ["stays"]


def test_delete_all_wants_to_be_confirmed(away: Away) -> None:
    """As there."""
    with pytest.raises(ValueError, match="confirm with '--force'"):
        away(scenarios.deleting, "yes")


@pytest.mark.parametrize(
    ("what", "error"), [("experiment", DeletionError), ("trial", DeletionError), ("component", epochal.MisuseError)]
)
def test_nothing_is_deleted_that_others_depend_on(away: Away, what: str, error: type[Exception]) -> None:
    """As there; the message names what it is."""
    with pytest.raises(error, match="depended-on-"):
        away(scenarios.deleting, what)


@pytest.mark.long
def test_everything_can_be_deleted_from_the_inside_out(away: Away) -> None:
    """The second notebook of the article, without its pauses."""
    assert away(scenarios.cleaned_up) == ["cleaned", "cleaned-trial", "cleaned-component"]


@pytest.mark.long
def test_a_component_is_deleted_out_of_its_trials_when_forced(away: Away) -> None:
    """As there."""
    assert away(scenarios.forced_out) == []


@pytest.mark.long
def test_lists_come_whole_and_in_order(away: Away) -> None:
    """The newest first unless asked; instants bound them; names sort as names."""
    newest, by_name, before, after, of_component, listed = away(scenarios.listed)
    assert newest == ["c-third", "a-second", "b-first"]
    assert by_name == ["a-second", "b-first", "c-third"]
    assert (before, after) == (["b-first"], ["c-third"])
    assert sorted(of_component) == ["a-second", "b-first"]
    assert listed == ["b-first", "a-second"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"sort_by": "Size"}, "accepted are Name and CreationTime"),
        ({"sort_order": "Up"}, "accepted are 'Ascending' and 'Descending'"),
        ({"next_token": "x"}, "there are no pages"),
    ],
)
def test_a_list_that_makes_no_sense_is_refused(away: Away, arguments: dict[str, str], said: str) -> None:
    """With what is accepted."""
    with pytest.raises(ValueError, match=said):
        away(scenarios.list_refused, **arguments)


def test_names_that_collide_are_told_apart(away: Away) -> None:
    """There, an output took the place of an input, and a column that of a parameter."""
    frame = away(scenarios.colliding_names)
    assert list(frame["DisplayName"]) == ["maker", "user"]
    assert list(frame["model (out) - Value"]) == ["s3://bucket/made", None] or frame["model (out) - Value"].isna()[1]
    assert frame["model (in) - Value"][1] == "s3://bucket/used"
    user = frame.iloc[1]
    assert (user["params.DisplayName"], user["params.TrialComponentName"], user["params.Trials"]) == ("a", "b", "c")
    assert user["Trials"] == ["colliding-trial"]


def test_artifacts_are_chosen_by_direction(away: Away) -> None:
    """What isn't asked for has no column."""
    away(scenarios.colliding_names)
    frame = away(scenarios.frame_of, experiment_name="colliding", input_artifact_names=[])
    assert [name for name in frame.columns if " - " in name] == ["model (out) - MediaType", "model (out) - Value"]


def test_a_frame_is_asked_for_once(away: Away) -> None:
    """Until it is let go of."""
    assert away(scenarios.cached) == (1, 1, 2)


def test_a_frame_of_nothing_is_refused() -> None:
    """As there."""
    with pytest.raises(ValueError, match="experiment_name= or search_expression="):
        ExperimentAnalytics()


def test_a_metric_that_nobody_logged_is_an_error_with_near_names(away: Away) -> None:
    """There, the column was missing without a word."""
    away(scenarios.things_to_search)
    with pytest.raises(UnknownNameError, match="acc"):
        away(scenarios.frame_of, experiment_name="searched", metric_names=["acd"])


@pytest.mark.long
def test_charts_need_no_title_and_zero_can_be_positive(away: Away) -> None:
    """There, positive_label=0 was taken for none, and a chart without a title was called None.json."""
    assert set(away(scenarios.charts)) == {"table", "precision-recall", "how it ranks", "confusion-matrix"}


def test_runs_have_no_limits_of_names_and_are_not_changed_by_reading(away: Away) -> None:
    """There, names were cut, lower-cased and counted, runs didn't nest, and listing them wrote them back."""
    names = ["An Experiment " * 20, "A Run " * 30]
    found, counts, watermark = away(scenarios.run_api, names)
    assert sorted(found) == sorted([names[1], "inner"])
    assert counts == [2, 2]
    assert watermark == "same"


@pytest.mark.long
def test_an_experiment_can_be_made_again_after_it_was_deleted(away: Away) -> None:
    """In the same process, as a notebook does whose cells are run again."""
    assert away(scenarios.made_again) == ["again-trial"]
