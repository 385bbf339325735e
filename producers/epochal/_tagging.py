"""Tags and notes: the same on experiments, trials and components."""

from __future__ import annotations

from ._entity_events import note_written, tags_removed, tags_set
from ._events import Event
from ._ids import normal_text
from ._values import to_json

__all__ = ["note", "set_tags", "tag_mapping", "untag"]


def set_tags(kind: str, entity: str, words: tuple[object, ...], values: dict[str, object]) -> Event:
    """Words, and keys with any JSON value.

    Raises:
        TypeError: a word is not text, or empty.
    """
    return tags_set(
        kind=kind,
        entity=entity,
        words=[_word(word) for word in words],
        values={_word(key): to_json(value) for key, value in values.items()},
    )


def untag(kind: str, entity: str, keys: tuple[object, ...]) -> Event:
    """Words and keys taken away.

    Raises:
        TypeError: one is not text, or empty.
    """
    return tags_removed(kind=kind, entity=entity, keys=[_word(key) for key in keys])


def note(kind: str, entity: str, text: object) -> Event:
    """Free text.

    Raises:
        TypeError: it is not text.
    """
    if not isinstance(text, str):
        raise TypeError(f"a note is text; got {text!r} ({type(text).__name__})")
    return note_written(kind=kind, entity=entity, text=text)


def tag_mapping(tags: object) -> tuple[tuple[object, ...], dict[str, object]]:
    """``tags=`` as words and values: a mapping, or a word, or any collection of words.

    Raises:
        TypeError: it is none of these.
    """
    if isinstance(tags, str):
        return (tags,), {}
    if isinstance(tags, dict):
        return (), {_word(key): value for key, value in tags.items()}  # pyright: ignore[reportUnknownVariableType]
    if isinstance(tags, (list, tuple, set, frozenset)):
        return tuple(tags), {}  # pyright: ignore[reportUnknownVariableType]
    raise TypeError(f"tags={tags!r}: a mapping such as {{'team': 'vision'}} or a list of words is accepted")


def _word(word: object) -> str:
    if not isinstance(word, str) or not word:
        raise TypeError(f"a tag is a non-empty text; got {word!r}")
    return normal_text(word)
