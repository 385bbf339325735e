"""A trial: one variable set of one experiment, identified by that set."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

from ._errors import MisuseError
from ._events import Event, component_attached, component_detached
from ._forking import fork_asked
from ._opening import Request, open_run
from ._run import Run
from ._session import Session, session
from ._tagging import note, set_tags, untag
from ._values import JSON

__all__ = ["Trial"]

_KINDS = frozenset({"preprocessing", "training", "postprocessing", "evaluation", "metadata", "dataset", "parameters"})


class Trial:
    """Made by :meth:`epochal.Experiment.trial`: the same variables are the same trial, on any machine."""

    def __init__(
        self,
        here: Session,
        project: str,
        experiment: str,
        identifier: UUID,
        variables: Mapping[str, JSON],
    ):
        self._here = here
        self._uuid = identifier
        self.project = project
        self.experiment = experiment
        """The experiment's name."""
        self.variables: dict[str, JSON] = dict(variables)
        """The variable set in its one normal form."""

    @property
    def id(self) -> str:
        """The trial's id, a UUID."""
        return str(self._uuid)

    @property
    def uuid(self) -> UUID:
        """The trial's id."""
        return self._uuid

    def run(
        self,
        name: str = "training",
        kind: str | None = None,
        *,
        resources: Mapping[str, object] | None = None,
        component: str | None = None,
        fork: tuple[str, float] | None = None,
        rank: int | None = None,
    ) -> Run:
        """Opens a component of this trial; use it as ``with trial.run("training") as run:``.

        ``kind`` is the name where that is a usual kind (preprocessing, training, postprocessing, evaluation,
        metadata, dataset, parameters), else training. ``fork=(ID, STEP)`` is that of :func:`epochal.init`.

        Raises:
            TypeError: an argument is of the wrong type.
            NotFoundError: there is nothing to fork by that name.
            MisuseError: it would continue itself, or the rank can't be.
        """
        asked = Request(
            project=self.project,
            name=name,
            kind=kind or (name if name in _KINDS else "training"),
            experiment=self.experiment,
            trial=self._uuid,
            varied=bool(self.variables),
            named=True,
            key=component,
            rank=rank,
            fork=fork_asked(self._here, self.project, fork, rank, component),
            resources=resources,
        )
        return open_run(self._here, asked)

    def attach(self, component: Run | str | UUID) -> None:
        """The component (its handle or id) belongs to this trial from now on; it may belong to many.

        Raises:
            MisuseError: it is no component.
        """
        self._speak(component_attached(component=_component(component, "attach"), trial=self.id))

    def detach(self, component: Run | str | UUID) -> None:
        """The component belongs to this trial no more; what it recorded stays.

        Raises:
            MisuseError: it is no component.
        """
        self._speak(component_detached(component=_component(component, "detach"), trial=self.id))

    def tag(self, /, *words: str, **values: object) -> None:
        """Tags with words and with key=value."""
        self._speak(set_tags("trial", self.id, words, values))

    def untag(self, *keys: str) -> None:
        """Takes tags away."""
        self._speak(untag("trial", self.id, keys))

    def note(self, text: str) -> None:
        """Free text; a later note supersedes."""
        self._speak(note("trial", self.id, text))

    def __repr__(self) -> str:
        return f"<Trial {self.variables} of {self.experiment!r} {self.id}>"

    def _repr_html_(self) -> str:
        from ._html import card

        return card(
            f"trial of {self.experiment}", {"id": self.id, "project": self.project, "variables": self.variables}
        )

    def __reduce__(self) -> tuple[object, ...]:
        return _again, (self.project, self.experiment, self._uuid, self.variables)

    def _speak(self, event: Event) -> None:
        if self._here.settings.mode != "disabled":
            self._here.speak(self.project, event)


def _again(project: str, experiment: str, identifier: UUID, variables: Mapping[str, JSON]) -> Trial:
    """The handle in another process: what it is was said already."""
    return Trial(session(), project, experiment, identifier, variables)


def _component(component: object, call: str) -> str:
    if isinstance(component, Run):
        return component.id
    try:
        return str(UUID(str(component)))
    except ValueError:
        raise MisuseError(
            f"{call}({component!r}): a component is accepted: what epochal.component(...), epochal.init(...) or "
            "trial.run(...) returned, or its id"
        ) from None
