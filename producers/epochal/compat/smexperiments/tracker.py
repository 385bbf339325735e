"""Trackers, as ``smexperiments.tracker`` has them: what writes one trial component."""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Literal

import epochal
from epochal._resume import Unread, past_of
from epochal._session import session

from ._names import unique_name
from ._reading import TRACKER
from .api_types import TrialComponentArtifact
from .trial_component import TrialComponent

__all__ = ["Tracker"]

Way = Literal["in", "out"]


class Tracker:
    """Writes one component: parameters, artifacts, metrics. Everything is recorded when a call returns, on any host.

    Used by ``with`` it has a status, a start and an end: an exception on its way out fails it and goes on. Without, it
    ends with ``close()``, or with the process.
    """

    def __init__(self, trial_component: TrialComponent, run: epochal.Run, *, of_job: bool = False) -> None:
        self.trial_component = trial_component
        self._run = run
        self._of_job = of_job
        """Whether this is the run that the process is in, which ends by itself."""
        self._goes_on = False
        """Whether steps are still to be counted on from what was logged before."""

    @classmethod
    def create(
        cls,
        base_trial_component_name: str = "TrialComponent",
        display_name: str | None = None,
        artifact_bucket: str | None = None,
        artifact_prefix: str | None = None,
        boto3_session: object = None,
        sagemaker_boto_client: object = None,
    ) -> Tracker:
        """Makes a component that is in no trial yet, and begins to write it.

        Its name is the base with a suffix of its own. Contents of artifacts go where EPOCHAL_ARTIFACTS says, not to a
        bucket.
        """
        name = unique_name(base_trial_component_name)
        made = TrialComponent(name, display_name or name, TRACKER)
        return cls(made, made.open())

    @classmethod
    def load(
        cls,
        trial_component_name: str | None = None,
        artifact_bucket: str | None = None,
        artifact_prefix: str | None = None,
        boto3_session: object = None,
        sagemaker_boto_client: object = None,
        training_job_name: str | None = None,
        processing_job_name: str | None = None,
    ) -> Tracker:
        """Goes on writing a component: of a name, of a job's name, or of the run that this process is in.

        What it writes changes no status, but by ``with``, which begins a new attempt of what isn't this process's run.

        Raises:
            NotFoundError: there is no component of the name.
            ValueError: no name is given, and this process is in no run, or in one of another project.
        """
        name = trial_component_name or training_job_name or processing_job_name
        if name is not None:
            found = TrialComponent.load(name)
            tracker = cls(found, found.join())
            tracker._goes_on = True
            return tracker
        run = epochal.current()
        if run is None:
            raise ValueError(
                "Tracker.load() without a name goes on with the run that this process is in, and it is in none: "
                "give trial_component_name=, or open one with epochal.init(...)"
            )
        here = session().settings.project
        if run.project != here:
            raise ValueError(
                f"Tracker.load() without a name: {run!r}, which this process is in, is of project {run.project!r}, and "
                f"what is read here is {here!r}: set EPOCHAL_PROJECT={run.project}, or log by epochal.current()"
            )
        return cls(TrialComponent(run.about.key, run.name, run.kind, id_=run.about.component), run, of_job=True)

    # what is logged -------------------------------------------------------------------------------------------------

    def log_parameter(self, name: str, value: object) -> None:
        """Records a parameter with its type, NaN and infinities too; a later value supersedes."""
        self.log_parameters({name: value})

    def log_parameters(self, parameters: Mapping[str, object]) -> None:
        """Records parameters: any JSON values; see :meth:`epochal.Run.log_params`."""
        self._run.log_params(parameters)
        self.trial_component.parameters_logged(parameters)

    def log_input(self, name: str, value: str, media_type: str | None = None) -> None:
        """Records an input by its URI; as many as there are."""
        recorded = self._run.log_input(name, value, media_type=media_type)
        self.trial_component.artifact_logged("in", name, TrialComponentArtifact(value, media_type), recorded)

    def log_output(self, name: str, value: str, media_type: str | None = None) -> None:
        """Records an output by its URI; as many as there are."""
        recorded = self._run.log_output(name, value, media_type=media_type)
        self.trial_component.artifact_logged("out", name, TrialComponentArtifact(value, media_type), recorded)

    def log_artifact(self, file_path: str, name: str | None = None, media_type: str | None = None) -> None:
        """Records the content of a file that came out; its name and media type are the file's unless given.

        Raises ValueError: there is no such file.
        """
        self._file("out", file_path, name, media_type)

    def log_output_artifact(self, file_path: str, name: str | None = None, media_type: str | None = None) -> None:
        """The same as :meth:`log_artifact`."""
        self._file("out", file_path, name, media_type)

    def log_input_artifact(self, file_path: str, name: str | None = None, media_type: str | None = None) -> None:
        """Records the content of a file that went in; see :meth:`log_artifact`."""
        self._file("in", file_path, name, media_type)

    def log_artifacts(self, directory: str, media_type: str | None = None) -> None:
        """Records each file in a directory that came out, not those in directories of it.

        Raises ValueError: there is no such directory.
        """
        folder = Path(directory).expanduser()
        if not folder.is_dir():
            raise ValueError(f"log_artifacts({directory!r}): there is no such directory")
        for file in sorted(folder.iterdir()):
            if file.is_file():
                self._file("out", str(file), None, media_type)

    def log_metric(
        self,
        metric_name: str,
        value: Any,
        timestamp: datetime | float | None = None,
        iteration_number: float | None = None,
    ) -> None:
        """Records a metric point, on any host, at any time and any step; without one: the next.

        The next is one more than the greatest that this tracker has logged; of a component that it goes on with, also
        than the greatest that the store has when this is first asked for.

        Raises ValueError: the value is a text that is no number.
        """
        number = float(value) if isinstance(value, str) else value
        if iteration_number is None and self._goes_on:
            self._count_on()
        self._run.log({metric_name: number}, iteration_number, time=timestamp)

    def log_table(
        self,
        title: str | None = None,
        values: Mapping[str, list[Any]] | None = None,
        data_frame: object = None,
        output_artifact: bool = True,
    ) -> None:
        """Records a table: a mapping of names to columns, or a frame; without a title it is called "table".

        Raises ValueError: not exactly one of ``values`` and ``data_frame`` is given.
        """
        if (values is None) is (data_frame is None):
            raise ValueError("log_table() takes one of values= and data_frame=")
        table = data_frame if values is None else values
        self._run.log_table(title or "table", table, is_output=output_artifact)

    def log_precision_recall(
        self,
        y_true: object,
        predicted_probabilities: object,
        positive_label: bool | int | float | str | None = None,
        title: str | None = None,
        output_artifact: bool = True,
        no_skill: object = None,
    ) -> None:
        """Records precision and recall by threshold; ``positive_label`` may be 0. ``no_skill`` is worked out here."""
        self._run.log_precision_recall(
            y_true, predicted_probabilities, positive_label=positive_label, title=title, is_output=output_artifact
        )

    def log_roc_curve(
        self, y_true: object, y_score: object, title: str | None = None, output_artifact: bool = True
    ) -> None:
        """Records the ROC curve of scores, and the area under it."""
        self._run.log_roc_curve(y_true, y_score, title=title, is_output=output_artifact)

    def log_confusion_matrix(
        self, y_true: object, y_pred: object, title: str | None = None, output_artifact: bool = True
    ) -> None:
        """Records how often each label was predicted for each."""
        self._run.log_confusion_matrix(y_true, y_pred, title=title, is_output=output_artifact)

    # how it ends ----------------------------------------------------------------------------------------------------

    def close(self) -> None:
        """Ends what this tracker began; of the run that the process is in, it waits until artifacts are recorded."""
        self._run.flush()
        if not self._of_job:
            self._run.finish()

    def __enter__(self) -> Tracker:
        if self._of_job:
            return self
        if not self._run.is_main or self._run.status != "running":
            self._run.finish()
            self._run = self.trial_component.open()
            self._goes_on = True
        self._run.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if not self._of_job:
            self._run.__exit__(kind, error, trace)

    def __repr__(self) -> str:
        return f"<smexperiments Tracker of {self.trial_component!r}>"

    # inside -----------------------------------------------------------------------------------------------------------

    def _count_on(self) -> None:
        self._goes_on = False
        about, without = self._run.about, "steps without a number count from 0"
        if self._run.disabled or self._run.status != "running":
            return
        try:
            past = past_of(session(), about.project, about.component, about.rank, "log_metric()", without)
        except Unread:
            return
        if past is not None:
            self._run.continue_from(past.next_step, (), known=False)

    def _file(self, way: Way, file_path: str, name: str | None, media_type: str | None) -> None:
        path = Path(os.path.expanduser(file_path))
        if not path.is_file():
            raise ValueError(f"{file_path!r} is no file: log_artifacts(...) takes a directory")
        log = self._run.log_input if way == "in" else self._run.log_output
        artifact = log(name or path.name, path=path, media_type=media_type)
        told = TrialComponentArtifact(artifact.uri, artifact.media_type)
        self.trial_component.artifact_logged(way, artifact.name, told, artifact)
