"""Small handles on what a store holds: an id and a name, and the store's reads with these filled in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pandas as pd

from epochal._repairs import Steps
from epochal_query import variables
from epochal_query.artifact_handle import ArtifactHandle
from epochal_query.certificate import Certificate
from epochal_query.diff import Difference
from epochal_query.lineage_graph import Direction
from epochal_query.names import Selection
from epochal_query.related_reads import Joined, Related
from epochal_query.shown import Handle

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from epochal_query.plotting import Kind
    from epochal_query.results import Result
    from epochal_query.store import Store


@dataclass(frozen=True, repr=False)
class ExperimentHandle(Handle, Related):
    """An experiment in a store. Its reads are the store's, and take the same arguments."""

    store: Store
    id: UUID
    name: str

    def diff(self, other: object = None, **choice: Any) -> Difference:
        """In what it differs from another, or from itself at another instant."""
        return self.store.diff(self, other, **choice)

    def trials(self, **at: Any) -> pd.DataFrame:
        """Its trials."""
        return self.store.trials(self, **at)

    def parameters(self, **at: Any) -> pd.DataFrame:
        """Its parameters, and which of them vary over its trials: see ``Store.parameters``."""
        return self.store.parameters(self, **at)

    def varying(self, **at: Any) -> pd.DataFrame:
        """Of its parameters those that vary over its trials."""
        found = self.parameters(**at)
        return found[found["varies"]].reset_index(drop=True)

    def variable_sets(self, **at: Any) -> pd.DataFrame:
        """Its variable sets, declared or tried: see ``Store.variable_sets``."""
        return self.store.variable_sets(self, **at)

    def missing(self, **at: Any) -> pd.DataFrame:
        """The variable sets of the declared space that have no completed trial."""
        return variables.missing(self.variable_sets(**at))

    def repeated(self, **at: Any) -> pd.DataFrame:
        """The variable sets of which something was completed more than once."""
        return variables.repeated(self.variable_sets(**at))

    def outside(self, **at: Any) -> pd.DataFrame:
        """The variable sets that were tried outside the declared space, where one is declared."""
        return variables.outside(self.variable_sets(**at))

    def components(self, **at: Any) -> pd.DataFrame:
        """The components of its trials."""
        return self.store.components(experiment=self, **at)

    def report(self, **choice: Any) -> pd.DataFrame:
        """Its report."""
        return self.store.report(self, **choice)

    def best(self, metric: str, **choice: Any) -> pd.DataFrame:
        """Its best components by a metric."""
        return self.store.best(self, metric, **choice)

    def metrics(self, **choice: Any) -> pd.DataFrame:
        """The series of its components."""
        return self.store.metrics(experiment=self, **choice)

    def results(self, **at: Any) -> pd.DataFrame:
        """The rich results of its components."""
        return self.store.results(experiment=self, **at)

    def plot(self, what: Selection, kind: Kind = "line", **choice: Any) -> Figure:
        """A picture of its components, as ``Store.plot``."""
        return self.store.plot(what, kind, experiment=self, **choice)

    def delete(self, *, confirm: str = "", cascade: bool = False) -> pd.DataFrame:
        """Deletes it as ``Store.delete``: ``confirm`` is its exact name, ``cascade`` takes its trials along."""
        return self.store.delete(self, confirm=confirm, cascade=cascade)


@dataclass(frozen=True, repr=False)
class TrialHandle(Handle, Related):
    """A trial in a store. Its reads are the store's, and take the same arguments."""

    store: Store
    id: UUID
    name: str

    def diff(self, other: object = None, **choice: Any) -> Difference:
        """In what it differs from another, or from itself at another instant."""
        return self.store.diff(self, other, **choice)

    def components(self, **at: Any) -> pd.DataFrame:
        """Its components."""
        return self.store.components(trial=self, **at)

    def metrics(self, **choice: Any) -> pd.DataFrame:
        """The series of its components."""
        return self.store.metrics(trial=self, **choice)

    def results(self, **at: Any) -> pd.DataFrame:
        """The rich results of its components."""
        return self.store.results(trial=self, **at)

    def plot(self, what: Selection, kind: Kind = "line", **choice: Any) -> Figure:
        """A picture of its components, as ``Store.plot``."""
        return self.store.plot(what, kind, trial=self, **choice)

    def delete(self, *, confirm: str = "", cascade: bool = False) -> pd.DataFrame:
        """Deletes it as ``Store.delete``: ``confirm`` is its exact name, ``cascade`` takes components along."""
        return self.store.delete(self, confirm=confirm, cascade=cascade)


@dataclass(frozen=True, repr=False)
class ComponentHandle(Handle, Related):
    """A component in a store. Its reads are the store's, and take the same arguments."""

    store: Store
    id: UUID
    name: str

    def diff(self, other: object = None, **choice: Any) -> Difference:
        """In what it differs from another, or from itself at another instant."""
        return self.store.diff(self, other, **choice)

    def metrics(self, **choice: Any) -> pd.DataFrame:
        """Its series."""
        return self.store.metrics(component=self, **choice)

    def results(self, **at: Any) -> pd.DataFrame:
        """Its rich results."""
        return self.store.results(component=self, **at)

    def result(self, name: str, **choice: Any) -> Result:
        """A rich result of it as data, as ``Store.result``."""
        return self.store.result(name, component=self, **choice)

    def plot(self, what: Selection, kind: Kind = "line", **choice: Any) -> Figure:
        """A picture of it, as ``Store.plot``."""
        return self.store.plot(what, kind, component=self, **choice)

    def branches(self, **at: Any) -> pd.DataFrame:
        """The branches of its ranks, one for each rewind and the one before any."""
        return self.store.branches(self, **at)

    def certificate(self, **at: Any) -> Certificate:
        """What is proven about its completeness."""
        return self.store.certificate(self, **at)

    def trials(self, **at: Any) -> pd.DataFrame:
        """The trials that it is in."""
        return self.store.trials_of(self, **at)

    def inputs(self, *, name: Selection | None = None, type: Selection | None = None, **at: Any) -> pd.DataFrame:
        """The artifacts that went in, captured ones aside."""
        return self._related("artifact", "ascendants", name, type, {"depth": 1, "relations": "ContributedTo", **at})

    def outputs(self, *, name: Selection | None = None, type: Selection | None = None, **at: Any) -> pd.DataFrame:
        """The artifacts that came out, captured ones aside."""
        return self._related("artifact", "descendants", name, type, {"depth": 1, "relations": "Produced", **at})

    def correct(self, metric: str, **what: Any) -> str:
        """Says what points of it should have been; or a param, a tag, its note, an artifact."""
        return self.store.correct(self, metric, **what)

    def retract(self, metric: str, steps: Steps = None, reason: str = "") -> str:
        """Takes points of it back; or a param, a tag, its note, an artifact."""
        return self.store.retract(self, metric, steps, reason)

    def undo(self, event_id: str, reason: str = "") -> str:
        """Takes an event about it back."""
        return self.store.undo(event_id, reason, of=self)

    def delete(self, *, confirm: str = "", cascade: bool = False) -> pd.DataFrame:
        """Deletes it as ``Store.delete``: ``confirm`` is its exact name, ``cascade`` also if others use its outputs."""
        return self.store.delete(self, confirm=confirm, cascade=cascade)

    def input(self, name: str) -> ArtifactHandle:
        """The artifact of this name that went in.

        Raises:
            UnknownNameError: there is none; the message has near names.
        """
        return self.store.artifact(name, component=self, direction="in")

    def output(self, name: str) -> ArtifactHandle:
        """The artifact of this name that came out.

        Raises:
            UnknownNameError: there is none; the message has near names.
        """
        return self.store.artifact(name, component=self, direction="out")


@dataclass(frozen=True, repr=False)
class EntityHandle(Handle, Joined):
    """An action or a context in a store, such as an endpoint. Its reads are the store's, with the same arguments."""

    store: Store
    id: UUID
    name: str

    def artifacts(
        self,
        direction: Direction = "ascendants",
        *,
        name: Selection | None = None,
        type: Selection | None = None,
        **at: Any,
    ) -> pd.DataFrame:
        """The artifacts in its lineage."""
        return self._related("artifact", direction, name, type, at)

    def models(
        self,
        direction: Direction = "ascendants",
        *,
        name: Selection | None = None,
        type: Selection | None = None,
        **at: Any,
    ) -> pd.DataFrame:
        """The models behind it: what trainings put out. ``type`` is a media type."""
        return self._related("model", direction, name, type, at)

    def associations(self, **at: Any) -> pd.DataFrame:
        """Every association that it ever had, also those that are no more."""
        return self.store.associations(self, **at)
