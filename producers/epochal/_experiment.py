"""An experiment: a hypothesis or an objective, a declared space of variables, trials, at the end a verdict."""

from __future__ import annotations

import importlib
import itertools
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Literal, NoReturn, cast

from ._errors import MisuseError, NotAvailableError, RefusedError
from ._events import Event, experiment_concluded, experiment_created, trial_created
from ._ids import experiment_id, normal_text, normal_variables, trial_id
from ._session import Session, session
from ._tagging import note, set_tags, tag_mapping, untag
from ._trial import Trial
from ._values import JSON

__all__ = ["Experiment", "check_name", "get_experiment"]

_VERDICTS = ("accepted", "rejected", "inconclusive")


class Experiment:
    """Made by :func:`epochal.experiment`: the same name in a project is the same experiment, on any machine."""

    def __init__(self, here: Session, project: str, name: str, space: Mapping[str, list[object]] | None):
        self._here = here
        self._uuid = experiment_id(project, name)
        self._space = None if space is None else dict(space)
        self.project = project
        self.name = normal_text(name)

    @property
    def id(self) -> str:
        """The experiment's id, a UUID."""
        return str(self._uuid)

    def grid(self) -> Iterator[dict[str, Any]]:
        """The variable sets of the declared space: their product, the first variable outermost.

        Raises:
            MisuseError: this handle declares no space.
        """
        if self._space is None:
            raise MisuseError(
                f"experiment {self.name!r} declares no variables here: "
                "pass variables={'optimizer': ['adam', 'sgd'], …} to epochal.experiment(...)"
            )
        names = list(self._space)
        return (dict(zip(names, levels, strict=True)) for levels in itertools.product(*self._space.values()))

    def trial(self, variables: Mapping[str, object] | None = None, name: str | None = None) -> Trial:
        """The trial of these variables, declared if it is new; ``name`` is a display name.

        A set outside the declared space is recorded all the same, with a warning (an error in strict mode).

        Raises:
            TypeError: the variables are no mapping of names to values.
        """
        given = cast("object", {} if variables is None else variables)
        if not isinstance(given, Mapping) or not all(isinstance(key, str) for key in given):  # pyright: ignore[reportUnknownVariableType]
            raise TypeError(f"a trial is identified by its variables, a mapping of names to values; got {variables!r}")
        if name is not None and not isinstance(name, str):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise TypeError(f"name={name!r}: a trial's display name is text")
        normal = normal_variables(cast("Mapping[str, object]", given))
        self._check_space(normal)
        identifier = trial_id(self.project, self._uuid, normal)
        self._speak(trial_created(trial=str(identifier), experiment=self.id, variables=normal, name=name), once=True)
        return Trial(self._here, self.project, self.name, identifier, normal)

    def missing(self) -> list[dict[str, Any]]:
        """The variable sets of the declared space that have no completed trial, in the order of :meth:`grid`.

        Raises:
            NotAvailableError: reading is not installed.
            MisuseError: this handle declares no space.
        """
        sets = list(self.grid())
        if self._here.settings.mode == "disabled":
            return sets
        try:
            reading = importlib.import_module("epochal_query.for_sdk")
        except ImportError:
            raise NotAvailableError("exp.missing() reads the store: pip install 'epochal[query]'") from None
        completed = set(reading.completed_trials(self.id, project=self.project))
        return [each for each in sets if self._trial_id(each) not in completed]

    def conclude(self, verdict: Literal["accepted", "rejected", "inconclusive"], note: str = "") -> None:
        """The verdict on the hypothesis, with the reason; a later one supersedes.

        Raises:
            ValueError: it is none of the three.
        """
        if verdict not in _VERDICTS:
            raise ValueError(f"verdict={verdict!r}: accepted are {', '.join(_VERDICTS)}")
        self._speak(experiment_concluded(experiment=self.id, verdict=verdict, note=str(note)))

    def attach(self, component: object) -> NoReturn:
        """Always an error: a component belongs to trials.

        Raises:
            MisuseError: always.
        """
        raise MisuseError(
            f"{component!r} can't be attached to experiment {self.name!r}: a component belongs to trials. "
            "Attach it to those it belongs to: exp.trial({...}).attach(component)"
        )

    def tag(self, /, *words: str, **values: object) -> None:
        """Tags with words and with key=value."""
        self._speak(set_tags("experiment", self.id, words, values))

    def untag(self, *keys: str) -> None:
        """Takes tags away."""
        self._speak(untag("experiment", self.id, keys))

    def note(self, text: str) -> None:
        """Free text; a later note supersedes."""
        self._speak(note("experiment", self.id, text))

    def __repr__(self) -> str:
        return f"<Experiment {self.name!r} {self.id}>"

    def _repr_html_(self) -> str:
        from ._html import card

        return card(f"experiment {self.name}", {"id": self.id, "project": self.project, "variables": self._space})

    def __reduce__(self) -> tuple[object, ...]:
        return _again, (self.project, self.name, self._space)

    def declare(self, hypothesis: str | None, objective: str | None) -> None:
        """Says what the experiment is; once a process, unless it says something new."""
        space = (
            None if self._space is None else {normal_text(key): _levels(value) for key, value in self._space.items()}
        )
        self._speak(
            experiment_created(
                experiment=self.id, name=self.name, hypothesis=hypothesis, objective=objective, variables=space
            ),
            once=True,
        )

    def _trial_id(self, variables: Mapping[str, object]) -> str:
        return str(trial_id(self.project, self._uuid, normal_variables(variables)))

    def _speak(self, event: Event, *, once: bool = False) -> None:
        if self._here.settings.mode != "disabled":
            self._here.speak(self.project, event, once=once)

    def _check_space(self, variables: Mapping[str, JSON]) -> None:
        if self._space is None or not variables or self._here.settings.mode == "disabled":
            return
        space = {normal_text(name): _levels(levels) for name, levels in self._space.items()}
        wrong = [f"{name!r} is not declared" for name in variables if name not in space]
        wrong += [f"{name!r} is missing" for name in space if name not in variables]
        wrong += [
            f"{name}={value!r} is none of {space[name]}"
            for name, value in variables.items()
            if name in space and not any(type(value) is type(level) and value == level for level in space[name])
        ]
        if wrong:
            self._here.warn.report(
                "space",
                f"trial {dict(variables)} is outside the space that experiment {self.name!r} declares: "
                f"{'; '.join(wrong)}. It is recorded all the same; declare it with variables= to silence this",
                f"{self.name} {variables}",
            )
            self._here.warn.raise_first()


def check_name(name: object) -> None:
    """Raises TypeError where it is no name of an experiment."""
    if not isinstance(name, str) or not name:
        raise TypeError(f"experiment={name!r}: an experiment's name is a non-empty text")


def get_experiment(
    here: Session,
    project: str,
    name: str,
    *,
    hypothesis: str | None = None,
    objective: str | None = None,
    variables: Mapping[str, Iterable[object]] | None = None,
    tags: object = None,
    notes: str | None = None,
) -> Experiment:
    """The experiment of this name, declared.

    Raises:
        TypeError: the name is not text, or the variables are no mapping of names to lists.
    """
    check_name(name)
    for what, text in (("hypothesis", hypothesis), ("objective", objective), ("notes", notes)):
        if text is not None and not isinstance(text, str):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise TypeError(f"{what}={text!r} is not text")
    experiment = Experiment(here, project, name, None if variables is None else _space(variables))
    experiment.declare(hypothesis, objective)
    if tags:
        words, values = tag_mapping(tags)
        experiment.tag(*cast("tuple[str, ...]", words), **values)
    if notes is not None:
        experiment.note(notes)
    return experiment


def _again(project: str, name: str, space: Mapping[str, list[object]] | None) -> Experiment:
    """The handle in another process: what it is was said already."""
    return Experiment(session(), project, name, space)


def _space(variables: object) -> dict[str, list[object]]:
    if not isinstance(variables, Mapping):
        raise TypeError(f"variables={variables!r}: a mapping of names to the list of their levels is accepted")
    space: dict[str, list[object]] = {}
    for name, levels in cast("Mapping[object, object]", variables).items():
        if not isinstance(name, str) or not name:
            raise TypeError(f"a variable's name is a non-empty text; got {name!r}")
        if isinstance(levels, (str, bytes, Mapping)) or not isinstance(levels, Iterable):
            raise TypeError(
                f"variable {name!r}: a list of its levels is accepted, such as [{levels!r}]; got {levels!r}"
            )
        space[name] = list(cast("Iterable[object]", levels))
        if not space[name]:
            raise RefusedError(f"variable {name!r} has no levels: the space would be empty")
    return space


def _levels(levels: list[object]) -> list[JSON]:
    return [normal_variables({"level": level})["level"] for level in levels]
