"""What tests of the stand-ins do in the process that has a store."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import epochal
from epochal.compat.sagemaker.analytics import ExperimentAnalytics
from epochal.compat.smexperiments.api_types import TrialComponentArtifact, TrialComponentStatus
from epochal.compat.smexperiments.experiment import Experiment
from epochal.compat.smexperiments.search_expression import Filter, Operator, SearchExpression
from epochal.compat.smexperiments.tracker import Tracker
from epochal.compat.smexperiments.trial import Trial
from epochal.compat.smexperiments.trial_component import TrialComponent


def logged_values(values: dict[str, Any]) -> dict[str, Any]:
    """Parameters as a tracker logs them and as they are read back."""
    with Tracker.create(display_name="values") as tracker:
        tracker.log_parameters(values)
    return TrialComponent.load(tracker.trial_component.trial_component_name).parameters


def logged_metrics() -> tuple[dict[str, Any], Any]:
    """Points of a tracker in no job: at any step and time, NaN among them; its statistics, and the points."""
    with Tracker.create() as tracker:
        long_ago = datetime.now(UTC) - timedelta(days=400)
        for step, value in enumerate([0.5, math.nan, 0.25]):
            tracker.log_metric("acc", value, timestamp=long_ago, iteration_number=step + 0.5)
        tracker.log_metric("acc", "0.75", iteration_number=-1)
    (acc,) = tracker.trial_component.metrics
    with epochal.open() as store:
        return vars(acc), store.metrics(component=tracker.trial_component.trial_component_arn)


def many_artifacts(count: int) -> tuple[int, int]:
    """How many inputs and outputs are read back of so many."""
    with Tracker.create() as tracker:
        for number in range(count):
            tracker.log_input(f"in-{number}", f"s3://bucket/{number}")
            tracker.log_output(f"out-{number}", f"s3://bucket/{number}", media_type="text/csv")
    loaded = TrialComponent.load(tracker.trial_component.trial_component_name)
    return len(loaded.input_artifacts), len(loaded.output_artifacts)


def directory_of_artifacts(folder: Path) -> dict[str, TrialComponentArtifact]:
    """Files of a directory, with one in a directory below, which isn't meant."""
    (folder / "below").mkdir(parents=True)
    for name in ("a.csv", "b.json", "below/c.txt"):
        (folder / name).write_text(name)
    with Tracker.create() as tracker:
        tracker.log_artifacts(str(folder))
        tracker.log_input_artifact(str(folder / "a.csv"), name="training")
    loaded = TrialComponent.load(tracker.trial_component.trial_component_name)
    return {**loaded.output_artifacts, **loaded.input_artifacts}


def missing_file() -> None:
    """A file that isn't there."""
    with Tracker.create() as tracker:
        tracker.log_artifact("nowhere.csv")


def failing(message: str) -> tuple[str, TrialComponentStatus | None, bool]:
    """A block that raises: what came out, the status, and whether it ended after it began."""
    tracker = Tracker.create()
    try:
        with tracker:
            raise RuntimeError(message)
    except RuntimeError as error:
        out = str(error)
    component = tracker.trial_component
    assert component.start_time is not None
    assert component.end_time is not None
    return out, component.status, component.start_time <= component.end_time


def entered_again() -> tuple[list[str | None], bool, list[Any]]:
    """A tracker entered twice: its statuses on the way, whether its start stayed, its parameters."""
    tracker = Tracker.create(display_name="twice")
    component = tracker.trial_component
    seen = [component.status]
    with tracker:
        tracker.log_parameter("first", 1)
    start = component.start_time
    seen.append(component.status)
    with tracker:
        seen.append(component.status)
        tracker.log_parameter("second", 2)
    seen.append(component.status)
    statuses = [one.primary_status if one else None for one in seen]
    params = TrialComponent.load(component.trial_component_name).parameters
    return statuses, component.start_time == start, sorted(params)


def recorded_before_it_is_closed() -> dict[str, Any]:
    """What was logged of a tracker that nobody closes."""
    tracker = Tracker.create()
    tracker.log_parameter("kept", True)
    return TrialComponent.load(tracker.trial_component.trial_component_name).parameters


def loaded_by_name() -> tuple[Any, Any, dict[str, Any], float | None]:
    """A failed component that is written to afterwards: status before and after, its parameters and a metric's last."""
    tracker = Tracker.create()
    try:
        with tracker:
            raise RuntimeError("out of memory")
    except RuntimeError:
        pass
    name = tracker.trial_component.trial_component_name
    before = TrialComponent.load(name).status
    again = Tracker.load(trial_component_name=name)
    again.log_parameter("looked-at", "yes")
    again.log_metric("late", 0.5)
    again.close()
    loaded = TrialComponent.load(name)
    (late,) = loaded.metrics
    return before, loaded.status, loaded.parameters, late.last


def named_alike() -> tuple[list[str], bool]:
    """Names of two trackers and two trials of jobs that seed alike, and whether their next draw is as without them."""
    names: list[str] = []
    for _ in range(2):
        random.seed(0)
        names.append(Tracker.create("prep").trial_component.trial_component_name)
        names.append(Trial.create("named-alike").trial_name)
    drawn = random.random()
    random.seed(0)
    return names, drawn == random.random()


def steps_counted_on() -> list[list[float]]:
    """Steps of a metric after each way of going on with a component, none of them given."""
    with Tracker.create() as tracker:
        for value in (3.0, 2.0, 1.0):
            tracker.log_metric("loss", value)
    name = tracker.trial_component.trial_component_name

    def steps() -> list[float]:
        with epochal.open() as store:
            points = store.metrics(component=tracker.trial_component.trial_component_arn)
        return [float(step) for step in points["step"]]

    seen = [steps()]
    again = Tracker.load(name)
    again.log_metric("loss", 9.0)
    again.log_metric("loss", 9.5)
    again.close()
    seen.append(steps())
    with Tracker.load(name) as entered:
        entered.log_metric("loss", 0.5)
    seen.append(steps())
    with tracker:
        tracker.log_metric("loss", 0.25)
    seen.append(steps())
    return seen


def loaded_by_a_bare_id() -> tuple[str, str, dict[str, Any], dict[str, Any], list[str]]:
    """In a process that knows of its run nothing but the id: what a tracker writes, saves, and adds to a trial."""
    from dataclasses import replace

    from epochal._session import session

    with epochal.init("bare", component="bare-job") as run:
        run.log_params({"lr": 0.1})
    here = session()
    known = here.settings
    here.settings = replace(known, component=run.id)
    try:
        tracker = Tracker.load()
        tracker.log_parameter("found", True)
        tracker.trial_component.parameters["saved"] = 1
        tracker.trial_component.save()
        trial = Trial.create("bare", "bare-trial", trial_components=[tracker])
        component = tracker.trial_component
        told = component.trial_component_arn, component.state()["params"]
        tracker.close()
    finally:
        here.settings = known
    params = TrialComponent.load("bare-job").parameters
    return run.id, *told, params, [one.trial_component_name for one in trial.list_trial_components()]


def loaded_in_another_project() -> None:
    """A tracker of a run that is of another project."""
    with epochal.init("elsewhere", project="another"):
        Tracker.load()


def resaved(folder: Path) -> list[dict[str, Any]]:
    """What is recorded of artifacts whose media type is changed: of content, of a digest alone, and elsewhere."""
    file = folder / "resaved.bin"
    file.write_bytes(b"content")
    with epochal.component("resaved", component="resaved") as run:
        made = run.log_output("model", path=file)
        run.log_input("data", digest="sha256:" + "0" * 64)
        run.log_output("moved", path=file)
        assert made.digest
    component = TrialComponent.load("resaved")
    component.output_artifacts["model"].media_type = "application/x-model"
    component.input_artifacts["data"].media_type = "text/csv"
    component.output_artifacts["moved"] = TrialComponentArtifact("s3://bucket/other", "text/csv")
    component.save()
    with Tracker.load("resaved") as tracker:
        tracker.log_artifact(str(file), name="own")
    tracker.trial_component.output_artifacts["own"].media_type = "application/x-own"
    tracker.trial_component.save()
    return list(TrialComponent.load("resaved").state()["artifacts"])


def saved_while_a_tracker_writes() -> dict[str, Any]:
    """Parameters of a component that is saved between two calls of a tracker that was loaded by name."""
    TrialComponent.create("saved-meanwhile")
    tracker = Tracker.load("saved-meanwhile")
    tracker.log_parameter("first", 1)
    tracker.trial_component.parameters["saved"] = 2
    tracker.trial_component.save()
    tracker.log_parameter("second", 3)
    tracker.close()
    return TrialComponent.load("saved-meanwhile").parameters


def changed_inside() -> list[dict[str, Any]]:
    """Parameters after values were changed in place, and after one of the same worth and another type was set."""
    made = TrialComponent.create("changed-inside")
    made.parameters.update(layers=[1, 2], flags=[1], opt={"lr": 0.1}, none=None)
    made.save()
    loaded = TrialComponent.load("changed-inside")
    loaded.parameters["layers"].append(3)
    loaded.parameters["opt"]["lr"] = 0.2
    loaded.parameters["flags"] = [True]
    loaded.save()
    seen = [TrialComponent.load("changed-inside").parameters]
    loaded.parameters["layers"].append(4)
    loaded.save()
    seen.append(TrialComponent.load("changed-inside").parameters)
    return seen


def loaded_in_a_run() -> tuple[str, str, dict[str, Any], str]:
    """A tracker of the run that the process is in, whose status it leaves alone."""
    with epochal.init("in-a-run") as run:
        with Tracker.load() as tracker:
            tracker.log_parameter("lr", 0.1)
        inside = run.status
    with epochal.open() as store:
        state = store.state(store.component(run.id))
    return tracker.trial_component.trial_component_arn, run.id, state["params"], inside


def loaded_in_none() -> None:
    """A tracker of the run that the process is in, when it is in none."""
    Tracker.load()


def loaded_unknown(name: str) -> None:
    """A component that isn't there."""
    TrialComponent.load(name)


def saved() -> list[Any]:
    """A component changed by ``save()``: merged, with what is to be removed gone."""
    made = TrialComponent.create("by-hand", display_name="By Hand", tags=[{"Key": "team", "Value": "vision"}])
    made.parameters = {"a": 1, "b": 2}
    made.input_artifacts["data"] = TrialComponentArtifact("s3://bucket/data", "text/csv")
    made.output_artifacts["model"] = TrialComponentArtifact("s3://bucket/model")
    made.save()
    loaded = TrialComponent.load("by-hand")
    loaded.parameters = {"b": 3}
    loaded.parameters_to_remove = ["a"]
    loaded.output_artifacts_to_remove = ["model"]
    loaded.save()
    again = TrialComponent.load("by-hand")
    artifacts = [again.input_artifacts, again.output_artifacts]
    return [again.parameters, *artifacts, again.tags, again.status, again.display_name]


def mixed_case() -> list[str]:
    """Names with capitals, made and loaded."""
    experiment = Experiment.create("Mixed-Case Experiment", description="it is kept")
    trial = experiment.create_trial("Mixed-Case Trial")
    TrialComponent.create("Mixed-Case Component")
    trial.add_trial_component("Mixed-Case Component")
    loaded = Experiment.load("Mixed-Case Experiment")
    again = Trial.load("Mixed-Case Trial")
    return [
        loaded.experiment_name,
        str(loaded.description),
        again.trial_name,
        again.experiment_name,
        *(one.trial_component_name for one in again.list_trial_components()),
    ]


def shared_between_experiments() -> tuple[list[str], list[str], list[str]]:
    """Of two experiments with a shared component one is deleted with all; the components and experiments that stay."""
    with Tracker.create(display_name="shared") as shared, Tracker.create(display_name="own") as own:
        pass
    for name in ("goes", "stays"):
        trial = Trial.create(name, f"{name}-trial", trial_components=[shared])
        if name == "goes":
            trial.add_trial_component(own)
    Experiment.load("goes").delete_all("--force")
    with epochal.open() as store:
        components = store.components(component=[shared.trial_component.trial_component_arn])
        deleted = list(store.deleted()["name"])
    left = [one.experiment_name for one in Experiment.list() if one.experiment_name in ("goes", "stays")]
    return list(components["trials"].iloc[0]), deleted, left


def made_again() -> list[str]:
    """An experiment of the name of one that was deleted, in the same process."""
    Experiment.create("again").create_trial("again-trial")
    Experiment.load("again").delete_all("--force")
    Experiment.create("again").create_trial("again-trial")
    return [one.trial_name for one in Experiment.load("again").list_trials()]


def deleting(what: str) -> None:
    """Deleting what others depend on."""
    experiment = Experiment.create("depended-on")
    trial = experiment.create_trial("depended-on-trial")
    component = TrialComponent.create("depended-on-component")
    trial.add_trial_component(component)
    if what == "experiment":
        experiment.delete()
    elif what == "trial":
        trial.delete()
    elif what == "component":
        component.delete()
    else:
        experiment.delete_all(what)


def cleaned_up() -> list[Any]:
    """Everything deleted from the inside out, as the second notebook of the article does it."""
    experiment = Experiment.create("cleaned")
    trial = experiment.create_trial("cleaned-trial")
    trial.add_trial_component(TrialComponent.create("cleaned-component"))
    for line in Experiment.load("cleaned").list_trials():
        loaded = Trial.load(trial_name=line.trial_name)
        for one in loaded.list_trial_components():
            component = TrialComponent.load(trial_component_name=one.trial_component_name)
            loaded.remove_trial_component(component)
            component.delete()
        loaded.delete()
    experiment.delete()
    with epochal.open() as store:
        gone = list(store.deleted()["name"])
    return [name for name in ("cleaned", "cleaned-trial", "cleaned-component") if name in gone]


def forced_out() -> list[str]:
    """A component deleted while it is in a trial."""
    trial = Trial.create("forcing", "forcing-trial")
    component = TrialComponent.create("forced-out")
    trial.add_trial_component(component)
    component.delete(force_disassociate=True)
    return [one.trial_component_name for one in trial.list_trial_components()]


def listed() -> list[list[str]]:
    """Trials of an experiment in several orders, between instants, and those of a component."""
    experiment = Experiment.create("listing")
    trials = [experiment.create_trial(name) for name in ("b-first", "a-second", "c-third")]
    component = TrialComponent.create("in-two")
    for trial in trials[:2]:
        trial.add_trial_component(component)
    middle = next(one.creation_time for one in experiment.list_trials() if one.trial_name == "a-second")
    return [
        [one.trial_name for one in found]
        for found in (
            experiment.list_trials(),
            experiment.list_trials(sort_by="Name", sort_order="Ascending"),
            experiment.list_trials(created_before=middle),
            experiment.list_trials(created_after=middle),
            component.list_trials(),
            Trial.list(trial_component_name="in-two", sort_by="Name", sort_order="Descending"),
        )
    ]


def list_refused(**arguments: Any) -> None:
    """A list that can't be had."""
    TrialComponent.list(**arguments)


def things_to_search() -> None:
    """Four jobs of one experiment."""
    for number, model in enumerate(["custom", "custom", "resnet", "100%_vgg"]):
        with epochal.init(
            "searched",
            variables={"trial": f"searched-{number}"},
            component=f"job-{number}",
            params={"model": model, "epochs": 30 * (number + 1), **({"note": "odd"} if number == 3 else {})},
        ) as run:
            run.tag(team="vision" if number < 2 else "text")
            run.log({"acc": 0.5 + number / 10})
            run.log_input("train", f"s3://bucket/{model}")
            run.log_input("eval", "s3://bucket/eval")


def texts_to_search() -> None:
    """What is text where other code has numbers, a failed job, a tracker, information, and trials of all kinds."""
    for number, batch in enumerate(["64", 64, 32, "small"]):
        run = epochal.component(f"batch-{number}", "training", component=f"mixed-{number}", params={"batch": batch})
        run.tag(ver="7" if number % 2 else 8)
        run.finish("failed" if number == 3 else "completed")
    with Tracker.create("mixed-notes") as tracker:
        tracker.log_parameter("words", "64")
    TrialComponent.create("mixed-information").save()
    with epochal.init("by-a-job", variables={"trial": "jobtrial"}, component="mixed-of-trial"):
        pass
    for experiment in ("twice-1", "twice-2"):
        Trial.create(experiment, "twice", trial_components=[TrialComponent.create(f"mixed-{experiment}")])


def listed_of_one_experiment(experiment: str) -> list[str]:
    """Components of the trial of a name that two experiments have, in one of them."""
    found = TrialComponent.list(trial_name="twice", experiment_name=experiment)
    return [one.trial_component_name for one in found]


def sources_found() -> tuple[set[str], set[str], set[str], set[str]]:
    """Components that results show a source of, and that EXISTS finds; those without, and that NOT_EXISTS finds."""
    found = [
        {
            one.trial_component_name
            for one in TrialComponent.search(SearchExpression(filters=[Filter("Source.SourceArn", operator)]))
        }
        for operator in (Operator.EXISTS, Operator.NOT_EXISTS)
    ]
    every = list(TrialComponent.list())
    return (
        {one.trial_component_name for one in every if one.source_arn},
        found[0],
        {one.trial_component_name for one in every if not one.source_arn},
        found[1],
    )


def searched(
    expression: SearchExpression | dict[str, Any] | None,
    sort_by: str | None = None,
    sort_order: str | None = None,
    prefix: str = "job-",
) -> list[str]:
    """Which components satisfy it, by name; of those whose names begin so."""
    found = TrialComponent.search(expression, sort_by, sort_order)
    return [one.trial_component_name for one in found if one.trial_component_name.startswith(prefix)]


def parents_found() -> list[Any]:
    """What a search says of the trials of a component."""
    named = {"Name": "TrialComponentName", "Operator": "Equals", "Value": "job-1"}
    return [one.parents for one in TrialComponent.search({"Filters": [named]})]


def searched_elsewhere(what: str, expression: SearchExpression) -> list[str]:
    """Which trials or experiments satisfy it, by name."""
    if what == "trial":
        return [one.trial_name for one in Trial.search(expression)]
    return [one.experiment_name for one in Experiment.search(expression)]


def colliding_names() -> Any:
    """An artifact that goes in here and comes out there, and parameters that are called like columns."""
    trial = Trial.create("colliding", "colliding-trial")
    with Tracker.create(display_name="maker") as maker, Tracker.create(display_name="user") as user:
        maker.log_output("model", "s3://bucket/made")
        user.log_input("model", "s3://bucket/used")
        user.log_parameters({"DisplayName": "a", "TrialComponentName": "b", "Trials": "c"})
    trial.add_trial_component(maker)
    trial.add_trial_component(user)
    return ExperimentAnalytics("colliding", sort_by="CreationTime", sort_order="Ascending").dataframe()


def frame_of(**arguments: Any) -> Any:
    """A frame of the searched jobs, or of what the arguments say."""
    return ExperimentAnalytics(**arguments).dataframe()


def cached() -> tuple[int, int, int]:
    """How many rows a frame has: at first, after one more is there, and after it is asked for again."""
    trial = Trial.create("cached", "cached-trial", trial_components=[TrialComponent.create("cached-1")])
    analytics = ExperimentAnalytics("cached")
    first = len(analytics.dataframe())
    trial.add_trial_component(TrialComponent.create("cached-2"))
    kept = len(analytics.dataframe())
    analytics.clear_cache()
    return first, kept, len(analytics.dataframe())


def charts() -> dict[str, str | None]:
    """Results of a classifier whose positive class is 0, without titles; names and media types of what is recorded."""
    truth, scores, predicted = [0, 0, 1, 1], [0.9, 0.4, 0.35, 0.2], [0, 1, 1, 1]
    with Tracker.create() as tracker:
        tracker.log_table(values={"x": [1, 2], "y": [3.5, None]})
        tracker.log_precision_recall(truth, scores, positive_label=0)
        tracker.log_roc_curve(truth, scores, title="how it ranks", output_artifact=False)
        tracker.log_confusion_matrix(truth, predicted)
    loaded = TrialComponent.load(tracker.trial_component.trial_component_name)
    return {name: one.media_type for name, one in {**loaded.input_artifacts, **loaded.output_artifacts}.items()}


def run_api(names: Sequence[str]) -> tuple[list[str], list[int], str]:
    """What runs are used for: long names of any case, nested, outside a block; read twice, and the watermarks."""
    outer = epochal.init(names[0], name=names[1])
    outer.log({"loss": 1.0}, step=-2.5)
    with epochal.experiment(names[0]).trial({"n": 1}).run("inner") as inner:
        inner.log({"loss": 2.0})
    outer.finish()
    with epochal.open() as store:
        first = store.components(experiment=names[0])
        before = store.watermark()
        second = store.components(experiment=names[0])
        same = "same" if store.watermark() == before else "changed"
    return list(first["name"]), [len(first), len(second)], same
