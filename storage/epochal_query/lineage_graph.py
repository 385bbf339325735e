"""The graph of what made what: components and artifacts, and what is reached from some of them."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

Direction = Literal["ascendants", "descendants", "both"]


@dataclass(frozen=True)
class Edge:
    """``source`` came before ``target``: a component (its id) and an artifact (its key), or two components, where the
    second is a fork of the first.
    """

    source: str
    target: str
    relation: str
    name: str


@dataclass(frozen=True)
class Node:
    """A component or an artifact, with what to call it."""

    id: str
    kind: Literal["component", "artifact"]
    name: str
    detail: str = ""


@dataclass(frozen=True)
class Graph:
    """All nodes and edges of a project that a read sees."""

    nodes: dict[str, Node]
    edges: tuple[Edge, ...]

    def around(self, starts: Iterable[str], direction: Direction, depth: int | None) -> Graph:
        """What is reached from the starts within ``depth`` steps (a step is one edge); cycles end where they close."""
        kept: set[Edge] = set()
        reached: set[str] = set(starts)
        for forward in (False, True):
            if direction == ("ascendants" if forward else "descendants"):
                continue
            ways = beside(self.edges, forward=forward)
            waiting = deque((start, 0) for start in reached if start in set(starts))
            seen = {start for start, _ in waiting}
            while waiting:
                at, steps = waiting.popleft()
                if depth is not None and steps >= depth:
                    continue
                for edge in ways.get(at, []):
                    kept.add(edge)
                    following = edge.target if forward else edge.source
                    if following not in seen:
                        seen.add(following)
                        waiting.append((following, steps + 1))
            reached |= seen
        nodes = {id_: node for id_, node in self.nodes.items() if id_ in reached}
        return Graph(nodes, tuple(edge for edge in self.edges if edge in kept))


def beside(edges: Iterable[Edge], *, forward: bool) -> dict[str, list[Edge]]:
    """The edges that lead on from each node."""
    found: dict[str, list[Edge]] = {}
    for edge in edges:
        found.setdefault(edge.source if forward else edge.target, []).append(edge)
    return found
