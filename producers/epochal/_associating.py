"""What lineage knows besides what runs record: actions and contexts, and associations between anything."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Final, Literal, get_args
from uuid import UUID

from ._clock import to_us
from ._entity_events import association_made, association_removed, entity_declared
from ._errors import MisuseError
from ._events import Event
from ._experiment import Experiment
from ._ids import association_id, entity_id, normal_text
from ._run import Run
from ._session import Session, session
from ._tagging import note, set_tags, tag_mapping, untag
from ._trial import Trial
from ._values import to_json

__all__ = ["Entity", "Relation", "action", "alias", "associate", "context", "dissociate"]

Relation = Literal["ContributedTo", "Produced", "DerivedFrom", "AssociatedWith", "SameAs"]

_KINDS: Final = ("artifact", "component", "trial", "experiment", "action", "context")
"""What can be associated. What is said alike either way round is kept in this order."""

ALIAS: Final = "alias"
"""The type of contexts that stand for an artifact."""

End = tuple[str, str]
"""A kind, and an id; of an artifact its digest, else its URI."""


class Entity:
    """An action or a context: the same name in a project is the same one, on any machine."""

    def __init__(self, here: Session, kind: Literal["action", "context"], project: str, name: str) -> None:
        self._here = here
        self.kind: Literal["action", "context"] = kind
        self.project = project
        self.name = normal_text(name)
        self.id = str(entity_id(project, kind, name))
        """A UUID."""

    def tag(self, /, *words: str, **values: object) -> None:
        """Tags with words and with key=value."""
        self._speak(set_tags(self.kind, self.id, words, values))

    def untag(self, *keys: str) -> None:
        """Takes tags away."""
        self._speak(untag(self.kind, self.id, keys))

    def note(self, text: str) -> None:
        """Free text; a later note supersedes."""
        self._speak(note(self.kind, self.id, text))

    def __repr__(self) -> str:
        return f"<{self.kind} {self.name!r} {self.id}>"

    def __reduce__(self) -> tuple[object, ...]:
        return _again, (self.kind, self.project, self.name)

    def declare(self, type: str | None, properties: Mapping[str, object] | None) -> None:
        """Says what it is; once a process, unless it says something new, or is an alias.

        Raises:
            MisuseError: this process said that it is an alias, and now that it is something else, or the reverse.
        """
        self._check_type(type)
        shown = None if properties is None else {normal_text(key): to_json(value) for key, value in properties.items()}
        # an alias says so every time: another process may have said that the context is something else
        self._speak(
            entity_declared(kind=self.kind, entity=self.id, name=self.name, type=type, properties=shown),
            once=type != ALIAS,
        )

    def _check_type(self, type: str | None) -> None:
        if type is None:
            return
        known = self._here.types.get(self.id, type)
        if known != type and ALIAS in (known, type):
            raise MisuseError(
                f"{self.kind} {self.name!r} is of type {known!r} here, and can't be of type {type!r}, too: it would be "
                "no more what it was. Give the alias a name of its own"
            )
        self._here.types[self.id] = type

    def _speak(self, event: Event, *, once: bool = False) -> None:
        _speak(self._here, self.project, event, once=once)


def _again(kind: Literal["action", "context"], project: str, name: str) -> Entity:
    """The handle in another process: what it is was said already."""
    return Entity(session(), kind, project, name)


def action(
    name: str,
    *,
    type: str | None = None,
    properties: Mapping[str, object] | None = None,
    tags: object = None,
    notes: str | None = None,
    project: str | None = None,
) -> Entity:
    """Gets or creates the action of this name: something that was done, such as an approval or a deployment.

    What is not given changes nothing; ``properties`` take the place of all that were given before.

    Raises:
        TypeError: an argument is of the wrong type.
        SettingsError: a setting (environment variable) can't be used.
    """
    return _entity("action", name, type, properties, tags, notes, project)


def context(
    name: str,
    *,
    type: str | None = None,
    properties: Mapping[str, object] | None = None,
    tags: object = None,
    notes: str | None = None,
    project: str | None = None,
) -> Entity:
    """Gets or creates the context of this name: something that others belong to, such as an endpoint or an alias.

    What is not given changes nothing; ``properties`` take the place of all that were given before.

    Raises:
        TypeError: an argument is of the wrong type.
        MisuseError: in this process the name is an alias.
        SettingsError: a setting (environment variable) can't be used.
    """
    return _entity("context", name, type, properties, tags, notes, project)


def associate(
    subject: object,
    relation: Relation,
    other: object,
    *,
    only: bool = False,
    time: datetime | float | None = None,
    project: str | None = None,
) -> None:
    """Says that ``subject`` is related to ``other``, from now on or from ``time`` on; it reads as a sentence.

    Either may be a run, a trial, an experiment, an action, a context, an artifact (a handle, ``sha256:…`` or a URI), or
    a pair of kind and id. In lineage the edge runs in the direction of time: from ``other`` where ``subject`` is
    DerivedFrom it, else from ``subject``. AssociatedWith and SameAs mean the same either way round: the edge runs from
    artifacts to components, trials, experiments, actions, contexts, in this order; of two of a kind, as written.

    With ``only`` what the edge runs to has no other such association made with ``only`` from now on: an alias that
    moves on is ``associate(production, "AssociatedWith", model, only=True)``.

    Raises:
        MisuseError: the relation is none of the five, or one of the two is nothing that can be associated.
        ValueError: ``time`` is no instant.
        ArtifactError: the content of an artifact could not be read.
    """
    here = session()
    inside = here.settings.project if project is None else project
    source, target = _directed(_end(subject), _relation(relation), _end(other))
    if source == target:
        raise MisuseError(f"associate({subject!r}, {relation!r}, {other!r}): the two are one and the same {source[0]}")
    event = association_made(
        association=str(association_id(inside, relation, None if only else source, target)),
        relation=relation,
        source_kind=source[0],
        source=source[1],
        target_kind=target[0],
        target=target[1],
    )
    _speak(here, inside, event, time)


def dissociate(
    subject: object,
    relation: Relation,
    other: object = None,
    *,
    time: datetime | float | None = None,
    project: str | None = None,
) -> None:
    """Takes back what :func:`associate` said of the two, from now on or from ``time`` on.

    Without ``other``: what it said last with ``only=True`` of ``subject`` as that to which the edge runs.

    Raises:
        MisuseError: the relation is none of the five, or one of the two is nothing that can be associated.
        ValueError: ``time`` is no instant.
    """
    here = session()
    inside = here.settings.project if project is None else project
    source: End | None = None
    target = _end(subject)
    if other is not None:
        source, target = _directed(target, _relation(relation), _end(other))
    ended = association_id(inside, _relation(relation), source, target)
    _speak(here, inside, association_removed(association=str(ended)), time)


def alias(name: str, artifact: object, *, time: datetime | float | None = None, project: str | None = None) -> None:
    """Says that ``name`` stands for this artifact, and for no other, from now on or from ``time`` on; None: for none.

    ``store.artifact(name)`` finds it, ``run.use(name)`` too; ``store.associations(name)`` is its history. An alias is a
    context, and has one type as any: its name is to be no other context's.

    Raises:
        MisuseError: it is no artifact, or in this process the name is that of a context of another type.
        ValueError: ``time`` is no instant.
        ArtifactError: its content could not be read.
    """
    if artifact is not None and _end(artifact)[0] != "artifact":
        raise MisuseError(
            f"alias({name!r}, {artifact!r}): an alias stands for an artifact, not for a {_end(artifact)[0]}"
        )
    # before the alias is declared: waiting for the content of an artifact may fail
    meant = context(name, type=ALIAS, project=project)
    if artifact is None:
        dissociate(meant, "AssociatedWith", time=time, project=project)
    else:
        associate(meant, "AssociatedWith", artifact, only=True, time=time, project=project)


def _speak(
    here: Session, project: str, event: Event, time: datetime | float | None = None, *, once: bool = False
) -> None:
    if here.settings.mode != "disabled":
        here.speak(project, event, None if time is None else to_us(time), once=once)


def _entity(
    kind: Literal["action", "context"],
    name: str,
    type: str | None,
    properties: Mapping[str, object] | None,
    tags: object,
    notes: str | None,
    project: str | None,
) -> Entity:
    if not isinstance(name, str) or not name:  # pyright: ignore[reportUnnecessaryIsInstance]
        raise TypeError(f"the name of a {kind} is a non-empty text; got {name!r}")
    for what, text in (("type", type), ("notes", notes)):
        if text is not None and not isinstance(text, str):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise TypeError(f"{what}={text!r} is not text")
    if properties is not None and not isinstance(properties, Mapping):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise TypeError(f"properties={properties!r}: a mapping of names to values is accepted")
    here = session()
    found = Entity(here, kind, here.settings.project if project is None else project, name)
    found.declare(type, properties)
    if tags:
        words, values = tag_mapping(tags)
        found.tag(*words, **values)  # type: ignore[arg-type]  # refused there when a word is no text
    if notes is not None:
        found.note(notes)
    return found


def _relation(given: str) -> str:
    if given not in get_args(Relation):
        raise MisuseError(f"relation={given!r}: accepted are {', '.join(get_args(Relation))}")
    return given


def _directed(subject: End, relation: str, other: End) -> tuple[End, End]:
    """Source and target: the edge runs in the direction of time."""
    if relation == "DerivedFrom":
        return other, subject
    if relation in ("AssociatedWith", "SameAs") and _KINDS.index(subject[0]) > _KINDS.index(other[0]):
        return other, subject
    return subject, other


def _end(given: object) -> End:
    if isinstance(given, Run):
        return "component", given.id
    if isinstance(given, (Trial, Experiment)):
        return type(given).__name__.lower(), given.id
    if isinstance(given, Entity):
        return given.kind, given.id
    if hasattr(given, "digest") and hasattr(given, "uri"):
        key: object = getattr(given, "digest", None) or getattr(given, "uri", None)
        if key:
            return "artifact", str(key)
    elif isinstance(given, str) and given and _uuid(given) is None:
        return "artifact", given
    elif isinstance(given, tuple) and len(given) == 2 and given[0] in _KINDS:
        kind, id_ = given
        if kind == "artifact" or _uuid(id_) is not None:
            return str(kind), str(id_) if kind == "artifact" else str(_uuid(id_))
    raise MisuseError(
        f"{given!r} can't be associated: a run, a trial, an experiment, an action, a context, an artifact with content "
        f"or a place (a handle, its digest or its URI) is accepted, or a pair such as ('component', id)"
    )


def _uuid(given: object) -> UUID | None:
    try:
        return UUID(str(given))
    except ValueError:
        return None
