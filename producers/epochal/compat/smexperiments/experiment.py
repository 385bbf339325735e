"""Experiments, as ``smexperiments.experiment`` has them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

import epochal

from ._names import Tags, as_tags, from_tags, id_of_experiment, unique_name
from ._reading import chosen, experiment_lines, experiment_summary
from ._searching import found
from .api_types import ExperimentSearchResult, ExperimentSummary, TrialSummary
from .search_expression import SearchExpression
from .trial import Trial

__all__ = ["Experiment"]


class Experiment:
    """An experiment: trials that test one hypothesis, which is its ``description``."""

    def __init__(
        self,
        experiment_name: str,
        description: str | None = None,
        tags: Tags | None = None,
    ) -> None:
        self.experiment_name = experiment_name
        self.description = description
        self.tags = tags or []

    @property
    def experiment_arn(self) -> str:
        """The experiment's id."""
        return str(id_of_experiment(self.experiment_name))

    @classmethod
    def create(
        cls,
        experiment_name: str | None = None,
        description: str | None = None,
        tags: Iterable[Mapping[str, Any]] | None = None,
        sagemaker_boto_client: object = None,
    ) -> Experiment:
        """Gets or creates the experiment of this name; its case is kept.

        Raises:
            ValueError: there is no name, or a tag isn't one.
        """
        if not experiment_name:
            raise ValueError(f"experiment_name={experiment_name!r}: an experiment needs a name")
        named = as_tags(tags)
        epochal.experiment(experiment_name, hypothesis=description, tags=named or None)
        return cls(experiment_name, description, from_tags(named))

    @classmethod
    def load(cls, experiment_name: str, sagemaker_boto_client: object = None) -> Experiment:
        """The experiment of this name. Raises UnknownNameError: there is none."""
        with epochal.open() as store:
            state = store.state(store.experiment(experiment_name))
        return cls(state["name"], state["hypothesis"], from_tags(state["tags"]))

    def save(self) -> None:
        """Records the description as it is now."""
        epochal.experiment(self.experiment_name, hypothesis=self.description)

    def delete(self) -> None:
        """Deletes the experiment. Raises DeletionError: it has trials."""
        with epochal.open() as store:
            store.delete(store.experiment(self.experiment_name), confirm=self.experiment_name)

    def delete_all(self, action: str) -> None:
        """Deletes the experiment, its trials, and components that are in no trial of another one.

        Raises:
            ValueError: ``action`` isn't "--force".
            DeletionError: something of it still runs.
        """
        if action != "--force":
            raise ValueError(f"delete_all({action!r}): it deletes trials and components, too; confirm with '--force'")
        with epochal.open() as store:
            store.delete(store.experiment(self.experiment_name), confirm=self.experiment_name, cascade=True)

    @classmethod
    def list(
        cls,
        created_before: datetime | None = None,
        created_after: datetime | None = None,
        sort_by: str | None = None,
        sort_order: str | None = None,
        sagemaker_boto_client: object = None,
    ) -> Iterator[ExperimentSummary]:
        """All experiments, the newest first. Raises ValueError: the order can't be understood."""
        with epochal.open() as store:
            lines = chosen(experiment_lines(store), created_before, created_after, sort_by, sort_order)
        return map(experiment_summary, lines)

    @classmethod
    def search(
        cls,
        search_expression: SearchExpression | Mapping[str, Any] | None = None,
        sort_by: str | None = None,
        sort_order: str | None = None,
        max_results: int | None = None,
        sagemaker_boto_client: object = None,
    ) -> Iterator[ExperimentSearchResult]:
        """The experiments that satisfy an expression, all of them; ``max_results`` was the size of a page.

        Raises:
            ValueError: a property or an order that isn't known.
            FilterError: a comparison that makes no sense for a value's type.
        """
        with epochal.open() as store:
            lines = found(store, "experiment", search_expression, sort_by, sort_order)
        return (
            ExperimentSearchResult(line["name"], line["id"], line["created"], line["name"], from_tags(line["tags"]))
            for line in lines
        )

    def list_trials(
        self,
        created_before: datetime | None = None,
        created_after: datetime | None = None,
        sort_by: str | None = None,
        sort_order: str | None = None,
    ) -> Iterator[TrialSummary]:
        """Its trials, the newest first. Raises ValueError: the order can't be understood."""
        return Trial.list(
            experiment_name=self.experiment_name,
            created_before=created_before,
            created_after=created_after,
            sort_by=sort_by,
            sort_order=sort_order,
        )

    def create_trial(self, trial_name: str | None = None, trial_name_prefix: str = "SageMakerTrial") -> Trial:
        """Gets or creates the trial of this name in this experiment; without one, a new trial."""
        return Trial.create(self.experiment_name, trial_name or unique_name(trial_name_prefix))

    def __repr__(self) -> str:
        return f"<smexperiments Experiment {self.experiment_name!r}>"
