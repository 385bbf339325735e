"""Small handles on what a store holds: an id and a name, and the store's reads with these filled in."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal
from uuid import UUID

import pandas as pd

from epochal._artifacts.artifact import Artifact
from epochal._repairs import Steps
from epochal_query.certificate import Certificate
from epochal_query.diff import Difference
from epochal_query.errors import AmbiguousNameError, FilterError, UnknownNameError
from epochal_query.lineage import Lineage
from epochal_query.lineage_starts import several_artifacts
from epochal_query.names import Selection, near
from epochal_query.reading import Reading, at
from epochal_query.resolve_gone import gone_artifact
from epochal_query.shown import Handle

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from epochal_query.plotting import Kind
    from epochal_query.results import Result
    from epochal_query.store import Store


@dataclass(frozen=True, repr=False)
class ExperimentHandle(Handle):
    """An experiment in a store. Its reads are the store's, and take the same arguments."""

    store: Store
    id: UUID
    name: str

    def state(self, **at: Any) -> dict[str, Any]:
        """Everything known of it."""
        return self.store.state(self, **at)

    def history(self, field: str | None = None, **choice: Any) -> pd.DataFrame:
        """Every value that a field of it ever had."""
        return self.store.history(self, field, **choice)

    def diff(self, other: object = None, **choice: Any) -> Difference:
        """In what it differs from another, or from itself at another instant."""
        return self.store.diff(self, other, **choice)

    def trials(self, **at: Any) -> pd.DataFrame:
        """Its trials."""
        return self.store.trials(self, **at)

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
class TrialHandle(Handle):
    """A trial in a store. Its reads are the store's, and take the same arguments."""

    store: Store
    id: UUID
    name: str

    def state(self, **at: Any) -> dict[str, Any]:
        """Everything known of it."""
        return self.store.state(self, **at)

    def history(self, field: str | None = None, **choice: Any) -> pd.DataFrame:
        """Every value that a field of it ever had."""
        return self.store.history(self, field, **choice)

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

    def lineage(self, **choice: Any) -> Lineage:
        """What its components were made from, or went into."""
        return self.store.lineage(self, **choice)

    def delete(self, *, confirm: str = "", cascade: bool = False) -> pd.DataFrame:
        """Deletes it as ``Store.delete``: ``confirm`` is its exact name, ``cascade`` takes components along."""
        return self.store.delete(self, confirm=confirm, cascade=cascade)


@dataclass(frozen=True, repr=False)
class ComponentHandle(Handle):
    """A component in a store. Its reads are the store's, and take the same arguments."""

    store: Store
    id: UUID
    name: str

    def state(self, **at: Any) -> dict[str, Any]:
        """Everything known of it."""
        return self.store.state(self, **at)

    def history(self, field: str | None = None, **choice: Any) -> pd.DataFrame:
        """Every value that a field of it ever had."""
        return self.store.history(self, field, **choice)

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

    def lineage(self, **choice: Any) -> Lineage:
        """What it was made from, or went into."""
        return self.store.lineage(self, **choice)

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

    def input(self, name: str) -> Artifact:
        """The artifact of this name that went in.

        Raises:
            UnknownNameError: there is none; the message has near names.
        """
        return self.store.artifact(name, component=self, direction="in")

    def output(self, name: str) -> Artifact:
        """The artifact of this name that came out.

        Raises:
            UnknownNameError: there is none; the message has near names.
        """
        return self.store.artifact(name, component=self, direction="out")


def find_artifact(
    reading: Reading,
    wanted: str,
    component: UUID | None,
    direction: Literal["in", "out"] | None,
    store: Callable[[], Any],
) -> Artifact:
    """The artifact with this digest, or the only one whose digest begins so, or with this URI or name.

    Where several mentions have the same content, the one logged last.

    Raises:
        FilterError: ``wanted`` is no text.
        UnknownNameError: there is none, or the name stands for different contents; the message says which.
    """
    if not isinstance(wanted, str):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise FilterError(f"{wanted!r} names no artifact: give its digest, URI or name")
    condition = " AND ".join(
        ["project = {project:String}"]
        + (["component = {component:UUID}"] if component else [])
        + (["direction = {direction:String}"] if direction else [])
    )
    columns = "name, direction, uri, digest, media_type, size, stored, artifact, logged_at"
    found: list[dict[str, Any]] = reading.rows(
        f"""SELECT {columns} FROM {at("artifacts")}
            WHERE {condition} AND (name = {{wanted:String}} OR digest = {{wanted:String}} OR uri = {{wanted:String}}
                OR length({{wanted:String}}) >= 10 AND startsWith(ifNull(digest, ''), {{wanted:String}}))
            ORDER BY logged_at""",
        component=str(component),
        direction=direction,
        wanted=wanted,
    ).to_pylist()
    if not found:
        raise _no_artifact(reading, wanted, condition, component, direction)
    contents = sorted({row["artifact"] for row in found})
    if len(contents) > 1:
        advice = "give the digest or URI of one, or the component (component=...)"
        raise AmbiguousNameError(several_artifacts(wanted, contents, advice))
    row = found[-1]
    return Artifact(
        row["name"],
        row["direction"],
        uri=row["uri"],
        media_type=row["media_type"],
        digest=row["digest"],
        size=row["size"],
        stored=row["stored"],
        store=store() if row["stored"] else None,
    )


def _no_artifact(
    reading: Reading, wanted: str, condition: str, component: UUID | None, direction: str | None
) -> UnknownNameError:
    if component is None and (told := gone_artifact(reading.present, wanted)):
        return UnknownNameError(told)
    table = reading.rows(
        f"SELECT DISTINCT name FROM {at('artifacts')} WHERE {condition} ORDER BY name",
        component=str(component),
        direction=direction,
    )
    names: list[str] = table.column("name").to_pylist()
    what = {"in": "input", "out": "output", None: "artifact"}[direction]
    where = f"component {component}" if component else f"project {reading.project!r}"
    close = near(wanted, names) or names[:8]
    hint = f"there are {', '.join(map(repr, close))}" if close else "there is none at all"
    return UnknownNameError(f"no {what} of {where} has the name, digest or URI {wanted!r}; {hint}")
