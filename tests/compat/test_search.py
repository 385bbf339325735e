"""Search expressions: as filters, and what they find."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from compat import scenarios
from compat.away import Away

from epochal.compat.smexperiments._where import order_text, where_text
from epochal.compat.smexperiments.search_expression import (
    BooleanOperator,
    Filter,
    NestedFilter,
    Operator,
    SearchExpression,
    as_expression,
)
from epochal_query.filter_text import parse_filter, parse_order


@pytest.fixture(scope="module")
def jobs(away: Away) -> Away:
    """Four jobs: custom, custom, resnet, 100%_vgg; 30, 60, 90, 120 epochs; acc 0.5 to 0.8."""
    away(scenarios.things_to_search)
    return away


@pytest.mark.long
@pytest.mark.parametrize(
    ("one", "found"),
    [
        (Filter("Parameters.model", Operator.EQUALS, "custom"), [0, 1]),
        (Filter("Parameters.model", Operator.NOT_EQUALS, "custom"), [2, 3]),
        (Filter("Parameters.epochs", Operator.EQUALS, 60), [1]),
        (Filter("Parameters.epochs", Operator.EQUALS, "60"), [1]),
        (Filter("HyperParameters.epochs", Operator.GREATER_THAN, "60"), [2, 3]),
        (Filter("Parameters.epochs", Operator.GREATER_THAN_OR_EQUAL, 60.0), [1, 2, 3]),
        (Filter("Parameters.epochs", Operator.LESS_THAN, 60), [0]),
        (Filter("Parameters.epochs", Operator.LESS_THAN_OR_EQUAL, 60), [0, 1]),
        (Filter("Parameters.model", Operator.CONTAINS, "sto"), [0, 1]),
        (Filter("Parameters.model", Operator.CONTAINS, "0%_v"), [3]),
        (Filter("Parameters.model", Operator.IN, "resnet, custom"), [0, 1, 2]),
        (Filter("Parameters.note", Operator.EXISTS), [3]),
        (Filter("Parameters.note"), [3]),
        (Filter("Parameters.note", Operator.NOT_EXISTS), [0, 1, 2]),
        (Filter("Metrics.acc", Operator.GREATER_THAN, 0.65), [2, 3]),
        (Filter("Metrics.acc.Max", Operator.LESS_THAN, "0.55"), [0]),
        (Filter("Tags.team", Operator.EQUALS, "text"), [2, 3]),
        (Filter("TrialComponentName", Operator.EQUALS, "job-2"), [2]),
        (Filter("Status.PrimaryStatus", Operator.EQUALS, "InProgress"), []),
    ],
    ids=str,
)
def test_every_operator_finds_what_it_says(jobs: Away, one: Filter, found: list[int]) -> None:
    """Numbers given as text compare as numbers; a comparison with what isn't there is false."""
    expression = SearchExpression(filters=[one, Filter("Parameters.epochs", Operator.EXISTS)])
    assert sorted(jobs(scenarios.searched, expression)) == [f"job-{number}" for number in found]


@pytest.fixture(scope="module")
def mixed(jobs: Away) -> Away:
    """Beside them: batches "64", 64, 32 and small, the last failed; notes, information, trials named by jobs, twice."""
    jobs(scenarios.texts_to_search)
    return jobs


@pytest.mark.parametrize(
    ("one", "found"),
    [
        (Filter("Parameters.batch", Operator.EQUALS, "64"), [0, 1]),
        (Filter("Parameters.batch", Operator.NOT_EQUALS, "64"), [2, 3]),
        (Filter("Parameters.batch", Operator.EQUALS, 64), [1]),
        (Filter("Parameters.batch", Operator.IN, "32,64"), [0, 1, 2]),
        (Filter("Parameters.batch", Operator.LESS_THAN, "64"), [2]),
        (Filter("Parameters.batch", Operator.LESS_THAN, np.float64(64)), [2]),
        (Filter("Tags.ver", Operator.EQUALS, "7"), [1, 3]),
        (Filter("Tags.ver", Operator.EQUALS, "8"), [0, 2]),
        (Filter("Status.PrimaryStatus", Operator.EQUALS, "Failed"), [3]),
        (Filter("Status.PrimaryStatus", Operator.NOT_EQUALS, "Failed"), [0, 1, 2]),
    ],
    ids=str,
)
def test_texts_of_digits_are_found_as_numbers_are(mixed: Away, one: Filter, found: list[int]) -> None:
    """The service had every value as text; here a value has the type that it was logged with."""
    expression = SearchExpression(filters=[one, Filter("Parameters.batch", Operator.EXISTS)])
    assert sorted(mixed(scenarios.searched, expression, prefix="mixed-")) == [f"mixed-{number}" for number in found]


def test_a_parameter_that_is_text_everywhere_is_found_by_digits(mixed: Away) -> None:
    """No component has a number in it, and no error says so; numbers alone are found with texts among the values."""
    for operator, value in ((Operator.EQUALS, "64"), (Operator.IN, "1,64")):
        expression = SearchExpression(filters=[Filter("Parameters.words", operator, value)])
        (found,) = mixed(scenarios.searched, expression, prefix="mixed-")
        assert found.startswith("mixed-notes-")
    numbers = SearchExpression(filters=[Filter("Parameters.epochs", Operator.IN, "30,60")])
    assert mixed(scenarios.searched, numbers) == ["job-1", "job-0"]


def test_a_source_is_searched_as_it_is_shown(mixed: Away) -> None:
    """Of jobs alone: neither of trackers nor of information."""
    shown, exist, not_shown, not_exist = mixed(scenarios.sources_found)
    assert "mixed-3" in shown
    assert "mixed-information" in not_shown
    assert (exist, not_exist) == (shown, not_shown)


@pytest.mark.long
def test_a_trial_that_a_job_named_is_found_by_its_name(mixed: Away) -> None:
    """Before anybody creates it: by trials, by their components, and nested."""

    def named(field: str, operator: Operator = Operator.EQUALS) -> Filter:
        return Filter(field, operator, "jobtrial")

    for operator in (Operator.EQUALS, Operator.IN):
        expression = SearchExpression(filters=[named("TrialName", operator)])
        assert mixed(scenarios.searched_elsewhere, "trial", expression) == ["jobtrial"]
    others = mixed(scenarios.searched_elsewhere, "trial", SearchExpression([named("TrialName", Operator.NOT_EQUALS)]))
    assert "twice" in others
    assert "jobtrial" not in others
    parent = SearchExpression(filters=[named("Parents.TrialName")])
    nested = SearchExpression(nested_filters=[NestedFilter("Parents", [named("Parents.TrialName")])])
    for expression in (parent, nested):
        assert mixed(scenarios.searched, expression, prefix="mixed-") == ["mixed-of-trial"]


def test_a_trial_is_listed_of_the_experiment_that_is_said(mixed: Away) -> None:
    """Two have one of this name."""
    assert mixed(scenarios.listed_of_one_experiment, "twice-2") == ["mixed-twice-2"]


@pytest.mark.long
def test_trees_of_conditions_and_their_order(jobs: Away) -> None:
    """Or, and within it an and; sorted by a statistic of a metric, the greatest first unless asked."""
    both = SearchExpression(
        filters=[
            Filter("Parameters.model", Operator.EQUALS, "custom"),
            Filter("Parameters.epochs", Operator.GREATER_THAN, 30),
        ]
    )
    expression = SearchExpression(
        filters=[Filter("Parameters.model", Operator.EQUALS, "resnet")],
        sub_expressions=[both],
        boolean_operator=BooleanOperator.OR,
    )
    assert jobs(scenarios.searched, expression, "Metrics.acc.max") == ["job-2", "job-1"]
    assert jobs(scenarios.searched, expression, "metrics.acc.max", "Ascending") == ["job-1", "job-2"]
    assert jobs(scenarios.searched, None) == ["job-3", "job-2", "job-1", "job-0"]


def test_the_services_own_mapping_is_understood(jobs: Away) -> None:
    """As notebooks give it to ExperimentAnalytics; and two conditions that contain something are no error."""
    expression: dict[str, Any] = {
        "Filters": [
            {"Name": "Parameters.model", "Operator": "Contains", "Value": "c"},
            {"Name": "Parameters.model", "Operator": "Contains", "Value": "m"},
        ],
        "Operator": "And",
    }
    assert sorted(jobs(scenarios.searched, expression)) == ["job-0", "job-1"]
    frame = jobs(
        scenarios.frame_of,
        experiment_name="searched",
        search_expression=expression,
        sort_by="metrics.acc.max",
        sort_order="Descending",
        metric_names=["acc"],
        parameter_names=["epochs"],
    )
    assert list(frame["TrialComponentName"]) == ["job-1", "job-0"]
    assert [name for name in frame.columns if name in ("epochs", "model")] == ["epochs"]


def test_what_is_found_says_where_it_belongs(jobs: Away) -> None:
    """Trials with their experiments."""
    assert jobs(scenarios.parents_found) == [[{"ExperimentName": "searched", "TrialName": "searched-1"}]]


def test_one_object_has_to_satisfy_a_nested_filter(jobs: Away) -> None:
    """The channel that is called train has to be the one whose place contains resnet."""

    def channel(name: str, part: str) -> SearchExpression:
        filters = [
            Filter("InputDataConfig.ChannelName", Operator.EQUALS, name),
            Filter("InputDataConfig.DataSource.S3DataSource.S3Uri", Operator.CONTAINS, part),
        ]
        return SearchExpression(nested_filters=[NestedFilter("InputDataConfig", filters)])

    assert jobs(scenarios.searched, channel("train", "resnet")) == ["job-2"]
    assert jobs(scenarios.searched, channel("eval", "resnet")) == []


def test_trials_and_experiments_are_found(jobs: Away) -> None:
    """By name, and by the experiment they are in."""
    named = SearchExpression(
        filters=[
            Filter("Parents.ExperimentName", Operator.EQUALS, "searched"),
            Filter("TrialName", Operator.CONTAINS, "searched-3"),
        ]
    )
    assert jobs(scenarios.searched_elsewhere, "trial", named) == ["searched-3"]
    expression = SearchExpression(filters=[Filter("ExperimentName", Operator.EQUALS, "searched")])
    assert jobs(scenarios.searched_elsewhere, "experiment", expression) == ["searched"]


@pytest.mark.parametrize(
    ("one", "text"),
    [
        (Filter("Metrics.val/acc.1", Operator.EQUALS, 1), "metrics.val/acc.1.last = 1"),
        (Filter("Metrics.top 5.avg", Operator.EQUALS, 1), "metrics.`top 5`.mean = 1"),
        (Filter("Parameters.optimizer.lr", Operator.EQUALS, "0.1"), "params.optimizer.lr in (0.1, '0.1')"),
        (Filter("Parameters.it's", Operator.EQUALS, "it's"), "params.`it's` = 'it''s'"),
        (Filter("Parameters.flag", Operator.EQUALS, True), "params.flag = true"),
        (Filter("DisplayName", Operator.EQUALS, "30"), "name = '30'"),
        (Filter("Parameters.batch", Operator.EQUALS, "64"), "params.batch in (64, '64')"),
        (Filter("Tags.ver", Operator.NOT_EQUALS, "7"), "(tags.ver is not null and not tags.ver in (7, '7'))"),
        (Filter("Parameters.batch", Operator.IN, "30, b"), "params.batch in (30, '30', 'b')"),
        (Filter("Metrics.acc", Operator.IN, "0.5,1"), "metrics.acc.last in (0.5, 1)"),
        (Filter("Metrics.acc", Operator.GREATER_THAN, np.float64(0.5)), "metrics.acc.last > 0.5"),
        (Filter("Metrics.acc", Operator.EQUALS, np.int64(1)), "metrics.acc.last = 1"),
        (Filter("Status.PrimaryStatus", Operator.EQUALS, "Completed"), "status = 'completed'"),
        (Filter("Status.PrimaryStatus", Operator.EQUALS, "Failed"), "status in ('failed', 'lost')"),
        (
            Filter("Status.PrimaryStatus", Operator.NOT_EQUALS, "Failed"),
            "(status is not null and not status in ('failed', 'lost'))",
        ),
        (Filter("Status.PrimaryStatus", Operator.IN, "Completed,Failed"), "status in ('completed', 'failed', 'lost')"),
        (
            Filter("Source.SourceArn", Operator.EXISTS),
            "(id is not null and (status is not null and kind != 'tracker'))",
        ),
        (Filter("Source.SourceArn", Operator.NOT_EXISTS), "not (status is not null and kind != 'tracker')"),
        (Filter("Parents.TrialName", Operator.NOT_EQUALS, "a"), "trial(not name in ('a', 'trial=a'))"),
        (Filter("CreationTime", Operator.GREATER_THAN, "2026-01-01T00:00:00"), "created > '2026-01-01T00:00:00'"),
    ],
    ids=str,
)
def test_a_filter_is_the_text_of_one(one: Filter, text: str) -> None:
    """Names that are none in the grammar are quoted; it parses."""
    assert where_text(SearchExpression(filters=[one]), "component") == text
    parse_filter(text)


def test_a_sort_is_the_text_of_an_order() -> None:
    """By creation where nothing is said."""
    assert order_text(None, descending=True, resource="component") == "created desc"
    text = order_text("metrics.test:accuracy.max", descending=False, resource="component")
    assert text == "metrics.test:accuracy.max asc"
    parse_order(text)


@pytest.mark.parametrize(
    ("expression", "said"),
    [
        (lambda: SearchExpression(), "at least one of filters"),
        (lambda: SearchExpression([], [], []), "at least one of filters"),
        (lambda: as_expression({"Filter": []}), "'Filter' is no part"),
        (lambda: as_expression({"Filters": [{"Name": "a", "Op": "="}]}), "'Op' is no part"),
    ],
)
def test_an_expression_that_says_nothing_is_refused(expression: Any, said: str) -> None:
    """Here when it is made, and not by the service."""
    with pytest.raises(ValueError, match=said):
        expression()


@pytest.mark.parametrize(
    ("expression", "said"),
    [
        (SearchExpression(filters=[Filter("LastModifiedTime", Operator.EXISTS)]), "there are TrialComponentName"),
        (SearchExpression(filters=[Filter("Parameters.", Operator.EXISTS)]), "no property of a trial component"),
        (SearchExpression(filters=[Filter("Parameters.a", Operator.EQUALS)]), "has no value"),
        (SearchExpression(nested_filters=[NestedFilter("Channels", [])]), "there are InputArtifacts"),
    ],
)
def test_what_isnt_known_is_refused_with_what_is(expression: SearchExpression, said: str) -> None:
    """There, property names were documented nowhere."""
    with pytest.raises(ValueError, match=said):
        where_text(expression, "component")
