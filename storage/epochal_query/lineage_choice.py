"""Which of the reached nodes a lineage is about: by kind, type, time and properties."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import pandas as pd

from epochal_query.columns import decoded, id_texts, texts
from epochal_query.errors import FilterError
from epochal_query.lineage_graph import DIRECTIONS, RELATIONS, Direction
from epochal_query.lineage_index import KINDS
from epochal_query.reading import Reading, at
from epochal_query.times import When, parse_instant

Words = str | Collection[str]
"""One word or several."""


@dataclass(frozen=True)
class Choice:
    """What was asked for; None is everything. ``relations`` are the edges to follow, all else is about nodes."""

    direction: Direction = "ascendants"
    depth: int | None = None
    relations: tuple[str, ...] | None = None
    kinds: tuple[str, ...] | None = None
    types: tuple[str, ...] | None = None
    since: When | None = None
    until: When | None = None
    properties: Mapping[str, object] | None = None

    @property
    def of_nodes(self) -> bool:
        """Whether some nodes are wanted rather than all."""
        return any(one is not None for one in (self.kinds, self.types, self.since, self.until, self.properties))


def chosen(
    direction: object,
    depth: object,
    *,
    relations: object = None,
    kinds: object = None,
    types: object = None,
    since: When | None = None,
    until: When | None = None,
    properties: object = None,
) -> Choice:
    """The choice, checked.

    Raises FilterError: an argument that can't be understood.
    """
    if direction not in DIRECTIONS:
        raise FilterError(f"direction={direction!r} is not one: ascendants, descendants or both")
    if depth is not None and (isinstance(depth, bool) or not isinstance(depth, int) or depth < 0):
        raise FilterError(f"depth={depth!r} is not a number of steps: give a whole number from 0 on, or None for all")
    if properties is not None and not isinstance(properties, Mapping):
        raise FilterError(f"properties={properties!r}: a mapping of names to the values they must have is accepted")
    return Choice(
        direction,
        depth,
        _words("relations", relations, RELATIONS),
        _words("kinds", kinds, KINDS),
        _words("types", types, None),
        since,
        until,
        cast("Mapping[str, object] | None", properties),
    )


def _words(what: str, given: object, known: tuple[str, ...] | None) -> tuple[str, ...] | None:
    if given is None:
        return None
    listed: list[object] = (
        [given]
        if isinstance(given, str)
        else list(cast("Collection[object]", given))
        if isinstance(given, (list, tuple, set, frozenset))
        else []
    )
    wrong = [one for one in listed if not isinstance(one, str) or (known is not None and one not in known)]
    if wrong or not listed:
        accepted = f"one or several of {', '.join(known)}" if known else "a word or a list of words"
        raise FilterError(f"{what}={given!r}: {accepted} is accepted")
    return tuple(cast("list[str]", listed))


def wanted(reading: Reading, choice: Choice, nodes: pd.DataFrame) -> Any:
    """Which of the nodes are wanted, as a mask of the frame's rows.

    Raises TimeError: ``since`` or ``until`` is no time.
    """
    found = np.ones(len(nodes), np.bool_)
    if choice.kinds is not None:
        found &= nodes["kind"].isin(choice.kinds).to_numpy()
    if choice.types is not None:
        found &= nodes["type"].isin(choice.types).to_numpy()
    if choice.since is not None:
        found &= (nodes["created"] >= parse_instant(choice.since, reading.now, "since")).to_numpy()
    if choice.until is not None:
        found &= (nodes["created"] <= parse_instant(choice.until, reading.now, "until")).to_numpy()
    if choice.properties is not None:
        having = _having(reading, nodes[found], choice.properties)
        found &= nodes["id"].isin(having).to_numpy()
    return found


def _having(reading: Reading, nodes: pd.DataFrame, properties: Mapping[str, object]) -> set[str]:
    """The ids of those that have all these properties: of components their params, by path."""
    having: set[str] = set()
    for kind in ("action", "context"):
        ids = list(nodes["id"][nodes["kind"] == kind])
        if ids:
            table = reading.rows(
                f"""SELECT {kind} AS id, properties FROM {at(f"{kind}s")}
                    WHERE project = {{project:String}} AND {kind} IN {{ids:Array(UUID)}}""",
                ids=ids,
            )
            shown = zip(id_texts(table, "id"), texts(table, "properties"), strict=True)
            having |= {id_ for id_, text in shown if _fits(decoded(text) or {}, properties)}
    components = list(nodes["id"][nodes["kind"] == "component"])
    if components:
        table = reading.rows(
            f"""SELECT component, path, value FROM {at("params")}
                WHERE project = {{project:String}} AND component IN {{components:Array(UUID)}}
                  AND path IN {{paths:Array(String)}}""",
            components=components,
            paths=list(properties),
        )
        params: dict[str, dict[str, object]] = {}
        for id_, path, value in zip(
            *(id_texts(table, "component"), texts(table, "path"), texts(table, "value")), strict=True
        ):
            params.setdefault(id_, {})[path] = decoded(value)
        having |= {id_ for id_, said in params.items() if _fits(said, properties)}
    return having


def _fits(said: Mapping[str, object], asked: Mapping[str, object]) -> bool:
    """Whether all is there with the values asked for; 1 and 1.0 are the same, 1 and True aren't."""
    return all(
        key in said and said[key] == value and isinstance(said[key], bool) == isinstance(value, bool)
        for key, value in asked.items()
    )
