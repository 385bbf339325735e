"""The records that lists, searches and trial components consist of. An ``arn`` is Epochal's id of the thing."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

__all__ = [
    "ExperimentSearchResult",
    "ExperimentSummary",
    "TrialComponentArtifact",
    "TrialComponentMetricSummary",
    "TrialComponentSearchResult",
    "TrialComponentSource",
    "TrialComponentStatus",
    "TrialComponentSummary",
    "TrialSearchResult",
    "TrialSummary",
]


@dataclass
class TrialComponentArtifact:
    """An artifact that went in or came out: where it is, or its digest."""

    value: str | None = None
    media_type: str | None = None


@dataclass
class TrialComponentStatus:
    """InProgress, Completed, Failed or Stopped; with the exception's text where one ended it."""

    primary_status: str | None = None
    message: str | None = None


@dataclass
class TrialComponentSource:
    """The job that a component is."""

    source_arn: str | None = None
    source_type: str | None = None


@dataclass
class TrialComponentMetricSummary:
    """The statistics of one metric; the standard deviation is the sample one, NaN is counted and left out of others."""

    metric_name: str | None = None
    source_arn: str | None = None
    max: float | None = None
    min: float | None = None
    last: float | None = None
    count: int | None = None
    avg: float | None = None
    std_dev: float | None = None


@dataclass
class ExperimentSummary:
    """One line of ``Experiment.list``."""

    experiment_name: str
    experiment_arn: str
    creation_time: datetime | None = None


@dataclass
class TrialSummary:
    """One line of ``Trial.list``."""

    trial_name: str
    trial_arn: str
    creation_time: datetime | None = None
    experiment_name: str | None = None


@dataclass
class TrialComponentSummary:
    """One line of ``TrialComponent.list``."""

    trial_component_name: str
    trial_component_arn: str
    display_name: str | None = None
    source_arn: str | None = None
    status: TrialComponentStatus | None = None
    start_time: datetime | None = None
    end_time: datetime | None = None
    creation_time: datetime | None = None
    created_by: str | None = None


@dataclass
class ExperimentSearchResult(ExperimentSummary):
    """One line of ``Experiment.search``."""

    display_name: str | None = None
    tags: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])


@dataclass
class TrialSearchResult(TrialSummary):
    """One line of ``Trial.search``."""

    display_name: str | None = None
    tags: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])


@dataclass
class TrialComponentSearchResult(TrialComponentSummary):
    """One line of ``TrialComponent.search``; ``parents`` are its trials and their experiments, by name."""

    parents: list[dict[str, str]] = field(default_factory=list[dict[str, str]])
