"""Trial components, as ``smexperiments.trial_component`` has them: by name, which is Epochal's key of a component."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal
from uuid import UUID

import epochal
from epochal._about import About
from epochal._joining import join
from epochal._session import session
from epochal._values import to_json

from ._names import Tags, as_tags, from_tags, id_of_component
from ._reading import (
    chosen,
    component_lines,
    component_summary,
    instant,
    is_job,
    keys_of,
    near,
    parents_of,
    status_of,
    trial_line,
    trial_lines,
    trial_summary,
    unpaged,
)
from ._searching import found
from .api_types import (
    TrialComponentArtifact,
    TrialComponentMetricSummary,
    TrialComponentSearchResult,
    TrialComponentSource,
    TrialComponentStatus,
    TrialComponentSummary,
    TrialSummary,
)
from .search_expression import SearchExpression

if TYPE_CHECKING:
    from epochal import Artifact

__all__ = ["TrialComponent"]

Artifacts = dict[str, TrialComponentArtifact]
Way = Literal["in", "out"]
_REMOVED = "removed through smexperiments"


class TrialComponent:
    """A component: parameters, artifacts in and out, metrics, and a status where it ran.

    ``parameters``, ``input_artifacts`` and ``output_artifacts`` are as they were when it was loaded; what is changed
    in them is recorded by ``save()``. The other properties are read from the store whenever they are asked for.
    """

    def __init__(
        self,
        trial_component_name: str,
        display_name: str,
        kind: str,
        parameters: Mapping[str, Any] | None = None,
        input_artifacts: Artifacts | None = None,
        output_artifacts: Artifacts | None = None,
        tags: Tags | None = None,
        *,
        id_: UUID | None = None,
        contents: Iterable[Artifact] = (),
    ) -> None:
        self.trial_component_name = trial_component_name
        self._id = id_
        """The id where it is known by that; else it is that of the name."""
        self._display_name = display_name
        self._kind = kind
        self.parameters: dict[str, Any] = dict(parameters or {})
        self.input_artifacts: Artifacts = dict(input_artifacts or {})
        self.output_artifacts: Artifacts = dict(output_artifacts or {})
        self.parameters_to_remove: Iterable[str] = ()
        self.input_artifacts_to_remove: Iterable[str] = ()
        self.output_artifacts_to_remove: Iterable[str] = ()
        self.tags: Tags = tags or []
        self._parameters = {name: _written(value) for name, value in self.parameters.items()}
        self._inputs = _copied(self.input_artifacts)
        self._outputs = _copied(self.output_artifacts)
        self._contents: dict[tuple[Way, str], Artifact] = {(one.direction, one.name): one for one in contents}
        """Recorded artifacts as the store or the SDK has them, of which more may be known than where they are."""

    @classmethod
    def create(
        cls,
        trial_component_name: str,
        display_name: str | None = None,
        tags: Iterable[Mapping[str, Any]] | None = None,
        sagemaker_boto_client: object = None,
    ) -> TrialComponent:
        """Gets or creates the component of this name: information, without a status. A ``Tracker`` makes one with.

        Raises ValueError: a tag isn't one.
        """
        named = as_tags(tags)
        made = cls(trial_component_name, display_name or trial_component_name, "metadata", tags=from_tags(named))
        run = made.open()
        if named:
            run.tag(**named)
        run.finish()
        return made

    @classmethod
    def load(cls, trial_component_name: str, sagemaker_boto_client: object = None) -> TrialComponent:
        """The component of this name. Raises NotFoundError: there is none; it has near names."""
        state = _state(trial_component_name)
        return cls(
            state["key"],
            state["display_name"] or state["name"],
            state["kind"],
            state["params"],
            _artifacts(state, "in"),
            _artifacts(state, "out"),
            from_tags(state["tags"]),
            contents=_contents(state),
        )

    def save(self) -> None:
        """Records what was changed in its parameters and artifacts since it was loaded or saved.

        What a mapping lacks stays; it goes when its name is in ``parameters_to_remove`` and the like.

        Raises RepairError: an artifact to remove isn't there.
        """
        others = list(session().runs)
        run = self.join()
        params = {
            name: value for name, value in self.parameters.items() if self._parameters.get(name) != _written(value)
        }
        if params:
            run.log_params(params)
            self.parameters_logged(params)
        for name in self.parameters_to_remove:
            run.unset([name])
            self.parameters.pop(name, None)
            self._parameters.pop(name, None)
        self._save_artifacts(run, "in")
        self._save_artifacts(run, "out")
        if run not in others:  # else a tracker goes on writing by it
            run.finish()
        self._remove("in", self.input_artifacts_to_remove)
        self._remove("out", self.output_artifacts_to_remove)
        self.parameters_to_remove = self.input_artifacts_to_remove = self.output_artifacts_to_remove = ()

    def delete(self, force_disassociate: bool | None = None) -> None:
        """Deletes it; with ``force_disassociate`` also out of the trials that it is in.

        Raises:
            MisuseError: it is in trials.
            DeletionError: it still runs.
        """
        trials = self.state()["trials"]
        if trials and not force_disassociate:
            names = ", ".join(repr(one["name"]) for one in trials[:5])
            more = f" and {len(trials) - 5:,} more" if len(trials) > 5 else ""
            raise epochal.MisuseError(
                f"trial component {self.trial_component_name!r} isn't deleted, because it is in {names}{more}: "
                "remove it from them, or say force_disassociate=True"
            )
        with epochal.open() as store:
            handle = store.component(self.trial_component_arn)
            store.delete(handle.id, confirm=handle.name, cascade=bool(force_disassociate))

    @classmethod
    def list(
        cls,
        source_arn: str | None = None,
        created_before: datetime | None = None,
        created_after: datetime | None = None,
        sort_by: str | None = None,
        sort_order: str | None = None,
        sagemaker_boto_client: object = None,
        trial_name: str | None = None,
        experiment_name: str | None = None,
        max_results: int | None = None,
        next_token: str | None = None,
    ) -> Iterator[TrialComponentSummary]:
        """All components, or those of a job, a trial, an experiment; all of them, the newest first.

        Raises:
            ValueError: the order can't be understood, or a token is given.
            UnknownNameError, NotFoundError: there is no such trial or experiment.
        """
        unpaged(next_token)
        with epochal.open() as store:
            trial = None if trial_name is None else UUID(trial_line(store, trial_name, experiment_name)["id"])
            lines = component_lines(store, trial=trial, experiment=experiment_name)
        if source_arn is not None:
            lines = [line for line in lines if line["id"] == source_arn and is_job(line["kind"], line["status"])]
        lines = [{**line, "name": line["key"]} for line in lines] if sort_by == "Name" else lines
        return map(component_summary, chosen(lines, created_before, created_after, sort_by, sort_order))

    @classmethod
    def search(
        cls,
        search_expression: SearchExpression | Mapping[str, Any] | None = None,
        sort_by: str | None = None,
        sort_order: str | None = None,
        max_results: int | None = None,
        sagemaker_boto_client: object = None,
    ) -> Iterator[TrialComponentSearchResult]:
        """The components that satisfy an expression, all of them; ``max_results`` was the size of a page.

        Raises:
            ValueError: a property or an order that isn't known.
            FilterError: a comparison that makes no sense for a value's type.
            UnknownNameError: a name that nobody ever logged.
        """
        with epochal.open() as store:
            lines = found(store, "component", search_expression, sort_by, sort_order)
            parents = parents_of(store)
        return (
            TrialComponentSearchResult(**vars(component_summary(line)), parents=parents.get(line["id"], []))
            for line in lines
        )

    def list_trials(self) -> Iterator[TrialSummary]:
        """The trials that it is in."""
        inside = {one["id"] for one in self.state()["trials"]}
        with epochal.open() as store:
            lines = [line for line in trial_lines(store) if line["id"] in inside]
        return map(trial_summary, lines)

    # what only running can change ---------------------------------------------------------------------------------

    @property
    def trial_component_arn(self) -> str:
        """The component's id."""
        return str(self._id or id_of_component(self.trial_component_name))

    @property
    def display_name(self) -> str:
        """What it is shown by."""
        return self._display_name

    @property
    def source(self) -> TrialComponentSource | None:
        """The job that it is; None of what isn't one."""
        state = self.state()
        job = is_job(state["kind"], state["status"])
        return TrialComponentSource(self.trial_component_arn, state["kind"]) if job else None

    @property
    def status(self) -> TrialComponentStatus | None:
        """How it runs or ran; None of information, which doesn't run."""
        state = self.state()
        return status_of(state["status"], state["error"])

    @property
    def start_time(self) -> datetime | None:
        """When it first started."""
        return instant(self.state()["start"])

    @property
    def end_time(self) -> datetime | None:
        """When it ended last."""
        return instant(self.state()["end"])

    @property
    def creation_time(self) -> datetime | None:
        """When it was made."""
        return instant(self.state()["created"])

    @property
    def metrics(self) -> Iterable[TrialComponentMetricSummary]:
        """The statistics of each metric; of several ranks those of the lowest."""
        return [
            TrialComponentMetricSummary(
                metric_name=name,
                source_arn=self.trial_component_arn,
                max=stats["max"],
                min=stats["min"],
                last=stats["last"],
                count=stats["count"],
                avg=stats["mean"],
                std_dev=stats["std"],
            )
            for name, ranks in self.state()["metrics"].items()
            for stats in [ranks if "count" in ranks else next(iter(ranks.values()))]
        ]

    # for the other modules ----------------------------------------------------------------------------------------

    def state(self) -> dict[str, Any]:
        """Everything known of it now."""
        return _state(self.trial_component_name, self._id)

    def open(self) -> epochal.Run:
        """Declares it; where it is work, this begins an attempt of it."""
        return epochal.component(self._display_name, self._kind, component=self.trial_component_name)

    def join(self) -> epochal.Run:
        """A handle that writes to it and never decides its status."""
        project, id_ = session().settings.project, UUID(self.trial_component_arn)
        return join(About(project, id_, self.trial_component_name, self._display_name, self._kind))

    def parameters_logged(self, parameters: Mapping[str, Any]) -> None:
        """These were recorded: ``save()`` need not do it."""
        for name, value in parameters.items():
            self.parameters[name] = value
            self._parameters[name] = _written(value)

    def artifact_logged(self, direction: Way, name: str, told: TrialComponentArtifact, recorded: Artifact) -> None:
        """This was recorded: ``save()`` need not do it."""
        now, known = self._of(direction)
        now[name], known[name] = told, replace(told)
        self._contents[direction, name] = recorded

    def _save_artifacts(self, run: epochal.Run, direction: Way) -> None:
        now, known = self._of(direction)
        log = run.log_input if direction == "in" else run.log_output
        for name, told in list(now.items()):
            before = known.get(name)
            if told == before:
                continue
            recorded = self._contents.get((direction, name))
            if recorded is None or before is None or told.value != before.value:
                recorded = log(name, told.value, media_type=told.media_type)
            else:
                recorded = recorded.plain()
                recorded.media_type = told.media_type
                run.restate(recorded)
            self.artifact_logged(direction, name, told, recorded)

    def _of(self, direction: Way) -> tuple[Artifacts, Artifacts]:
        """The artifacts that are to be, and those that are recorded."""
        inputs = direction == "in"
        return (self.input_artifacts, self._inputs) if inputs else (self.output_artifacts, self._outputs)

    def _remove(self, direction: Way, names: Iterable[str]) -> None:
        for name in names:
            with epochal.open() as store:
                store.retract(UUID(self.trial_component_arn), f"artifacts.{direction}/{name}", reason=_REMOVED)
            for artifacts in self._of(direction):
                artifacts.pop(name, None)
            self._contents.pop((direction, name), None)

    def __repr__(self) -> str:
        return f"<smexperiments TrialComponent {self.trial_component_name!r} ({self._display_name!r})>"


def _state(name: str, id_: UUID | None = None) -> dict[str, Any]:
    with epochal.open() as store:
        id_ = id_ or id_of_component(name)
        if not keys_of(store, id_):
            raise epochal.NotFoundError(f"no trial component is called {name!r}{near(name, keys_of(store).values())}")
        return store.state(id_)


def _artifacts(state: Mapping[str, Any], direction: str) -> Artifacts:
    return {
        one["name"]: TrialComponentArtifact(one["uri"] or one["digest"], one["media_type"])
        for one in state["artifacts"]
        if one["direction"] == direction
    }


def _contents(state: Mapping[str, Any]) -> list[Artifact]:
    return [
        epochal.Artifact(
            one["name"],
            one["direction"],
            uri=one["uri"],
            media_type=one["media_type"],
            digest=one["digest"],
            size=one["size"],
            stored=one["stored"],
        )
        for one in state["artifacts"]
    ]


def _written(value: object) -> str:
    """A parameter as it is recorded, to be compared with: in it, [1] isn't [True], and 1 isn't 1.0."""
    return json.dumps(to_json(value), sort_keys=True)


def _copied(artifacts: Artifacts) -> Artifacts:
    return {name: replace(one) for name, one in artifacts.items()}
