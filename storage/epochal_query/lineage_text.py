"""A lineage as an indented tree of text."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from epochal_query.lineage_graph import Direction

_RUNS = ("Produced", "ContributedTo")
"""What runs record: it needs no word beside a component and an artifact."""


def tree(nodes: pd.DataFrame, edges: pd.DataFrame, starts: tuple[str, ...], direction: Direction) -> str:
    """One tree a start, below it what it was made from, or went into; what was shown already is not unfolded again."""
    rows = zip(nodes["id"], nodes["kind"], nodes["name"], nodes["detail"], strict=True)
    called = {id_: _Called(kind, name, detail) for id_, kind, name, detail in rows}
    lines: list[str] = []
    trees = [
        (word, _ways(edges, forward), set[str]())
        for forward, word in ((False, "made from"), (True, "went into"))
        if direction != ("ascendants" if forward else "descendants")
    ]
    for start in starts:
        lines.append(called[start].label)
        for word, ways, shown in trees:
            if direction == "both":
                lines.append(f"  {word}:")
            _unfold(called, ways, start, "    " if direction == "both" else "", shown, lines)
    return "\n".join(lines)


@dataclass(frozen=True)
class _Called:
    kind: str
    name: str
    detail: str

    @property
    def label(self) -> str:
        return f"{self.kind} {self.name}" + (f"  {self.detail}" if self.detail else "")


Ways = Mapping[str, Mapping[str, list[tuple[str, str]]]]
"""Of each node those that follow it, with relation and name of every edge to it."""


def _ways(edges: pd.DataFrame, forward: bool) -> Ways:
    found: dict[str, dict[str, list[tuple[str, str]]]] = {}
    for source, target, relation, name in zip(
        edges["source"], edges["target"], edges["relation"], edges["name"], strict=True
    ):
        here, there = (source, target) if forward else (target, source)
        found.setdefault(here, {}).setdefault(there, []).append((relation, name))
        if relation == "SameAs":
            found.setdefault(there, {}).setdefault(here, []).append((relation, name))
    return found


def _unfold(
    called: Mapping[str, _Called], ways: Ways, start: str, indent: str, shown: set[str], lines: list[str]
) -> None:
    if start in shown and ways.get(start):
        lines[-1] += "  (see above)"
        return
    shown.add(start)
    # an explicit stack: a chain of a hundred thousand steps must not exhaust Python's
    waiting = _below(called, ways, start, indent)[::-1]
    while waiting:
        id_, via, lead, inner = waiting.pop()
        again = id_ in shown
        below = _below(called, ways, id_, inner)
        lines.append(f"{lead}{called[id_].label}{via}" + ("  (see above)" if again and below else ""))
        if not again:
            shown.add(id_)
            waiting.extend(below[::-1])


def _below(called: Mapping[str, _Called], ways: Ways, id_: str, indent: str) -> list[tuple[str, str, str, str]]:
    found = ways.get(id_, {})
    rows: list[tuple[str, str, str, str]] = []
    for place, (other, edges) in enumerate(found.items()):
        last = place == len(found) - 1
        names = dict.fromkeys(name for relation, name in edges if relation in _RUNS and name != called[other].name)
        via = f"  as {', '.join(names)}" if names and called[other].kind == "artifact" else ""
        said = dict.fromkeys(relation for relation, name in edges if not name)
        via += f"  ({', '.join(said)})" if said else ""
        rows.append((other, via, f"{indent}{'└─ ' if last else '├─ '}", f"{indent}{'   ' if last else '│  '}"))
    return rows
