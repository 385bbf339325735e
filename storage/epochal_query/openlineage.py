"""Runs as OpenLineage events, built by OpenLineage's own classes, so that they are what its readers expect.

A component is a run, its name within its experiment a job. An artifact is a dataset named by its digest, so that
datasets join by content as they do here; its place is a symlink. One without a digest is named by its place.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from epochal_query.columns import id_texts, texts
from epochal_query.errors import ReadError
from epochal_query.lineage_index import Node
from epochal_query.losses import lost_since, reached
from epochal_query.reading import Reading, at
from epochal_query.recipe import Recipe, recipes

if TYPE_CHECKING:
    from openlineage.client.event_v2 import Job, Run, RunEvent

    from epochal_query.openlineage_associations import Associated

PRODUCER: Final = "https://pypi.org/project/epochal"
_ENDS: Final = {"completed": "COMPLETE", "failed": "FAIL", "stopped": "ABORT", "lost": "ABORT"}


@dataclass(frozen=True)
class Ran:
    """How far a component had come."""

    status: str
    start: datetime | None
    end: datetime | None
    error: str


def run_events(
    reading: Reading, before: Reading | None = None, components: Sequence[str] | None = None
) -> list[RunEvent]:
    """The events of the components that ran, by time: START, then COMPLETE, FAIL or ABORT where they ended.

    A run that was lost is aborted at the instant from which it counts as lost; if it comes back its own end follows.
    Of a run that was resumed START is when it began first, the end when it ended last. With ``before``, an earlier
    state of the same log, only what happened since: also OTHER, where the associations of a run, or of its inputs and
    outputs, have changed and nothing else.

    Raises ReadError: openlineage-python is not installed.
    """
    try:
        from openlineage.client.event_v2 import RunState
    except ImportError:
        raise ReadError("OpenLineage events need openlineage-python: pip install 'epochal[openlineage]'") from None
    from epochal_query.openlineage_associations import associated, changed_since, knowing

    now = _ran(reading, components)
    then = {} if before is None else _ran(before, components, reached(before))
    said = associated(reading)
    news = [id_ for id_, one in now.items() if _changed(one, then.get(id_))]
    altered = set[Node]() if before is None else changed_since(said, associated(before))
    besides = knowing(reading, altered) - set(news) if altered else set[str]()
    joined = [id_ for id_, one in now.items() if id_ in besides and one.start is not None]
    told, owners = recipes(reading, [*news, *joined]), _experiments(reading, [*news, *joined])
    parts = {id_: _Parts(reading, told[id_], owners.get(id_, ""), now[id_], said, altered) for id_ in [*news, *joined]}
    found: list[RunEvent] = []
    for id_ in news:
        one, last = now[id_], then.get(id_)
        if one.start is not None and (last is None or last.start is None):
            found.append(parts[id_].event(RunState.START, one.start))
        if one.status in _ENDS and one.end is not None:
            found.append(parts[id_].event(RunState[_ENDS[one.status]], one.end))
    found += [parts[id_].event(RunState.OTHER, parts[id_].joined_at) for id_ in joined]
    return sorted(found, key=lambda event: event.eventTime)


def _changed(one: Ran, last: Ran | None) -> bool:
    return one.start is not None and (
        last is None or (one.start, one.status, one.end) != (last.start, last.status, last.end)
    )


@dataclass(frozen=True)
class _Parts:
    """What the events of one run are made of."""

    reading: Reading
    recipe: Recipe
    experiment: str
    ran: Ran
    associated: Associated
    altered: Collection[Node]
    """What has other associations than was told before: where it has none left, the facet is told to be empty."""

    def event(self, state: Any, when: datetime) -> RunEvent:
        """An event; what went in and came out is said with each, as a reader may miss one."""
        from openlineage.client.event_v2 import InputDataset, OutputDataset, RunEvent

        return RunEvent(
            eventTime=when.astimezone(UTC).isoformat(),
            producer=PRODUCER,
            eventType=state,
            run=self._run(failed=state.value == "FAIL"),
            job=self._job(),
            inputs=[InputDataset(**self._dataset(one)) for one in self.recipe.inputs],
            outputs=[OutputDataset(**self._dataset(one)) for one in self.recipe.outputs],
        )

    @property
    def joined_at(self) -> datetime:
        """When the newest of its associations was made that weren't told; now where there only were some removed."""
        ours = {("component", self.recipe.id), *(("artifact", _key(one)) for one in self._passed)}
        made = [one["since"] for node in ours & set(self.altered) for one in self.associated.get(node, ())]
        return datetime.fromisoformat(max(made)) if made else self.reading.now

    @property
    def _passed(self) -> tuple[dict[str, Any], ...]:
        return (*self.recipe.inputs, *self.recipe.outputs)

    def _associations(self, of: Any, node: Node) -> dict[str, Any]:
        """The facet of a node's associations, if it has to be told of any."""
        from epochal_query.openlineage_associations import FACET

        ours = self.associated.get(node, [])
        if not ours and node not in self.altered:
            return {}
        gone = {} if ours or node[0] == "component" else {"deleted": True}  # facets of runs can't be
        return {FACET: _facet(of, associations=ours, **gone)}

    def _run(self, *, failed: bool) -> Run:
        from openlineage.client.event_v2 import Run
        from openlineage.client.facet_v2 import error_message_run

        from epochal_query.openlineage_associations import AssociationsRunFacet

        facets = self._associations(AssociationsRunFacet, ("component", self.recipe.id))
        if failed:
            facets["errorMessage"] = _facet(
                error_message_run.ErrorMessageRunFacet, message=self.ran.error, programmingLanguage="PYTHON"
            )
        return Run(runId=self.recipe.id, facets=facets)

    def _job(self) -> Job:
        from openlineage.client.event_v2 import Job
        from openlineage.client.facet_v2 import job_type_job, source_code_location_job

        facets: dict[str, Any] = {
            "jobType": _facet(
                job_type_job.JobTypeJobFacet, processingType="BATCH", integration="EPOCHAL", jobType=self.recipe.kind
            )
        }
        code = self.recipe.code
        if code.get("commit") and code.get("remote"):
            facets["sourceCodeLocation"] = _facet(
                source_code_location_job.SourceCodeLocationJobFacet,
                type="git",
                url=code["remote"],
                path=code.get("script"),
                version=code["commit"],
                branch=code.get("branch"),
            )
        name = f"{self.experiment}/{self.recipe.name}" if self.experiment else self.recipe.name
        return Job(namespace=self._namespace, name=name, facets=facets)

    def _dataset(self, one: Mapping[str, Any]) -> dict[str, Any]:
        from openlineage.client.facet_v2 import dataset_version_dataset, documentation_dataset, symlinks_dataset

        from epochal_query.openlineage_associations import AssociationsDatasetFacet

        facets: dict[str, Any] = {
            "documentation": _facet(documentation_dataset.DocumentationDatasetFacet, description=one["name"]),
            **self._associations(AssociationsDatasetFacet, ("artifact", _key(one))),
        }
        namespace, name = place_of(one["uri"]) if one["uri"] else (self._namespace, f"{self.recipe.id}/{one['name']}")
        if one["digest"]:
            facets["version"] = _facet(dataset_version_dataset.DatasetVersionDatasetFacet, datasetVersion=one["digest"])
            if one["uri"]:
                link = symlinks_dataset.Identifier(namespace=namespace, name=name, type="FILE")
                facets["symlinks"] = _facet(symlinks_dataset.SymlinksDatasetFacet, identifiers=[link])
            namespace, name = self._namespace, one["digest"]
        return {"namespace": namespace, "name": name, "facets": facets}

    @property
    def _namespace(self) -> str:
        return f"epochal://{self.reading.project}"


def _key(one: Mapping[str, Any]) -> str:
    """What lineage joins an input or output on, where anything could be associated with it."""
    return str(one["digest"] or one["uri"] or "")


def _facet(of: Any, **said: Any) -> Any:
    """A facet that says who produced it, and no default of the whole process."""
    return of(producer=PRODUCER, **said)


def place_of(uri: str) -> tuple[str, str]:
    """Namespace and name of a place, as OpenLineage's naming has it: scheme and authority, and the path."""
    parts = urlsplit(uri)
    if not parts.scheme:
        return "file", uri
    namespace = f"{parts.scheme}://{parts.netloc}" if parts.netloc else parts.scheme
    return namespace, (parts.path if not parts.netloc else parts.path.lstrip("/")) or "/"


def _ran(reading: Reading, components: Sequence[str] | None, until: datetime | None = None) -> dict[str, Ran]:
    """How far components had come; what counts as lost only since a time after ``until`` is still running."""
    which = "1" if components is None else "component IN {components:Array(UUID)}"
    table = reading.rows(
        f"""SELECT component, status, start, end, error_type, error_message FROM {at("components")}
            WHERE project = {{project:String}} AND status != '' AND {which} ORDER BY created_at, component""",
        components=list(components or ()),
    )
    rows = dict(zip(id_texts(table, "component"), table.drop_columns(["component"]).to_pylist(), strict=True))
    lost = lost_since(reading, [id_ for id_, row in rows.items() if row["status"] == "lost"])
    for id_, at_ in lost.items():
        rows[id_] |= {"end": at_} if until is None or at_ <= until else {"status": "running"}
    return {
        id_: Ran(row["status"], row["start"], row["end"], f"{row['error_type']}: {row['error_message']}")
        for id_, row in rows.items()
    }


def _experiments(reading: Reading, components: Sequence[str]) -> dict[str, str]:
    """Of each component that belongs to one the name of its experiment; of several the first by name."""
    table = reading.rows(
        f"""SELECT m.component AS component, min(e.name) AS name
            FROM (SELECT component, trial FROM {at("memberships")}
                  WHERE project = {{project:String}} AND component IN {{components:Array(UUID)}}) AS m
            INNER JOIN (SELECT trial, experiment FROM {at("trials")} WHERE project = {{project:String}}) AS t
                ON m.trial = t.trial
            INNER JOIN (SELECT experiment, name FROM {at("experiments")} WHERE project = {{project:String}}) AS e
                ON t.experiment = e.experiment
            GROUP BY m.component""",
        components=list(components),
    )
    return dict(zip(id_texts(table, "component"), texts(table, "name"), strict=True))
