"""Ids from names: docs/ids.md has the rule and test vectors that never change.

An id is the UUIDv5, in a namespace of our own, of the RFC 8785 JSON array ``[project, kind, key...]``. So machines
that never heard of each other give the same experiment, trial and component the same id.
"""

from __future__ import annotations

import os
import time
import unicodedata
from collections.abc import Mapping
from typing import Final
from uuid import UUID, uuid5

from ._values import JSON, to_json, without_lone_surrogates

__all__ = [
    "NAMESPACE",
    "association_id",
    "component_id",
    "entity_id",
    "experiment_id",
    "normal_text",
    "normal_variables",
    "trial_id",
    "uuid7",
]

NAMESPACE: Final = UUID("b64fcd09-0d4b-5b6a-9a65-3e1f1d1c7a42")
"""The namespace of every id made from a name."""

_EXACT_INT: Final = 2**53 - 1
"""The greatest integer that RFC 8785 writes as a number."""


def uuid7() -> UUID:
    """A new UUIDv7: later ones sort after earlier ones, to a quarter of a microsecond."""
    nanoseconds = time.time_ns()
    milliseconds, rest = divmod(nanoseconds, 1_000_000)
    fraction = (rest << 12) // 1_000_000
    noise = int.from_bytes(os.urandom(8), "big") & (2**62 - 1)
    return UUID(int=(milliseconds & (2**48 - 1)) << 80 | 7 << 76 | fraction << 64 | 2 << 62 | noise)


def normal_text(text: str) -> str:
    """Unicode NFC; case and spaces are kept. A lone surrogate (no text in any encoding) becomes U+FFFD."""
    return unicodedata.normalize("NFC", without_lone_surrogates(text))


def normal_variables(variables: Mapping[str, object]) -> dict[str, JSON]:
    """The one form of a variable set, whatever types it was given in.

    1.0 is 1, -0.0 is 0, True is not 1, tuples are lists, NaN and infinities are their names, integers of 2^53 and
    beyond are text, NumPy scalars are the Python number that prints the same, text is NFC.

    Raises:
        ValueError: two names are the same in NFC.
    """
    normal = _normal(to_json(dict(variables)))
    assert isinstance(normal, dict)
    return normal


def experiment_id(project: str, name: str) -> UUID:
    """The id of the experiment of this name."""
    return _named(project, "experiment", normal_text(name))


def trial_id(project: str, experiment: UUID, variables: Mapping[str, JSON]) -> UUID:
    """The id of the trial with this variable set (see :func:`normal_variables`)."""
    return _named(project, "trial", str(experiment), dict(variables))


def component_id(project: str, key: str) -> UUID:
    """The id of the component with this key."""
    return _named(project, "component", normal_text(key))


def entity_id(project: str, kind: str, name: str) -> UUID:
    """The id of the action or the context (``kind``) of this name."""
    return _named(project, kind, normal_text(name))


def association_id(project: str, relation: str, source: tuple[str, str] | None, target: tuple[str, str]) -> UUID:
    """The id of the association of two ends, each a kind and an id; without a source of the only one to the target."""
    return _named(project, "association", relation, None if source is None else [*source], [*target])


def _named(project: str, kind: str, *key: JSON) -> UUID:
    import rfc8785  # 10 ms that an import of the SDK need not pay

    return uuid5(NAMESPACE, rfc8785.dumps([normal_text(project), kind, *key]).decode())


def _normal(value: JSON) -> JSON:
    if isinstance(value, str):
        return normal_text(value)
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, int):
        return value if abs(value) <= _EXACT_INT else str(value)
    if isinstance(value, float):
        return int(value) if value.is_integer() and abs(value) <= _EXACT_INT else value
    if isinstance(value, list):
        return [_normal(item) for item in value]
    if set(value) == {"$float"}:
        return {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}[str(value["$float"])]
    return _normal_mapping(value)


def _normal_mapping(value: dict[str, JSON]) -> dict[str, JSON]:
    normal: dict[str, JSON] = {}
    for key, item in value.items():
        name = normal_text(key)
        if name in normal:
            raise ValueError(f"two variables are called {name!r}: they differ only in how Unicode spells the name")
        normal[name] = _normal(item)
    return normal
