"""Keys of params: paths whose parts are joined by ``.``; in a part a backslash stands before ``.`` and backslash."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import cast

_ESCAPED = re.compile(r"\\(.)", re.DOTALL)


def split(key: str) -> list[str]:
    """The parts of a key, from the outside in."""
    parts, current, escaped = [], "", False
    for char in key:
        if escaped:
            current, escaped = current + char, False
        elif char == "\\":
            escaped = True
        elif char == ".":
            parts.append(current)
            current = ""
        else:
            current += char
    return [*parts, current]


def shown(key: str) -> str:
    """The key as people write it: without the escapes."""
    return _ESCAPED.sub(r"\1", key) if "\\" in key else key


def display_names(keys: Sequence[str]) -> dict[str, str]:
    """Key to the name to show: without escapes, unless two keys would then look alike."""
    alike: dict[str, int] = {}
    for key in keys:
        alike[shown(key)] = alike.get(shown(key), 0) + 1
    return {key: shown(key) if alike[shown(key)] == 1 else key for key in keys}


def meant(name: str, keys: Iterable[str]) -> tuple[str, ...]:
    """The keys that a caller's ``name`` can mean: the key itself, and every key that is shown so."""
    return tuple(key for key in keys if name in (key, shown(key)))


def nested(cells: Iterable[tuple[str, object]]) -> dict[str, object]:
    """The mapping that was taken apart into these cells."""
    root: dict[str, object] = {}
    for key, value in cells:
        parts = split(key)
        at = root
        for part in parts[:-1]:
            below = at.setdefault(part, {})
            if not isinstance(below, dict):
                raise AssertionError(f"the views show both {part!r} and something below it in {key!r}")
            at = below
        at[parts[-1]] = value
    return root


def cells(values: Mapping[str, object], above: str = "") -> Iterator[tuple[str, object]]:
    """A mapping taken apart, as params are: the key and value of each path, an empty mapping being a value."""
    for name, value in values.items():
        key = above + name.replace("\\", "\\\\").replace(".", "\\.")
        if isinstance(value, Mapping) and value:
            yield from cells(cast("Mapping[str, object]", value), f"{key}.")
        else:
            yield key, value


def touching(keys: str) -> str:
    """For `reading.at`: only statements at, above or below the keys in an SQL array; no others can hide these.

    The array must hold the keys :func:`with_those_above` them.
    """
    below = f"arrayExists(k -> startsWith(s.key, concat(k, '.')), {keys})"
    return f"AND (s.key IN {keys} OR (position(s.key, '.') > 0 AND {below}))"


def with_those_above(keys: Iterable[str]) -> list[str]:
    """The keys and every path above one of them."""
    return sorted({key[:end] for key in keys for end in [*_borders(key), len(key)]})


def _borders(key: str) -> list[int]:
    """Where the dots are that part a key."""
    escaped = {match.start() + 1 for match in _ESCAPED.finditer(key)}
    return [place for place, char in enumerate(key) if char == "." and place not in escaped]
