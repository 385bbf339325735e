"""Trials, as ``smexperiments.trial`` has them: by name, which is a trial's one variable, and what it is shown by."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

import epochal

from ._names import Tags, as_tags, from_tags, id_of_trial, unique_name, variables_of
from ._reading import chosen, component_lines, component_summary, trial_line, trial_lines, trial_summary, unpaged
from ._searching import found
from .api_types import TrialComponentSummary, TrialSearchResult, TrialSummary
from .search_expression import SearchExpression
from .tracker import Tracker
from .trial_component import TrialComponent

__all__ = ["Trial"]

Component = Tracker | TrialComponent | TrialComponentSummary | str


class Trial:
    """A trial of an experiment: components that belong together."""

    def __init__(
        self,
        trial_name: str,
        experiment_name: str,
        tags: Tags | None = None,
        variables: Mapping[str, Any] | None = None,
    ) -> None:
        self.trial_name = trial_name
        self.experiment_name = experiment_name
        self.tags = tags or []
        self._variables = variables_of(trial_name) if variables is None else dict(variables)

    @property
    def display_name(self) -> str:
        """What it is shown by: its name."""
        return self.trial_name

    @property
    def trial_arn(self) -> str:
        """The trial's id."""
        return str(id_of_trial(self.experiment_name, self._variables))

    @classmethod
    def create(
        cls,
        experiment_name: str,
        trial_name: str | None = None,
        sagemaker_boto_client: object = None,
        trial_components: Iterable[Component] | None = None,
        tags: Iterable[Mapping[str, Any]] | None = None,
    ) -> Trial:
        """Gets or creates the trial of this name in an experiment, and that, too, where it is missing.

        Raises:
            ValueError: a tag isn't one.
            NotFoundError: there is no component of a name given.
        """
        named = as_tags(tags)
        trial = cls(trial_name or unique_name("Trial"), experiment_name, from_tags(named))
        recorded = trial._recorded()
        if named:
            recorded.tag(**named)
        for component in trial_components or ():
            trial.add_trial_component(component)
        return trial

    @classmethod
    def load(cls, trial_name: str, sagemaker_boto_client: object = None) -> Trial:
        """The trial of this name. Raises NotFoundError: there is none, or several experiments have one."""
        with epochal.open() as store:
            line = trial_line(store, trial_name)
            tags = store.state(UUID(line["id"]))["tags"]
        return cls(line["name"], line["experiment"], from_tags(tags), line["variables"])

    def save(self) -> None:
        """Does nothing: a trial has nothing to change but what is recorded at once."""

    def delete(self) -> None:
        """Deletes the trial. Raises DeletionError: it has components."""
        self._delete(cascade=False)

    def delete_all(self, action: str) -> None:
        """Deletes the trial, and components that are in no other one.

        Raises:
            ValueError: ``action`` isn't "--force".
            DeletionError: something of it still runs.
        """
        if action != "--force":
            raise ValueError(f"delete_all({action!r}): it deletes components, too; confirm with '--force'")
        self._delete(cascade=True)

    @classmethod
    def list(
        cls,
        experiment_name: str | None = None,
        trial_component_name: str | None = None,
        created_before: datetime | None = None,
        created_after: datetime | None = None,
        sort_by: str | None = None,
        sort_order: str | None = None,
        sagemaker_boto_client: object = None,
    ) -> Iterator[TrialSummary]:
        """The trials of an experiment, those that a component is in, or all; the newest first.

        Raises:
            ValueError: the order can't be understood.
            UnknownNameError, NotFoundError: there is no such experiment or component.
        """
        with epochal.open() as store:
            lines = trial_lines(store, experiment_name)
            if trial_component_name is not None:
                inside = {one["id"] for one in TrialComponent.load(trial_component_name).state()["trials"]}
                lines = [line for line in lines if line["id"] in inside]
        return map(trial_summary, chosen(lines, created_before, created_after, sort_by, sort_order))

    @classmethod
    def search(
        cls,
        search_expression: SearchExpression | Mapping[str, Any] | None = None,
        sort_by: str | None = None,
        sort_order: str | None = None,
        max_results: int | None = None,
        sagemaker_boto_client: object = None,
    ) -> Iterator[TrialSearchResult]:
        """The trials that satisfy an expression, all of them; ``max_results`` was the size of a page.

        Raises:
            ValueError: a property or an order that isn't known.
            FilterError: a comparison that makes no sense for a value's type.
        """
        with epochal.open() as store:
            lines = found(store, "trial", search_expression, sort_by, sort_order)
        return (
            TrialSearchResult(
                line["name"], line["id"], line["created"], line["experiment"], line["name"], from_tags(line["tags"])
            )
            for line in lines
        )

    def add_trial_component(self, tc: Component) -> None:
        """The component belongs to this trial from now on; it may belong to many.

        Raises NotFoundError: there is no component of the name given.
        """
        self._recorded().attach(_id_of(tc))

    def remove_trial_component(self, tc: Component) -> None:
        """The component belongs to this trial no more.

        Raises NotFoundError: there is no component of the name given.
        """
        self._recorded().detach(_id_of(tc))

    def list_trial_components(
        self,
        created_before: datetime | None = None,
        created_after: datetime | None = None,
        sort_by: str | None = None,
        sort_order: str | None = None,
        max_results: int | None = None,
        next_token: str | None = None,
    ) -> Iterator[TrialComponentSummary]:
        """Its components, all of them, the newest first.

        Raises ValueError: the order can't be understood, or a token is given.
        """
        unpaged(next_token)
        with epochal.open() as store:
            lines = component_lines(store, trial=UUID(self.trial_arn))
        return map(component_summary, chosen(lines, created_before, created_after, sort_by, sort_order))

    def _recorded(self) -> epochal.Trial:
        # a trial that the SDK made, and this loaded, has other variables, and its name already
        name = self.trial_name if self._variables == variables_of(self.trial_name) else None
        return epochal.experiment(self.experiment_name).trial(self._variables, name=name)

    def _delete(self, *, cascade: bool) -> None:
        with epochal.open() as store:
            handle = store.trial(self.trial_arn)
            store.delete(handle.id, confirm=handle.name, cascade=cascade)

    def __repr__(self) -> str:
        return f"<smexperiments Trial {self.trial_name!r} of {self.experiment_name!r}>"


def _id_of(tc: Component) -> str:
    if isinstance(tc, Tracker):
        return tc.trial_component.trial_component_arn
    if isinstance(tc, (TrialComponent, TrialComponentSummary)):
        return tc.trial_component_arn
    return TrialComponent.load(tc).trial_component_arn
